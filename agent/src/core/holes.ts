import {
  mayHoldSealed,
  stampIn,
  type HoleReason,
  type Lane,
  type Sha256,
  type Store,
  type StoreOp,
} from '@holdfast/protocol';
import type { ChainPlace } from './chain-place.ts';
import { contentKeys } from './contents.ts';
import { parseStored, type StoredEntry } from './entry-row.ts';
import { readFragments, type Fragment } from './fragments.ts';
import { holeOp, type StoredHole } from './hole-rows.ts';
import { entryKey, holeKey, holeSumsKey, putNumber, seqOfEntryKey } from './keys.ts';
import { chainOf, type LaneState } from './lane-state.ts';

export interface HolesParts {
  readonly store: Store;
  readonly sha256: Sha256;
  readonly lane: (lane: Lane) => LaneState;
  /** These are about to be deleted. @returns The changes that go with that. */
  readonly forget: (lane: Lane, seqs: readonly number[]) => readonly StoreOp[];
  /** Makes these changes as one. They are durable once it resolves. */
  readonly commit: (ops: readonly StoreOp[]) => Promise<unknown>;
  /** These entries of a lane are gone for good. */
  readonly onRemoved: (lane: Lane, seqs: readonly number[], reason: HoleReason) => void;
}

interface Removal {
  readonly lane: Lane;
  readonly reason: HoleReason;
  /** Further changes, in the same commit. Asked for as that is about to be made. */
  readonly ops: () => readonly StoreOp[];
  /** The place of the last of them, where it does not follow from the entries. */
  readonly end?: ChainPlace;
}

export interface Removed {
  readonly entries: number;
  readonly bytes: number;
}

/** `stop`: nothing goes of this entry, nor of what is behind it. */
export type Choice = 'remove' | 'pass' | 'stop';

/** Which entries of a stretch of a lane are to go. */
export interface Pruning {
  readonly lane: Lane;
  readonly seqFirst: number;
  readonly seqLast: number;
  readonly reason: HoleReason;
  /** More than about so many bytes are not looked at. Absent: as many as one commit takes. */
  readonly bytesMax?: number;
  /** Asked of one entry after another. */
  readonly choose: (entry: StoredEntry) => Choice;
  /** Further changes, in the same commit, once it is known up to where was chosen. */
  readonly opsOf?: (through: number) => readonly StoreOp[];
}

/** Entries of one commit: an append waits for one at most, and all of them are in memory. */
const PRUNE_MAX = 1_024;
const PRUNE_BYTES = 512 * 1024;

/**
 * Deletes entries for good. What takes their place, in the same commit, is a hole: the hashes of
 * the chain at both ends, so that the lane can go on in a ledger that has not got them.
 *
 * Adjacent holes become one: there are never more of them than stretches of entries between.
 */
export class Holes {
  readonly #parts: HolesParts;
  #last: Promise<unknown> = Promise.resolve();

  constructor(parts: HolesParts) {
    this.#parts = parts;
  }

