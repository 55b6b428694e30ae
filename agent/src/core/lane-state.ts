import { chainStart, type Lane, type Sha256, type Store, type StoreRow } from '@holdfast/protocol';
import { chainPlace, type LaneChain } from './chain-place.ts';
import { ANCHOR_EVERY, parseStored } from './entry-row.ts';
import { ackKey, getNumber, holeSumsKey, laneRange, seqOfEntryKey } from './keys.ts';
import { holesBetween, type HoleSums } from './lane-holes.ts';

/** There is an anchor among so many, wherever one is missing. */
const TAIL_ENTRIES = 2 * ANCHOR_EVERY;

export interface LaneState {
  readonly lane: Lane;
  /** The chain's hash before the first entry. */
  readonly start: Uint8Array;
  /** Given to the last append; on disk once `head` has caught up. */
  seqLast: number;
  hashLast: Uint8Array;
  bytesLast: number;
  /** Durable. */
  head: number;
  headHash: Uint8Array;
  headBytes: number;
  acked: number;
  ackedHash: Uint8Array;
  ackedBytes: number;
  /** Holes that the ledger is not known to have. */
  pendingHoles: HoleSums;
  /** Of all holes of the lane. */
  goneEntries: number;
  goneBytes: number;
}

/** Where a lane stands: a few rows, whatever the size of its backlog. */
export async function openLane(
  { store, sha256, device, epoch }: LaneOptions,
  lane: Lane,
): Promise<LaneState> {
  const start = chainStart(sha256, { device, epoch, lane });
  const chain: LaneChain = { store, sha256, lane, start };
  const ack = await store.get(ackKey(lane));
  const acked = ack ? getNumber(ack, 0) : 0;
  const atAck = await chainPlace(chain, acked);
  const tail = await store.scan({ ...laneRange(lane), limit: TAIL_ENTRIES, reverse: true });
  const seqLast = tail[0] === undefined ? 0 : seqOfEntryKey(tail[0].key);
  // Where the chain cannot be told, what looks at the store before it is opened has told so.
  const unknown = { seq: seqLast, hash: start, bytesThrough: bytesAtEnd(tail) };
  const head = (await chainPlace(chain, seqLast)) ?? unknown;
  const pending = await holesBetween(store, lane, { after: acked });
  const sums = await store.get(holeSumsKey(lane));
  // A view would keep the whole row in memory.
  const headHash = head.hash.slice();
  return {
    ...{ lane, start },
    ...{ seqLast, hashLast: headHash, bytesLast: head.bytesThrough },
    ...{ head: seqLast, headHash, headBytes: head.bytesThrough },
    ...{ acked, ackedHash: ack?.subarray(6) ?? start, ackedBytes: atAck?.bytesThrough ?? 0 },
    pendingHoles: pending,
    goneEntries: sums ? getNumber(sums, 0) : 0,
    goneBytes: sums ? getNumber(sums, 6) : 0,
  };
}

/** The bytes of a lane through its last entry, at least. Newest first. */
function bytesAtEnd(tail: readonly StoreRow[]): number {
  let behind = 0;
  for (const { key, value } of tail) {
    const { bytes, anchor } = parseStored(seqOfEntryKey(key), value);
    if (anchor !== undefined) return anchor.bytesThrough + behind;
    behind += bytes.byteLength;
  }
  return behind;
}

/** The chain of a lane, with what is known of it in memory. */
export function chainOf(
  { store, sha256 }: Pick<LaneOptions, 'store' | 'sha256'>,
  { lane, start, ...state }: LaneState,
): LaneChain {
  const acked = { seq: state.acked, hash: state.ackedHash, bytesThrough: state.ackedBytes };
  const head = { seq: state.head, hash: state.headHash, bytesThrough: state.headBytes };
  return { store, sha256, lane, start, known: [head, acked] };
}

interface LaneOptions {
  readonly store: Store;
  readonly sha256: Sha256;
  readonly device: string;
  readonly epoch: number;
}

