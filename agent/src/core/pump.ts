import type { Run } from './run.ts';

/**
 * Drives runs in turns: each run with work is handed one thing, everything settles, and so on until
 * none has work. In a round each run has its own turn, one after another: so it is known whose code
 * a stray rejection is of.
 */
export class Pump {
  readonly #turn: () => Promise<void>;
  readonly #onSettled: (run: Run) => void;
  readonly #ready = new Set<Run>();
  #pumping = false;
  #driven: Run | undefined;

  constructor(turn: () => Promise<void>, onSettled: (run: Run) => void) {
    this.#turn = turn;
    this.#onSettled = onSettled;
  }

  add(run: Run): void {
    this.#ready.add(run);
    if (!this.#pumping) void this.#pumpAll();
  }

  /** The run whose code may be running now. */
  get driven(): Run | undefined {
    return this.#driven;
  }

  async #pumpAll(): Promise<void> {
    this.#pumping = true;
    while (this.#ready.size > 0) {
      const runs = [...this.#ready];
      this.#ready.clear();
      // All are asked for at once: a turn each, and one behind the last, cost one look at the world.
      for (const run of runs) void this.#turn().then(() => this.#drive(run));
      await this.#turn();
      this.#driven = undefined;
      for (const run of runs) {
        run.endTurn();
        if (run.hasWork) this.#ready.add(run);
        else this.#onSettled(run);
      }
    }
    this.#pumping = false;
  }

  #drive(run: Run): void {
    this.#driven = run;
    run.drive();
  }
}
