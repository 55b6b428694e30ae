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
    // Called from anywhere: what else is going on there is not to be taken for a run's.
    await this.#turn();
    while (this.#ready.size > 0) {
      const runs = [...this.#ready];
      this.#ready.clear();
      // The first has this turn. All others are asked for at once: a turn each, and one behind the
      // last, cost one look at the world.
      const [first, ...others] = runs;
      if (first !== undefined) this.#drive(first);
      for (const run of others) void this.#turn().then(() => this.#drive(run));
      await this.#turn();
      driven = undefined;
      for (const run of runs) {
        run.endTurn();
        if (run.hasWork) this.#ready.add(run);
        else this.#onSettled(run);
      }
    }
    this.#pumping = false;
  }

  #drive(run: Run): void {
    driven = run;
    run.drive();
  }
}

/** One for all pumps, since one code at a time is running in a process. */
let driven: Run | undefined;

/** The run whose code may be running now. */
export function drivenRun(): Run | undefined {
  return driven;
}
