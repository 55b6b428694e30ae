import { HASH_BYTES, equalBytes, type Lane, type StoreOp } from '@holdfast/protocol';
import { NUMBER_BYTES, entryKey, getNumber, putNumber } from './keys.ts';
import { Slab } from './slab.ts';
import { getVarint, putVarint, varintBytes } from './varint.ts';

/**
 * Every fourth entry of a lane is an anchor: its row has the chain's hash and the sum of bytes. The
 * hash cannot be squeezed, and a row is written three times in its life; of the others it follows
 * from the anchor before them. They have its first bytes, which tell the one that has changed.
 */
export const ANCHOR_EVERY = 4;
const CHECK_BYTES = 4;
const ANCHOR_BYTES = HASH_BYTES + NUMBER_BYTES;

/** Rows of entries are in memory until the commit that takes them. */
const rowMemory = new Slab();

export interface StoredEntry {
  readonly seq: number;
  /** In whose history it is; 0: in none. */
  readonly run: number;
  readonly bytes: Uint8Array;
  /** The first bytes of the chain's hash at this entry. */
  readonly check: Uint8Array;
  /** The whole of it, and the bytes of the lane's entries through this one. */
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
  const value = rowMemory.take(runAt + varintBytes(run) + entry.byteLength);
  if (runAt === ANCHOR_BYTES) {
    value.set(hash);
    putNumber(value, HASH_BYTES, bytes);
  } else for (let at = 0; at < CHECK_BYTES; at += 1) value[at] = hash[at] ?? 0;
  value.set(entry, putVarint(value, runAt, run));
  return { kind: 'put', key: entryKey(lane, seq), value };
}

export function parseStored(seq: number, value: Uint8Array): StoredEntry {
  const runAt = runPlace(seq);
  const run = getVarint(value, runAt);
  return {
    seq,
    run,
    bytes: value.subarray(runAt + varintBytes(run)),
    check: value.subarray(0, CHECK_BYTES),
    anchor:
      runAt === ANCHOR_BYTES
        ? { hash: value.subarray(0, HASH_BYTES), bytesThrough: getNumber(value, HASH_BYTES) }
        : undefined,
  };
}

/** Whether the chain has this hash at an entry, by all that its row tells. */
export function isHashOf({ check, anchor }: StoredEntry, hash: Uint8Array): boolean {
  return equalBytes(anchor?.hash ?? check, anchor ? hash : hash.subarray(0, CHECK_BYTES));
}

/** Where in a row the number of the run is. */
function runPlace(seq: number): number {
  return seq % ANCHOR_EVERY === 0 ? ANCHOR_BYTES : CHECK_BYTES;
}
