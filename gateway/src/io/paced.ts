import type { Clock } from '@holdfast/protocol';

/** More is dropped: whatever the gateway says is said again. */
const WAITING_MAX = 4_096;

/** Does things evenly, no more than so many in a second, in the order in which they were asked. */
export class Paced {
  readonly #clock: Clock;
  readonly #spaceMs: number;
  readonly #waiting: (() => void)[] = [];
  #nextAtMs = 0;
  #cancel: (() => void) | undefined;

  /** @param perS Infinite: everything at once. */
  constructor(clock: Clock, perS: number) {
    this.#clock = clock;
    this.#spaceMs = 1_000 / perS;
  }

  do(work: () => void): void {
    if (this.#spaceMs === 0) return work();
    if (this.#waiting.length >= WAITING_MAX) return;
    this.#waiting.push(work);
    if (this.#cancel === undefined) this.#go();
  }

  /** Forgets what waits. */
  clear(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#waiting.length = 0;
  }

  #go(): void {
    this.#cancel = undefined;
    const nowMs = this.#clock.monoMs();
    // Timers are late by a little: what was missed by that is made up for.
    while (this.#waiting.length > 0 && this.#nextAtMs <= nowMs) {
      this.#nextAtMs = Math.max(this.#nextAtMs, nowMs - this.#spaceMs) + this.#spaceMs;
      this.#waiting.shift()?.();
    }
    if (this.#waiting.length === 0) return;
    this.#cancel = this.#clock.wakeIn(this.#nextAtMs - nowMs, () => this.#go());
  }
}
