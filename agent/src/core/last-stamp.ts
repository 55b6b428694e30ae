import { decodeEntry, lanes, type Entry, type Store } from '@holdfast/protocol';
import { parseStored } from './entry-row.ts';
import { laneRange, seqOfEntryKey } from './keys.ts';


/** When something was journaled, by both clocks. */
export interface Stamp {
  readonly atMs: number;
  readonly boot: number;
  readonly monoMs: number;
}

/** Of the entry that was journaled last; `undefined`: there is none that can be read. */
export async function lastStamp(store: Store): Promise<Stamp | undefined> {
  const rows = await Promise.all(
    lanes.map((lane) => store.scan({ ...laneRange(lane), limit: 1, reverse: true })),
  );
  const stamps = rows.flat().flatMap(({ key, value }) => {
    return readable(parseStored(seqOfEntryKey(key), value).bytes);
  });
  // By boot and monotonic time: the clock may have been set between two of them.
  return stamps.toSorted((a, b) => a.boot - b.boot || a.monoMs - b.monoMs).at(-1);
}

function readable(bytes: Uint8Array): readonly Entry[] {
  try {
    return [decodeEntry(bytes)];
  } catch {
    return []; // Found and told by whoever needs what it says.
  }
}
