import type { Clock } from '@holdfast/protocol';
import type { Journal } from './journal.ts';
import type { RatesView } from './views.ts';

/** What was journaled and acknowledged by a moment, of all lanes. */
interface Sample {
  readonly atMs: number;
  readonly journaled: number;
  readonly acked: number;
}

/** As long as people take for "now", and short enough to see an end. */
const WINDOW_MS = 30_000;
const SAMPLE_MS = 1_000;

/**
 * How fast a backlog grows and drains, seen over the last half a minute. It looks with each commit,
 * at most once a second: what commits nothing has no rates, and costs nothing.
 */
export class BacklogRates {
  readonly #journal: Pick<Journal, 'positions'>;
  readonly #clock: Pick<Clock, 'monoMs'>;
  /** The oldest first; all but the first are within the window. */
  #samples: readonly Sample[];

  constructor(journal: Pick<Journal, 'positions' | 'onCommit'>, clock: Pick<Clock, 'monoMs'>) {
    this.#journal = journal;
    this.#clock = clock;
    this.#samples = [this.#now()];
    journal.onCommit(() => this.#committed());
  }

  view(): RatesView {
    const now = this.#now();
    const [first = now] = this.#within(now.atMs);
    const overMs = now.atMs - first.atMs;
    const rate = (of: 'journaled' | 'acked') =>
      overMs < SAMPLE_MS ? 0 : Math.round(((now[of] - first[of]) / overMs) * 100_000) / 100;
    return { overMs: Math.round(overMs), inPerS: rate('journaled'), outPerS: rate('acked') };
  }

  #committed(): void {
    const lastMs = this.#samples.at(-1)?.atMs ?? 0;
    if (this.#clock.monoMs() - lastMs < SAMPLE_MS) return;
    const now = this.#now();
    this.#samples = [...this.#within(now.atMs), now];
  }

  /** The samples of the window, and the one before it: how it was when the window began. */
  #within(nowMs: number): readonly Sample[] {
    const first = this.#samples.findLastIndex(({ atMs }) => nowMs - atMs >= WINDOW_MS);
    return this.#samples.slice(Math.max(0, first));
  }

  #now(): Sample {
    const positions = this.#journal.positions();
    const sum = (of: 'head' | 'acked') => positions.reduce((all, lane) => all + lane[of], 0);
    return { atMs: this.#clock.monoMs(), journaled: sum('head'), acked: sum('acked') };
  }
}
