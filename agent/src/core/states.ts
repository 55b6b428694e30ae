import { finalStates, runStates, type RunState } from './views.ts';

/** What is known without the store of every run that has not ended, and counts of the rest. */
export class States {
  readonly #open = new Map<number, RunState>();
  readonly #ended: Partial<Record<RunState, number>> = {};

  set(number: number, state: RunState): void {
    if (!finalStates.has(state)) {
      this.#open.set(number, state);
      return;
    }
    this.#open.delete(number);
    this.#ended[state] = (this.#ended[state] ?? 0) + 1;
  }

  /** A run that had ended was purged. */
  purge(state: RunState): void {
    this.#ended[state] = Math.max(0, (this.#ended[state] ?? 0) - 1);
  }

  /** A run that was to be never was. */
  forget(number: number): void {
    this.#open.delete(number);
  }

  /** A run that had failed goes on. */
  reopen(number: number): void {
    this.purge('failed');
    this.set(number, 'pending');
  }

  isOpen(number: number): boolean {
    return this.#open.has(number);
  }

  /** Numbers of runs by state; states without runs are left out. */
  counts(stateOf: (number: number) => RunState | undefined): Partial<Record<RunState, number>> {
    const counts: Partial<Record<RunState, number>> = { ...this.#ended };
    for (const [number, state] of this.#open) {
      const now = stateOf(number) ?? state;
      counts[now] = (counts[now] ?? 0) + 1;
    }
    return Object.fromEntries(
      runStates.filter((state) => counts[state]).map((state) => [state, counts[state]]),
    );
  }
}
