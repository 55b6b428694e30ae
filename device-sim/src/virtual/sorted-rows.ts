import { assert, type ScanRange, type StoreRow } from '@holdfast/protocol';

const CHUNK_ROWS_MAX = 256;

/** Most rows, and bytes of values where that is asked for; the row that reaches it is the last. */
type Most = Pick<ScanRange, 'limit' | 'bytesMax'>;

/** Rows in the order of their keys, which are given as text with one character a byte. */
export class SortedRows {
  readonly #rows = new Map<string, StoreRow>();
  /** Keys in order, in chunks, so that one that comes in moves few others. */
  #chunks: string[][] = [[]];

  get size(): number {
    return this.#rows.size;
  }

  values(): IterableIterator<StoreRow> {
    return this.#rows.values();
  }

  get(key: string): StoreRow | undefined {
    return this.#rows.get(key);
  }

  set(key: string, row: StoreRow): void {
    const isNew = !this.#rows.has(key);
    this.#rows.set(key, row);
    if (!isNew) return;
    const at = this.#chunkOf(key);
    const chunk = this.#chunks[at] ?? [];
    chunk.splice(firstNotBelow(chunk, key), 0, key);
    if (chunk.length <= CHUNK_ROWS_MAX) return;
    this.#chunks.splice(at + 1, 0, chunk.splice(chunk.length >> 1));
  }

  delete(key: string): void {
    if (!this.#rows.delete(key)) return;
    const at = this.#chunkOf(key);
    const chunk = this.#chunks[at] ?? [];
    chunk.splice(firstNotBelow(chunk, key), 1);
    if (chunk.length === 0 && this.#chunks.length > 1) this.#chunks.splice(at, 1);
  }

  /** Rows of keys from `from` on and below `to`, in order. */
  between(from: string, to: string, most: Most): StoreRow[] {
    const { limit, bytesMax = Number.POSITIVE_INFINITY } = most;
    const found: StoreRow[] = [];
    let bytes = 0;
    for (let at = this.#chunkOf(from); at < this.#chunks.length; at += 1) {
      const chunk = this.#chunks[at] ?? [];
      for (let index = firstNotBelow(chunk, from); index < chunk.length; index += 1) {
        const key = chunk[index] ?? '';
        if (key >= to) return found;
        const row = this.#rowOf(key);
        found.push(row);
        bytes += row.value.byteLength;
        if (found.length >= limit || bytes >= bytesMax) return found;
      }
    }
    return found;
  }

  /** The same, the last one first. */
  betweenReverse(from: string, to: string, most: Most): StoreRow[] {
    const { limit, bytesMax = Number.POSITIVE_INFINITY } = most;
    const found: StoreRow[] = [];
    let bytes = 0;
    for (let at = this.#chunkOf(to); at >= 0; at -= 1) {
      const chunk = this.#chunks[at] ?? [];
      for (let index = firstNotBelow(chunk, to) - 1; index >= 0; index -= 1) {
        const key = chunk[index] ?? '';
        if (key < from) return found;
        const row = this.#rowOf(key);
        found.push(row);
        bytes += row.value.byteLength;
        if (found.length >= limit || bytes >= bytesMax) return found;
      }
    }
    return found;
  }

  copy(): SortedRows {
    const copy = new SortedRows();
    for (const [key, row] of this.#rows) copy.#rows.set(key, row);
    copy.#chunks = this.#chunks.map((chunk) => [...chunk]);
    return copy;
  }

  #rowOf(key: string): StoreRow {
    const row = this.#rows.get(key);
    assert(row !== undefined, 'each key in order has its row');
    return row;
  }

  /** The chunk that holds a key, or would. */
  #chunkOf(key: string): number {
    let low = 0;
    let high = this.#chunks.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#chunks[middle]?.[0] ?? '') <= key) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

function firstNotBelow(keys: readonly string[], key: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((keys[middle] ?? '') < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
