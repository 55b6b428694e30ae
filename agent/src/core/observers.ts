import type { Clock, Entry } from '@holdfast/protocol';

/** Who is told of what becomes of runs: of each entry, of ends, and that anything changed. */
export class Observers {
  readonly #clock: Clock;
  readonly #ends = new Map<number, Set<() => void>>();
  readonly #changes = new Set<() => void>();
  readonly #configured = new Set<(name: string) => void>();
  readonly #keyOrders = new Set<() => void>();
  readonly #entries = new Map<string, Set<(entry: Entry) => void>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Calls `listener` once, when the run has ended. @returns Stops waiting. */
  onceEnded(number: number, listener: () => void): () => void {
    const waiters = this.#ends.get(number) ?? new Set();
    this.#ends.set(number, waiters.add(listener));
    return () => {
      waiters.delete(listener);
      if (waiters.size === 0) this.#ends.delete(number);
    };
  }

  /** Calls `listener` with each entry of a run, by its id, once it is durable. @returns Stops. */
  onEntry(id: string, listener: (entry: Entry) => void): () => void {
    const listeners = this.#entries.get(id) ?? new Set();
    this.#entries.set(id, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0) this.#entries.delete(id);
    };
  }

  /** Calls `listener` when a run may look different. @returns Stops. */
  onChange(listener: () => void): () => void {
    this.#changes.add(listener);
    return () => this.#changes.delete(listener);
  }

  /** Resolves at the next change, or after `timeoutMs`. */
  onceChanged(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        cancel();
        stop();
        resolve();
      };
      const cancel = this.#clock.wakeIn(Math.max(0, timeoutMs), end);
      const stop = this.onChange(end);
    });
  }

  /** Calls `listener` with the name of what the gateway sets. @returns Stops. */
  onConfigured(listener: (name: string) => void): () => void {
    this.#configured.add(listener);
    return () => this.#configured.delete(listener);
  }

  configured(name: string): void {
    for (const listener of this.#configured) listener(name);
  }

  /** Calls `listener` when the device is to take another key. @returns Stops. */
  onKeyOrder(listener: () => void): () => void {
    this.#keyOrders.add(listener);
    return () => this.#keyOrders.delete(listener);
  }

  /** Whether somebody can have the device take another key. */
  get takesKeyOrders(): boolean {
    return this.#keyOrders.size > 0;
  }

  keyOrdered(): void {
    for (const listener of this.#keyOrders) listener();
  }

  journaled(id: string, entry: Entry): void {
    for (const listener of this.#entries.get(id) ?? []) listener(entry);
    this.changed();
  }

  /** The run goes on under another number: who waits for its end waits for that one's. */
  continued(number: number, next: number): void {
    const waiters = this.#ends.get(number);
    this.#ends.delete(number);
    if (waiters !== undefined) this.#ends.set(next, waiters);
  }

  ended(number: number): void {
    const waiters = this.#ends.get(number);
    this.#ends.delete(number);
    for (const waiter of waiters ?? []) waiter();
  }

  changed(): void {
    for (const listener of this.#changes) listener();
  }
}
