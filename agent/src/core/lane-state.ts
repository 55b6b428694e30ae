import {
  HASH_BYTES,
  chainStart,
  type Lane,
  type Sha256,
  type Store,
  type StoreOp,
} from '@holdfast/protocol';
import { decodeHole, type StoredHole } from './hole-rows.ts';
import {
  ackKey,
  entryKey,
  getNumber,
  holeKey,
  holeRange,
  holeSumsKey,
  laneRange,
  putNumber,
  seqOfEntryKey,
} from './keys.ts';
import { Slab } from './slab.ts';

export interface StoredEntry {
  readonly seq: number;
  readonly hash: Uint8Array;
  /** Bytes of the lane's entries through this one. */
  readonly bytesThrough: number;
  readonly bytes: Uint8Array;
}

/** How many holes, and how many entries and bytes they took the place of. */
export interface HoleSums {
  readonly count: number;
  readonly entries: number;
  readonly bytes: number;
}

export interface LaneState {
  readonly lane: Lane;
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

/** A place of a lane at which the chain is known: an entry, or the end of a hole. */
export interface ChainPlace {
  readonly seq: number;
  readonly hash: Uint8Array;
  readonly bytesThrough: number;
}

const VALUE_HEADER = HASH_BYTES + 6;
/** Rows of entries are in memory until the commit that takes them. */
const rowMemory = new Slab();
/** Holes in memory at a time. */
const PAGE = 256;

/** The row of an entry. `hash` and `bytes`: of the lane through this entry. */
export function storedEntry(
  lane: Lane,
  end: {
    readonly seq: number;
    readonly hash: Uint8Array;
    readonly bytes: number;
    readonly entry: Uint8Array;
  },
): StoreOp {
  const value = rowMemory.take(VALUE_HEADER + end.entry.byteLength);
  value.set(end.hash);
  putNumber(value, HASH_BYTES, end.bytes);
  value.set(end.entry, VALUE_HEADER);
  return { kind: 'put', key: entryKey(lane, end.seq), value };
}

export function parseStored(seq: number, value: Uint8Array): StoredEntry {
  return {
    seq,
    hash: value.subarray(0, HASH_BYTES),
    bytesThrough: getNumber(value, HASH_BYTES),
    bytes: value.subarray(VALUE_HEADER),
  };
}

/** Where a lane stands: a few rows, whatever the size of its backlog. */
export async function openLane(
  { store, sha256, device, epoch }: LaneOptions,
  lane: Lane,
): Promise<LaneState> {
  const start = chainStart(sha256, { device, epoch, lane });
  const [last] = await store.scan({ ...laneRange(lane), limit: 1, reverse: true });
  const head = last && parseStored(seqOfEntryKey(last.key), last.value);
  const ack = await store.get(ackKey(lane));
  const acked = ack ? getNumber(ack, 0) : 0;
  const atAck = await chainPlace(store, lane, acked);
  const pending = await holesBetween(store, lane, { after: acked });
  const sums = await store.get(holeSumsKey(lane));
  return {
    lane,
    seqLast: head?.seq ?? 0,
    hashLast: head?.hash ?? start,
    bytesLast: head?.bytesThrough ?? 0,
    head: head?.seq ?? 0,
    headHash: head?.hash ?? start,
    headBytes: head?.bytesThrough ?? 0,
    acked,
    ackedHash: ack?.subarray(6) ?? start,
    ackedBytes: atAck?.bytesThrough ?? 0,
    pendingHoles: pending,
    goneEntries: sums ? getNumber(sums, 0) : 0,
    goneBytes: sums ? getNumber(sums, 6) : 0,
  };
}

interface LaneOptions {
  readonly store: Store;
  readonly sha256: Sha256;
  readonly device: string;
  readonly epoch: number;
}

/** What is known of the chain at `seq`; `undefined` inside a hole, and where nothing is. */
export async function chainPlace(
  store: Store,
  lane: Lane,
  seq: number,
): Promise<ChainPlace | undefined> {
  if (seq < 1) return undefined;
  const value = await store.get(entryKey(lane, seq));
  if (value !== undefined) return parseStored(seq, value);
  const hole = await holeAt(store, lane, seq);
  return hole?.seqLast === seq ? { ...hole, seq } : undefined;
}

/** The hole that `seq` is in. */
export async function holeAt(
  store: Store,
  lane: Lane,
  seq: number,
): Promise<StoredHole | undefined> {
  const range = { from: holeKey(lane, 0), to: holeKey(lane, seq + 1) };
  const [row] = await store.scan({ ...range, limit: 1, reverse: true });
  const hole = row && decodeHole(lane, row.value);
  return hole !== undefined && hole.seqLast >= seq ? hole : undefined;
}

/** Sums of the holes that begin behind `after` and end by `through`. */
export async function holesBetween(
  store: Store,
  lane: Lane,
  seqs: { readonly after: number; readonly through?: number },
): Promise<HoleSums> {
  let [count, entries, bytes] = [0, 0, 0];
  const through = seqs.through ?? Number.MAX_SAFE_INTEGER;
  for await (const hole of eachHole(store, lane, seqs.after + 1)) {
    if (hole.seqLast > through) break;
    count += 1;
    entries += hole.seqLast - hole.seqFirst + 1;
    bytes += hole.bytes;
  }
  return { count, entries, bytes };
}

/** Holes that begin at `seqFirst` or behind it, in order. */
export async function* eachHole(
  store: Store,
  lane: Lane,
  seqFirst: number,
): AsyncGenerator<StoredHole, void> {
  for (let from = seqFirst; ;) {
    const rows = await store.scan({ ...holeRange(lane, from), limit: PAGE });
    for (const row of rows) yield decodeHole(lane, row.value);
    const last = rows.at(-1);
    if (last === undefined || rows.length < PAGE) return;
    from = seqOfEntryKey(last.key) + 1;
  }
}
