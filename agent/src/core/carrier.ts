import type { BatchItem, Lane, Store, StoreRow } from '@holdfast/protocol';
import { carriedEntry } from './contents.ts';
import { carriedKey, seqOfEntryKey, tableRange } from './keys.ts';

/** Rows in memory at a time; one may have 64 KiB. */
const PAGE = 16;

/** Whether anything in the store goes beside an entry. */
export async function hasCarried(store: Store): Promise<boolean> {
  return (await store.scan({ ...tableRange('b'), limit: 1 })).length > 0;
}

/**
 * Puts what goes beside them to consecutive entries of a lane, or to as many of the first of them
 * as `bytesMax` has room for; one is always taken.
 */
export async function carry(
  store: Store,
  lane: Lane,
  batch: { readonly seqFirst: number; readonly entries: readonly Uint8Array[] },
  bytesMax: number,
): Promise<BatchItem[]> {
  const { seqFirst, entries } = batch;
  const items: BatchItem[] = [];
  let bytes = 0;
  const rows = rowsOf(store, lane, seqFirst, seqFirst + entries.length);
  let row = await rows.next();
  for (const [index, entry] of entries.entries()) {
    const next = row.value;
    const beside =
      next !== undefined && seqOfEntryKey(next.key) === seqFirst + index ? next.value : undefined;
    bytes += entry.byteLength + (beside?.byteLength ?? 0);
    if (items.length > 0 && bytes > bytesMax) break;
    items.push(beside === undefined ? entry : carriedEntry(entry, beside));
    if (beside !== undefined) row = await rows.next();
  }
  return items;
}

async function* rowsOf(
  store: Store,
  lane: Lane,
  seqFirst: number,
  seqEnd: number,
): AsyncGenerator<StoreRow, undefined> {
  const to = carriedKey(lane, seqEnd);
  for (let from = carriedKey(lane, seqFirst); ;) {
    const rows = await store.scan({ from, to, limit: PAGE });
    yield* rows;
    const last = rows.at(-1);
    if (last === undefined || rows.length < PAGE) return undefined;
    from = carriedKey(lane, seqOfEntryKey(last.key) + 1);
  }
}
