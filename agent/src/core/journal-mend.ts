import {
  HoldfastError,
  chainNext,
  equalBytes,
  type Sha256,
  type Store,
  type StoreOp,
} from '@holdfast/protocol';
import { nextPlace, placeAfter, type ChainPlace } from './chain-place.ts';
import { isHashOf, parseStored, storedEntry, type StoredEntry } from './entry-row.ts';
import { decodeHole, type StoredHole } from './hole-rows.ts';
import { holeKey, laneRange, seqOfEntryKey } from './keys.ts';
import { holeAt } from './lane-holes.ts';
import type { LaneState } from './lane-state.ts';

export interface MendParts {
  readonly store: Store;
  readonly sha256: Sha256;
  /** Deletes entries that are damaged, the last of which is at `end`, and leaves a hole. */
  readonly remove: (seqs: readonly number[], end: ChainPlace) => Promise<unknown>;
  /** Writes a row anew. */
  readonly rewrite: (row: StoreOp) => Promise<unknown>;
}

/** Rows in memory at a time; an entry has up to 56 KiB. */
const PAGE = 256;

/**
 * Looks for entries that the ledger lacks and that are not what was journaled. Where the chain
 * still shows how it goes on behind them, they give way to a hole, and the lane goes on. Those
 * between one that is damaged and the next anchor go with it: nothing tells what they follow from.
 *
 * @returns How many entries gave way, or had a row that was written anew.
 * @throws HF_ENTRY_DAMAGED when the chain is lost at an entry: only a salvage helps.
 */
export async function mendLane(state: LaneState, parts: MendParts): Promise<number> {
  const { head } = state;
  let at: ChainPlace = { seq: state.acked, hash: state.ackedHash, bytesThrough: state.ackedBytes };
  let damaged = 0;
  while (at.seq < head) {
    const rows = await nextRows(parts.store, state, at.seq + 1);
    if (rows.length === 0) {
      const hole = await holeAt(parts.store, state.lane, at.seq + 1);
      if (hole === undefined || !joins(hole, at)) throw lost(state, at.seq + 1);
      at = { ...hole, seq: hole.seqLast };
      continue;
    }
    for (const row of rows) {
      if (row.seq <= at.seq) continue;
      const next = nextPlace(parts.sha256, at, row);
      const end = next.isSure ? next : await mendAt(row, at, { state, parts });
      if (!next.isSure) damaged += end.seq - at.seq;
      at = end;
    }
  }
  return damaged;
}

/** Mends what begins with a damaged row. @returns Where the lane goes on. */
async function mendAt(
  row: StoredEntry,
  before: ChainPlace,
  { state, parts }: { readonly state: LaneState; readonly parts: MendParts },
): Promise<ChainPlace> {
  const around = await followers(row, state, parts);
  const whole = placeAfter(parts.sha256, before, row);
  if (around.isFollowed(whole, 0)) {
    const { seq, hash, bytesThrough: bytes } = whole;
    const end = { seq, hash, bytes, run: row.run, entry: row.bytes };
    await parts.rewrite(storedEntry(state.lane, end));
    return whole;
  }
  for (const [index, { seq, anchor }] of around.rows.entries()) {
    const end = anchor === undefined ? around.beforeHole(index) : { seq, ...anchor };
    // The last entry of a lane stays.
    if (end === undefined || seq === state.head || !around.isFollowed(end, index)) continue;
    await parts.remove(
      around.rows.slice(0, index + 1).map((each) => each.seq),
      { ...end, hash: end.hash.slice() },
    );
    return end;
  }
  throw lost(state, row.seq);
}

/** Consecutive rows from one on, and what follows each. */
async function followers(first: StoredEntry, state: LaneState, { store, sha256 }: MendParts) {
  const rows = await nextRows(store, state, first.seq);
  const seqLast = rows.at(-1)?.seq ?? first.seq;
  const value = await store.get(holeKey(state.lane, seqLast + 1));
  const hole = value && decodeHole(state.lane, value);
  const isLast = (index: number): boolean => index === rows.length - 1;
  return {
    rows,
    /** Whether what comes behind a row follows from there. */
    isFollowed(place: ChainPlace, index: number): boolean {
      const next = rows[index + 1];
      if (next !== undefined) return isHashOf(next, chainNext(sha256, place.hash, next.bytes));
      if (place.seq === state.head) return equalBytes(place.hash, state.headHash);
      return hole !== undefined && equalBytes(hole.previousHash, place.hash);
    },
    /** The place of a row that a hole comes behind. */
    beforeHole(index: number): ChainPlace | undefined {
      if (hole === undefined || !isLast(index)) return undefined;
      const { previousHash: hash, bytesThrough, bytes } = hole;
      return { seq: seqLast, hash, bytesThrough: bytesThrough - bytes };
    },
  };
}

/** Consecutive rows from `seq` on; none where that one is gone. */
async function nextRows(store: Store, state: LaneState, seq: number): Promise<StoredEntry[]> {
  const rows = await store.scan({ ...laneRange(state.lane, seq), limit: PAGE });
  const parsed = rows.map((row) => parseStored(seqOfEntryKey(row.key), row.value));
  const end = parsed.findIndex((row, index) => row.seq !== seq + index || row.seq > state.head);
  return end === -1 ? parsed : parsed.slice(0, end);
}

function joins(
  hole: Pick<StoredHole, 'seqFirst' | 'previousHash'>,
  at: { readonly seq: number; readonly hash: Uint8Array },
): boolean {
  return hole.seqFirst !== at.seq + 1 || equalBytes(hole.previousHash, at.hash);
}

function lost({ lane }: LaneState, seq: number): HoldfastError {
  return new HoldfastError('HF_ENTRY_DAMAGED', {
    why: `entry ${seq} of lane ${lane} is not what was journaled`,
    details: { lane, seq },
  });
}
