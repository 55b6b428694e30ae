import { chainPlace, nextPlace, type ChainPlace, type LaneChain } from './chain-place.ts';
import { ANCHOR_EVERY, parseStored, type StoredEntry } from './entry-row.ts';
import { decodeHole, type StoredHole } from './hole-rows.ts';
import { entryKey, holeKey } from './keys.ts';
import { holeAt } from './lane-holes.ts';

/** Consecutive entries that are to go, and where the chain stands around them. */
export interface Fragment {
  readonly entries: readonly StoredEntry[];
  /** Before the first of them; `undefined`: that is not known. */
  readonly before: ChainPlace | undefined;
  /** At the last of them. */
  readonly end: ChainPlace | undefined;
}

interface Fragments {
  readonly fragments: readonly Fragment[];
  /** Holes that touch one of them, each once, in order. */
  readonly known: readonly StoredHole[];
}

/**
 * Puts entries of a lane, in order, into fragments, none of which goes across the watermark, and
 * reads what is around them: at once where they are near each other, as those of runs that went on
 * side by side are.
 */
export async function readFragments(
  chain: LaneChain,
  entries: readonly StoredEntry[],
  acked: number,
): Promise<Fragments> {
  const stretches = split(entries, (one, next) => next.seq !== one.seq + 1 || one.seq === acked);
  // To know the chain between two that are farther apart, an anchor is read instead.
  const areApart = (one: Extent, next: Extent) => next.first - one.last > ANCHOR_EVERY;
  const clusters = split(stretches.map(extentOf), areApart);
  const read = await Promise.all(clusters.map((cluster) => readCluster(chain, cluster)));
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

async function readCluster(chain: LaneChain, cluster: readonly Extent[]): Promise<Fragments> {
  const { store, lane, start } = chain;
  const [first = 0, last = 0] = [cluster[0]?.first, cluster.at(-1)?.last];
  const inside = { from: holeKey(lane, first), to: holeKey(lane, last + 2) };
  const [before, left, rows, entries] = await Promise.all([
    first === 1 ? { seq: 0, hash: start, bytesThrough: 0 } : chainPlace(chain, first - 1),
    holeAt(store, lane, first - 1),
    store.scan({ ...inside, limit: last + 2 - first }),
    entriesOf(chain, first, cluster),
  ]);
  const holes = rows.map(({ value }) => decodeHole(lane, value));
  if (left !== undefined) holes.unshift(left);
  const ends = new Map(holes.map((hole) => [hole.seqLast, hole]));
  const begins = new Set(cluster.map((extent) => extent.last + 1));
  const placed = { chain, first, before, entries, ends };
  const fragments = cluster.map(({ entries: own, first: from, last: to }): Fragment => {
    return { entries: own, before: placeIn(placed, from - 1), end: placeIn(placed, to) };
  });
  const touched = new Set(cluster.map((extent) => ends.get(extent.first - 1)));
  const known = holes.filter((hole) => touched.has(hole) || begins.has(hole.seqFirst));
  return { fragments, known };
}

/** The entries of a cluster, and those between them, by how far they are behind `first`. */
async function entriesOf(
  { store, lane }: LaneChain,
  first: number,
  cluster: readonly Extent[],
): Promise<readonly (StoredEntry | undefined)[]> {
  const own = cluster.flatMap(({ entries }) => entries);
  const between = cluster.flatMap(({ last }, index) => {
    const next = cluster[index + 1]?.first ?? last + 1;
    return Array.from({ length: next - last - 1 }, (_, at) => last + 1 + at);
  });
  const keys = between.map((seq) => entryKey(lane, seq));
  const values = keys.length === 0 ? [] : await store.getMany(keys);
  const read = between.flatMap((seq, index) => {
    const value = values[index];
    return value === undefined ? [] : [parseStored(seq, value)];
  });
  const placed: (StoredEntry | undefined)[] = [];
  for (const entry of own) placed[entry.seq - first] = entry;
  for (const entry of read) placed[entry.seq - first] = entry;
  return placed;
}

interface Placed {
  readonly chain: LaneChain;
  readonly first: number;
  /** The place before `first`. */
  readonly before: ChainPlace | undefined;
  /** By how far they are behind `first`. */
  readonly entries: readonly (StoredEntry | undefined)[];
  /** Holes by their last seq. */
  readonly ends: ReadonlyMap<number, StoredHole>;
}

/**
 * The chain at a seq of a cluster. What comes before the last anchor, or the end of a hole, does
 * not count: of a thousand entries that are to go, three are hashed at most.
 */
function placeIn({ chain, first, before, entries, ends }: Placed, seq: number) {
  const follows = (each: number): boolean => {
    const entry = entries[each - first];
    return entry !== undefined && entry.anchor === undefined;
  };
  let from = seq;
  while (from >= first && follows(from)) from -= 1;
  let place = from < first ? before : undefined;
  for (let each = Math.max(first, from); each <= seq; each += 1) {
    const entry = entries[each - first];
    place = placeAt(chain, place, { seq: each, entry, hole: ends.get(each) });
  }
  return place;
}

/** The chain at a seq, from the place before it; `undefined`: that is not known. */
function placeAt(
  { sha256 }: LaneChain,
  before: ChainPlace | undefined,
  {
    seq,
    entry,
    hole,
  }: {
    readonly seq: number;
    readonly entry: StoredEntry | undefined;
    readonly hole: StoredHole | undefined;
  },
): ChainPlace | undefined {
  if (entry === undefined) return hole && { ...hole, seq };
  const anchor = entry.anchor && { seq, ...entry.anchor };
  if (before === undefined) return anchor;
  const next = nextPlace(sha256, before, entry);
  return next.isSure ? next : anchor;
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
