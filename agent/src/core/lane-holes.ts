import type { Lane, Store } from '@holdfast/protocol';
import { decodeHole, type StoredHole } from './hole-rows.ts';
import { holeKey, holeRange, seqOfEntryKey } from './keys.ts';

/** Holes in memory at a time. */
const PAGE = 256;

/** How many holes, and how many entries and bytes they took the place of. */
export interface HoleSums {
  readonly count: number;
  readonly entries: number;
  readonly bytes: number;
}

/** The hole that `seq` is in. */
export async function holeAt(
  store: Store,
  lane: Lane,
  seq: number,
): Promise<StoredHole | undefined> {
  const range = { from: holeKey(lane, 0), to: holeKey(lane, seq + 1) };
  const [row] = await store.scan({ ...range, limit: 1, reverse: true });
  const hole = row && decodeHole(lane, row.value);
  return hole !== undefined && hole.seqLast >= seq ? hole : undefined;
}

/** Sums of the holes that begin behind `after` and end by `through`. */
export async function holesBetween(
  store: Store,
  lane: Lane,
  seqs: { readonly after: number; readonly through?: number },
): Promise<HoleSums> {
  let [count, entries, bytes] = [0, 0, 0];
  const through = seqs.through ?? Number.MAX_SAFE_INTEGER;
  for await (const hole of eachHole(store, lane, seqs.after + 1)) {
    if (hole.seqLast > through) break;
    count += 1;
    entries += hole.seqLast - hole.seqFirst + 1;
    bytes += hole.bytes;
  }
  return { count, entries, bytes };
}

/** Holes that begin at `seqFirst` or behind it, in order. */
export async function* eachHole(
  store: Store,
  lane: Lane,
  seqFirst: number,
): AsyncGenerator<StoredHole, void> {
  for (let from = seqFirst; ;) {
    const rows = await store.scan({ ...holeRange(lane, from), limit: PAGE });
    for (const row of rows) yield decodeHole(lane, row.value);
    const last = rows.at(-1);
    if (last === undefined || rows.length < PAGE) return;
    from = seqOfEntryKey(last.key) + 1;
  }
}
