import {
  joinParts,
  readParted,
  type EntryOf,
  type Lane,
  type Sha256,
} from '@holdfast/protocol';
import type { Ledger } from './ledger.ts';

/** Entries in memory at a time. */
const PAGE = 256;

interface EntryPlace {
  readonly device: string;
  readonly epoch: number;
  readonly lane: Lane;
  readonly seq: number;
}

/**
 * The value of an entry: as the entry has it, or, where it is in the entries before it, all of it.
 *
 * @throws HF_ENTRY_DAMAGED when a part is missing or changed.
 */
export async function wholeValue(
  ports: { readonly ledger: Pick<Ledger, 'entries'>; readonly sha256: Sha256 },
  { device, epoch, lane, seq }: EntryPlace,
  value: Uint8Array,
): Promise<Uint8Array> {
  const parted = readParted(value);
  if (parted === undefined) return value;
  const parts: EntryOf<'value.part'>[] = [];
  for (let after = seq - parted.count - 1; after < seq - 1 && after >= 0; ) {
    const limit = Math.min(PAGE, seq - 1 - after);
    const page = await ports.ledger.entries({ device, epoch, lane, after, limit });
    for (const { entry } of page) if (entry?.kind === 'value.part') parts.push(entry);
    const last = page.at(-1);
    if (last === undefined) break;
    after = last.seq;
  }
  return joinParts(ports.sha256, parted, parts);
}
