import { createHash } from 'node:crypto';
import type { Sha256 } from '@holdfast/protocol';

/**
 * One update a part: as fast as the one-shot `crypto.hash` at the size of an entry (2.9 µs for
 * 332 bytes), and nothing is concatenated.
 */
export const sha256: Sha256 = (...parts) => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
};
