import {
  chainNext,
  decodeEntry,
  equalBytes,
  isEventOutsideRuns,
  type Entry,
  type Sha256,
} from '@holdfast/protocol';
import { arrivedContents, type ArrivedContent } from './ledger-contents.ts';
import type { IngestBatch, LanePosition } from './ledger.ts';

/** A batch with all that can be worked out before its turn comes. */
export interface PreparedBatch {
  readonly batch: IngestBatch;
  /** The chain's hash at each entry, if the one before the first is right. */
  readonly hashes: readonly Uint8Array[];
  /**
   * What may be projected. `undefined` for events outside runs, from which nothing follows, and
   * for entries of a kind that this version does not know.
   */
  readonly entries: readonly (Entry | undefined)[];
  /** Entries whose values are erasable. */
  readonly contents: readonly ArrivedContent[];
}

export function prepareBatch(batch: IngestBatch, sha256: Sha256): PreparedBatch {
  let hash = batch.previousHash;
  const hashes = batch.entries.map((bytes) => (hash = chainNext(sha256, hash, bytes)));
  const entries = batch.entries.map((bytes) =>
    isEventOutsideRuns(bytes) ? undefined : readEntry(bytes),
  );
  const read = (bytes: Uint8Array, index: number) => entries[index] ?? readEntry(bytes);
  return { batch, hashes, entries, contents: arrivedContents(batch, read, sha256) };
}

/** What an entry says; `undefined` when this version does not understand it. It is kept anyway. */
export function readEntry(bytes: Uint8Array): Entry | undefined {
  try {
    return decodeEntry(bytes);
  } catch {
    return undefined;
  }
}

export type Join =
  /** Entries from index `from` on are new, and lead to `position`. */
  | { readonly kind: 'fresh'; readonly from: number; readonly position: LanePosition }
  /** All of it is held, as the chain at the watermark proves. */
  | { readonly kind: 'held' }
  /** All of it lies below the watermark; the chain at `seq` would have to be `hash`. */
  | { readonly kind: 'below'; readonly seq: number; readonly hash: Uint8Array }
  | { readonly kind: 'gap' }
  | { readonly kind: 'forked' };

/** How a batch joins on to what is held of its lane. */
export function joinBatch(position: LanePosition, prepared: PreparedBatch): Join {
  const { seqFirst, previousHash } = prepared.batch;
  const seqLast = seqFirst + prepared.hashes.length - 1;
  const { watermark } = position;
  if (seqFirst > watermark + 1) return { kind: 'gap' };
  // Entries that are not what was journaled: the device looks for them, and nothing is taken.
  if (!equalBytes(prepared.batch.hash, prepared.hashes.at(-1) ?? previousHash)) {
    return { kind: 'forked' };
  }
  const hashAt = (seq: number): Uint8Array => {
    const hash = seq < seqFirst ? previousHash : prepared.hashes[seq - seqFirst];
    return hash ?? previousHash;
  };
  if (seqLast < watermark) return { kind: 'below', seq: seqLast, hash: hashAt(seqLast) };
  if (!equalBytes(hashAt(watermark), position.hash)) return { kind: 'forked' };
  if (seqLast === watermark) return { kind: 'held' };
  return {
    kind: 'fresh',
    from: watermark + 1 - seqFirst,
    position: { watermark: seqLast, hash: hashAt(seqLast) },
  };
}