  /** One after another, since each reads what the one before has written. */
  serially<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => {});
    return done;
  }

  /**
   * Deletes these entries of one lane, up to some hundred, and makes the changes of `ops` in the
   * same commit. The last entry of a lane stays: the chain goes on from it.
   *
   * @returns How many entries were there, and their bytes.
   */
  remove(
    lane: Lane,
    seqs: readonly number[],
    { ops = () => [], reason }: Pick<Removal, 'reason'> & Partial<Pick<Removal, 'ops'>>,
  ): Promise<Removed> {
    return this.serially(async () => {
      const entries = await this.#entries(lane, seqs, this.#parts.lane(lane).head);
      return this.#remove(entries, { lane, reason, ops });
    });
  }

  /**
   * Deletes what is chosen of the first entries of a stretch, as many as one commit takes: each is
   * read once. The last entry of a lane stays.
   *
   * @returns What went, and up to where was chosen: before `seqFirst` where the first one stopped.
   */
  prune(pruning: Pruning): Promise<Removed & { readonly through: number }> {
    return this.serially(async () => {
      const { lane, seqFirst, reason, choose, opsOf } = pruning;
      const seqLast = Math.min(pruning.seqLast, this.#parts.lane(lane).head - 1);
      const none = { entries: 0, bytes: 0, through: seqFirst - 1 };
      if (seqLast < seqFirst) return none;
      const page = await this.#page({ ...pruning, seqLast });
      const chosen: StoredEntry[] = [];
      let through = page.length === 0 ? seqLast : seqFirst - 1;
      for (const entry of page) {
        const choice = choose(entry);
        if (choice === 'stop') break;
        if (choice === 'remove') chosen.push(entry);
        through = entry.seq;
      }
      if (through < seqFirst) return none;
      const ops = () => opsOf?.(through) ?? [];
      const removed = await this.#remove(chosen, { lane, reason, ops });
      return { ...removed, through };
    });
  }

  /**
   * Deletes an entry that is damaged, for one who is alone at work: what else would go on one after
   * another, and all commits, wait.
   */
  takeOut(entry: StoredEntry, removal: Removal, commit: HolesParts['commit']): Promise<Removed> {
    return this.#remove([entry], removal, commit);
  }

  async #page({
    lane,
    seqFirst,
    seqLast,
    bytesMax = PRUNE_BYTES,
  }: Pruning): Promise<StoredEntry[]> {
    const rows = await this.#parts.store.scan({
      ...{ from: entryKey(lane, seqFirst), to: entryKey(lane, seqLast + 1) },
      ...{ limit: PRUNE_MAX, bytesMax: Math.max(1, Math.min(PRUNE_BYTES, bytesMax)) },
    });
    return rows.map(({ key, value }) => parseStored(seqOfEntryKey(key), value));
  }

  async #remove(
    entries: readonly StoredEntry[],
    removal: Removal,
    commit = this.#parts.commit,
  ): Promise<Removed> {
    const { lane, reason, ops, end } = removal;
    const state = this.#parts.lane(lane);
    const chain = chainOf(this.#parts, state);
    const { fragments, known } = await readFragments(chain, entries, state.acked);
    // From here on nothing is awaited: the watermark stays where it is.
    const fresh = fragments.flatMap((fragment) => {
      const isEnd = end !== undefined && fragment.entries.at(-1)?.seq === end.seq;
      return holesOf(lane, isEnd ? { ...fragment, end } : fragment, { reason, state });
    });
    const merged = merge([...known, ...fresh], state.acked);
    const kept = new Set(merged);
    const bytes = entries.reduce((sum, entry) => sum + entry.bytes.length, 0);
    state.goneEntries += entries.length;
    state.goneBytes += bytes;
    state.pendingHoles = sumsAfter(state, known, merged);
    const seqs = entries.map(({ seq }) => seq);
    const rows: StoreOp[] = [];
    for (const entry of entries) deleteRows(entry, removal, rows);
    await commit([
      ...rows,
      ...known
        .filter((hole) => !kept.has(hole))
        .map((hole) => deleted(holeKey(lane, hole.seqFirst))),
      ...merged.filter((hole) => !known.includes(hole)).map(holeOp),
      ...(entries.length > 0 ? [sumsOp(state)] : []),
      ...this.#parts.forget(lane, seqs),
      ...ops(),
    ]);
    if (entries.length > 0) this.#parts.onRemoved(lane, seqs, reason);
    return { entries: entries.length, bytes };
  }

  async #entries(lane: Lane, seqs: readonly number[], head: number): Promise<StoredEntry[]> {
    const ordered = [...new Set(seqs)].filter((seq) => seq < head).toSorted((a, b) => a - b);
    const values = await this.#parts.store.getMany(ordered.map((seq) => entryKey(lane, seq)));
    return ordered.flatMap((seq, index) => {
      const value = values[index];
      return value === undefined ? [] : [parseStored(seq, value)];
    });
  }
}

