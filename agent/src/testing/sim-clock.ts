import type { Clock } from '@holdfast/protocol';

interface Wake {
  readonly dueMs: number;
  readonly wake: () => void;
}

/** Virtual time: stands still until it is told to go on. */
export class SimClock implements Clock {
  /** Since the begin of the world: true time, which no clock of a machine shows. */
  #worldMs = 0;
  /** When the machine was booted last. */
  #bootedMs = 0;
  #boots = 1;
  /** Wall time minus that of the world. */
  #offsetMs: number;
  readonly #startAtMs: number;
  readonly #wakes = new Set<Wake>();

  constructor(startAtMs = Date.UTC(2026, 0, 1)) {
    this.#startAtMs = startAtMs;
    this.#offsetMs = startAtMs;
  }

  nowMs(): number {
    return this.#offsetMs + this.#worldMs;
  }

  monoMs(): number {
    return this.#worldMs - this.#bootedMs;
  }

  /** What the wall clock would show if nobody had ever set it. */
  get trueMs(): number {
    return this.#startAtMs + this.#worldMs;
  }

  /** Names the boot of the machine. */
  get boot(): string {
    return `boot ${this.#boots}`;
  }

  /** How long it is until the next wake-up, ms; `undefined`: none is awaited. */
  get nextInMs(): number | undefined {
    const next = this.#nextDue(Number.POSITIVE_INFINITY);
    return next && Math.max(0, next.dueMs - this.#worldMs);
  }

  /** How many wake-ups are awaited. */
  get pending(): number {
    return this.#wakes.size;
  }

  wakeIn(delayMs: number, wake: () => void): () => void {
    const entry = { dueMs: this.#worldMs + Math.max(0, delayMs), wake };
    this.#wakes.add(entry);
    return () => this.#wakes.delete(entry);
  }

  /** Sets the wall clock; monotonic time does not notice. */
  setWall(atMs: number): void {
    this.#offsetMs = atMs - this.#worldMs;
  }

  /** The machine is started anew: its monotonic time begins again. */
  reboot(): void {
    this.#bootedMs = this.#worldMs;
    this.#boots += 1;
  }

  /** The machine is suspended for a time: nobody wakes before it is over. */
  suspend(ms: number): void {
    this.#worldMs += ms;
  }

  /** Lets time pass. Wake-ups come at their time, each followed by all that it sets off. */
  async advance(ms: number): Promise<void> {
    const endMs = this.#worldMs + ms;
    await turn();
    for (let next = this.#nextDue(endMs); next; next = this.#nextDue(endMs)) {
      this.#worldMs = Math.max(this.#worldMs, next.dueMs);
      this.#wakes.delete(next);
      next.wake();
      await turn();
    }
    this.#worldMs = endMs;
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
