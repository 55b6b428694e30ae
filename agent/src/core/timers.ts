import type { Clock } from '@holdfast/protocol';
import { TimerHeap } from './timer-heap.ts';

/**
 * Which timers are due next. Counts monotonic time only: setting the clock neither hurries nor
 * delays one. However many runs sleep, they cost one wake-up.
 */
export class Timers {
  readonly #clock: Clock;
  readonly #onDue: (run: number, op: number) => void;
  #heap = new TimerHeap();
  #cancelWake: (() => void) | undefined;
  #wakeAtMonoMs = Number.POSITIVE_INFINITY;

  constructor(clock: Clock, onDue: (run: number, op: number) => void) {
    this.#clock = clock;
    this.#onDue = onDue;
  }

  get size(): number {
    return this.#heap.size;
  }

  /** Arms the timer of an operation, or moves it. `delayMs` below 0: overdue by that much. */
  arm(run: number, op: number, delayMs: number): void {
    this.#heap.set(run, op, this.#clock.monoMs() + delayMs);
    if (this.#heap.nextMs < this.#wakeAtMonoMs) this.#wake();
  }

  disarm(run: number, op: number): void {
    this.#heap.delete(run, op);
  }

  close(): void {
    this.#cancelWake?.();
    this.#cancelWake = undefined;
    this.#heap = new TimerHeap();
  }

  #wake(): void {
    this.#cancelWake?.();
    this.#cancelWake = undefined;
    this.#wakeAtMonoMs = this.#heap.nextMs;
    if (this.#heap.size === 0) return;
    const delayMs = Math.max(0, this.#wakeAtMonoMs - this.#clock.monoMs());
    this.#cancelWake = this.#clock.wakeIn(delayMs, () => this.#fireDue());
  }

  #fireDue(): void {
    const nowMs = this.#clock.monoMs();
    for (let due = this.#heap.take(nowMs); due !== undefined; due = this.#heap.take(nowMs)) {
      this.#onDue(due.run, due.op);
    }
    this.#wake();
  }
}
