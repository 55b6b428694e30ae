import { decodeEntry, lanes, messageOf, type Clock, type Lane, type Log } from '@holdfast/protocol';
import type { Journal } from './journal.ts';
import { contentKeys, isSealed } from './contents.ts';
import { entryKey, finalRunKey, historyKey, listPlaceKey, runIdKey } from './keys.ts';
import { earlierSignalsKey, layout, type NumberedRecord, type RunStore } from './run-store.ts';
import type { RunState } from './views.ts';

export interface RetentionOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly journal: Journal;
  readonly store: RunStore;
  /** How long acknowledged entries are kept after their run has ended, ms. */
  readonly keepMs: number;
  /** A run of this state is gone. */
  readonly onPurged: (state: RunState) => void;
}

const SWEEP_EVERY_MS = 60_000;
const PAGE = 1_000;

/**
 * Deletes what the ledger has, whose run has ended, and which is older than the retention: kept
 * until then, so that a gateway set back to an old backup can be refilled.
 */
export class Retention {
  readonly #options: RetentionOptions;
  #cancel: (() => void) | undefined;

  constructor(options: RetentionOptions) {
    this.#options = options;
  }

  start(): void {
    this.#cancel = this.#options.clock.wakeIn(SWEEP_EVERY_MS, () => {
      this.sweep()
        .catch((error: unknown) =>
          this.#options.log.error('retention stopped short', { why: messageOf(error) }),
        )
        .finally(() => {
          if (this.#cancel !== undefined) this.start();
        });
    });
  }

  close(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  /** One pass. @returns How many entries were deleted. */
  async sweep(): Promise<number> {
    let deleted = 0;
    for await (const each of this.#options.store.records('f')) {
      // A history that went on in a new one is of no use to anybody once the ledger has it.
      const { isContinued, updatedAtMs } = each.record;
      if (isContinued || this.#isOld(updatedAtMs)) deleted += await this.#purgeRun(each);
    }
    for (const lane of lanes) deleted += await this.#purgeEvents(lane);
    return deleted;
  }

  #isOld(atMs: number): boolean {
    return atMs + this.#options.keepMs <= this.#options.clock.nowMs();
  }

  /** The last entry that the ledger has stays: it says where the lane stands. */
  #isFree(place: { readonly lane: Lane; readonly seq: number }): boolean {
    const position = this.#options.journal.positions()[lanes.indexOf(place.lane)];
    return position !== undefined && place.seq < position.acked;
  }

  async #purgeRun({ number, record }: NumberedRecord): Promise<number> {
    const { journal, store, onPurged } = this.#options;
    const places = await store.places(number);
    if (!places.every((place) => this.#isFree(place))) return 0;
    // Another run may have its id by now.
    const hasId = (await store.numberOf(record.id)) === number;
    const isCurrent = (await store.numberAt(record.place)) === number;
    const keys = [
      // First, so that nobody finds a run of which only a part is left.
      ...(hasId ? [runIdKey(record.id)] : []),
      ...(record.hasContents ? places.flatMap(contentKeys) : []),
      ...places.map(({ lane, seq }) => entryKey(lane, seq)),
      // From its end: what a cut leaves is a beginning, whose places can be told by their number.
      ...places.map((_, n) => historyKey(number, n)).toReversed(),
      ...(record.place === number ? [] : [earlierSignalsKey(number)]),
      ...(isCurrent ? [listPlaceKey(record.place)] : []),
      // Last, so that a purge that is cut short is taken up again.
      finalRunKey(number),
    ];
    for (let at = 0; at < keys.length; at += PAGE) {
      const page = keys.slice(at, at + PAGE);
      await journal.append([], () => page.map((key) => ({ kind: 'delete', key })));
    }
    if (!record.isContinued) onPurged(record.state);
    return places.length;
  }

  /** Entries outside of runs, from where the last pass stopped. */
  async #purgeEvents(lane: Lane): Promise<number> {
    const { journal, store } = this.#options;
    const cursor = `purged/${lane}`;
    let next = (await store.meta(cursor)) + 1;
    let deleted = 0;
    for (;;) {
      const page = await journal.entries(lane, next, PAGE);
      const keys: Uint8Array[] = [];
      let passed = next - 1;
      for (const stored of page) {
        const entry = decodeEntry(stored.bytes);
        const free = this.#isFree({ lane, seq: stored.seq });
        if (!free || !this.#isOld(entry.atMs)) break;
        if (!('run' in entry) || entry.run === '') {
          keys.push(entryKey(lane, stored.seq));
          if (isSealed(entry)) keys.push(...contentKeys({ lane, seq: stored.seq }));
        }
        passed = stored.seq;
      }
      if (passed < next) return deleted;
      deleted += keys.length;
      next = passed + 1;
      await journal.append([], () => [
        ...keys.map((key) => ({ kind: 'delete', key }) as const),
        layout.meta(cursor, passed),
      ]);
    }
  }
}
