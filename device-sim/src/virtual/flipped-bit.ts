import type { Chance } from '@holdfast/protocol';

/** A copy in which one bit is another. */
export function withOneBitFlipped(bytes: Uint8Array, chance: Chance): Uint8Array {
  const copy = bytes.slice();
  const at = Math.floor(chance.next() * copy.length);
  copy[at] = (copy[at] ?? 0) ^ (1 << Math.floor(chance.next() * 8));
  return copy;
}
