import { type Entry, counter, type Metric, type Tallied } from '@holdfast/protocol';

/** Names of steps may be made by code: what goes beyond this is counted as `other`. */
const SERIES_MAX = 1_000;
const OTHER = 'other';
/** No name of ours has it. */
const SEPARATOR = '\n';

/** How attempts of a step ended, by the kind of entry that says so. */
const attemptEnds: Partial<Readonly<Record<Entry['kind'], string>>> = {
  'step.completed': 'completed',
  'step.retrying': 'failed',
  'step.failed': 'failed',
};

const runEnds: Partial<Readonly<Record<Entry['kind'], string>>> = {
  'run.completed': 'completed',
  'run.failed': 'failed',
  'run.cancelled': 'cancelled',
  'run.continued': 'continued',
};

/**
 * What runs have done since the process started, counted as it becomes durable: so each count is
 * that of the entries which this life has journaled.
 */
export class Tally {
  readonly #runs = new Series('workflow', 'outcome');
  /** With the seconds that they took, where the entry says so. */
  readonly #attempts = new Series('workflow', 'step', 'outcome');

  add(workflow: string, entry: Pick<Entry, 'kind'> & { name?: string; tookMs?: number }): void {
    const runEnd = runEnds[entry.kind];
    if (runEnd !== undefined) this.#runs.add([workflow, runEnd], 1);
    const attemptEnd = attemptEnds[entry.kind];
    if (attemptEnd === undefined) return;
    const { name = '', tookMs = 0 } = entry;
    this.#attempts.add([workflow, name, attemptEnd], tookMs / 1_000);
  }

  metrics(): readonly Metric[] {
    const ended = 'Histories of runs that have ended.';
    const tried = 'Attempts of steps that have ended.';
    const completed = (all: readonly Tallied[], suffix: string) =>
      all.flatMap(({ labels: { outcome, ...labels }, value }) =>
        outcome === 'completed' ? [{ labels, value, suffix }] : [],
      );
    return [
      counter('runs_finished_total', ended, this.#runs.read()),
      counter('step_attempts_total', tried, this.#attempts.counts()),
      {
        ...{ name: 'step_seconds', type: 'summary' },
        help: 'Time of the attempts that completed their step.',
        values: [
          ...completed(this.#attempts.read(), '_sum'),
          ...completed(this.#attempts.counts(), '_count'),
        ],
      },
    ];
  }
}

/** Sums, and of how many numbers, by what they are of. */
class Series {
  readonly #labels: readonly string[];
  readonly #values = new Map<string, Sum>();
  /** The next one is nearly always of the same: a text to find it by would take longer. */
  #last: Sum | undefined;

  constructor(...labels: readonly string[]) {
    this.#labels = labels;
  }

  add(of: readonly string[], value: number): void {
    const last = this.#last;
    const isLast = last?.of.every((label, index) => label === of[index]) === true;
    const key = isLast ? '' : of.join(SEPARATOR);
    const known = isLast ? last : this.#values.get(key);
    if (known !== undefined) {
      this.#last = known;
      known.value += value;
      known.count += 1;
    } else if (this.#values.size < SERIES_MAX) this.#values.set(key, { of, value, count: 1 });
    // The outcome stays: it is one of a few.
    else if (!of.includes(OTHER)) {
      this.add(
        of.map((each, index) => (this.#labels[index] === 'outcome' ? each : OTHER)),
        value,
      );
    } else this.#values.set(key, { of, value, count: 1 });
  }

  read(): readonly Tallied[] {
    return this.#tallied(({ value }) => value);
  }

  counts(): readonly Tallied[] {
    return this.#tallied(({ count }) => count);
  }

  #tallied(valueOf: (sum: Sum) => number): readonly Tallied[] {
    return [...this.#values.values()].map((sum) => {
      const labels = this.#labels.map((label, index) => [label, sum.of[index] ?? ''] as const);
      return { labels: Object.fromEntries(labels), value: valueOf(sum) };
    });
  }
}

interface Sum {
  readonly of: readonly string[];
  value: number;
  count: number;
}
