import {
  type Entry,
  type HoleReason,
  type Lane,
  counter,
  Histogram,
  single,
  type Metric,
} from '@holdfast/protocol';

/** A card that is well takes 5 to 50 ms; an SSD one; one that is dying, seconds. */
const COMMIT_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10];
const COMMIT_ENTRIES = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024];

/** What a journal has done since it was opened. */
export class JournalMeter {
  readonly #appended = new Map<Entry['kind'], number>();
  readonly #shed = new Map<Lane, number>();
  readonly #seconds = new Histogram(COMMIT_SECONDS);
  readonly #entries = new Histogram(COMMIT_ENTRIES);
  #failures = 0;
  #damaged = 0;

  /** Entries that were not what was journaled, as far as the ledger lacks them. */
  get damagedEntries(): number {
    return this.#damaged;
  }

  damaged(entries: number): void {
    this.#damaged += entries;
  }

  /** These entries are durable, by one commit. */
  committed(entries: readonly { readonly entry: Pick<Entry, 'kind'> }[]): void {
    for (const { entry } of entries) {
      this.#appended.set(entry.kind, (this.#appended.get(entry.kind) ?? 0) + 1);
    }
    this.#entries.add(entries.length);
  }

  /** A write has ended, well or not. */
  written(tookMs: number, isWell: boolean): void {
    if (isWell) this.#seconds.add(tookMs / 1_000);
    else this.#failures += 1;
  }

  /** Entries gave way to a hole. */
  removed(lane: Lane, reason: HoleReason, entries: number): void {
    if (reason === 'shed') this.#shed.set(lane, (this.#shed.get(lane) ?? 0) + entries);
  }

  metrics(): readonly Metric[] {
    const appended = [...this.#appended].map(([kind, value]) => ({ labels: { kind }, value }));
    const shed = [...this.#shed].map(([lane, value]) => ({ labels: { lane }, value }));
    return [
      counter('journal_appended_total', 'Entries that are durable.', appended),
      this.#seconds.metric('journal_commit_seconds', 'Time of a commit, its sync included.'),
      this.#entries.metric('journal_commit_entries', 'Entries of a commit.'),
      counter('journal_fsync_failures_total', 'Writes that failed.', single(this.#failures)),
      counter('journal_damaged_total', 'Entries found damaged.', single(this.#damaged)),
      counter('store_shed_entries_total', 'Measurements that gave way to newer ones.', shed),
    ];
  }
}
