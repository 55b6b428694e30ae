import { HoldfastError, chainNext, type Sha256, type Store } from '@holdfast/protocol';
import { carry } from './carrier.ts';
import { chainPlace, lastPlace, type LaneChain } from './chain-place.ts';
import type { DeadLetters } from './dead-letters.ts';
import { anchorBefore, isUnharmed, parseStored, type StoredEntry } from './entry-row.ts';
import { laneRange, seqOfEntryKey } from './keys.ts';
import { holeAt } from './lane-holes.ts';
import type { LaneState } from './lane-state.ts';
import type { LaneRead, ReadLimits } from './uplink-ports.ts';

/** A lane as it is to be read. */
export interface ReadableLane {
  readonly chain: LaneChain;
  readonly head: number;
  /** There may be contents that go beside entries. */
  readonly hasCarried: boolean;
  readonly dead: DeadLetters;
}

/** What the lane goes on with at `seqFirst`: entries, or the hole that is in their place. */
export async function readLane(
  from: ReadableLane,
  seqFirst: number,
  limits: ReadLimits,
): Promise<LaneRead> {
  const { chain, head, dead } = from;
  const { store, sha256, lane } = chain;
  const letter = dead.at(lane, seqFirst);
  const count = letter === undefined ? dead.before(lane, seqFirst, limits.entriesMax) : 1;
  const last = Math.min(head, seqFirst + count - 1);
  const first = anchorBefore(seqFirst - 1);
  const page = { seqFirst: first, limit: last - first + 1 };
  const all = await storedFrom(store, { lane, head }, page);
  const before = all.filter(({ seq }) => seq < seqFirst);
  const rows = all.slice(before.length).filter(({ seq }) => seq <= last);
  if (rows[0]?.seq !== seqFirst) {
    const hole = await holeAt(store, lane, seqFirst);
    if (hole === undefined) throw missing(lane, seqFirst);
    return { previousHash: hole.previousHash, entries: [], hashAt: () => hole.hash, hole };
  }
  if (letter !== undefined) {
    const { previousHash, hash } = letter;
    return { previousHash, entries: [], hashAt: () => hash, hole: letter };
  }
  const previousHash = await hashBefore(chain, seqFirst, before);
  const entries: Uint8Array[] = [];
  let bytes = 0;
  for (const row of rows) {
    bytes += row.bytes.length;
    // Where some are gone, what tells of them is read next.
    const isGap = row.seq !== seqFirst + entries.length;
    if (isGap || (entries.length > 0 && bytes > limits.bytesMax)) break;
    // Behind the last anchor of a batch, the ledger has nothing to compare it with.
    if (!isUnharmed(row)) throw missing(lane, row.seq);
    entries.push(row.bytes);
  }
  const hashAt = (index: number): Uint8Array =>
    hashOf(sha256, previousHash, rows.slice(0, index + 1));
  if (!from.hasCarried) return { previousHash, entries, hashAt };
  const items = await carry(store, lane, { seqFirst, entries }, limits.bytesMax);
  return { previousHash, entries: items, hashAt };
}

/** At most `limit` stored entries of a lane from `seqFirst` on; trimmed ones are left out. */
export async function storedFrom(
  store: Store,
  { lane, head }: Pick<LaneState, 'lane' | 'head'>,
  page: { readonly seqFirst: number; readonly limit: number },
): Promise<StoredEntry[]> {
  if (page.limit < 1) return [];
  const rows = await store.scan({ ...laneRange(lane, page.seqFirst), limit: page.limit });
  return rows
    .map((row) => parseStored(seqOfEntryKey(row.key), row.value))
    .filter((row) => row.seq <= head);
}

async function hashBefore(
  chain: LaneChain,
  seq: number,
  before: readonly StoredEntry[],
): Promise<Uint8Array> {
  if (seq === 1) return chain.start;
  const isBefore = before.at(-1)?.seq === seq - 1;
  const place = await (isBefore ? lastPlace(chain, before) : chainPlace(chain, seq - 1));
  if (place?.isSure !== true) throw missing(chain.lane, place === undefined ? seq : seq - 1);
  return place.hash;
}

/** The chain's hash at the last of consecutive entries, as it was journaled. */
function hashOf(sha256: Sha256, previous: Uint8Array, entries: readonly StoredEntry[]): Uint8Array {
  const at = entries.findLastIndex(({ anchor }) => anchor !== undefined);
  let hash = entries[at]?.anchor?.hash ?? previous;
  for (const { bytes } of entries.slice(at + 1)) hash = chainNext(sha256, hash, bytes);
  return hash;
}

function missing(lane: LaneState['lane'], seq: number): HoldfastError {
  return new HoldfastError('HF_ENTRY_DAMAGED', {
    why: `entry ${seq} of lane ${lane} is not what was journaled there`,
    details: { lane, seq },
  });
}
