import {
  eachLane,
  equalBytes,
  laneIndex,
  lanes,
  placeInRun,
  type Lane,
  type PerLane,
  type Store,
  type StoreOp,
  type StoreRow,
} from '@holdfast/protocol';
import type { Place } from './contents.ts';
import { parseStored } from './entry-row.ts';
import { LOST, decodePack, packRows } from './history-pack.ts';
import type { EntryRef } from './journal.ts';
import {
  NUMBER_BYTES,
  getNumber,
  historyKey,
  historyRange,
  laneRange,
  metaKey,
  nOfHistoryKey,
  putNumber,
  seqOfEntryKey,
} from './keys.ts';
import type { LaneState } from './lane-state.ts';

/** A history as it is in the store and in memory. */
export interface History {
  /** Of its entries, in order; a lost one has seq 0. */
  readonly places: readonly Place[];
  /** Of all rows that it has, or may have before long. */
  readonly keys: readonly Uint8Array[];
}

/** The place of the entry that is the nth of its history. */
interface Line extends Place {
  readonly n: number;
}

/** What is not in rows yet is read by the next start: some milliseconds, and about 1 MiB. */
const ENTRIES_MAX = 1_024;
const BYTES_MAX = 1 << 20;
/** What is damaged may say any place, and is found by that when it is read. */
const GAP_MAX = 1 << 16;
/** Of the row that says up to where in each lane entries are in the rows of their histories. */
const MARK = metaKey('indexed');
const none: readonly StoreOp[] = [];

/**
 * Which entries a run's history is made of. Each entry's own row says whose it is, so that an index
 * is all that is needed beside them, and it may be late: rows with the places of many entries are
 * written once in a while, together with a mark. What is behind the mark is in memory, and is found
 * by its entries at the next start.
 */
export class Histories {
  readonly #store: Store;
  readonly #lanes: PerLane<LaneState>;
  /** What no row has, by run, in order. */
  #tails = new Map<number, Line[]>();
  /** What the commit that is made now has rows for. */
  #leaving: ReadonlyMap<number, readonly Line[]> = new Map();
  /** Of the lanes up to the mark. */
  #indexed: { readonly entries: number; readonly bytes: number };
  #isDue = false;

  private constructor(store: Store, states: PerLane<LaneState>, unindexed: Unindexed) {
    this.#store = store;
    this.#lanes = states;
    const { entries, bytes } = this.#heads();
    this.#indexed = { entries: entries - unindexed.entries, bytes: bytes - unindexed.bytes };
    for (const { run, ...line } of unindexed.lines) this.#add(run, line);
  }

  /** Reads what is behind the mark. */
  static async open(store: Store, states: PerLane<LaneState>): Promise<Histories> {
    const unindexed: Unindexed = { entries: 0, bytes: 0, lines: [], unreadable: [] };
    for (const lane of lanes) {
      await readBehind(store, { lane, seq: await indexedThrough(store, lane) }, unindexed);
    }
    const histories = new Histories(store, states, unindexed);
    for (const { run, ...place } of unindexed.unreadable) await histories.#placeAnyhow(run, place);
    return histories;
  }

