import { ascii, concat } from '../base/bytes.ts';
import type { Sha256 } from '../base/ports.ts';

/** Priority classes of the journal, most urgent first. Their positions are on the wire. */
export const lanes = ['urgent', 'normal', 'bulk'] as const;
export type Lane = (typeof lanes)[number];

/** Something for each lane, in the order of `lanes`. */
export type PerLane<T> = readonly [T, T, T];

export function laneIndex(lane: Lane): 0 | 1 | 2 {
  return lane === 'urgent' ? 0 : lane === 'normal' ? 1 : 2;
}

export function eachLane<T>(make: (lane: Lane) => T): [T, T, T] {
  return [make('urgent'), make('normal'), make('bulk')];
}

export const HASH_BYTES = 32;

/** Where the chain of a lane begins: bound to its device, epoch and lane. */
export function chainStart(
  sha256: Sha256,
  chain: { readonly device: string; readonly epoch: number; readonly lane: Lane },
): Uint8Array {
  const name = `holdfast/1/${chain.device}/${chain.epoch}/${chain.lane}`;
  return sha256(ascii(name));
}

/** Where what is hashed is put together: memory of its own takes as long as the hash. */
const scratch = new Uint8Array(4_096);
/** Its beginnings by their length: a view costs a third of a hash, and most entries are alike. */
const beginnings: (Uint8Array | undefined)[] = Array.from({ length: scratch.length + 1 });

/** The hash of an entry: SHA-256 of the hash before it and the entry's own bytes. */
export function chainNext(sha256: Sha256, previous: Uint8Array, entry: Uint8Array): Uint8Array {
  const end = previous.length + entry.length;
  if (end > scratch.length) return sha256(concat([previous, entry]));
  scratch.set(previous);
  scratch.set(entry, previous.length);
  return sha256((beginnings[end] ??= scratch.subarray(0, end)));
}
