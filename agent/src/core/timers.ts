import type { Clock } from '@holdfast/protocol';

interface Timer {
  readonly run: number;
  readonly op: number;
  readonly dueMonoMs: number;
  /** Another timer of the same run. */
  next: Timer | undefined;
}

/**
 * Which timers are due next. Counts monotonic time only: setting the clock neither hurries nor
 * delays one. A binary heap, so that a hundred thousand sleeping runs cost one wake-up; one object
 * a timer and no text, so that they cost little memory.
 */
export class Timers {
  readonly #clock: Clock;
  readonly #onDue: (run: number, op: number) => void;
  readonly #heap: Timer[] = [];
  /** The armed ones, by run. What is in the heap and not here was disarmed or moved. */
  readonly #armed = new Map<number, Timer>();
  #size = 0;
  #cancelWake: (() => void) | undefined;
  #wakeAtMonoMs = Number.POSITIVE_INFINITY;

  constructor(clock: Clock, onDue: (run: number, op: number) => void) {
    this.#clock = clock;
    this.#onDue = onDue;
  }

  get size(): number {
    return this.#size;
  }

  /** Arms the timer of an operation, or moves it. `delayMs` below 0: overdue by that much. */
  arm(run: number, op: number, delayMs: number): void {
    this.disarm(run, op);
    const dueMonoMs = this.#clock.monoMs() + delayMs;
    const timer: Timer = { run, op, dueMonoMs, next: this.#armed.get(run) };
    this.#armed.set(run, timer);
    this.#size += 1;
    this.#push(timer);
    if (timer.dueMonoMs < this.#wakeAtMonoMs) this.#wake();
  }

  disarm(run: number, op: number): void {
    // Its place in the heap is dropped when it comes up.
    let before: Timer | undefined;
    for (let timer = this.#armed.get(run); timer; before = timer, timer = timer.next) {
      if (timer.op !== op) continue;
      if (before !== undefined) before.next = timer.next;
      else if (timer.next !== undefined) this.#armed.set(run, timer.next);
      else this.#armed.delete(run);
      this.#size -= 1;
      return;
    }
  }

  close(): void {
    this.#cancelWake?.();
    this.#cancelWake = undefined;
    this.#armed.clear();
    this.#size = 0;
    this.#heap.length = 0;
  }

  #isArmed(timer: Timer): boolean {
    let each = this.#armed.get(timer.run);
    while (each !== undefined && each !== timer) each = each.next;
    return each !== undefined;
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
      if (!this.#isArmed(next)) continue;
      this.disarm(next.run, next.op);
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
