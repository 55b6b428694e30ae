/** Lets at most `limit` holders in at a time, the others in the order they came. */
export class Slots {
  readonly #limit: number;
  readonly #waiting: (() => void)[] = [];
  #held = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Runs the body once there is a slot; gives the slot back when it has settled. */
  async hold<T>(body: () => Promise<T>): Promise<T> {
    if (this.#held < this.#limit) this.#held += 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await body();
    } finally {
      // The slot is handed over, not given back: nobody can slip in between.
      const next = this.#waiting.shift();
      if (next === undefined) this.#held -= 1;
      else next();
    }
  }
}
