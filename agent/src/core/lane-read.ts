import { HoldfastError, type Lane, type Store } from '@holdfast/protocol';
import { carry } from './carrier.ts';
import type { DeadLetters } from './dead-letters.ts';
import { laneRange, seqOfEntryKey } from './keys.ts';
import { chainPlace, holeAt, parseStored, type LaneState, type StoredEntry } from './lane-state.ts';
import type { LaneRead, ReadLimits } from './uplink-ports.ts';

/** A lane as it is to be read. */
export interface ReadableLane {
  readonly store: Store;
  readonly state: Pick<LaneState, 'lane' | 'head'>;
  /** The chain's hash before the first entry. */
  readonly start: Uint8Array;
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
  const { store, state, dead } = from;
  const { lane } = state;
  const letter = dead.at(lane, seqFirst);
  const count = letter === undefined ? dead.before(lane, seqFirst, limits.entriesMax) : 1;
  const last = Math.min(state.head, seqFirst + count - 1);
  const first = seqFirst === 1 ? 1 : seqFirst - 1;
  const rows = await storedFrom(store, state, { seqFirst: first, limit: last - first + 1 });
  const before = rows[0]?.seq === seqFirst - 1 ? rows.shift() : undefined;
  if (rows[0]?.seq !== seqFirst) {
    const hole = await holeAt(store, lane, seqFirst);
    if (hole === undefined) throw missing(lane, seqFirst);
    return { previousHash: hole.previousHash, entries: [], hashes: [], hole };
  }
  if (letter !== undefined) {
    return { previousHash: letter.previousHash, entries: [], hashes: [], hole: letter };
  }
  const previousHash = await hashBefore(from, seqFirst, before);
  const entries: Uint8Array[] = [];
  const hashes: Uint8Array[] = [];
  let bytes = 0;
  for (const row of rows) {
    bytes += row.bytes.byteLength;
    // Where some are gone, what tells of them is read next.
    const isGap = row.seq !== seqFirst + entries.length;
    if (isGap || (entries.length > 0 && bytes > limits.bytesMax)) break;
    entries.push(row.bytes);
    hashes.push(row.hash);
  }
  if (!from.hasCarried) return { previousHash, entries, hashes };
  const items = await carry(store, lane, { seqFirst, entries }, limits.bytesMax);
  return { previousHash, entries: items, hashes };
}

/** At most `limit` stored entries of a lane from `seqFirst` on; trimmed ones are left out. */
export async function storedFrom(
  store: Store,
  { lane, head }: ReadableLane['state'],
  page: { readonly seqFirst: number; readonly limit: number },
): Promise<StoredEntry[]> {
  if (page.limit < 1) return [];
  const rows = await store.scan({ ...laneRange(lane, page.seqFirst), limit: page.limit });
  return rows
    .map((row) => parseStored(seqOfEntryKey(row.key), row.value))
    .filter((row) => row.seq <= head);
}

async function hashBefore(
  { store, state, start }: ReadableLane,
  seq: number,
  before: StoredEntry | undefined,
): Promise<Uint8Array> {
  if (seq === 1) return start;
  const place = before ?? (await chainPlace(store, state.lane, seq - 1));
  if (place === undefined) throw missing(state.lane, seq);
  return place.hash;
}

function missing(lane: Lane, seq: number): HoldfastError {
  return new HoldfastError('HF_ENTRY_DAMAGED', {
    why: `entry ${seq} of lane ${lane} is not where it should be`,
    details: { lane, seq },
  });
}
