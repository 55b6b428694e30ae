import { createHash, hash } from 'node:crypto';
import type { Sha256 } from '@holdfast/protocol';

export const sha256: Sha256 = (...parts) => {
  const [first, ...rest] = parts;
  // Half the time of a hash object, where there is one part; chains hash nothing else.
  if (first !== undefined && rest.length === 0) return hash('sha256', first, 'buffer');
  const digest = createHash('sha256');
  for (const part of parts) digest.update(part);
  return digest.digest();
};
