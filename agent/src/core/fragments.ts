import type { Lane, Store } from '@holdfast/protocol';
import { decodeHole, type StoredHole } from './hole-rows.ts';
import { entryKey, holeKey } from './keys.ts';
import { holeAt, parseStored, type ChainPlace, type StoredEntry } from './lane-state.ts';

/** Consecutive entries that are to go, and where the chain stands before them. */
export interface Fragment {
  readonly entries: readonly StoredEntry[];
  /** `undefined`: that is not known. */
  readonly before: ChainPlace | undefined;
}

export interface FragmentPlace {
  readonly store: Store;
  readonly lane: Lane;
  /** The chain's hash before the first entry of the lane. */
  readonly start: Uint8Array;
}

interface Fragments {
  readonly fragments: readonly Fragment[];
  /** Holes that touch one of them, each once, in order. */
  readonly known: readonly StoredHole[];
}

/** Entries between two fragments, at most, for what is around them to be read at once. */
const NEAR_MAX = 64;

/**
 * Puts entries of a lane, in order, into fragments, none of which goes across the watermark, and
 * reads what is around them: at once where they are near each other, as those of runs that went on
 * side by side are.
 */
export async function readFragments(
  place: FragmentPlace,
  entries: readonly StoredEntry[],
  acked: number,
): Promise<Fragments> {
  const stretches = split(entries, (one, next) => next.seq !== one.seq + 1 || one.seq === acked);
  const clusters = split(stretches.map(extentOf), (one, next) => next.first - one.last > NEAR_MAX);
  const read = await Promise.all(clusters.map((cluster) => readCluster(place, cluster)));
  // One that is behind a cluster may be before the next, too.
  const holes = read.flatMap(({ known }) => known.map((hole) => [hole.seqFirst, hole] as const));
  return {
    fragments: read.flatMap(({ fragments }) => fragments),
    known: [...new Map(holes).values()],
  };
}

interface Extent {
  readonly entries: readonly StoredEntry[];
  readonly first: number;
  readonly last: number;
}

async function readCluster(
  { store, lane, start }: FragmentPlace,
  cluster: readonly Extent[],
): Promise<Fragments> {
  const [first = 0, last = 0] = [cluster[0]?.first, cluster.at(-1)?.last];
  const inside = { from: holeKey(lane, first), to: holeKey(lane, last + 2) };
  const [left, rows, values] = await Promise.all([
    holeAt(store, lane, first - 1),
    store.scan({ ...inside, limit: last + 2 - first }),
    store.getMany(cluster.map((extent) => entryKey(lane, extent.first - 1))),
  ]);
  const holes = rows.map(({ value }) => decodeHole(lane, value));
  if (left !== undefined) holes.unshift(left);
  const ends = new Map(holes.map((hole) => [hole.seqLast, hole]));
  const begins = new Set(cluster.map((extent) => extent.last + 1));
  const before = (seq: number, value: Uint8Array | undefined): ChainPlace | undefined => {
    if (seq === 0) return { seq, hash: start, bytesThrough: 0 };
    if (value !== undefined) return parseStored(seq, value);
    const hole = ends.get(seq);
    return hole && { ...hole, seq };
  };
  const fragments = cluster.map((extent, index) => {
    return { entries: extent.entries, before: before(extent.first - 1, values[index]) };
  });
  const touched = new Set(cluster.map((extent) => ends.get(extent.first - 1)));
  const known = holes.filter((hole) => touched.has(hole) || begins.has(hole.seqFirst));
  return { fragments, known };
}

function extentOf(entries: readonly StoredEntry[]): Extent {
  return { entries, first: entries[0]?.seq ?? 0, last: entries.at(-1)?.seq ?? 0 };
}

/** Parts with a cut wherever two that follow each other are apart. */
function split<T>(items: readonly T[], areApart: (one: T, next: T) => boolean): T[][] {
  const parts: T[][] = [];
  let last: T | undefined;
  for (const item of items) {
    if (last === undefined || areApart(last, item)) parts.push([]);
    parts.at(-1)?.push(item);
    last = item;
  }
  return parts;
}
