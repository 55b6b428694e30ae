import {
  eachLane,
  laneIndex,
  type Entry,
  type Lane,
  type Stamp,
  type StoreRow,
} from '@holdfast/protocol';
import { WALL } from './device-time.ts';
import { decodeHole, type StoredHole } from './hole-rows.ts';
import { indexedIn } from './histories.ts';
import { placeOfKey, tableOfKey } from './keys.ts';
import { timersOf, type SalvagedRun } from './salvage-runs.ts';

/** Entries that are lost, and of which no row tells whose they were. */
interface Stretch {
  readonly lane: Lane;
  readonly first: number;
  readonly last: number;
  /** When the one behind them was journaled, or this is. */
  readonly before: Stamp;
}

const HOLE_KEY_BYTES = 8;

/**
 * Which runs may lack entries at their ends without anything that says so. Seqs have no gaps, so
 * that it is known how many entries are lost, and rows of histories name those of all but the
 * newest. Each of the others was of a run that shows a gap, or was perhaps the last one of another.
 */
export class Doubts {
  readonly #holes: readonly StoredHole[];
  /** By lane: through which seq it is known whose entries are, or that they are there. */
  readonly #through: [number, number, number];
  readonly #stretches: Stretch[] = [];
  #unowned = 0;

  constructor(rows: readonly StoreRow[]) {
    this.#through = eachLane((lane) => indexedIn(rows, lane));
    const holes = rows.filter(({ key }) => {
      return tableOfKey(key) === 'x' && key.byteLength === HOLE_KEY_BYTES;
    });
    this.#holes = holes.flatMap(({ key, value }) => tryDecode(placeOfKey(key).lane, value) ?? []);
  }

  /** An entry is there, and it is known whose it is. In the order of its lane. */
  seen(lane: Lane, seq: number, stamp: Stamp): void {
    this.ends(lane, seq - 1, stamp);
    this.#through[laneIndex(lane)] = Math.max(this.#through[laneIndex(lane)], seq);
  }

  /** Nothing is there from the last one that was seen through `last`. */
  ends(lane: Lane, last: number, before: Stamp): void {
    let first = this.#through[laneIndex(lane)] + 1;
    for (const hole of this.#holes) {
      if (hole.lane !== lane || hole.seqLast < first || hole.seqFirst > last) continue;
      this.#miss({ lane, first, last: hole.seqFirst - 1, before });
      first = hole.seqLast + 1;
    }
    this.#miss({ lane, first, last, before });
  }

  /** So many of them are known to be of a run, by the gaps in its history. */
  settle(count: number): void {
    this.#unowned -= count;
  }

  /** Whether a run that shows no gap has all of its entries for certain. */
  isProven(run: SalvagedRun, entries: readonly Entry[]): boolean {
    if (this.#unowned <= 0) return true;
    return this.#stretches.every((each) => isBeyond(run, entries, each));
  }

  #miss(stretch: Stretch): void {
    const count = stretch.last - stretch.first + 1;
    if (count <= 0) return;
    this.#unowned += count;
    // A run has only events there: no step is done again for want of them.
    if (stretch.lane !== 'bulk') this.#stretches.push(stretch);
  }
}

/** Whether a run has entries behind those that are lost, or cannot have gone on meanwhile. */
function isBeyond(
  run: SalvagedRun,
  entries: readonly Entry[],
  { lane, last, before }: Stretch,
): boolean {
  if (run.places.some((place) => place.lane === lane && place.seq > last)) return true;
  const newest = entries.at(-1);
  if (newest !== undefined && isLater(newest, before)) return true;
  const { record, length } = run;
  if (record?.state !== 'sleeping' || record.n !== length) return false;
  const dues = [...timersOf(entries).values()];
  return dues.every(({ boot, ms }) => {
    if (boot === before.boot) return ms > before.monoMs;
    if (boot === WALL) return ms > before.atMs;
    // What is left of it since that boot, nobody knows here.
    return dues.length === 1 && record.nextAtMs > before.atMs;
  });
}

function isLater(one: Stamp, other: Stamp): boolean {
  return one.boot === other.boot ? one.monoMs > other.monoMs : one.boot > other.boot;
}

function tryDecode(lane: Lane, value: Uint8Array): StoredHole | undefined {
  try {
    return decodeHole(lane, value);
  } catch {
    return undefined; // What it took the place of is missing then.
  }
}
