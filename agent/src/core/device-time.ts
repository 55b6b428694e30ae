import type { Clock, Log, Store, StoreOp } from '@holdfast/protocol';
import { bootOps, currentBoot, readBoots, type Boot, type TimeSource } from './boots.ts';
import { lastStamp, type Stamp } from './last-stamp.ts';

/** A moment by the clock of a boot that is never set; boot 0: by the wall clock. */
export interface Instant {
  readonly boot: number;
  /** Since that boot began; for boot 0, since 1970. */
  readonly ms: number;
}

/** The boot of moments of the wall clock. */
export const WALL = 0;

/** This version did not exist before: a clock that says so has not been set. */
export const RELEASED_AT_MS = Date.UTC(2026, 0, 1);
/** A clock that is further ahead of what is known is wrong: nobody is off for so long. */
const AHEAD_MS_MAX = 10 * 366 * 86_400_000;
/** What wall and monotonic time may differ by between two looks without it being a jump. */
const SET_MS = 2_000;
/** How much a monotonic clock is off in a while: 200 ppm, of which a bad crystal has 100. */
const DRIFT = 200e-6;
/** A wall clock that was set is noticed within this time. */
const WATCH_MS = 10_000;

/** The gateway's word: what time it was at a moment of this boot. */
interface Word {
  /** Wall time at the begin of this boot. */
  readonly startedAtMs: number;
  readonly errorMs: number;
  readonly monoMs: number;
}

export interface TimeParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly store: Store;
  /** What the machine calls the boot it is in; empty: it has no name for it. */
  readonly machineBoot: string;
}

/**
 * What time it is, as far as a device can know, and how long ago something was.
 *
 * The wall clock of a device may be wrong by decades, and be set at any moment. What is certain is
 * the monotonic clock of this boot. So how long ago a moment of this boot was is exact; of a moment
 * of an earlier boot it is known how long the machine was up since, and, where the time was known
 * in both boots, how long it was off. What is said to have passed has passed: never more.
 */
export class DeviceTime implements Clock {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #past: ReadonlyMap<number, Boot>;
  readonly #last: Stamp | undefined;
  readonly #listeners = new Set<() => void>();
  readonly #oldest: Boot;
  /** When all of these boots would have begun, at the earliest, by the gateway's word. */
  readonly #provenMs: number;
  /** The last earlier boot in which the wall clock was set. */
  readonly #setLast: number;
  #boot: Boot;
  #word: Word | undefined;
  /** Wall minus monotonic time at the last look. */
  #offsetMs: number;
  #wasSet = false;
  #save: (ops: readonly StoreOp[]) => void = () => {};
  #cancelWatch: (() => void) | undefined;
  #cancelTell: (() => void) | undefined;