  /** A commit is durable, and these entries with it. */
  durable(refs: readonly EntryRef[]): void {
    if (this.#leaving.size > 0) this.#leaving = new Map();
    for (const { run, lane, seq, entry } of refs) {
      if (run !== 0 && 'n' in entry) this.#add(run, { n: entry.n, lane, seq });
    }
  }

  /** The next commit has rows for all that there is. */
  indexSoon(): void {
    this.#isDue = true;
  }

  /** A run is about to be deleted: nothing more is written of it. */
  forget(run: number): void {
    this.#tails.delete(run);
  }

  /** Rows that ride with the commit that is about to be made. */
  takeOps(): readonly StoreOp[] {
    const heads = this.#heads();
    const [entries, bytes] = [
      heads.entries - this.#indexed.entries,
      heads.bytes - this.#indexed.bytes,
    ];
    const isMuch = entries >= ENTRIES_MAX || bytes >= BYTES_MAX;
    if (entries === 0 || (!isMuch && !this.#isDue)) return none;
    this.#isDue = false;
    this.#indexed = heads;
    this.#leaving = this.#tails;
    this.#tails = new Map();
    const rows = [...this.#leaving].flatMap(([run, lines]) => {
      const nFirst = lines[0]?.n ?? 0;
      return packRows(run, nFirst, join([], lines, nFirst));
    });
    return [...rows, indexedOp(eachLane((lane) => this.#lanes[laneIndex(lane)].head))];
  }

  /** Where the entries of a run are. */
  async of(run: number): Promise<History> {
    // What leaves memory while rows are read is in both, or was seen before.
    const lines = this.#linesOf(run);
    const { places, keys } = await this.#inRows(run);
    const [first] = lines;
    if (first !== undefined) keys.push(historyKey(run, first.n));
    return { places: join(places, lines), keys };
  }

  /** Where a run begins. */
  async first(run: number): Promise<Place> {
    const [first] = this.#linesOf(run);
    if (first?.n === 0) return first;
    const value = await this.#store.get(historyKey(run, 0));
    return (value && decodePack(value)[0]) ?? LOST;
  }

  /** Where the newest entry of a run is; `undefined`: it has none. */
  async last(run: number): Promise<Place | undefined> {
    const line = this.#linesOf(run).at(-1);
    if (line !== undefined) return line;
    const [row] = await this.#store.scan({ ...historyRange(run), limit: 1, reverse: true });
    return row && decodePack(row.value).at(-1);
  }

  #linesOf(run: number): readonly Line[] {
    const [leaving, tail] = [this.#leaving.get(run), this.#tails.get(run)];
    return leaving === undefined ? (tail ?? []) : [...leaving, ...(tail ?? [])];
  }

  #add(run: number, line: Line): void {
    const tail = this.#tails.get(run) ?? [];
    if (tail.length === 0) this.#tails.set(run, tail);
    tail.push(line);
    // The parts of a value come before their entry in the lane, and behind it in the history.
    const isBehind = line.n > (tail.at(-2)?.n ?? -1);
    if (!isBehind) tail.sort((a, b) => a.n - b.n);
  }

  async #inRows(run: number): Promise<{ places: Place[]; keys: Uint8Array[] }> {
    const keys: Uint8Array[] = [];
    const places: Place[] = [];
    await this.#store.each(historyRange(run), ({ key, value }) => {
      const nFirst = nOfHistoryKey(key);
      keys.push(historyKey(run, nFirst));
      const lines = decodePack(value).map(({ lane, seq }, index): Line => {
        return { lane, seq, n: nFirst + index };
      });
      join(places, lines);
    });
    return { places, keys };
  }

  /** An entry that does not decode is at the first place behind the rows that no other has. */
  async #placeAnyhow(run: number, place: Place): Promise<void> {
    const { places } = await this.#inRows(run);
    const end = places.length;
    join(places, this.#linesOf(run));
    const free = places.findIndex(({ seq }, n) => n >= end && seq === 0);
    this.#add(run, { ...place, n: free === -1 ? places.length : free });
  }

  #heads(): { entries: number; bytes: number } {
    let [entries, bytes] = [0, 0];
    for (const { head, headBytes } of this.#lanes) {
      entries += head;
      bytes += headBytes;
    }
    return { entries, bytes };
  }
}

/** Through which entry of a lane histories have their rows. */
export async function indexedThrough(store: Store, lane: Lane): Promise<number> {
  return throughIn(await store.get(MARK), lane);
}

/** The same from rows that were read already. */
export function indexedIn(rows: readonly StoreRow[], lane: Lane): number {
  return throughIn(rows.find(({ key }) => equalBytes(key, MARK))?.value, lane);
}

function throughIn(mark: Uint8Array | undefined, lane: Lane): number {
  return mark === undefined ? 0 : getNumber(mark, laneIndex(lane) * NUMBER_BYTES);
}

/** The row that says through which entry of each lane histories have their rows. */
export function indexedOp(heads: PerLane<number>): StoreOp {
  const value = new Uint8Array(heads.length * NUMBER_BYTES);
  for (const [index, head] of heads.entries()) putNumber(value, index * NUMBER_BYTES, head);
  return { kind: 'put', key: MARK, value };
}

/**
 * Puts lines behind places, the first of which is the `nFirst`th of its history. Those that are
 * there already stay; what is missing between is lost.
 */
function join(places: Place[], lines: readonly Line[], nFirst = 0): Place[] {
  for (const { n, lane, seq } of lines) {
    const known = places[n - nFirst];
    if (known !== undefined) {
      if (known.seq === 0) places[n - nFirst] = { lane, seq };
      continue;
    }
    const gap = Math.min(GAP_MAX, n - nFirst - places.length);
    for (let missing = 0; missing < gap; missing += 1) places.push(LOST);
    places.push({ lane, seq });
  }
  return places;
}

/** What is behind the mark. */
interface Unindexed {
  entries: number;
  bytes: number;
  readonly lines: (Line & { readonly run: number })[];
  /** Of runs, and nobody can tell where in them. */
  readonly unreadable: (Place & { readonly run: number })[];
}

/** Adds the entries of a lane behind a place of it. */
async function readBehind(store: Store, { lane, seq: through }: Place, found: Unindexed) {
  await store.each(laneRange(lane, through + 1), ({ key, value }) => {
    const seq = seqOfEntryKey(key);
    const { run, bytes } = parseStored(seq, value);
    found.entries += 1;
    found.bytes += bytes.length;
    if (run === 0) return;
    const n = placeInRun(bytes);
    if (n === undefined) found.unreadable.push({ run, lane, seq });
    else found.lines.push({ run, n, lane, seq });
  });
}
