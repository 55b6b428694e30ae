import { inflateRawSync } from 'node:zlib';
import { HoldfastError, messageOf } from '@holdfast/protocol';
import type { Inflate } from '../core/session-ports.ts';

/** The least that zlib takes. */
const CHUNK_BYTES_MIN = 64;

/** Stops as soon as there is more than `bytesMax`: a few bytes can stand for very many. */
export const inflate: Inflate = (deflated, bytesMax) => {
  // In one piece, which is not full at the end: another one would be made then, for nothing.
  const chunkSize = Math.max(CHUNK_BYTES_MIN, bytesMax + 1);
  try {
    return inflateRawSync(deflated, { chunkSize, maxOutputLength: Math.max(1, bytesMax) });
  } catch (cause) {
    const why = `the payload of a batch does not inflate: ${messageOf(cause)}`;
    throw new HoldfastError('HF_MESSAGE_INVALID', { why, cause });
  }
};
