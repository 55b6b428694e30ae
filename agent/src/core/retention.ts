import {
  decodeEntry,
  lanes,
  messageOf,
  type Clock,
  type Lane,
  type Log,
  type StoreOp,
} from '@holdfast/protocol';
import type { Journal } from './journal.ts';
import { finalRunKey, historyKey, listPlaceKey, runIdKey } from './keys.ts';
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
/** Entries of one commit: they are read before they go, and have up to 56 KiB each. */
const REMOVE_MAX = 256;

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
    const deleted = (key: Uint8Array): StoreOp => ({ kind: 'delete', key });
    // First, so that nobody finds a run of which only a part is left.
    const id = hasId ? [deleted(runIdKey(record.id))] : [];
    const rest = [
      // From its end: what a cut leaves is a beginning, whose places can be told by their number.
      ...places.map((_, n) => historyKey(number, n)).toReversed(),
      ...(record.place === number ? [] : [earlierSignalsKey(number)]),
      ...(isCurrent ? [listPlaceKey(record.place)] : []),
      // Last, so that a purge that is cut short is taken up again.
      finalRunKey(number),
    ].map(deleted);
    const [only = { lane: 'normal' as const, seqs: [] }, ...others] = removals(places);
    if (others.length === 0) {
      await journal.remove(only.lane, only.seqs, { reason: 'trimmed', ops: [...id, ...rest] });
    } else {
      await journal.append([], () => id);
      for (const { lane, seqs } of [only, ...others]) {
        await journal.remove(lane, seqs, { reason: 'trimmed' });
      }
      while (rest.length > 0) await journal.append([], () => rest.splice(0, PAGE));
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
      const page = await journal.entries(lane, next, REMOVE_MAX);
      const seqs: number[] = [];
      let passed = next - 1;
      for (const stored of page) {
        const entry = decodeEntry(stored.bytes);
        const free = this.#isFree({ lane, seq: stored.seq });
        if (!free || !this.#isOld(entry.atMs)) break;
        if (!('run' in entry) || entry.run === '') seqs.push(stored.seq);
        passed = stored.seq;
      }
      if (passed < next) return deleted;
      next = passed + 1;
      const ops = [layout.meta(cursor, passed)];
      deleted += (await journal.remove(lane, seqs, { reason: 'trimmed', ops })).entries;
    }
  }
}

/** Places by lane, as many at a time as one commit removes. */
function removals(
  places: readonly { readonly lane: Lane; readonly seq: number }[],
): { readonly lane: Lane; readonly seqs: readonly number[] }[] {
  return lanes.flatMap((lane) => {
    const seqs = places.filter((place) => place.lane === lane).map(({ seq }) => seq);
    const starts = Array.from({ length: Math.ceil(seqs.length / REMOVE_MAX) });
    return starts.map((_, index) => {
      return { lane, seqs: seqs.slice(index * REMOVE_MAX, (index + 1) * REMOVE_MAX) };
    });
  });
}
