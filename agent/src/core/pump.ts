import type { RuntimePorts } from './ports.ts';
import type { Run } from './run.ts';

/** Turns of a round, and one a run: a long replay is to hold up the process for moments only. */
const TURNS_MAX = 64;

/**
 * Drives runs in turns: in a turn one run is handed one thing, and everything settles. So it is
 * known whose code a stray rejection is of. Runs with work have their turns round by round; all of
 * a round are asked for at once, since that costs one look at the world.
 */
export class Pump {
  readonly #ports: Pick<RuntimePorts, 'turn' | 'whenSpent'>;
  readonly #onSettled: (run: Run) => void;
  readonly #ready = new Set<Run>();
  #pumping = false;

  constructor(ports: Pick<RuntimePorts, 'turn' | 'whenSpent'>, onSettled: (run: Run) => void) {
    this.#ports = ports;
    this.#onSettled = onSettled;
  }

  add(run: Run): void {
    this.#ready.add(run);
    if (this.#pumping) return;
    this.#pumping = true;
    // Called from anywhere: what else is going on there is not to be taken for a run's.
    this.#ports.turn(() => this.#round());
  }

  /** Called in a turn, which is the first of the round. */
  #round(): void {
    const { turn } = this.#ports;
    const runs = [...this.#ready];
    this.#ready.clear();
    const share = Math.max(1, Math.floor(TURNS_MAX / runs.length));
    let isFirst = true;
    for (const run of runs) {
      for (let left = Math.min(share, run.pending); left > 0; left -= 1) {
        if (isFirst) this.#drive(run);
        else turn(() => this.#drive(run));
        isFirst = false;
      }
    }
    turn(() => this.#endRound(runs));
  }

  #endRound(runs: readonly Run[]): void {
    driven = undefined;
    for (const run of runs) {
      run.endTurn();
      if (run.hasWork) this.#ready.add(run);
      else this.#onSettled(run);
    }
    if (this.#ready.size > 0) this.#round();
    else this.#pumping = false;
  }

  #drive(run: Run): void {
    driven = run;
    run.drive();
    // While a run is replayed, no body of its steps is at work.
    if (run.live) this.#ports.whenSpent(run.spent);
  }
}

/** One for all pumps, since one code at a time is running in a process. */
let driven: Run | undefined;

/** The run whose code may be running now. */
export function drivenRun(): Run | undefined {
  return driven;
}
