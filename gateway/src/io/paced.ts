import type { Clock } from '@holdfast/protocol';

/** More is dropped: whatever the gateway says is said again. */
const WAITING_MAX = 4_096;

/** How much may be done. Infinite: any number. */
export interface Pace {
  readonly perS: number;
  /** Begun and not ended. */
  readonly atOnce: number;
}

/** Begins something; calls back once it has ended. */
export type PacedWork = (ended: () => void) => void;

/** Does things evenly, no more than so many in a second and at once, in the order of asking. */
export class Paced {
  readonly #clock: Clock;
  readonly #spaceMs: number;
  readonly #atOnce: number;
  #waiting: PacedWork[] = [];
  #underWay = 0;
  /** What was begun before all was forgotten does not count any more. */
  #life = 0;
  #nextAtMs = 0;
  #cancel: (() => void) | undefined;

  constructor(clock: Clock, { perS, atOnce }: Pace) {
    this.#clock = clock;
    this.#spaceMs = 1_000 / perS;
    this.#atOnce = atOnce;
  }

  do(work: PacedWork): void {
    if (this.#waiting.length >= WAITING_MAX) return;
    this.#waiting.push(work);
    if (this.#cancel === undefined) this.#go();
  }

  /** Forgets what waits, and what is under way. */
  clear(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#waiting = [];
    this.#underWay = 0;
    this.#life += 1;
  }

  #go(): void {
    this.#cancel = undefined;
    const nowMs = this.#clock.monoMs();
    // Timers are late by a little: what was missed by that is made up for.
    while (this.#hasRoom() && this.#nextAtMs <= nowMs) {
      this.#nextAtMs = Math.max(this.#nextAtMs, nowMs - this.#spaceMs) + this.#spaceMs;
      this.#begin();
    }
    if (!this.#hasRoom()) return;
    this.#cancel = this.#clock.wakeIn(this.#nextAtMs - nowMs, () => this.#go());
  }

  #hasRoom(): boolean {
    return this.#waiting.length > 0 && this.#underWay < this.#atOnce;
  }

  #begin(): void {
    const work = this.#waiting.shift();
    const life = this.#life;
    let isUnderWay = true;
    this.#underWay += 1;
    work?.(() => {
      if (!isUnderWay || life !== this.#life) return;
      isUnderWay = false;
      this.#underWay -= 1;
      if (this.#cancel === undefined) this.#go();
    });
  }
}