/** The holes that a fragment leaves: two, where the watermark has come into it meanwhile. */
function holesOf(
  lane: Lane,
  { entries, before, end }: Fragment,
  { reason, state }: { readonly reason: HoleReason; readonly state: LaneState },
): StoredHole[] {
  const isAcked = (entry: StoredEntry): boolean => entry.seq <= state.acked;
  const rest = entries.filter((entry) => !isAcked(entry));
  const { acked: seq, ackedHash: hash, ackedBytes: bytesThrough } = state;
  const between = rest.length === 0 ? end : { seq, hash, bytesThrough };
  const first = { entries: entries.filter(isAcked), before, end: between };
  const acked = holeOf(lane, first, reason);
  const isCut = first.entries.length > 0;
  const pending = holeOf(lane, { entries: rest, before: isCut ? between : before, end }, reason);
  return [acked, pending].filter((hole) => hole !== undefined);
}

/** `undefined`: there are no entries, or the chain before them is not known. */
function holeOf(
  lane: Lane,
  { entries, before, end }: Fragment,
  reason: HoleReason,
): StoredHole | undefined {
  const first = entries[0];
  const last = entries.at(-1);
  if (first === undefined || last === undefined) return undefined;
  if (before === undefined || end === undefined) return undefined;
  return {
    lane,
    seqFirst: first.seq,
    seqLast: last.seq,
    // A view of a row would keep the whole entry in memory.
    previousHash: before.hash.slice(),
    hash: end.hash.slice(),
    reason,
    bytes: entries.reduce((sum, entry) => sum + entry.bytes.length, 0),
    firstAtMs: timeOf(first),
    lastAtMs: timeOf(last),
    bytesThrough: end.bytesThrough,
  };
}

/** Deletes the rows of an entry: its own, and what is kept of what it may have sealed. */
function deleteRows({ seq, bytes }: StoredEntry, { lane, reason }: Removal, ops: StoreOp[]): void {
  ops.push(deleted(entryKey(lane, seq)));
  if (reason !== 'damaged' && !mayHoldSealed(bytes)) return;
  for (const key of contentKeys({ lane, seq })) ops.push(deleted(key));
}

function deleted(key: Uint8Array): StoreOp {
  return { kind: 'delete', key };
}

/** 0: it cannot be read. */
function timeOf({ bytes }: StoredEntry): number {
  try {
    return stampIn(bytes).atMs;
  } catch {
    return 0;
  }
}

/** Joins holes that touch, are of one kind, and lie on the same side of the watermark. */
function merge(holes: readonly StoredHole[], acked: number): StoredHole[] {
  const merged: StoredHole[] = [];
  for (const hole of holes.toSorted((a, b) => a.seqFirst - b.seqFirst)) {
    const last = merged.at(-1);
    const isNext = last?.seqLast === hole.seqFirst - 1 && last.seqLast !== acked;
    if (last === undefined || !isNext || last.reason !== hole.reason) {
      merged.push(hole);
      continue;
    }
    const { seqFirst, previousHash, firstAtMs } = last;
    const bytes = last.bytes + hole.bytes;
    merged[merged.length - 1] = { ...hole, seqFirst, previousHash, firstAtMs, bytes };
  }
  return merged;
}

function sumsAfter(
  { pendingHoles, acked }: LaneState,
  before: readonly StoredHole[],
  after: readonly StoredHole[],
): LaneState['pendingHoles'] {
  let { count, entries, bytes } = pendingHoles;
  const add = (sign: 1 | -1, hole: StoredHole): void => {
    if (hole.seqLast <= acked) return;
    count += sign;
    entries += sign * (hole.seqLast - hole.seqFirst + 1);
    bytes += sign * hole.bytes;
  };
  for (const hole of before) add(-1, hole);
  for (const hole of after) add(1, hole);
  return { count, entries, bytes };
}

function sumsOp({ lane, goneEntries, goneBytes }: LaneState): StoreOp {
  const value = new Uint8Array(12);
  putNumber(value, 0, goneEntries);
  putNumber(value, 6, goneBytes);
  return { kind: 'put', key: holeSumsKey(lane), value };
}
