import { hex, type Lane } from '@holdfast/protocol';
import type { StoredEntry } from './entry-row.ts';
import { entryView, readEntry } from './run-detail.ts';

/** An entry as `holdfast store export` and `store salvage` print it. */
export interface EntryLine {
  readonly schema: 'holdfast.entry/1';
  /** Of the store it is from; `null`: a salvage found nothing that says it. */
  readonly device: string | null;
  readonly epoch: number | null;
  readonly lane: Lane;
  readonly seq: number;
  /** Whether the ledger is known to have it. */
  readonly acked: boolean;
  /** Bytes of the entry, hexadecimal: what was hashed and sent. */
  readonly bytes: string;
  /** What they say; `null`: they do not decode. */
  readonly entry: Readonly<Record<string, unknown>> | null;
}

/** @param from Of which store, and through which seq the ledger has the lane. */
export function entryLine(
  from: { readonly device: string | null; readonly epoch: number | null; readonly acked: number },
  lane: Lane,
  stored: Pick<StoredEntry, 'seq' | 'bytes'>,
): EntryLine {
  const { seq, bytes } = stored;
  const entry = readEntry(stored);
  return {
    ...{ schema: 'holdfast.entry/1', device: from.device, epoch: from.epoch, lane, seq },
    ...{ acked: seq <= from.acked, bytes: hex(bytes) },
    entry: entry === undefined ? null : entryView(entry),
  };
}
