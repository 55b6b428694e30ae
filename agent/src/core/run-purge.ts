import { lanes, type Lane, type StoreOp } from '@holdfast/protocol';
import type { Journal } from './journal.ts';
import { finalRunKey, listPlaceKey, runIdKey } from './keys.ts';
import { earlierSignalsKey, type NumberedRecord, type RunStore } from './run-store.ts';
import type { RunState } from './views.ts';

export interface RunPurgeParts {
  readonly journal: Journal;
  readonly store: RunStore;
  /** Whether the entry there may go. */
  readonly isFree: (place: Place) => boolean;
  /** A run of this state is gone. */
  readonly onPurged: (state: RunState) => void;
}

export interface Place {
  readonly lane: Lane;
  readonly seq: number;
}

/** A run that may go, and the rows that go with its entries. */
interface Leaving {
  readonly run: NumberedRecord;
  readonly places: readonly Place[];
  /** First, so that nobody finds a run of which only a part is left. */
  readonly id: readonly StoreOp[];
  readonly rest: readonly StoreOp[];
}

/** Entries of one commit: they are read before they go, and have up to 56 KiB each. */
export const REMOVE_MAX = 256;
/** Runs that are looked at together: they share their commits. */
export const PURGE_AT_ONCE = 32;

/** Deletes runs that have ended, with all that is theirs. */
export class RunPurge {
  readonly #parts: RunPurgeParts;

  constructor(parts: RunPurgeParts) {
    this.#parts = parts;
  }

  /**
   * Deletes those of them of which every entry may go, in their order.
   *
   * @param runs As many as are looked at together, at most.
   * @returns How many entries were deleted.
   */
  async purge(runs: readonly NumberedRecord[]): Promise<number> {
    const found = await Promise.all(runs.map((run) => this.#leaving(run)));
    const leaving = found.filter((each) => each !== undefined);
    let group: Leaving[] = [];
    let entries = 0;
    for (const each of leaving) {
      const isAlone = each.places.length > REMOVE_MAX || each.places.some(isNotNormal);
      if (isAlone || entries + each.places.length > REMOVE_MAX) {
        await this.#purgeTogether(group);
        [group, entries] = [[], 0];
      }
      if (isAlone) await this.#purgeAlone(each);
      else {
        group.push(each);
        entries += each.places.length;
      }
    }
    await this.#purgeTogether(group);
    return leaving.reduce((sum, { places }) => sum + places.length, 0);
  }

  async #leaving(run: NumberedRecord): Promise<Leaving | undefined> {
    const { store, isFree } = this.#parts;
    const { number, record } = run;
    const { places, keys } = await store.placesAndKeys(number);
    if (!places.every(isFree)) return undefined;
    // Another run may have its id by now.
    const [ofId, ofPlace] = await Promise.all([
      store.numberOf(record.id),
      store.numberAt(record.place),
    ]);
    const [hasId, isCurrent] = [ofId === number, ofPlace === number];
    const rest = [
      ...keys,
      ...(record.place === number ? [] : [earlierSignalsKey(number)]),
      ...(isCurrent ? [listPlaceKey(record.place)] : []),
      // Last, so that a purge that is cut short is taken up again.
      finalRunKey(number),
    ].map(gone);
    return { run, places, id: hasId ? [gone(runIdKey(record.id))] : [], rest };
  }

  /** In one commit. */
  async #purgeTogether(group: readonly Leaving[]): Promise<void> {
    if (group.length === 0) return;
    const seqs = group.flatMap(({ places }) => places.map(({ seq }) => seq));
    const ops = () => group.flatMap((each) => [...each.id, ...this.#restOf(each)]);
    await this.#parts.journal.remove('normal', seqs, { reason: 'trimmed', ops });
    for (const each of group) this.#tell(each);
  }

  async #purgeAlone(each: Leaving): Promise<void> {
    const { journal } = this.#parts;
    const { places, id } = each;
    const [only = { lane: 'normal' as const, seqs: [] }, ...others] = removals(places);
    if (others.length === 0) {
      const ops = () => [...id, ...this.#restOf(each)];
      await journal.remove(only.lane, only.seqs, { reason: 'trimmed', ops });
    } else {
      await journal.append([], () => id);
      for (const { lane, seqs } of [only, ...others]) {
        await journal.remove(lane, seqs, { reason: 'trimmed' });
      }
      await journal.append([], () => this.#restOf(each));
    }
    this.#tell(each);
  }

  /** In the turn in which they are committed: no row of a history comes behind them. */
  #restOf({ run, rest }: Leaving): readonly StoreOp[] {
    this.#parts.store.forget(run.number);
    return rest;
  }

  #tell({ run: { record } }: Leaving): void {
    if (!record.isContinued) this.#parts.onPurged(record.state);
  }
}

export function gone(key: Uint8Array): StoreOp {
  return { kind: 'delete', key };
}

function isNotNormal({ lane }: Place): boolean {
  return lane !== 'normal';
}

/** Places by lane, as many at a time as one commit removes. */
function removals(
  places: readonly Place[],
): { readonly lane: Lane; readonly seqs: readonly number[] }[] {
  return lanes.flatMap((lane) => {
    const seqs = places.filter((place) => place.lane === lane).map(({ seq }) => seq);
    const starts = Array.from({ length: Math.ceil(seqs.length / REMOVE_MAX) });
    return starts.map((_, index) => {
      return { lane, seqs: seqs.slice(index * REMOVE_MAX, (index + 1) * REMOVE_MAX) };
    });
  });
}
