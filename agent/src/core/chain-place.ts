import { chainNext, type Lane, type Sha256, type Store } from '@holdfast/protocol';
import { anchorBefore, isHashOf, parseStored, type StoredEntry } from './entry-row.ts';
import { entryKey } from './keys.ts';
import { holeAt } from './lane-holes.ts';

/** A place of a lane at which the chain is known: an entry, or the end of a hole. */
export interface ChainPlace {
  readonly seq: number;
  readonly hash: Uint8Array;
  /** Bytes of the lane's entries through this place. */
  readonly bytesThrough: number;
}

/** The place of an entry, as far as rows tell. */
export interface FoundPlace extends ChainPlace {
  /** Its row agrees. If not, it or one that it follows from is not what was journaled. */
  readonly isSure: boolean;
}

/** The chain of a lane, as it is to be read. */
export interface LaneChain {
  readonly store: Store;
  readonly sha256: Sha256;
  readonly lane: Lane;
  /** Its hash before the first entry. */
  readonly start: Uint8Array;
  /** Where it is known besides. */
  readonly known?: readonly ChainPlace[];
}

/** The place of an entry, by its bytes and the place before it. */
export function placeAfter(
  sha256: Sha256,
  before: ChainPlace,
  { seq, bytes }: Pick<StoredEntry, 'seq' | 'bytes'>,
): ChainPlace {
  const hash = chainNext(sha256, before.hash, bytes);
  return { seq, hash, bytesThrough: before.bytesThrough + bytes.length };
}

/** The same, where an anchor counts more than what leads to it. */
export function nextPlace(sha256: Sha256, before: ChainPlace, entry: StoredEntry): FoundPlace {
  const place = placeAfter(sha256, before, entry);
  const isSure = isHashOf(entry, place.hash);
  return { ...place, ...entry.anchor, isSure };
}

/** What is known of the chain at `seq`; `undefined` inside a hole, and where nothing is. */
export async function chainPlace(chain: LaneChain, seq: number): Promise<FoundPlace | undefined> {
  if (seq < 1) return undefined;
  const { store, lane } = chain;
  const known = lastKnown(chain, seq);
  if (known?.seq === seq) return { ...known, isSure: true };
  const first = Math.max(anchorBefore(seq), known === undefined ? 0 : known.seq + 1);
  const seqs = Array.from({ length: seq + 1 - first }, (_, index) => first + index);
  const values = await store.getMany(seqs.map((each) => entryKey(lane, each)));
  const entries = values.flatMap((value, index) => {
    return value === undefined ? [] : [parseStored(first + index, value)];
  });
  if (entries.at(-1)?.seq === seq) return lastPlace(chain, entries);
  const hole = await holeAt(store, lane, seq);
  return hole?.seqLast === seq ? { ...hole, seq, isSure: true } : undefined;
}

/**
 * The place of the last of these entries, by those before it.
 *
 * @param entries In order. Where one is an anchor, those before it are not needed.
 */
export async function lastPlace(
  chain: LaneChain,
  entries: readonly StoredEntry[],
): Promise<FoundPlace | undefined> {
  const breakAt = entries.findLastIndex(({ seq }, at) => entries[at - 1]?.seq !== seq - 1);
  const row = entries.slice(Math.max(0, breakAt));
  const base = await baseOf(chain, row);
  let place = base && { ...base, isSure: true };
  for (const entry of row) {
    if (place === undefined) return undefined;
    if (entry.seq <= place.seq) continue;
    const { isSure }: FoundPlace = place;
    const next = nextPlace(chain.sha256, place, entry);
    place = { ...next, isSure: isSure && next.isSure };
  }
  return place;
}

/** The last place in or just before consecutive entries that is known without their bytes. */
async function baseOf(
  chain: LaneChain,
  entries: readonly StoredEntry[],
): Promise<ChainPlace | undefined> {
  const { store, lane, start } = chain;
  const [first = 0, last = 0] = [entries[0]?.seq, entries.at(-1)?.seq];
  const anchor = entries.findLast((entry) => entry.anchor !== undefined);
  const known = lastKnown(chain, last);
  if (known !== undefined && known.seq >= (anchor?.seq ?? first - 1)) return known;
  if (anchor?.anchor !== undefined) return { seq: anchor.seq, ...anchor.anchor };
  if (first === 1) return { seq: 0, hash: start, bytesThrough: 0 };
  const hole = await holeAt(store, lane, first - 1);
  return hole?.seqLast === first - 1 ? { ...hole, seq: hole.seqLast } : undefined;
}

/** The last of the places that are known besides, up to a seq. */
function lastKnown({ known = [] }: LaneChain, seq: number): ChainPlace | undefined {
  let last: ChainPlace | undefined;
  for (const place of known) {
    if (place.seq > 0 && place.seq <= seq && place.seq > (last?.seq ?? 0)) last = place;
  }
  return last;
}
