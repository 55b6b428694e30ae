import { promisify } from 'node:util';
import { deflateRaw, deflateRawSync } from 'node:zlib';
import type { Deflate } from '../core/uplink-pack.ts';

/** Below this, what is saved is less than what the call costs. */
const PLAIN_BYTES_MIN = 128;
/** From here on it takes longer than to have another thread do it. */
const BESIDE_BYTES_MIN = 8 * 1024;
/**
 * Level 1 is more than twice as fast as level 3, and within a few percent of its size on entries.
 * The result is had in one piece, and in one go of the other thread: it is no larger than what it
 * is made of where it pays.
 */
const optionsFor = ({ byteLength }: Uint8Array) => ({ level: 1, chunkSize: byteLength });

const deflateElsewhere = promisify(deflateRaw);

/** Raw deflate when it saves a tenth or more; at once, whatever the size. */
export const deflate = (bytes: Uint8Array): Uint8Array | undefined => {
  if (bytes.byteLength < PLAIN_BYTES_MIN) return undefined;
  return ifItPays(bytes, deflateRawSync(bytes, optionsFor(bytes)));
};

/** The same, in another thread where it takes long: steps go on meanwhile. */
export const deflateBeside: Deflate = async (bytes) => {
  if (bytes.byteLength < BESIDE_BYTES_MIN) return deflate(bytes);
  return ifItPays(bytes, await deflateElsewhere(bytes, optionsFor(bytes)));
};

function ifItPays(bytes: Uint8Array, deflated: Uint8Array): Uint8Array | undefined {
  return deflated.byteLength <= bytes.byteLength * 0.9 ? deflated : undefined;
}
