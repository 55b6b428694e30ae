import { HoldfastError } from '@holdfast/protocol';

/** Leaves the gate; harmless the second time. */
export type Leave = () => void;

/**
 * Lets so many step bodies be at work at a time. Runs take turns: the one step of a small run does
 * not wait behind ten thousand of a large one. Who waits holds no timer and no place in the store.
 */
export class StepGate {
  readonly #max: number;
  /** Who waits, by run; the run whose turn it is comes first. */
  readonly #waiting = new Map<number, (() => void)[]>();
  #inside = 0;

  /** `max`: bodies at work at a time, ≥ 1. @throws HF_CONFIG_INVALID */
  constructor(max: number) {
    if (max !== Number.POSITIVE_INFINITY && !(Number.isSafeInteger(max) && max >= 1)) {
      throw new HoldfastError('HF_CONFIG_INVALID', {
        why: `stepsAtOnce is ${max}; it must be an integer from 1, or Infinity`,
      });
    }
    this.#max = max;
  }

  /** Resolves once a body of this run may begin. */
  enter(run: number): Promise<Leave> {
    if (this.#inside >= this.#max) return this.#turnOf(run).then(() => this.#leaveOnce());
    this.#inside += 1;
    return Promise.resolve(this.#leaveOnce());
  }

  #leaveOnce(): Leave {
    let isInside = true;
    return () => {
      if (isInside) this.#leave();
      isInside = false;
    };
  }

  #turnOf(run: number): Promise<void> {
    return new Promise((enter) => {
      const waiters = this.#waiting.get(run);
      if (waiters) waiters.push(enter);
      else this.#waiting.set(run, [enter]);
    });
  }

  /** Hands the place on, if somebody waits. */
  #leave(): void {
    for (const [run, waiters] of this.#waiting) {
      // Behind all others, for its next one.
      this.#waiting.delete(run);
      const next = waiters.shift();
      if (waiters.length > 0) this.#waiting.set(run, waiters);
      if (next !== undefined) return next();
    }
    this.#inside -= 1;
  }
}