  private constructor(parts: TimeParts, past: readonly Boot[], current: Boot, last?: Stamp) {
    this.#clock = parts.clock;
    this.#log = parts.log;
    this.#past = new Map(past.map((boot) => [boot.number, boot]));
    this.#oldest = past[0] ?? current;
    this.#provenMs = Math.max(
      ...past.map((boot) =>
        boot.source === 'gateway' ? boot.startedAtMs - boot.errorMs - boot.upBeforeMs : -Infinity,
      ),
    );
    this.#setLast = Math.max(...past.map(({ number, wasSet }) => (wasSet ? number : 0)));
    this.#boot = current;
    this.#last = last;
    this.#offsetMs = parts.clock.nowMs() - parts.clock.monoMs();
    if (current.source === 'gateway') this.#word = { ...current, monoMs: current.seenMs };
    // Set while no process of ours was there.
    const byMs = this.#offsetMs - current.wallStartedAtMs;
    this.#wasSet = current.wasSet || Math.abs(byMs) > SET_MS;
  }

  /** Finds out which boot this is. It is in the store once this resolves. */
  static async open(parts: TimeParts): Promise<DeviceTime> {
    const { clock, store, machineBoot } = parts;
    const boots = await readBoots(store);
    const stamp = await lastStamp(store);
    const machine = { name: machineBoot, monoMs: clock.monoMs(), wallMs: clock.nowMs() };
    const current = currentBoot(boots.at(-1), machine, stamp);
    const past = boots.filter(({ number }) => number < current.number);
    const time = new DeviceTime(parts, past, current, stamp);
    time.#boot = time.#asKnown();
    await store.write(bootOps(time.#boot));
    return time;
  }

  /** Number of the boot of the machine, from 1. */
  get boot(): number {
    return this.#boot.number;
  }

  get source(): TimeSource {
    if (this.#word !== undefined) return 'gateway';
    return this.#isBelievable(this.#look()) ? 'system' : 'none';
  }

  /** Whether `nowMs` is the time and not only a moment before it. */
  get isTrusted(): boolean {
    return this.source !== 'none';
  }

  /** How far the system's wall clock is ahead of what this takes for the time. */
  get wallAheadMs(): number {
    return this.#clock.nowMs() - this.nowMs();
  }

  /** The time; while it is not known, the earliest that it can be. */
  nowMs(): number {
    const wallMs = this.#look();
    const monoMs = this.#clock.monoMs();
    const told = this.#word;
    if (told !== undefined) {
      const toldMs = told.startedAtMs + monoMs;
      const doubtMs = told.errorMs + SET_MS + (monoMs - told.monoMs) * DRIFT;
      return Math.abs(wallMs - toldMs) <= doubtMs ? wallMs : Math.round(toldMs);
    }
    return this.#isBelievable(wallMs) ? wallMs : Math.round(this.#earliestMs());
  }

  monoMs(): number {
    return this.#clock.monoMs();
  }

  wakeIn(delayMs: number, wake: () => void, patience?: 'patient'): () => void {
    return this.#clock.wakeIn(delayMs, wake, patience);
  }

  /** The moment that is so far ahead. */
  after(delayMs: number): Instant {
    return { boot: this.boot, ms: Math.ceil(this.#clock.monoMs() + delayMs) };
  }

  /** How long it is until a moment, at most; below 0: since when it is past, at least. */
  untilMs({ boot, ms }: Instant): number {
    return boot === WALL ? ms - this.nowMs() : -this.sinceMs({ boot, ms });
  }

  /** A moment as one of this boot; one of the past may be before its begin. */
  monoAt(instant: Instant): number {
    if (instant.boot === this.boot) return instant.ms;
    return this.#clock.monoMs() + this.untilMs(instant);
  }

  /** How long ago a moment of a boot was, at least. `isProven`: by the gateway's word alone. */
  sinceMs({ boot, ms }: Instant, isProven = false): number {
    const monoMs = this.#clock.monoMs();
    if (boot === this.boot) return monoMs - ms;
    // Of a boot that is forgotten nothing is known but that it was before the others.
    const then = this.#past.get(boot) ?? { ...this.#oldest, source: 'none' };
    const upMs = this.#boot.upBeforeMs + monoMs - then.upBeforeMs - ms;
    // A clock that was set in a boot between the two is another one.
    const isTold = isProven || this.#setLast > then.number;
    const startedMs = startedApartMs(then, this.#asKnown(), isTold);
    return startedMs === undefined ? upMs : Math.max(upMs, startedMs + monoMs - ms);
  }

  /** It is certain that it is not earlier: by the gateway's word, of this boot or one before. */
  notBeforeMs(): number {
    const monoMs = this.#clock.monoMs();
    const notBeforeMs = this.#provenMs + this.#boot.upBeforeMs + monoMs;
    const told = this.#word;
    const toldMs = told === undefined ? 0 : told.startedAtMs - told.errorMs + monoMs;
    return Math.max(RELEASED_AT_MS, notBeforeMs, toldMs);
  }

  /**
   * The gateway has said what time it is.
   *
   * @param roundTripMs Between the question and the answer, which has just come.
   */
  heard(gatewayMs: number, roundTripMs: number): void {
    const monoMs = this.#clock.monoMs();
    const errorMs = roundTripMs / 2;
    const word = { startedAtMs: gatewayMs + errorMs - monoMs, errorMs, monoMs };
    const known = this.#word;
    if (known !== undefined) {
      const knownErrorMs = known.errorMs + (monoMs - known.monoMs) * DRIFT;
      const byMs = Math.abs(known.startedAtMs - word.startedAtMs);
      const agrees = byMs <= knownErrorMs + errorMs;
      if (agrees && knownErrorMs <= errorMs) return;
    }
    const before = this.nowMs();
    this.#word = word;
    const byMs = this.nowMs() - before;
    if (known === undefined || Math.abs(byMs) > SET_MS) {
      this.#log.info('the gateway has told the time', { byMs: Math.round(byMs) });
      this.#changed();
    }
  }

  /**
   * Calls `listener` after the time has become known or was set, within 10 s. @returns Stops.
   */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    this.#watch();
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size > 0) return;
      this.#cancelWatch?.();
      this.#cancelWatch = undefined;
    };
  }

  /** From now on, what becomes known of this boot is written with `save`. */
  saveWith(save: (ops: readonly StoreOp[]) => void): void {
    this.#save = save;
  }

  close(): void {
    this.#listeners.clear();
    this.#cancelWatch?.();
    this.#cancelTell?.();
  }

  #watch(): void {
    this.#cancelWatch ??= this.#clock.wakeIn(WATCH_MS, () => {
      this.#cancelWatch = undefined;
      this.#look();
      if (this.#listeners.size > 0) this.#watch();
    });
  }

  /** The wall clock; notices that it was set. */
  #look(): number {
    const wallMs = this.#clock.nowMs();
    const offsetMs = wallMs - this.#clock.monoMs();
    const byMs = offsetMs - this.#offsetMs;
    if (Math.abs(byMs) > SET_MS) {
      this.#wasSet = true;
      this.#log.info('the clock was set', { byMs: Math.round(byMs) });
      this.#changed();
    }
    this.#offsetMs = offsetMs;
    return wallMs;
  }

  #changed(): void {
    // Not within the call that has noticed it: that one is about to use the time.
    this.#cancelTell ??= this.#clock.wakeIn(0, () => {
      this.#cancelTell = undefined;
      this.#boot = this.#asKnown();
      this.#save(bootOps(this.#boot));
      for (const listener of [...this.#listeners]) listener();
    });
  }

  /**
   * A wall clock that was not set while it was watched is believed if it is not behind what was
   * journaled last.
   */
  #isBelievable(wallMs: number): boolean {
    const journaledAtMs = this.#last?.atMs ?? 0;
    if (wallMs < this.notBeforeMs()) return false;
    if (wallMs > Math.max(journaledAtMs, RELEASED_AT_MS) + AHEAD_MS_MAX) return false;
    return this.#wasSet || wallMs >= journaledAtMs;
  }

  #earliestMs(): number {
    const last = this.#last;
    const sinceMs = last === undefined ? 0 : this.#upSinceMs(last);
    return Math.max(this.notBeforeMs(), (last?.atMs ?? 0) + sinceMs);
  }

  #upSinceMs({ boot, monoMs }: Stamp): number {
    const then = boot === this.boot ? this.#boot : this.#past.get(boot);
    if (then === undefined) return 0;
    return this.#boot.upBeforeMs + this.#clock.monoMs() - then.upBeforeMs - monoMs;
  }

  /** This boot, with what is known of it now. */
  #asKnown(): Boot {
    const seenMs = this.#clock.monoMs();
    const word = this.#word;
    const [wallStartedAtMs, wasSet] = [this.#offsetMs, this.#wasSet];
    const boot = { ...this.#boot, seenMs, wallStartedAtMs, wasSet };
    if (word !== undefined) return { ...boot, ...rounded(word), source: 'gateway' };
    const wallMs = this.#clock.nowMs();
    if (!this.#isBelievable(wallMs)) return { ...boot, source: 'none', startedAtMs: 0, errorMs: 0 };
    const startedAtMs = Math.max(0, Math.round(wallMs - seenMs));
    return { ...boot, source: 'system', startedAtMs, errorMs: 0 };
  }
}

/**
 * How long after a boot a later one began, at least; `undefined`: nobody knows how long the machine
 * was off.
 *
 * The gateway's word counts, and the machine's own clock where it was not set in between: a step
 * forward may be that of a time server, or a mistake. Nor does a clock count that was behind in the
 * earlier boot, and that somebody has mended since. `isTold`: only the gateway's word counts.
 */
function startedApartMs(then: Boot, now: Boot, isTold: boolean): number | undefined {
  const toldMs = now.startedAtMs - then.startedAtMs - then.errorMs - now.errorMs;
  if (then.source === 'gateway' && now.source === 'gateway') return toldMs;
  if (isTold || then.source === 'none' || now.source === 'none' || now.wasSet) return undefined;
  const areRight = [then, now].every(({ startedAtMs, wallStartedAtMs, errorMs }) => {
    return Math.abs(startedAtMs - wallStartedAtMs) <= SET_MS + errorMs;
  });
  if (!areRight) return undefined;
  if (then.source === 'gateway') return toldMs;
  return then.wasSet ? undefined : now.wallStartedAtMs - then.wallStartedAtMs;
}

function rounded({ startedAtMs, errorMs }: Word) {
  return { startedAtMs: Math.max(0, Math.round(startedAtMs)), errorMs: Math.ceil(errorMs) };
}
