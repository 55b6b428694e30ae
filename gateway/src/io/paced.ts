import type { Clock } from '@holdfast/protocol';

/** More is dropped: whatever the gateway says is said again. */
const WAITING_MAX = 4_096;

/** How much may be done. Infinite: any number. */
export interface Pace {
  readonly perS: number;
  readonly bytesPerS: number;
  /** Begun and not ended. */
  readonly atOnce: number;
  readonly bytesAtOnce: number;
}

/** Begins something; calls back once it has ended. */
export type PacedWork = (ended: () => void) => void;

/** Does things evenly, no more than so many in a second and at once, in the order of asking. */
export class Paced {
  readonly #clock: Clock;
  readonly #pace: Pace;
  /** What the other end says of `atOnce`. */
  #toldAtOnce = Number.POSITIVE_INFINITY;
  #waiting: { readonly work: PacedWork; readonly bytes: number }[] = [];
  #underWay = 0;
  #bytesUnderWay = 0;
  /** What was begun before all was forgotten does not count any more. */
  #life = 0;
  #nextAtMs = 0;
  #cancel: (() => void) | undefined;

  constructor(clock: Clock, pace: Pace) {
    this.#clock = clock;
    this.#pace = pace;
  }

  /** @param bytes Of what it sends. */
  do(work: PacedWork, bytes: number): void {
    if (this.#waiting.length >= WAITING_MAX) return;
    this.#waiting.push({ work, bytes });
    if (this.#cancel === undefined) this.#go();
  }

  /** No more than so many are begun and not ended from now on, whatever was said before. */
  limit(atOnce: number): void {
    this.#toldAtOnce = atOnce;
  }

  /** Forgets what waits, and what is under way. */
  clear(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#waiting = [];
    this.#underWay = 0;
    this.#bytesUnderWay = 0;
    this.#life += 1;
  }

  #go(): void {
    this.#cancel = undefined;
    const nowMs = this.#clock.monoMs();
    // Timers are late by a little: what was missed by that is made up for.
    while (this.#hasRoom() && this.#nextAtMs <= nowMs) {
      const spaceMs = this.#spaceMs();
      this.#nextAtMs = Math.max(this.#nextAtMs, nowMs - spaceMs) + spaceMs;
      this.#begin();
    }
    if (!this.#hasRoom()) return;
    this.#cancel = this.#clock.wakeIn(this.#nextAtMs - nowMs, () => this.#go());
  }

  /** Between the first that waits and what comes behind it. */
  #spaceMs(): number {
    const { perS, bytesPerS } = this.#pace;
    const { bytes = 0 } = this.#waiting[0] ?? {};
    return 1_000 * Math.max(1 / perS, bytes / bytesPerS);
  }

  #hasRoom(): boolean {
    const [next] = this.#waiting;
    const atOnce = Math.min(this.#pace.atOnce, this.#toldAtOnce);
    if (next === undefined || this.#underWay >= atOnce) return false;
    return this.#underWay === 0 || this.#bytesUnderWay + next.bytes <= this.#pace.bytesAtOnce;
  }

  #begin(): void {
    const next = this.#waiting.shift();
    if (next === undefined) return;
    const life = this.#life;
    let isUnderWay = true;
    this.#underWay += 1;
    this.#bytesUnderWay += next.bytes;
    next.work(() => {
      if (!isUnderWay || life !== this.#life) return;
      isUnderWay = false;
      this.#underWay -= 1;
      this.#bytesUnderWay -= next.bytes;
      if (this.#cancel === undefined) this.#go();
    });
  }
}
