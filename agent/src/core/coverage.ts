/** More than that many times set, a clock is no clock; the oldest stretch is forgotten. */
const STRETCHES_MAX = 64;

export interface Stretch {
  readonly fromMs: number;
  readonly toMs: number;
}

/**
 * Which stretches of wall time a schedule has lived through: the slots in them have had their
 * turn. There is more than one only after the clock was set.
 */
export class Coverage {
  readonly #past: Stretch[] = [];
  #current: Stretch;

  constructor(fromMs: number) {
    this.#current = { fromMs, toMs: fromMs };
  }

  /** That moment had its turn, in the stretch that is going on. */
  take(atMs: number): void {
    const { fromMs, toMs } = this.#current;
    this.#current = { fromMs: Math.min(fromMs, atMs), toMs: Math.max(toMs, atMs) };
  }

  /** The clock was set from one time to another: another stretch begins. */
  jump(fromMs: number, toMs: number): void {
    this.take(fromMs);
    this.#past.push(this.#current);
    if (this.#past.length > STRETCHES_MAX) this.#past.shift();
    this.#current = { fromMs: toMs, toMs };
  }

  /** A past stretch that this moment lies in, if there is one. */
  find(atMs: number): Stretch | undefined {
    return this.#past.find(({ fromMs, toMs }) => fromMs <= atMs && atMs <= toMs);
  }
}
