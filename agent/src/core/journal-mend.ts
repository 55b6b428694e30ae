import { HoldfastError, chainNext, equalBytes, type Sha256, type Store } from '@holdfast/protocol';
import { decodeHole } from './hole-rows.ts';
import { holeKey, laneRange, seqOfEntryKey } from './keys.ts';
import { holeAt, parseStored, type LaneState, type StoredEntry } from './lane-state.ts';

export interface MendParts {
  readonly store: Store;
  readonly sha256: Sha256;
  /** Deletes entries that are damaged, and leaves a hole. */
  readonly remove: (seqs: readonly number[]) => Promise<unknown>;
}

/** Rows in memory at a time; an entry has up to 56 KiB. */
const PAGE = 256;

/**
 * Looks for entries that the ledger lacks and that are not what was journaled. Where the chain
 * still shows how it goes on behind them, they give way to a hole, and the lane goes on.
 *
 * @returns How many entries were damaged.
 * @throws HF_ENTRY_DAMAGED when the chain is lost at an entry: only a salvage helps.
 */
export async function mendLane(state: LaneState, parts: MendParts): Promise<number> {
  const { head } = state;
  let at = { seq: state.acked, hash: state.ackedHash };
  let damaged = 0;
  while (at.seq < head) {
    const rows = await nextRows(parts.store, state, at.seq + 1);
    if (rows.length === 0) {
      const hole = await holeAt(parts.store, state.lane, at.seq + 1);
      if (hole === undefined || !joins(hole, at)) throw lost(state, at.seq + 1);
      at = { seq: hole.seqLast, hash: hole.hash };
      continue;
    }
    for (const row of rows) {
      if (row.seq <= at.seq) continue;
      if (equalBytes(chainNext(parts.sha256, at.hash, row.bytes), row.hash)) {
        at = row;
        continue;
      }
      const stretch = await damagedFrom(row, state, parts);
      damaged += stretch.length;
      await parts.remove(stretch.map(({ seq }) => seq));
      at = stretch.at(-1) ?? row;
    }
  }
  return damaged;
}

/** Consecutive rows from `seq` on; none where that one is gone. */
async function nextRows(store: Store, state: LaneState, seq: number): Promise<StoredEntry[]> {
  const rows = await store.scan({ ...laneRange(state.lane, seq), limit: PAGE });
  const parsed = rows.map((row) => parseStored(seqOfEntryKey(row.key), row.value));
  const end = parsed.findIndex((row, index) => row.seq !== seq + index || row.seq > state.head);
  return end === -1 ? parsed : parsed.slice(0, end);
}

function joins(
  hole: { readonly seqFirst: number; readonly previousHash: Uint8Array },
  at: { readonly seq: number; readonly hash: Uint8Array },
): boolean {
  return hole.seqFirst !== at.seq + 1 || equalBytes(hole.previousHash, at.hash);
}

/** From a damaged entry on, through the first whose hash is what the next one is chained to. */
async function damagedFrom(
  first: StoredEntry,
  state: LaneState,
  { store, sha256 }: MendParts,
): Promise<StoredEntry[]> {
  const rows = await nextRows(store, state, first.seq);
  for (const [index, row] of rows.entries()) {
    const next = rows[index + 1];
    const hole = next === undefined ? await store.get(holeKey(state.lane, row.seq + 1)) : undefined;
    const isEnd =
      next === undefined
        ? hole !== undefined && equalBytes(decodeHole(state.lane, hole).previousHash, row.hash)
        : equalBytes(chainNext(sha256, row.hash, next.bytes), next.hash);
    if (isEnd) return rows.slice(0, index + 1);
  }
  throw lost(state, first.seq);
}

function lost({ lane }: LaneState, seq: number): HoldfastError {
  return new HoldfastError('HF_ENTRY_DAMAGED', {
    why: `entry ${seq} of lane ${lane} is not what was journaled`,
    details: { lane, seq },
  });
}
