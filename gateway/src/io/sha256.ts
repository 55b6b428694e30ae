import { createHash, hash } from 'node:crypto';
import { HASH_BYTES, type Sha256 } from '@holdfast/protocol';

/**
 * One part is hashed in one call, without an object for it; chains hash nothing else. The digest
 * comes as text of one character a byte: memory outside the heap would cost more than the hash.
 */
export const sha256: Sha256 = (...parts) => {
  const [only, ...others] = parts;
  if (only !== undefined && others.length === 0) return bytesOf(hash('sha256', only, 'binary'));
  const hashing = createHash('sha256');
  for (const part of parts) hashing.update(part);
  return bytesOf(hashing.digest('binary'));
};

function bytesOf(digest: string): Uint8Array {
  const bytes = new Uint8Array(HASH_BYTES);
  for (let index = 0; index < HASH_BYTES; index += 1) bytes[index] = digest.charCodeAt(index);
  return bytes;
}
