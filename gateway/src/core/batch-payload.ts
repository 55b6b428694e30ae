import {
  BATCH_ENTRIES_MAX,
  BATCH_PLAIN_BYTES_MAX,
  HoldfastError,
  batchEntries,
  decodeWith,
} from '@holdfast/protocol';
import type { BatchPayload, Inflate } from './session-ports.ts';

/** An array of byte strings, and nothing in them. */
const bounds = {
  bytesMax: BATCH_PLAIN_BYTES_MAX,
  depthMax: 2,
  itemsMax: BATCH_ENTRIES_MAX + 1,
};

/**
 * The entries of a batch. Costs at most `BATCH_PLAIN_BYTES_MAX` bytes, whatever was sent.
 *
 * @throws HF_MESSAGE_INVALID when it does not hold what it says.
 */
export function readEntries(batch: BatchPayload, inflate: Inflate): readonly Uint8Array[] {
  const { encoding, payload, plainBytes, count } = batch;
  const plain = encoding === 'plain' ? payload : inflate(payload, plainBytes);
  if (plain.byteLength !== plainBytes) {
    throw invalid(`inflates to ${plain.byteLength} bytes, not ${plainBytes}`);
  }
  const entries = decodeWith(batchEntries, plain, { ...bounds, path: 'batch.payload' });
  if (entries.length !== count) throw invalid(`has ${entries.length} entries, not ${count}`);
  return entries;
}

function invalid(why: string): HoldfastError {
  return new HoldfastError('HF_MESSAGE_INVALID', { why: `the payload of a batch ${why}` });
}
