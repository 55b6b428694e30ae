import { assert } from '../base/assert.ts';
import { concat } from '../base/bytes.ts';
import type { Sha256 } from '../base/ports.ts';

const BLOCK_BYTES = 64;

/** HMAC-SHA-256 (RFC 2104) of a message under a key of at most 64 bytes. */
export function hmacSha256(sha256: Sha256, key: Uint8Array, message: Uint8Array): Uint8Array {
  assert(key.length <= BLOCK_BYTES, 'the key fits into a block of the hash');
  const padded = (pad: number): Uint8Array => {
    const block = new Uint8Array(BLOCK_BYTES).fill(pad);
    key.forEach((byte, index) => (block[index] = byte ^ pad));
    return block;
  };
  return sha256(padded(0x5c), sha256(concat([padded(0x36), message])));
}
