import { Histogram, type Metric } from '@holdfast/protocol';
import type { DeviceTime, Instant } from './device-time.ts';
import type { StoredTimer } from './run-store.ts';
import { TimerHeap } from './timer-heap.ts';

/** A busy process is late by milliseconds; one that was off, by hours. */
const LATE_SECONDS = [0.001, 0.01, 0.1, 1, 10, 60, 600, 3_600, 86_400];

export interface TimersParts {
  readonly time: DeviceTime;
  readonly onDue: (run: number, op: number) => void;
  /** The time has become known, or was set: those that follow it are to be given again. */
  readonly onTimeSet: () => void;
}

/**
 * Which timers are due next. Those of this boot count monotonic time: setting the clock neither
 * hurries nor delays one. Those of an earlier boot, and of the wall clock, follow what becomes
 * known of the time. However many runs sleep, they cost one wake-up.
 */
export class Timers {
  readonly #parts: TimersParts;
  #heap = new TimerHeap();
  #cancelWake: (() => void) | undefined;
  #wakeAtMonoMs = Number.POSITIVE_INFINITY;
  #stopFollowing: (() => void) | undefined;
  readonly #lateness = new Histogram(LATE_SECONDS);

  constructor(parts: TimersParts) {
    this.#parts = parts;
  }

  get size(): number {
    return this.#heap.size;
  }

  /** Arms the timer of an operation, or moves it. */
  arm(run: number, op: number, due: Instant): void {
    const { time, onTimeSet } = this.#parts;
    const follows = due.boot !== time.boot;
    if (follows) this.#stopFollowing ??= time.onChange(onTimeSet);
    this.#heap.set(run, op, time.monoAt(due), follows);
    if (this.#heap.nextMs < this.#wakeAtMonoMs) this.#wake();
  }

  /** Moves one that follows the time, if it is still there. */
  follow({ run, op, due }: StoredTimer): void {
    if (this.#heap.isFollowing(run, op)) this.arm(run, op, due);
  }

  disarm(run: number, op: number): void {
    this.#heap.delete(run, op);
  }

  metrics(): readonly Metric[] {
    const late = 'How late timers came to their turn.';
    return [this.#lateness.metric('timer_lateness_seconds', late)];
  }

  close(): void {
    this.#stopFollowing?.();
    this.#cancelWake?.();
    this.#cancelWake = undefined;
    this.#heap = new TimerHeap();
  }

  #wake(): void {
    this.#cancelWake?.();
    this.#cancelWake = undefined;
    this.#wakeAtMonoMs = this.#heap.nextMs;
    if (this.#heap.size === 0) return;
    const { time } = this.#parts;
    const delayMs = Math.max(0, this.#wakeAtMonoMs - time.monoMs());
    this.#cancelWake = time.wakeIn(delayMs, () => this.#fireDue());
  }

  #fireDue(): void {
    const { time, onDue } = this.#parts;
    const nowMs = time.monoMs();
    for (let dueMs = this.#heap.nextMs; dueMs <= nowMs; dueMs = this.#heap.nextMs) {
      const due = this.#heap.take(nowMs);
      if (due === undefined) break;
      this.#lateness.add((nowMs - dueMs) / 1_000);
      onDue(due.run, due.op);
    }
    this.#wake();
  }
}
