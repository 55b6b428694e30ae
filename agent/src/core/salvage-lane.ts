import {
  chainNext,
  decodeEntry,
  equalBytes,
  type Entry,
  type Lane,
  type Sha256,
  type Store,
} from '@holdfast/protocol';
import { entryKey, laneRange, seqOfEntryKey } from './keys.ts';
import { parseStored } from './lane-state.ts';

const PAGE = 256;

/** An entry of a damaged store that is what was journaled. */
export interface IntactEntry {
  readonly lane: Lane;
  /** In the old epoch. */
  readonly seq: number;
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
  options: { readonly sha256: Sha256; readonly read: LaneRead },
): AsyncGenerator<IntactEntry, void> {
  const { sha256, read } = options;
  let previous: Link | undefined;
  for (let from = 0; ;) {
    const rows = await store.scan({ ...laneRange(lane, from), limit: PAGE });
    for (const row of rows) {
      const seq = seqOfEntryKey(row.key);
      const { hash, bytes } = parseStored(seq, row.value);
      const before = previous?.seq === seq - 1 ? previous.hashes : [];
      const computed = before.map((each) => chainNext(sha256, each, bytes));
      const entry = tryDecode(bytes);
      const isLinked = before.length === 0 || computed.some((each) => equalBytes(each, hash));
      if (entry !== undefined && isLinked) yield { lane, seq, entry, bytes };
      else read.changed.push(seq);
      // Where one is changed, either its hash or its bytes may still be right for the next.
      previous = { seq, hashes: isLinked ? [hash] : [hash, ...computed] };
      read.seqMax = seq;
    }
    const last = rows.at(-1);
    if (last === undefined || rows.length < PAGE) return;
    from = seqOfEntryKey(last.key) + 1;
  }
}

interface Link {
  readonly seq: number;
  /** What the next entry may be chained to. */
  readonly hashes: readonly Uint8Array[];
}

/** Reads entries by their places, for those that are known to be intact. */
export async function readEntries(
  store: Store,
  places: readonly { readonly lane: Lane; readonly seq: number }[],
): Promise<Entry[]> {
  const values = await store.getMany(places.map(({ lane, seq }) => entryKey(lane, seq)));
  return values.flatMap((value) => {
    const entry = value && tryDecode(parseStored(0, value).bytes);
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
