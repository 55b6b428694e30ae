import { inflateRawSync } from 'node:zlib';
import { HoldfastError, messageOf } from '@holdfast/protocol';
import type { Inflate } from '../core/session-ports.ts';

/** Stops as soon as there is more than `bytesMax`: a few bytes can stand for very many. */
export const inflate: Inflate = (deflated, bytesMax) => {
  try {
    return inflateRawSync(deflated, { maxOutputLength: Math.max(1, bytesMax) });
  } catch (cause) {
    const why = `the payload of a batch does not inflate: ${messageOf(cause)}`;
    throw new HoldfastError('HF_MESSAGE_INVALID', { why, cause });
  }
};
