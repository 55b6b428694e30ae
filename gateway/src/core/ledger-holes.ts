import { equalBytes, hex, laneIndex, unreachable } from '@holdfast/protocol';
import type { Draft } from './ledger-draft.ts';
import { holeKey } from './ledger-keys.ts';
import { holeRow } from './ledger-rows.ts';
import { isHeardBy } from './ledger-work.ts';
import type { IngestHole, IngestOutcome, LanePosition } from './ledger.ts';

/** A hash that has to be what is held at `seq`, if anything is known of it. */
export interface Anchor {
  readonly seq: number;
  readonly hash: Uint8Array;
}

export type HoleJoin =
  /** From the watermark on it is new. `anchor`: it begins at or before the watermark. */
  | { readonly kind: 'fresh'; readonly anchor: Anchor }
  /** All of it is held, or was there before it became a hole. */
  | { readonly kind: 'below'; readonly anchor: Anchor }
  | { readonly kind: 'gap' };

/**
 * How a hole joins on to what is held of its lane. Its inside has no hashes: where the watermark
 * lies in it, the ledger has taken entries that the device gave up before it was told, and what
 * proves that both speak of one chain is the hash before it.
 */
export function joinHole({ watermark }: LanePosition, hole: IngestHole['hole']): HoleJoin {
  const { seqFirst, seqLast, previousHash, hash } = hole;
  if (seqFirst > watermark + 1) return { kind: 'gap' };
  if (seqLast <= watermark) return { kind: 'below', anchor: { seq: seqLast, hash } };
  return { kind: 'fresh', anchor: { seq: seqFirst - 1, hash: previousHash } };
}

/**
 * Takes what is new of a hole, and advances over it.
 *
 * @param heldHash The stored hash at the anchor of its join; `undefined`: not known.
 */
export function takeHole(
  draft: Draft,
  declared: IngestHole,
  heldHash: (anchor: Anchor) => Uint8Array | undefined,
): IngestOutcome {
  const { device, epoch, hole, receivedAtMs } = declared;
  const record = draft.device(device);
  if (record === undefined || !isHeardBy(record, declared)) return { kind: 'unknown' };
  const position = record.lanes[laneIndex(hole.lane)];
  const join = joinHole(position, hole);
  if (join.kind === 'gap') return { kind: 'gap', position };
  const held = join.anchor.seq === position.watermark ? position.hash : heldHash(join.anchor);
  if (held !== undefined && !equalBytes(held, join.anchor.hash)) {
    return { kind: 'forked', position };
  }
  const nothing = { fresh: 0, calls: 0, issued: 0, lastReceipt: record.lastReceipt };
  switch (join.kind) {
    case 'below':
      return { kind: 'committed', position, ...nothing };
    case 'fresh': {
      const seqFirst = position.watermark + 1;
      const { lane, seqLast, hash } = hole;
      const stored = { ...hole, seqFirst, previousHash: position.hash, receivedAtMs };
      draft.put(holeKey({ device, epoch, lane }, seqFirst), holeRow.encode(stored));
      const { count, entries, bytes } = record.holes;
      const lost = seqLast - position.watermark;
      const holes = { count: count + 1, entries: entries + lost, bytes: bytes + hole.bytes };
      draft.setDevice({ ...record, holes });
      const after = { watermark: seqLast, hash };
      draft.advance(device, lane, after);
      return { kind: 'committed', position: after, ...nothing };
    }
    default:
      return unreachable(join);
  }
}

/** Names an anchor, to remember what was found at it. */
export const anchorName = ({ seq, hash }: Anchor): string => `${seq}/${hex(hash)}`;
