import {
  HASH_BYTES,
  bytes,
  choice,
  decodeWith,
  encodeWith,
  holeReasons,
  record,
  uint,
  type Infer,
  type Lane,
} from '@holdfast/protocol';
import { holeKey } from './keys.ts';
import type { StoreOp } from '@holdfast/protocol';

const hash = bytes(HASH_BYTES, true);

const row = record({
  seqFirst: uint(),
  seqLast: uint(),
  /** The chain's hash before the first entry, and at the last. */
  previousHash: hash,
  hash,
  reason: choice(holeReasons),
  /** Of the entries that are gone. */
  bytes: uint(),
  firstAtMs: uint(),
  lastAtMs: uint(),
  /** Bytes of the lane's entries through the last of them, as in the row of an entry. */
  bytesThrough: uint(),
});

const bounds = { bytesMax: 256, depthMax: 2, itemsMax: 32, path: 'hole' };

/** Entries of a lane that are gone for good, as the store has it. */
export interface StoredHole extends Infer<typeof row> {
  readonly lane: Lane;
}

export function holeOp(hole: StoredHole): StoreOp {
  return { kind: 'put', key: holeKey(hole.lane, hole.seqFirst), value: encodeHole(hole) };
}

export function encodeHole(hole: StoredHole): Uint8Array {
  return encodeWith(row, hole);
}

/** @throws HF_MESSAGE_INVALID for bytes that are no such row. */
export function decodeHole(lane: Lane, value: Uint8Array): StoredHole {
  return { lane, ...decodeWith(row, value, bounds) };
}
