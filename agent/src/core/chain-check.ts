import {
  chainNext,
  chainStart,
  decodeEntry,
  equalBytes,
  lanes,
  mayHoldSealed,
  messageOf,
  type Entry,
  type Lane,
  type OnProgress,
  type Sha256,
  type Store,
} from '@holdfast/protocol';
import { chainPlace, type LaneChain } from './chain-place.ts';
import { contentsAt, isContentOfEntry } from './contents.ts';
import { isHashOf, isUnharmed, parseStored, type StoredEntry } from './entry-row.ts';
import type { StoredHole } from './hole-rows.ts';
import { ackKey, getNumber, laneRange, seqOfEntryKey } from './keys.ts';
import { indexedThrough } from './histories.ts';
import { eachHole, holeAt } from './lane-holes.ts';
import { readSeam, type Seam } from './seam.ts';

/** Rows in memory at a time; an entry has up to 56 KiB. */
const PAGE = 256;

/** An entry that is not what was journaled, or is not there. */
export interface ChainFault {
  readonly lane: Lane;
  readonly seq: number;
  readonly why: string;
  /** It is not what the ledger has acknowledged, whatever the chain here says. */
  readonly isForked?: true;
}

export interface ChainReport {
  readonly entries: number;
  readonly faults: readonly ChainFault[];
}

export interface ChainOptions {
  readonly store: Store;
  readonly sha256: Sha256;
  readonly device: string;
  readonly epoch: number;
}

/**
 * Recomputes the hash of every entry that is kept. Where entries are
 * gone, a hole tells how the chain goes on behind it.
 */
export async function verifyChains(
  options: ChainOptions,
  progress: OnProgress = () => {},
): Promise<ChainReport> {
  const faults: ChainFault[] = [];
  const total = await aboutEntries(options.store);
  let entries = 0;
  for (const lane of lanes) {
    const walk = await startWalk(options, lane, 0);
    for (let from = 0; ;) {
      const page = await readPage(options.store, lane, { from, limit: PAGE });
      for (const stored of page) await follow(options.store, walk, stored);
      await walk.checkContents(page);
      const last = page.at(-1);
      entries += page.length;
      progress(entries, total);
      if (last === undefined) break;
      from = last.seq + 1;
    }
    faults.push(...walk.end());
  }
  return { entries, faults };
}

/**
 * The same for the last entries of each lane, `count` at least, at a cost that does not grow with
 * the backlog: what the next entry is chained to, and what no history names yet.
 */
export async function verifyTails(
  options: ChainOptions,
  count: number,
): Promise<readonly ChainFault[]> {
  const faults: ChainFault[] = [];
  const { store } = options;
  for (const lane of lanes) {
    const rows = await readPage(store, lane, { from: 0, limit: count, reverse: true });
    const [indexed, seam] = [await indexedThrough(store, lane), await readSeam(store, lane)];
    const first = Math.min(rows.at(-1)?.seq ?? 1, indexed + 1, seam?.seq ?? Infinity);
    const walk = await startWalk(options, lane, first);
    for (let from = first; ;) {
      const page = await readPage(store, lane, { from, limit: PAGE });
      for (const stored of page) await follow(store, walk, stored);
      const last = page.at(-1);
      if (last === undefined || page.length < PAGE) break;
      from = last.seq + 1;
    }
    faults.push(...walk.end());
  }
  return faults;
}

/** How many entries are kept, and at most, where holes lie between them. Reads a few rows. */
export async function aboutEntries(store: Store): Promise<number> {
  let sum = 0;
  for (const lane of lanes) {
    const [first] = await store.scan({ ...laneRange(lane), limit: 1 });
    const [last] = await store.scan({ ...laneRange(lane), limit: 1, reverse: true });
    if (first === undefined || last === undefined) continue;
    sum += seqOfEntryKey(last.key) - seqOfEntryKey(first.key) + 1;
  }
  return sum;
}

async function readPage(
  store: Store,
  lane: Lane,
  page: { readonly from: number; readonly limit: number; readonly reverse?: boolean },
): Promise<StoredEntry[]> {
  const { from, limit, reverse = false } = page;
  const rows = await store.scan({ ...laneRange(lane, from), limit, reverse });
  return rows.map((row) => parseStored(seqOfEntryKey(row.key), row.value));
}

async function startWalk(options: ChainOptions, lane: Lane, seqFirst: number): Promise<Walk> {
  const ack = await options.store.get(ackKey(lane));
  const acked = ack === undefined ? 0 : getNumber(ack, 0);
  const chain = { ...options, lane, start: chainStart(options.sha256, { ...options, lane }) };
  const atAck = await chainPlace(chain, acked);
  // What the ledger has may be missing here, but not what histories are still to be made of.
  const kept = Math.min(acked, await indexedThrough(options.store, lane));
  const seam = await readSeam(options.store, lane);
  const hash = await hashBefore(chain, seqFirst);
  const walk = new Walk(chain, { acked, kept, seqFirst, hash, seam });
  // The last entry that the ledger has is never trimmed, or a hole ends with it.
  if (acked > 0 && atAck === undefined) walk.fault(acked, 'is missing');
  if (ack !== undefined && atAck?.isSure === true) {
    const isSame = equalBytes(ack.subarray(6), atAck.hash);
    if (!isSame) walk.fork(acked);
  }
  return walk;
}

