import {
  HoldfastError,
  chainNext,
  decodeEntry,
  equalBytes,
  type Lane,
  type Sha256,
  type Store,
  type StoreOp,
} from '@holdfast/protocol';
import { nextPlace, placeAfter, type ChainPlace } from './chain-place.ts';
import type { DeadLetters } from './dead-letters.ts';
import {
  ANCHOR_EVERY,
  isHashOf,
  isUnharmed,
  parseStored,
  storedEntry,
  type StoredEntry,
} from './entry-row.ts';
import type { CommitTurn, QueuedAppend } from './group-commit.ts';
import { decodeHole, holeOp, type StoredHole } from './hole-rows.ts';
import type { Holes } from './holes.ts';
import { holeKey, laneRange, placeOfKey, seqOfEntryKey, tableOfKey } from './keys.ts';
import { holeAt } from './lane-holes.ts';
import type { LaneState } from './lane-state.ts';
import { seamOp } from './seam.ts';

export interface MendParts {
  readonly store: Store;
  readonly sha256: Sha256;
  readonly holes: Holes;
  readonly dead: DeadLetters;
  /** Nothing else is written meanwhile. */
  readonly turn: CommitTurn;
}

/** The place before what is damaged. */
export interface MendFrom extends ChainPlace {
  /** Rows behind it do not follow from it: an earlier mending was cut off there. */
  readonly isApart?: true;
  /** What they follow from then, if that is known. */
  readonly stored?: Uint8Array | undefined;
}

/** Rows in memory at a time; an entry has up to 56 KiB. */
const PAGE = 256;
/** Of rows that are written as one. */
const WRITE_BYTES = 1024 * 1024;

/**
 * Looks for the first entry that the ledger lacks and that is not what was journaled.
 *
 * @returns The place before it; `undefined`: there is none.
 * @throws HF_ENTRY_DAMAGED when the chain is lost: only a salvage helps.
 */
export async function findDamage(
  state: LaneState,
  { store, sha256 }: Pick<MendParts, 'store' | 'sha256'>,
): Promise<ChainPlace | undefined> {
  let at: ChainPlace = { seq: state.acked, hash: state.ackedHash, bytesThrough: state.ackedBytes };
  while (at.seq < state.head) {
    const rows = await nextRows(store, state, at.seq + 1);
    if (rows.length === 0) at = endOf(await joinedHole(store, state, at));
    for (const row of rows) {
      const next = nextPlace(sha256, at, row);
      if (!next.isSure || !isUnharmed(row)) return at;
      at = next;
    }
  }
  return undefined;
}

/**
 * Has holes take the place of the entries of a lane that are not what was journaled. All others
 * stay: where nothing tells what the chain was at the one that is gone, it goes on from a hash that
 * the hole declares, and the rows behind are written anew, up to the next hole or the lane's end.
 * It may be cut off between any two writes: a row tells how far it is.
 */
export class LaneMend {
  readonly #state: LaneState;
  readonly #parts: MendParts;
  /** How far it is, by the chain as it is to be. */
  #at: ChainPlace;
  /** What the rows behind still follow from; `undefined`: nothing tells. */
  #stored: Uint8Array | undefined;
  /** The rows behind are to be written anew. */
  #isApart: boolean;
  #hasSeam: boolean;
  #ops: StoreOp[] = [];
  #bytes = 0;
  #damaged = 0;

  constructor(state: LaneState, parts: MendParts, from: MendFrom) {
    this.#state = state;
    this.#parts = parts;
    this.#at = from;
    this.#isApart = from.isApart === true;
    this.#hasSeam = this.#isApart;
    this.#stored = this.#isApart ? from.stored : from.hash;
  }

