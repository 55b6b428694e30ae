import type { Run } from './run.ts';

/**
 * Drives runs in turns: each run with work is handed one thing, everything settles, and so on until
 * none has work. Many runs share a turn, so that a commit of a hundred outcomes costs one.
 */
export class Pump {
  readonly #turn: () => Promise<void>;
  readonly #onSettled: (run: Run) => void;
  readonly #ready = new Set<Run>();
  #pumping = false;

  constructor(turn: () => Promise<void>, onSettled: (run: Run) => void) {
    this.#turn = turn;
    this.#onSettled = onSettled;
  }

  add(run: Run): void {
    this.#ready.add(run);
    if (!this.#pumping) void this.#pumpAll();
  }

  async #pumpAll(): Promise<void> {
    this.#pumping = true;
    while (this.#ready.size > 0) {
      const runs = [...this.#ready];
      this.#ready.clear();
      for (const run of runs) run.drive();
      await this.#turn();
      for (const run of runs) {
        run.endTurn();
        if (run.hasWork) this.#ready.add(run);
        else this.#onSettled(run);
      }
    }
    this.#pumping = false;
  }
}
