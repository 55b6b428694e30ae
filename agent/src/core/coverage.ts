/** More than that many times set, a clock is no clock; the oldest stretch is forgotten. */
const STRETCHES_MAX = 16;

export interface Stretch {
  readonly fromMs: number;
  readonly toMs: number;
}

/**
 * Which stretches of wall time a schedule has lived through: the slots in them have had their
 * turn. There is more than one only after the clock was set, or the agent was started again.
 */
export class Coverage {
  readonly #past: readonly Stretch[];
  readonly #current: Stretch;

  private constructor(past: readonly Stretch[], current: Stretch) {
    this.#past = past.slice(-STRETCHES_MAX);
    this.#current = current;
  }

  static from(atMs: number): Coverage {
    return new Coverage([], { fromMs: atMs, toMs: atMs });
  }

  /** Reads what `stored` gave. */
  static restore(stored: readonly number[]): Coverage {
    const stretches: Stretch[] = [];
    for (let at = 0; at + 1 < stored.length; at += 2) {
      stretches.push({ fromMs: stored[at] ?? 0, toMs: stored[at + 1] ?? 0 });
    }
    const current = stretches.pop() ?? { fromMs: 0, toMs: 0 };
    return new Coverage(stretches, current);
  }

  /** Begin and end of each stretch, the one that is going on last. */
  get stored(): readonly number[] {
    return [...this.#past, this.#current].flatMap(({ fromMs, toMs }) => [fromMs, toMs]);
  }

  /**
   * That moment had its turn, in the stretch that is going on. Where this has only begun, and the
   * moment was missed before, it begins there: what lies in between has its turn yet to come.
   */
  take(atMs: number): Coverage {
    const { fromMs, toMs } = this.#current;
    const isMissed = atMs < fromMs && fromMs === toMs;
    return new Coverage(this.#past, {
      fromMs: Math.min(fromMs, atMs),
      toMs: isMissed ? atMs : Math.max(toMs, atMs),
    });
  }

  /** Another stretch begins at that time. */
  jump(fromMs: number, toMs: number): Coverage {
    const ended = this.take(fromMs).#current;
    return new Coverage([...this.#past, ended], { fromMs: toMs, toMs });
  }

  /** A past stretch that this moment lies in, if there is one. */
  find(atMs: number): Stretch | undefined {
    return this.#past.find(({ fromMs, toMs }) => fromMs <= atMs && atMs <= toMs);
  }
}
