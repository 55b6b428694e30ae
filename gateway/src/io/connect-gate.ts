import type { Clock } from '@holdfast/protocol';

export interface ConnectGateOptions<T> {
  readonly clock: Clock;
  /** In no second more are let in. */
  readonly perS: number;
  /** How late the process is with what it has to do already. Default: never. */
  readonly lateMs?: (() => number) | undefined;
  readonly letIn: (who: T) => void;
  /** There is no room to wait: who comes later is more likely to be in time. */
  readonly sendAway: (who: T) => void;
}

/** Devices give up a connection that stays silent for 15 s: who waited longer is gone already. */
const WAIT_S_MAX = 8;
/** What a busy process has missed is made up for, so much of a second at most. */
const BURST = 1 / 20;
/** The pace falls fast where the process is late, and comes back slowly: so often, by so much. */
const LOOK_MS = 250;
const FALLS = 0.7;
const RISES = 1 / 40;
/**
 * So late, those who are in still have their acks long before they send again, which is after 5 s;
 * half of it, and there is room for more. A machine that is shared is often that late by itself.
 */
const LATE_MS_MAX = 1_000;
/** A twentieth of the pace at least: whoever comes is let in some time. */
const PACE_MIN = 1 / 20;

/**
 * Lets in who comes, in order and at a pace. Each connection costs a handshake and signatures: a
 * herd that is let in at once would take the processor from those who are connected, whose acks
 * come too late then, so that they connect again. Where even the pace is more than the processor
 * can do, it falls until those who are in are served in time. Nobody waits while it is kept to.
 */
export class ConnectGate<T> {
  readonly #options: ConnectGateOptions<T>;
  /** Since when each waits. */
  readonly #waiting = new Map<T, number>();
  /** Connections in a second, as many as can be done now. */
  #pace: number;
  #tokens: number;
  #countedAtMs: number;
  #lookedAtMs: number;
  #cancel: (() => void) | undefined;

  constructor(options: ConnectGateOptions<T>) {
    this.#options = options;
    this.#pace = options.perS;
    this.#tokens = this.#burst;
    this.#countedAtMs = options.clock.monoMs();
    this.#lookedAtMs = this.#countedAtMs;
  }

  come(who: T): void {
    if (this.#waiting.size >= this.#pace * WAIT_S_MAX) {
      this.#options.sendAway(who);
      return;
    }
    this.#waiting.set(who, this.#options.clock.monoMs());
    if (this.#cancel === undefined) this.#go();
  }

  /** It waits no more. */
  leave(who: T): void {
    this.#waiting.delete(who);
  }

  /** Nobody is let in any more. */
  close(): void {
    this.#cancel?.();
    for (const who of this.#waiting.keys()) this.#options.sendAway(who);
    this.#waiting.clear();
  }

  get #burst(): number {
    return Math.max(1, Math.floor(this.#pace * BURST));
  }

  #go(): void {
    this.#cancel = undefined;
    const { clock, letIn, sendAway } = this.#options;
    const nowMs = clock.monoMs();
    this.#look(nowMs);
    // With a burst before it, no second has more than the pace says.
    const rate = Math.max(this.#pace - this.#burst, this.#pace / 2) / 1_000;
    this.#tokens = Math.min(this.#burst, this.#tokens + (nowMs - this.#countedAtMs) * rate);
    this.#countedAtMs = nowMs;
    for (const [who, sinceMs] of this.#waiting) {
      if (this.#tokens < 1) break;
      this.#waiting.delete(who);
      // The pace has fallen since: what is done for it now would be done for nothing.
      if (nowMs - sinceMs > WAIT_S_MAX * 1_000) {
        sendAway(who);
        continue;
      }
      this.#tokens -= 1;
      letIn(who);
    }
    if (this.#waiting.size === 0) return;
    const pauseMs = Math.max(1, (1 - this.#tokens) / rate);
    this.#cancel = clock.wakeIn(pauseMs, () => this.#go());
  }

  /** Whether the pace can be kept to. */
  #look(nowMs: number): void {
    const looks = Math.floor((nowMs - this.#lookedAtMs) / LOOK_MS);
    if (looks === 0) return;
    this.#lookedAtMs = nowMs;
    const { perS, lateMs = () => 0 } = this.#options;
    const late = lateMs();
    if (late > LATE_MS_MAX) this.#pace = Math.max(1, perS * PACE_MIN, this.#pace * FALLS);
    else if (late < LATE_MS_MAX / 2) {
      this.#pace = Math.min(perS, this.#pace + looks * perS * RISES);
    }
  }
}
