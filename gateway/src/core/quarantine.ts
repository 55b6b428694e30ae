import type { Draft } from './ledger-draft.ts';
import { decodeBlock, encodeBlock } from './ledger-block.ts';
import { behind, lateKey, placeOfLate, prefixOf, quarantineKey } from './ledger-keys.ts';
import { quarantineRow } from './ledger-rows.ts';
import type { Reads } from './ledger-store.ts';
import { rowsOf } from './ledger-verify.ts';
import { readEntry, type PreparedBatch } from './ingest.ts';
import type { IngestBatch, LedgerEntry, Quarantine } from './ledger.ts';

/** Of one device: whoever has its old key cannot fill the ledger. */
const BATCHES_MAX = 1_000;
const BYTES_MAX = 4 * 1024 * 1024;
const PAGE_ROWS = 16;
const nothing: Quarantine = { batches: 0, entries: 0, bytes: 0, dropped: 0 };

/** The rows that `takeLate` reads. */
export function lateReads(batch: IngestBatch): Uint8Array[] {
  return [quarantineKey(batch.device), lateKey(batch, batch.seqFirst)];
}

/** Keeps a batch aside: it is not applied, and nothing that counts is changed by it. */
export function takeLate(draft: Draft, { batch, hashes }: PreparedBatch): void {
  const { device, seqFirst, entries, receivedAtMs, previousHash } = batch;
  const key = lateKey(batch, seqFirst);
  if (draft.has(key)) return;
  const sums = draft.get(quarantineKey(device), quarantineRow) ?? nothing;
  const bytes = entries.reduce((sum, entry) => sum + entry.byteLength, 0);
  if (sums.batches >= BATCHES_MAX || sums.bytes + bytes > BYTES_MAX) {
    const dropped = sums.dropped + entries.length;
    draft.put(quarantineKey(device), quarantineRow.encode({ ...sums, dropped }));
    return;
  }
  const kept = entries.map((entry, index) => {
    return { bytes: entry, hash: hashes[index] ?? previousHash };
  });
  draft.put(key, encodeBlock({ receivedAtMs, previousHash, entries: kept }));
  const after = {
    ...{ batches: sums.batches + 1, entries: sums.entries + entries.length },
    ...{ bytes: sums.bytes + bytes, dropped: sums.dropped },
  };
  draft.put(quarantineKey(device), quarantineRow.encode(after));
}

/** The first entries that are kept aside, in the order of their epochs, lanes and seqs. */
export async function readLate(
  store: Reads,
  { device, limit }: { readonly device: string; readonly limit: number },
): Promise<Quarantine & { readonly late: readonly LedgerEntry[] }> {
  const [stored] = await store.scan({
    ...{ from: quarantineKey(device), to: behind(quarantineKey(device)), limit: 1 },
  });
  const sums = stored === undefined ? nothing : quarantineRow.decode(stored.value);
  const late: LedgerEntry[] = [];
  for await (const { key, value } of rowsOf(store, prefixOf('late', device), PAGE_ROWS)) {
    const { epoch, lane, seqFirst } = placeOfLate(key);
    const { receivedAtMs, entries } = decodeBlock(value);
    const rows = entries.map(({ bytes }, index) => {
      return { lane, epoch, seq: seqFirst + index, receivedAtMs, bytes, entry: readEntry(bytes) };
    });
    late.push(...rows.slice(0, limit - late.length));
    if (late.length >= limit) break;
  }
  return { ...sums, late };
}
