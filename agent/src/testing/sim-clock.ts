import type { Clock } from '@holdfast/protocol';

interface Wake {
  readonly dueMs: number;
  readonly wake: () => void;
}

/** Virtual time: stands still until it is told to go on. */
export class SimClock implements Clock {
  #monoMs = 0;
  /** Wall time minus monotonic time. */
  #offsetMs: number;
  readonly #wakes = new Set<Wake>();

  constructor(startAtMs = Date.UTC(2026, 0, 1)) {
    this.#offsetMs = startAtMs;
  }

  nowMs(): number {
    return this.#offsetMs + this.#monoMs;
  }

  monoMs(): number {
    return this.#monoMs;
  }

  /** How long it is until the next wake-up, ms; `undefined`: none is awaited. */
  get nextInMs(): number | undefined {
    const next = this.#nextDue(Number.POSITIVE_INFINITY);
    return next && Math.max(0, next.dueMs - this.#monoMs);
  }

  /** How many wake-ups are awaited. */
  get pending(): number {
    return this.#wakes.size;
  }

  wakeIn(delayMs: number, wake: () => void): () => void {
    const entry = { dueMs: this.#monoMs + Math.max(0, delayMs), wake };
    this.#wakes.add(entry);
    return () => this.#wakes.delete(entry);
  }

  /** Sets the wall clock; monotonic time does not notice. */
  setWall(atMs: number): void {
    this.#offsetMs = atMs - this.#monoMs;
  }

  /** Lets time pass. Wake-ups come at their time, each followed by all that it sets off. */
  async advance(ms: number): Promise<void> {
    const endMs = this.#monoMs + ms;
    await turn();
    for (let next = this.#nextDue(endMs); next; next = this.#nextDue(endMs)) {
      this.#monoMs = Math.max(this.#monoMs, next.dueMs);
      this.#wakes.delete(next);
      next.wake();
      await turn();
    }
    this.#monoMs = endMs;
  }

  #nextDue(endMs: number): Wake | undefined {
    let first: Wake | undefined;
    for (const wake of this.#wakes) {
      if (wake.dueMs <= endMs && (first === undefined || wake.dueMs < first.dueMs)) first = wake;
    }
    return first;
  }
}

/** Everything that can go on without time or the outside has gone on. */
function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
