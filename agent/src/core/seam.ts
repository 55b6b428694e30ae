import {
  HASH_BYTES,
  equalBytes,
  type Lane,
  type Store,
  type StoreOp,
  type StoreRow,
} from '@holdfast/protocol';
import { NUMBER_BYTES, getNumber, metaKey, putNumber } from './keys.ts';

/**
 * Where the chain of a lane is being led anew, behind an entry that nobody can read any more: up to
 * here rows follow from each other again, and those behind still from another hash. It is there
 * only while that is at work, and is gone on with by the next start.
 */
export interface Seam {
  readonly seq: number;
  /** What the row behind follows from; `undefined`: that went with the entry. */
  readonly hash: Uint8Array | undefined;
}

const seamKey = (lane: Lane): Uint8Array => metaKey(`seam/${lane}`);

/** `undefined`: the rows of the lane all follow from each other. */
export function seamOp(lane: Lane, seam: Seam | undefined): StoreOp {
  const key = seamKey(lane);
  if (seam === undefined) return { kind: 'delete', key };
  const value = new Uint8Array(NUMBER_BYTES + (seam.hash?.byteLength ?? 0));
  putNumber(value, 0, seam.seq);
  if (seam.hash !== undefined) value.set(seam.hash, NUMBER_BYTES);
  return { kind: 'put', key, value };
}

export async function readSeam(store: Store, lane: Lane): Promise<Seam | undefined> {
  const value = await store.get(seamKey(lane));
  return value && seamIn(value);
}

/** The seam of a lane among rows that were read already. */
export function findSeam(rows: readonly StoreRow[], lane: Lane): Seam | undefined {
  const key = seamKey(lane);
  const row = rows.find((each) => equalBytes(each.key, key));
  return row && seamIn(row.value);
}

function seamIn(value: Uint8Array): Seam {
  const hash = value.subarray(NUMBER_BYTES);
  return { seq: getNumber(value, 0), hash: hash.byteLength === HASH_BYTES ? hash : undefined };
}
