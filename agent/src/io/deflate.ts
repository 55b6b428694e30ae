import { deflateRawSync } from 'node:zlib';
import type { Deflate } from '../core/uplink-pack.ts';

/** Below this, what is saved is less than what the call costs. */
const PLAIN_BYTES_MIN = 128;
/** More than twice as fast as level 3, and within a few percent of its size on entries. */
const LEVEL = 1;

/** Raw deflate when it saves a tenth or more. */
export const deflate: Deflate = (bytes) => {
  if (bytes.byteLength < PLAIN_BYTES_MIN) return undefined;
  const deflated = deflateRawSync(bytes, { level: LEVEL });
  return deflated.byteLength <= bytes.byteLength * 0.9 ? deflated : undefined;
};
