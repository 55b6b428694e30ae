import {
  chainNext,
  decodeEntry,
  type Entry,
  type Lane,
  type Sha256,
  type Store,
} from '@holdfast/protocol';
import { isHashOf, isUnharmed, parseStored } from './entry-row.ts';
import { entryKey, laneRange, seqOfEntryKey } from './keys.ts';
import type { Seam } from './seam.ts';

const PAGE = 256;

/** An entry of a damaged store that is what was journaled. */
export interface IntactEntry {
  readonly lane: Lane;
  /** In the old epoch. */
  readonly seq: number;
  /** In whose history it is; 0: in none; `undefined`: that was harmed. */
  readonly run: number | undefined;
  readonly entry: Entry;
  readonly bytes: Uint8Array;
}

export interface LaneRead {
  /** Highest seq that is there, intact or not. */
  seqMax: number;
  /** Seqs of entries that are not what was journaled. */
  readonly changed: number[];
}

/** Reads the intact entries of a lane in order, and notes the others in `read`. */
export async function* intactEntries(
  store: Store,
  lane: Lane,
  options: { readonly sha256: Sha256; readonly read: LaneRead; readonly seam?: Seam | undefined },
): AsyncGenerator<IntactEntry, void> {
  const { sha256, read, seam } = options;
  let previous: Link | undefined;
  for (let from = 0; ;) {
    const rows = await store.scan({ ...laneRange(lane, from), limit: PAGE });
    for (const row of rows) {
      const seq = seqOfEntryKey(row.key);
      const stored = parseStored(seq, row.value);
      const { bytes, anchor } = stored;
      const isOwn = isUnharmed(stored);
      const run = isOwn ? stored.run : undefined;
      const known = previous?.seq === seq - 1 ? previous.hashes : [];
      const before = seam?.seq === seq - 1 ? hashesOf(seam) : known;
      const computed = before.map((each) => chainNext(sha256, each, bytes));
      const linked = computed.filter((each) => isHashOf(stored, each));
      const entry = tryDecode(bytes);
      // Behind one that is changed nothing is known of the chain, up to the next anchor.
      const isUnknown = before.length === 0 || previous?.isChanged === true;
      const isLinked = linked.length > 0 || (isUnknown && isOwn);
      if (entry !== undefined && isLinked) yield { lane, seq, run, entry, bytes };
      else read.changed.push(seq);
      // Where one is changed, either its hash or its bytes may still be right for the next.
      const own = anchor === undefined ? [] : [anchor.hash];
      const hashes = linked.length > 0 ? linked : isLinked ? own : [...own, ...computed];
      previous = { seq, hashes, isChanged: !isLinked };
      read.seqMax = seq;
    }
    const last = rows.at(-1);
    if (last === undefined || rows.length < PAGE) return;
    from = seqOfEntryKey(last.key) + 1;
  }
}

interface Link {
  readonly seq: number;
  /** What the next entry may be chained to; none: that is not known. */
  readonly hashes: readonly Uint8Array[];
  /** It is not what was journaled. */
  readonly isChanged: boolean;
}

function hashesOf({ hash }: Seam): readonly Uint8Array[] {
  return hash === undefined ? [] : [hash];
}

/** Reads entries by their places, for those that are known to be intact. */
export async function readEntries(
  store: Store,
  places: readonly { readonly lane: Lane; readonly seq: number }[],
): Promise<Entry[]> {
  const values = await store.getMany(places.map(({ lane, seq }) => entryKey(lane, seq)));
  return values.flatMap((value, index) => {
    const entry = value && tryDecode(parseStored(places[index]?.seq ?? 0, value).bytes);
    return entry === undefined ? [] : [entry];
  });
}

function tryDecode(bytes: Uint8Array): Entry | undefined {
  try {
    return decodeEntry(bytes);
  } catch {
    return undefined;
  }
}
