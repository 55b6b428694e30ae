import { laneIndex, lanes, type Store, type StoreOp } from '@holdfast/protocol';
import { decodePack } from './history-pack.ts';
import { nOfHistoryKey, runOfKey, tableOfKey } from './keys.ts';
import type { LevelRow } from './level-format/write-batch.ts';

/** The rows of one file of a damaged store. */
export interface RowSource {
  readonly name: string;
  readonly rows: readonly LevelRow[];
  readonly isDamaged: boolean;
}

/**
 * What the rows of a damaged store add up to. Its entries, and what they have sealed, are in
 * `scratch`.
 */
export interface CollectedRows {
  /** Newest value of each other row, in the order of the keys. */
  readonly others: readonly { readonly key: Uint8Array; readonly value: Uint8Array }[];
  /** What the places in its history tell of a run, by its number. */
  readonly histories: ReadonlyMap<number, HistoryExtent>;
  readonly damagedFiles: readonly string[];
}

export interface HistoryExtent {
  length: number;
  /** Highest seq of each lane that the run has. */
  readonly seqMax: [number, number, number];
}

const WRITE_BYTES = 1024 * 1024;
/** Longest value of rows besides entries. */
const OTHER_BYTES_MAX = 1024 * 1024;
const ENTRY_KEY_BYTES = 8;
const HISTORY_KEY_BYTES = 11;
/** A part of the hash, and the run, before an entry. */
const ENTRY_VALUE_BYTES_MIN = 5;

/**
 * Sorts the rows of a damaged store out: LevelDB's files hold old rows beside newer ones, in no
 * order. Entries, which may be a million, go to `scratch` under their own keys; they are written
 * once and deleted once, so that no order counts among them.
 */
export async function collectRows(
  sources: AsyncIterable<RowSource>,
  scratch: Store,
): Promise<CollectedRows> {
  const collector = new Collector(scratch);
  for await (const source of sources) await collector.take(source);
  return collector.end();
}

class Collector {
  readonly #scratch: Store;
  readonly #others = new Map<string, LevelRow>();
  readonly #histories = new Map<number, HistoryExtent>();
  readonly #damagedFiles: string[] = [];
  readonly #deleted = new Map<string, Uint8Array>();
  #ops: StoreOp[] = [];
  #bytes = 0;

  constructor(scratch: Store) {
    this.#scratch = scratch;
  }

  async take(source: RowSource): Promise<void> {
    if (source.isDamaged) this.#damagedFiles.push(source.name);
    for (const row of source.rows) {
      const table = tableOfKey(row.key);
      if (table === 'e' || table === 'p' || table === 'b') await this.#entry(row);
      else if (table === 'h') this.#history(row);
      else if (table !== undefined && table !== 'a') this.#other(row);
      else if (table === 'a' && row.key.byteLength === 2) this.#other(row);
    }
  }

  async end(): Promise<CollectedRows> {
    await this.#flush();
    this.#ops = [...this.#deleted.values()].map((key) => ({ kind: 'delete', key }));
    await this.#flush();
    const names = [...this.#others.keys()].toSorted();
    const others = names.flatMap((name) => {
      const row = this.#others.get(name);
      return row?.value === undefined ? [] : [{ key: row.key, value: row.value }];
    });
    return { others, histories: this.#histories, damagedFiles: this.#damagedFiles };
  }

  async #entry({ key, value }: LevelRow): Promise<void> {
    if (key.byteLength !== ENTRY_KEY_BYTES || (key[1] ?? lanes.length) >= lanes.length) return;
    if (value === undefined) {
      this.#deleted.set(nameOf(key), key.slice());
      return;
    }
    if (tableOfKey(key) === 'e' && value.byteLength <= ENTRY_VALUE_BYTES_MIN) return;
    this.#ops.push({ kind: 'put', key, value });
    this.#bytes += value.byteLength;
    if (this.#bytes > WRITE_BYTES) await this.#flush();
  }

  #history({ key, value }: LevelRow): void {
    if (key.byteLength !== HISTORY_KEY_BYTES || value === undefined) return;
    const run = runOfKey(key);
    const extent = this.#histories.get(run) ?? { length: 0, seqMax: [0, 0, 0] };
    const places = decodePack(value);
    extent.length = Math.max(extent.length, nOfHistoryKey(key) + places.length);
    for (const { lane, seq } of places) {
      const index = laneIndex(lane);
      extent.seqMax[index] = Math.max(extent.seqMax[index], seq);
    }
    this.#histories.set(run, extent);
  }

  #other(row: LevelRow): void {
    if ((row.value?.byteLength ?? 0) > OTHER_BYTES_MAX) return;
    const name = nameOf(row.key);
    const known = this.#others.get(name);
    if (known !== undefined && known.sequence > row.sequence) return;
    // A view would keep the whole file it is from in memory.
    this.#others.set(name, { ...row, key: row.key.slice(), value: row.value?.slice() });
  }

  async #flush(): Promise<void> {
    if (this.#ops.length > 0) await this.#scratch.write(this.#ops);
    this.#ops = [];
    this.#bytes = 0;
  }
}

function nameOf(key: Uint8Array): string {
  return String.fromCharCode(...key);
}
