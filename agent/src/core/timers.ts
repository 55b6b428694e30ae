import type { Clock } from '@holdfast/protocol';

interface Timer {
  readonly key: string;
  readonly run: number;
  readonly op: number;
  readonly dueMonoMs: number;
}

/**
 * Which timers are due next. Counts monotonic time only: setting the clock neither hurries nor
 * delays one. A binary heap, so that a hundred thousand sleeping runs cost one wake-up.
 */
export class Timers {
  readonly #clock: Clock;
  readonly #onDue: (run: number, op: number) => void;
  readonly #heap: Timer[] = [];
  readonly #armed = new Map<string, Timer>();
  #cancelWake: (() => void) | undefined;
  #wakeAtMonoMs = Number.POSITIVE_INFINITY;

  constructor(clock: Clock, onDue: (run: number, op: number) => void) {
    this.#clock = clock;
    this.#onDue = onDue;
  }

  get size(): number {
    return this.#armed.size;
  }

  /** Arms the timer of an operation, or moves it. `delayMs` below 0: overdue by that much. */
  arm(run: number, op: number, delayMs: number): void {
    const key = `${run}/${op}`;
    const timer = { key, run, op, dueMonoMs: this.#clock.monoMs() + delayMs };
    this.#armed.set(key, timer);
    this.#push(timer);
    if (timer.dueMonoMs < this.#wakeAtMonoMs) this.#wake();
  }

  disarm(run: number, op: number): void {
    // Its place in the heap is dropped when it comes up.
    this.#armed.delete(`${run}/${op}`);
  }

  close(): void {
    this.#cancelWake?.();
    this.#cancelWake = undefined;
    this.#armed.clear();
    this.#heap.length = 0;
  }

  #wake(): void {
    this.#cancelWake?.();
    this.#cancelWake = undefined;
    const next = this.#heap[0];
    this.#wakeAtMonoMs = next?.dueMonoMs ?? Number.POSITIVE_INFINITY;
    if (next === undefined) return;
    const delayMs = Math.max(0, next.dueMonoMs - this.#clock.monoMs());
    this.#cancelWake = this.#clock.wakeIn(delayMs, () => this.#fireDue());
  }

  #fireDue(): void {
    const now = this.#clock.monoMs();
    for (let next = this.#heap[0]; next && next.dueMonoMs <= now; next = this.#heap[0]) {
      this.#pop();
      if (this.#armed.get(next.key) !== next) continue;
      this.#armed.delete(next.key);
      this.#onDue(next.run, next.op);
    }
    this.#wake();
  }

  #push(timer: Timer): void {
    const heap = this.#heap;
    let at = heap.push(timer) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || above.dueMonoMs <= timer.dueMonoMs) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = timer;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      const left = 2 * at + 1;
      const right = left + 1;
      const [l, r] = [heap[left], heap[right]];
      const child = r !== undefined && l !== undefined && r.dueMonoMs < l.dueMonoMs ? right : left;
      const below = heap[child];
      if (below === undefined || below.dueMonoMs >= last.dueMonoMs) break;
      heap[at] = below;
      at = child;
    }
    heap[at] = last;
  }
}
