import { HASH_BYTES, equalBytes, type Lane, type StoreOp } from '@holdfast/protocol';
import { NUMBER_BYTES, entryKey, getNumber, putNumber } from './keys.ts';
import { CRC_START, crcUpdate } from './level-format/crc32c.ts';
import { Slab } from './slab.ts';
import { getVarint, putVarint, varintBytes } from './varint.ts';

/**
 * Every fourth entry of a lane is an anchor: its row has the chain's hash and the sum of bytes. The
 * hash cannot be squeezed, and a row is written three times in its life; of the others it follows
 * from the anchor before them. They have its first bytes, which tell the one that has changed.
 *
 * Each row has a check sum of its own, too: behind one that has changed the chain tells nothing of
 * the others up to the next anchor.
 */
export const ANCHOR_EVERY = 4;
const CHECK_BYTES = 2;
const SUM_BYTES = 2;
const ANCHOR_BYTES = HASH_BYTES + NUMBER_BYTES;

/** Rows of entries are in memory until the commit that takes them. */
const rowMemory = new Slab();

export interface StoredEntry {
  readonly seq: number;
  /** In whose history it is; 0: in none. */
  readonly run: number;
  readonly bytes: Uint8Array;
  /** As it is stored. It begins with the chain's hash at this entry, or the first bytes of it. */
  readonly row: Uint8Array;
  /** The whole hash, and the bytes of the lane's entries through this one. */
  readonly anchor: { readonly hash: Uint8Array; readonly bytesThrough: number } | undefined;
}

/** The anchor at a seq, or the last one before it; 0: there is none. */
export const anchorBefore = (seq: number): number => seq - (seq % ANCHOR_EVERY);

/** The row of an entry. `hash` and `bytes`: of the lane through this entry. */
export function storedEntry(
  lane: Lane,
  end: {
    readonly seq: number;
    readonly hash: Uint8Array;
    readonly bytes: number;
    /** In whose history the entry is; 0: in none. */
    readonly run: number;
    readonly entry: Uint8Array;
  },
): StoreOp {
  const { seq, hash, bytes, run, entry } = end;
  const runAt = runPlace(seq);
  const value = rowMemory.take(runAt + varintBytes(run) + entry.length);
  if (isAnchor(seq)) {
    value.set(hash);
    putNumber(value, HASH_BYTES, bytes);
  } else for (let at = 0; at < CHECK_BYTES; at += 1) value[at] = hash[at] ?? 0;
  value.set(entry, putVarint(value, runAt, run));
  const sum = sumOf(value, runAt);
  value[runAt - 2] = sum >>> 8;
  value[runAt - 1] = sum;
  return { kind: 'put', key: entryKey(lane, seq), value };
}

export function parseStored(seq: number, value: Uint8Array): StoredEntry {
  const runAt = runPlace(seq);
  const run = getVarint(value, runAt);
  return {
    seq,
    run,
    bytes: value.subarray(runAt + varintBytes(run)),
    row: value,
    anchor: isAnchor(seq)
      ? { hash: value.subarray(0, HASH_BYTES), bytesThrough: getNumber(value, HASH_BYTES) }
      : undefined,
  };
}

/** Whether the chain has this hash at an entry, by all that its row tells. */
export function isHashOf({ row, anchor }: StoredEntry, hash: Uint8Array): boolean {
  if (anchor !== undefined) return equalBytes(anchor.hash, hash);
  return row[0] === hash[0] && row[1] === hash[1];
}

/** Whether an entry, and whose it is, are as they were written, by its own row. */
export function isUnharmed({ seq, row }: StoredEntry): boolean {
  const runAt = runPlace(seq);
  const sum = ((row[runAt - 2] ?? 0) << 8) | (row[runAt - 1] ?? 0);
  return row.length > runAt && sum === sumOf(row, runAt);
}

/** Half of a CRC-32C of what is behind it. */
function sumOf(row: Uint8Array, runAt: number): number {
  return crcUpdate(CRC_START, row, runAt, row.length) & 0xffff;
}

function isAnchor(seq: number): boolean {
  return seq % ANCHOR_EVERY === 0;
}

/** Where in a row the number of the run is. */
function runPlace(seq: number): number {
  return (isAnchor(seq) ? ANCHOR_BYTES : CHECK_BYTES) + SUM_BYTES;
}