  /**
   * @returns How many entries gave way, or had a hash that was written anew.
   * @throws HF_ENTRY_DAMAGED when it is the last one, or the chain is lost: only a salvage helps.
   */
  async run(): Promise<number> {
    const { store } = this.#parts;
    while (this.#at.seq < this.#state.head) {
      const rows = await nextRows(store, this.#state, this.#at.seq + 1);
      if (rows.length === 0) await this.#passHole();
      for (const row of rows) await this.#take(row);
    }
    const isToHead = this.#isApart;
    this.#isApart = false;
    await this.#flush();
    // From here on nothing is awaited: what was appended meanwhile follows from the old chain.
    if (isToHead) rechainEnd(this.#state, this.#at, this.#parts);
    return this.#damaged;
  }

  async #take(row: StoredEntry): Promise<void> {
    const expected = this.#stored && chainNext(this.#parts.sha256, this.#stored, row.bytes);
    const isGood = isReadable(row) && (expected === undefined || isHashOf(row, expected));
    if (isGood && expected !== undefined) return this.#keep(row, expected);
    const around = await followers(row, this.#state, this.#parts);
    if (isGood) return this.#keep(row, around.ownEnd?.hash);
    if (expected !== undefined && around.isFollowed({ seq: row.seq, hash: expected })) {
      this.#damaged += 1;
      return this.#keep(row, expected, true);
    }
    if (row.seq === this.#state.head) throw lost(this.#state, row.seq);
    return this.#giveUp(row, around.endAt);
  }

  /** @param stored What the row behind follows from. */
  async #keep(row: StoredEntry, stored: Uint8Array | undefined, isNew = false): Promise<void> {
    const { sha256, dead } = this.#parts;
    const { lane } = this.#state;
    const { seq, anchor, bytes: entry } = row;
    const before = this.#at;
    const next = placeAfter(sha256, before, row);
    const isAnchor = anchor !== undefined && stored !== undefined && isHashOf(row, stored);
    this.#at = isAnchor ? { ...next, bytesThrough: anchor.bytesThrough } : next;
    this.#stored = stored;
    if (!this.#isApart && !isNew) return;
    // Whose it is cannot be told where the row was harmed.
    const run = isUnharmed(row) ? row.run : 0;
    const end = { seq, hash: next.hash, bytes: this.#at.bytesThrough, run, entry };
    this.#ops.push(storedEntry(lane, end), ...dead.rechain(lane, before.hash, this.#at));
    this.#bytes += row.row.byteLength;
    if (this.#bytes >= WRITE_BYTES) await this.#flush();
  }

  /** @param end Where the chain stands at it, if anything tells. */
  async #giveUp(row: StoredEntry, end: ChainPlace | undefined): Promise<void> {
    const { sha256, holes, turn } = this.#parts;
    await this.#flush();
    const { hash: before, bytesThrough } = this.#at;
    const declared = { hash: sha256(before), bytesThrough: bytesThrough + row.bytes.byteLength };
    this.#at = end ?? { seq: row.seq, ...declared };
    this.#stored = end?.hash;
    this.#isApart = end === undefined;
    this.#damaged += 1;
    const { lane } = this.#state;
    const removal = { lane, reason: 'damaged', end: this.#at, ops: () => this.#seamOps() } as const;
    await holes.takeOut(row, removal, turn.write);
  }

  async #passHole(): Promise<void> {
    const { store } = this.#parts;
    const at = this.#isApart ? undefined : this.#at;
    const hole = await joinedHole(store, this.#state, at ?? { seq: this.#at.seq });
    if (this.#isApart) {
      this.#ops.push(holeOp({ ...hole, previousHash: this.#at.hash.slice() }));
      this.#isApart = false;
      await this.#flush();
    }
    this.#at = endOf(hole);
    this.#stored = hole.hash;
  }

  async #flush(): Promise<void> {
    const ops = this.#ops;
    [this.#ops, this.#bytes] = [[], 0];
    if (ops.length > 0 || this.#hasSeam) await this.#parts.turn.write([...ops, ...this.#seamOps()]);
  }

  /** The row that tells how far it is: in every write that brings it on. */
  #seamOps(): readonly StoreOp[] {
    if (!this.#isApart && !this.#hasSeam) return [];
    const seam = { seq: this.#at.seq, hash: this.#stored };
    this.#hasSeam = this.#isApart;
    return [seamOp(this.#state.lane, this.#isApart ? seam : undefined)];
  }
}

/** Has the end of a lane, and what is appended to it and waits, follow from a place. */
function rechainEnd(state: LaneState, head: ChainPlace, { sha256, turn }: MendParts): void {
  let at = head;
  state.headHash = head.hash;
  state.headBytes = head.bytesThrough;
  const rechainOp = (op: StoreOp): StoreOp => {
    if (op.kind !== 'put' || !isEntryOf(state.lane, op.key)) return op;
    const row = parseStored(seqOfEntryKey(op.key), op.value);
    at = placeAfter(sha256, at, row);
    const { seq, hash, bytesThrough: bytes } = at;
    return storedEntry(state.lane, { seq, hash, bytes, run: row.run, entry: row.bytes });
  };
  turn.change((append): QueuedAppend => {
    const places = new Map<number, ChainPlace>();
    const ops = append.ops.map((op) => {
      const rechained = rechainOp(op);
      if (rechained !== op) places.set(at.seq, at);
      return rechained;
    });
    const entries = append.entries.map((entry) => {
      const place = entry.state === state ? places.get(entry.seq) : undefined;
      return place ? { ...entry, hash: place.hash, bytes: place.bytesThrough } : entry;
    });
    return { ...append, ops, entries };
  });
  state.hashLast = at.hash;
  state.bytesLast = at.bytesThrough;
}

function isEntryOf(lane: Lane, key: Uint8Array): boolean {
  return tableOfKey(key) === 'e' && placeOfKey(key).lane === lane;
}

/** What follows a row, by the chain as it is stored. */
async function followers(row: StoredEntry, state: LaneState, { store, sha256 }: MendParts) {
  const rows = (await nextRows(store, state, row.seq, ANCHOR_EVERY + 1)).slice(1);
  const value = await store.get(holeKey(state.lane, row.seq + 1));
  const hole = value && decodeHole(state.lane, value);
  /** Whether what comes behind the row, one of the next at least, follows from there. */
  const isFollowed = ({ seq, hash }: Pick<ChainPlace, 'seq' | 'hash'>): boolean => {
    let at = hash;
    for (const next of rows) {
      at = chainNext(sha256, at, next.bytes);
      if (isHashOf(next, at)) return true;
    }
    if (seq === state.head) return equalBytes(hash, state.headHash);
    return hole !== undefined && equalBytes(hole.previousHash, hash);
  };
  const { seq, anchor } = row;
  const own = anchor && { seq, hash: anchor.hash.slice(), bytesThrough: anchor.bytesThrough };
  const ownEnd = own !== undefined && isFollowed(own) ? own : undefined;
  const holeEnd = rows.length === 0 && hole !== undefined ? endBefore(hole) : undefined;
  return { isFollowed, ownEnd, endAt: ownEnd ?? holeEnd };
}

/** Where the chain stands at the entry before a hole. */
function endBefore({ seqFirst, previousHash, bytesThrough, bytes }: StoredHole): ChainPlace {
  return { seq: seqFirst - 1, hash: previousHash, bytesThrough: bytesThrough - bytes };
}

/** Consecutive rows from `seq` on; none where that one is gone. */
async function nextRows(
  store: Store,
  state: LaneState,
  seq: number,
  limit = PAGE,
): Promise<StoredEntry[]> {
  const page = { ...laneRange(state.lane, seq), limit, bytesMax: WRITE_BYTES };
  const rows = await store.scan(page);
  const parsed = rows.map((row) => parseStored(seqOfEntryKey(row.key), row.value));
  const end = parsed.findIndex((row, index) => row.seq !== seq + index || row.seq > state.head);
  return end === -1 ? parsed : parsed.slice(0, end);
}

/** The hole behind a place. @throws HF_ENTRY_DAMAGED: there is none, or it joins on elsewhere. */
async function joinedHole(
  store: Store,
  state: LaneState,
  at: { readonly seq: number; readonly hash?: Uint8Array },
): Promise<StoredHole> {
  const hole = await holeAt(store, state.lane, at.seq + 1);
  if (hole === undefined) throw lost(state, at.seq + 1);
  const isToJoin = hole.seqFirst === at.seq + 1 && at.hash !== undefined;
  if (isToJoin && !equalBytes(hole.previousHash, at.hash)) throw lost(state, at.seq + 1);
  return hole;
}

function endOf({ seqLast: seq, hash, bytesThrough }: StoredHole): ChainPlace {
  return { seq, hash, bytesThrough };
}

/** By the row itself: the chain tells nothing of it. */
function isReadable(row: StoredEntry): boolean {
  if (!isUnharmed(row)) return false;
  try {
    decodeEntry(row.bytes);
    return true;
  } catch {
    return false;
  }
}

function lost({ lane }: LaneState, seq: number): HoldfastError {
  return new HoldfastError('HF_ENTRY_DAMAGED', {
    why: `entry ${seq} of lane ${lane} is not what was journaled`,
    details: { lane, seq },
  });
}