/** The chain's hash before an entry that is looked at first; `undefined`: it cannot be told. */
async function hashBefore(chain: LaneChain, seqFirst: number): Promise<Uint8Array | undefined> {
  if (seqFirst <= 1) return chain.start;
  const place = await chainPlace(chain, seqFirst - 1);
  return place?.isSure === true ? place.hash : undefined;
}

/** Takes the holes before an entry, and the entry. */
async function follow(store: Store, walk: Walk, stored: StoredEntry): Promise<void> {
  if (stored.seq > walk.seqNext) {
    // The first may begin before what is looked at.
    const first = await holeAt(store, walk.lane, walk.seqNext);
    if (first !== undefined) walk.hole(first);
    for await (const hole of eachHole(store, walk.lane, walk.seqNext)) {
      if (hole.seqFirst >= stored.seq) break;
      walk.hole(hole);
    }
  }
  walk.take(stored);
}

/** Follows one lane, entry by entry. */
class Walk {
  readonly #chain: LaneChain;
  readonly #acked: number;
  /** Up to there nobody needs what is missing. */
  readonly #passed: number;
  readonly #seam: Seam | undefined;
  readonly #faults: ChainFault[] = [];
  #seqLast: number;
  #hash: Uint8Array | undefined;

  constructor(
    chain: LaneChain,
    from: {
      readonly acked: number;
      readonly kept: number;
      readonly seqFirst: number;
      readonly hash: Uint8Array | undefined;
      readonly seam: Seam | undefined;
    },
  ) {
    this.#chain = chain;
    this.#acked = from.acked;
    this.#passed = from.kept;
    this.#seam = from.seam;
    this.#seqLast = Math.max(0, from.seqFirst - 1);
    this.#hash = from.hash;
  }

  get lane(): Lane {
    return this.#chain.lane;
  }

  /** The seq that has to come next. */
  get seqNext(): number {
    return this.#seqLast + 1;
  }

  fault(seq: number, why: string): void {
    this.#faults.push({ lane: this.lane, seq, why });
  }

  hole({ seqFirst, seqLast, previousHash, hash }: StoredHole): void {
    const expected = this.seqNext;
    if (seqFirst > expected) this.#gap(expected, seqFirst - 1);
    const known = seqFirst === expected ? this.#hash : undefined;
    if (known !== undefined && !equalBytes(known, previousHash)) {
      this.fault(seqFirst, 'is in a hole that does not follow from the entry before it');
    }
    this.#seqLast = seqLast;
    this.#hash = hash;
  }

  fork(seq: number): void {
    const why = 'is not the entry that the ledger has acknowledged';
    this.#faults.push({ lane: this.lane, seq, why, isForked: true });
  }

  take(stored: StoredEntry): void {
    const { seq, bytes, anchor } = stored;
    const expected = this.#seqLast + 1;
    if (seq > expected) this.#gap(expected, seq - 1);
    const known = seq - 1 === this.#seam?.seq ? this.#seam.hash : this.#hash;
    const before = seq === expected ? known : undefined;
    const hash = before && chainNext(this.#chain.sha256, before, bytes);
    const isSame = hash !== undefined && isHashOf(stored, hash);
    if (hash !== undefined && !isSame) {
      this.fault(seq, 'is not the entry that was journaled: its hash differs');
    } else if (!isUnharmed(stored)) {
      this.fault(seq, 'is not the entry that was journaled: its check sum differs');
    }
    try {
      decodeEntry(bytes);
    } catch (error) {
      this.fault(seq, messageOf(error));
    }
    this.#seqLast = seq;
    // Behind one that has changed, nothing tells what the next ones follow from but an anchor.
    this.#hash = isSame ? hash : anchor?.hash;
  }

  /** Holds what entries have sealed against what there is beside them. It may have been erased. */
  async checkContents(page: readonly StoredEntry[]): Promise<void> {
    const { store, sha256, lane } = this.#chain;
    const sealed = page.filter(({ bytes }) => mayHoldSealed(bytes));
    const places = sealed.map(({ seq }) => ({ lane, seq }));
    const contents = places.length === 0 ? [] : await contentsAt(store, places);
    sealed.forEach(({ seq, bytes }, index) => {
      const entry = tryDecode(bytes);
      const isKept = entry === undefined || isContentOfEntry(sha256, entry, contents[index] ?? {});
      if (!isKept) this.fault(seq, 'has another content of its value than was journaled');
    });
  }

  end(): readonly ChainFault[] {
    if (this.#seqLast < this.#acked) this.#gap(this.#seqLast + 1, this.#acked);
    return this.#faults;
  }

  #gap(first: number, last: number): void {
    const lost = Math.max(first, this.#passed + 1);
    if (lost > last) return;
    this.fault(lost, lost === last ? 'is missing' : `is missing, and all through ${last}`);
  }
}

function tryDecode(bytes: Uint8Array): Entry | undefined {
  try {
    return decodeEntry(bytes);
  } catch {
    return undefined; // That is a fault already.
  }
}
