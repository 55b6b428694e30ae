import { concat, HASH_BYTES, type Sha256 } from '@holdfast/protocol';

/** Odd numbers whose bits are half ones: what is multiplied by them spreads over all bits. */
const [SPREAD_A, SPREAD_B] = [0x9e3779b1, 0x85ebca6b];
const WORD_BYTES = 4;
/** How many of the words of a hash each begin anew from both sums. */
const HASH_WORDS = HASH_BYTES / WORD_BYTES;

/**
 * Takes the place of SHA-256 in a virtual world, for a tenth of its cost: an entry is hashed five
 * times there. 64 bits of it are its own, and enough against chance; nobody in a virtual world
 * looks for two pieces of bytes with the same hash.
 */
export const mixedHash: Sha256 = (...parts) => {
  const [only] = parts;
  return mixed(parts.length === 1 && only !== undefined ? only : concat(parts), SPREAD_A);
};

/** Of bytes, beginning with a key: other keys give other hashes. */
export function mixed(bytes: Uint8Array, key: number): Uint8Array {
  const { length } = bytes;
  const whole = length - (length % WORD_BYTES);
  let a = key;
  let b = length;
  // All of these are there: `?? 0` is for the type alone.
  for (let at = 0; at < whole; at += WORD_BYTES) {
    const low = (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8);
    const word = low | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24);
    a = Math.imul(a ^ word, SPREAD_A);
    b = (Math.imul((b << 13) | (b >>> 19), 5) + (word ^ a)) | 0;
    a ^= a >>> 15;
  }
  for (let at = whole; at < length; at += 1) {
    a = Math.imul(a ^ (bytes[at] ?? 0), SPREAD_A);
    b = (Math.imul((b << 13) | (b >>> 19), 5) + a) | 0;
    a ^= a >>> 15;
  }
  const hash = new Uint8Array(HASH_BYTES);
  for (let word = 0; word < HASH_WORDS; word += 1) {
    // Both sums are in each word: two that are the same are so by 64 bits.
    const next = avalanche((a + Math.imul(word + 1, SPREAD_B)) ^ Math.imul(b, word | 1));
    hash[WORD_BYTES * word] = next;
    hash[WORD_BYTES * word + 1] = next >>> 8;
    hash[WORD_BYTES * word + 2] = next >>> 16;
    hash[WORD_BYTES * word + 3] = next >>> 24;
  }
  return hash;
}

/** Has each bit of a sum change half of the others. */
function avalanche(sum: number): number {
  let mix = sum ^ (sum >>> 16);
  mix = Math.imul(mix, SPREAD_B);
  mix ^= mix >>> 13;
  mix = Math.imul(mix, 0xc2b2ae35);
  return mix ^ (mix >>> 16);
}
