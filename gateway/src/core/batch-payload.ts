import {
  HoldfastError,
  batchBounds,
  batchEntries,
  decodeWith,
  mayHoldSealed,
  type CarriedEntry,
} from '@holdfast/protocol';
import type { BatchPayload, Inflate } from './session-ports.ts';

/** What a batch brings. */
export interface BatchContent {
  readonly entries: readonly Uint8Array[];
  /** What travels beside entries, by their places among them. */
  readonly carried: ReadonlyMap<number, CarriedEntry>;
  /** One look at all of it: most batches have none, and a look at each entry takes longer. */
  readonly mayHoldSealed: boolean;
}

/**
 * The entries of a batch. Costs at most `BATCH_PLAIN_BYTES_MAX` bytes, whatever was sent.
 *
 * @throws HF_MESSAGE_INVALID when it does not hold what it says.
 */
export function readBatch(batch: BatchPayload, inflate: Inflate): BatchContent {
  const { encoding, payload, plainBytes, count } = batch;
  const plain = encoding === 'plain' ? payload : inflate(payload, plainBytes);
  if (plain.length !== plainBytes) {
    throw invalid(`inflates to ${plain.length} bytes, not ${plainBytes}`);
  }
  const items = decodeWith(batchEntries, plain, { ...batchBounds, path: 'batch.payload' });
  if (items.length !== count) throw invalid(`has ${items.length} entries, not ${count}`);
  const carried = new Map<number, CarriedEntry>();
  const entries = items.map((item, index) => {
    if (item instanceof Uint8Array) return item;
    carried.set(index, item);
    return item.entry;
  });
  return { entries, carried, mayHoldSealed: mayHoldSealed(plain) };
}

function invalid(why: string): HoldfastError {
  return new HoldfastError('HF_MESSAGE_INVALID', { why: `the payload of a batch ${why}` });
}
