import type { Clock, Log } from '@holdfast/protocol';

/** How long the last commits took to reach stable storage, ms. */
export interface SyncTimesView {
  /** Of so many of them. */
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  /** That of the commit that is at work is among them, as far as it has come. */
  readonly max: number;
}

/** So many of the last commits are looked at. */
const KEPT = 256;
/** A card that is well takes 5 to 50 ms; one that is dying, seconds. */
const SLOW_MS = 2_000;
/** A slow commit is told of for so long, and written to the log once in that time. */
const TOLD_MS = 600_000;

/** Measures the one commit at a time that a journal makes. */
export class SyncTimes {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #onWritten: (tookMs: number, isWell: boolean) => void;
  readonly #tookMs = new Float64Array(KEPT);
  #count = 0;
  #beganMs: number | undefined;
  /** The longest one that is told of. */
  #slow = { tookMs: 0, atMs: -TOLD_MS };
  #loggedMs = -TOLD_MS;

  /** `onWritten`: told of each write that has ended, well or not. */
  constructor(
    clock: Clock,
    log: Log,
    onWritten: (tookMs: number, isWell: boolean) => void = () => {},
  ) {
    this.#clock = clock;
    this.#log = log;
    this.#onWritten = onWritten;
  }

  /** A write begins. */
  begin(): void {
    this.#beganMs = this.#clock.monoMs();
  }

  /** It has ended, well or not. */
  end(isWell: boolean): void {
    const endedMs = this.#clock.monoMs();
    const tookMs = endedMs - (this.#beganMs ?? endedMs);
    this.#beganMs = undefined;
    this.#add(tookMs, endedMs);
    this.#onWritten(tookMs, isWell);
  }

  /** The longest of the last minutes that took too long; `undefined`: none did. */
  slowMs(): number | undefined {
    const past = this.#isTold(this.#clock.monoMs()) ? this.#slow.tookMs : 0;
    const longest = Math.max(past, this.#atWorkMs());
    return longest >= SLOW_MS ? longest : undefined;
  }

  /** `undefined`: there was none. */
  view(): SyncTimesView | undefined {
    const count = Math.min(this.#count, KEPT);
    const atWork = this.#atWorkMs();
    if (count === 0 && atWork === 0) return undefined;
    const sorted = this.#tookMs.slice(0, count).toSorted();
    const at = (part: number): number => sorted[Math.ceil(part * count) - 1] ?? atWork;
    return { count, p50: at(0.5), p99: at(0.99), max: Math.max(at(1), atWork) };
  }

  #isTold(nowMs: number): boolean {
    return nowMs - this.#slow.atMs < TOLD_MS;
  }

  #atWorkMs(): number {
    return this.#beganMs === undefined ? 0 : this.#clock.monoMs() - this.#beganMs;
  }

  #add(tookMs: number, nowMs: number): void {
    this.#tookMs[this.#count % KEPT] = tookMs;
    this.#count += 1;
    if (tookMs < SLOW_MS) return;
    if (!this.#isTold(nowMs) || tookMs >= this.#slow.tookMs) this.#slow = { tookMs, atMs: nowMs };
    if (nowMs - this.#loggedMs < TOLD_MS) return;
    this.#loggedMs = nowMs;
    this.#log.error('the disk is slow', { syncMs: Math.round(tookMs) });
  }
}
