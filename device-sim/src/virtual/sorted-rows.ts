import { assert, type ScanRange, type StoreRow } from '@holdfast/protocol';

const CHUNK_ROWS_MAX = 256;

/** Most rows, and bytes of values where that is asked for; the row that reaches it is the last. */
type Most = Pick<ScanRange, 'limit' | 'bytesMax'>;

/**
 * Rows in the order of the bytes of their keys, in chunks, so that one that comes in moves few
 * others. Journals and ledgers write behind what they wrote last, and delete what they wrote first:
 * the chunk that was last looked at for keys that begin alike is mostly the right one again.
 */
export class SortedRows {
  /** None is empty, unless it is the only one. */
  #chunks: StoreRow[][] = [[]];
  /** Indexes of chunks, by the first two bytes of keys that were looked for there. */
  readonly #lastAt = new Map<number, number>();

  get(key: Uint8Array): StoreRow | undefined {
    const chunk = this.#chunks[this.#chunkOf(key)] ?? [];
    const row = chunk[firstNotBelow(chunk, key)];
    return row !== undefined && compare(row.key, key) === 0 ? row : undefined;
  }

  set(row: StoreRow): void {
    const { key } = row;
    const at = this.#chunkOf(key);
    const chunk = this.#chunks[at] ?? [];
    const last = chunk.at(-1);
    if (last === undefined || compare(last.key, key) < 0) {
      if (chunk.length < CHUNK_ROWS_MAX) chunk.push(row);
      else this.#chunks.splice(at + 1, 0, [row]);
      return;
    }
    const index = firstNotBelow(chunk, key);
    if (compare(chunk[index]?.key ?? key, key) === 0) {
      chunk[index] = row;
      return;
    }
    chunk.splice(index, 0, row);
    if (chunk.length <= CHUNK_ROWS_MAX) return;
    this.#chunks.splice(at + 1, 0, chunk.splice(chunk.length >> 1));
  }

  delete(key: Uint8Array): void {
    const at = this.#chunkOf(key);
    const chunk = this.#chunks[at] ?? [];
    const index = firstNotBelow(chunk, key);
    const found = chunk[index];
    if (found === undefined || compare(found.key, key) !== 0) return;
    if (index === 0) chunk.shift();
    else chunk.splice(index, 1);
    if (chunk.length === 0 && this.#chunks.length > 1) this.#chunks.splice(at, 1);
  }

  /** All of them, in order. */
  all(): StoreRow[] {
    return this.#chunks.flat();
  }

  /** Rows of keys from `from` on and below `to`, in order. */
  between(from: Uint8Array, to: Uint8Array, most: Most): StoreRow[] {
    const { limit, bytesMax = Number.POSITIVE_INFINITY } = most;
    const found: StoreRow[] = [];
    let bytes = 0;
    let index = -1;
    for (let at = this.#chunkOf(from); at < this.#chunks.length; at += 1) {
      const chunk = this.#chunks[at] ?? [];
      index = index < 0 ? firstNotBelow(chunk, from) : 0;
      const end = endIn(chunk, to);
      for (; index < end; index += 1) {
        const row = rowAt(chunk, index);
        found.push(row);
        bytes += row.value.length;
        if (found.length >= limit || bytes >= bytesMax) return found;
      }
      if (end < chunk.length) return found;
    }
    return found;
  }

  /** The same, the last one first. */
  betweenReverse(from: Uint8Array, to: Uint8Array, most: Most): StoreRow[] {
    const { limit, bytesMax = Number.POSITIVE_INFINITY } = most;
    const found: StoreRow[] = [];
    let bytes = 0;
    for (let at = this.#chunkOf(to); at >= 0; at -= 1) {
      const chunk = this.#chunks[at] ?? [];
      for (let index = endIn(chunk, to) - 1; index >= 0; index -= 1) {
        const row = rowAt(chunk, index);
        if (compare(row.key, from) < 0) return found;
        found.push(row);
        bytes += row.value.length;
        if (found.length >= limit || bytes >= bytesMax) return found;
      }
    }
    return found;
  }

  copy(): SortedRows {
    const copy = new SortedRows();
    copy.#chunks = this.#chunks.map((chunk) => [...chunk]);
    return copy;
  }

  /** The chunk that holds a key, or would. */
  #chunkOf(key: Uint8Array): number {
    const begin = ((key[0] ?? 0) << 8) | (key[1] ?? 0);
    const last = this.#lastAt.get(begin);
    if (last !== undefined && this.#isIn(last, key)) return last;
    let low = 0;
    let high = this.#chunks.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#beginsAbove(middle, key)) high = middle - 1;
      else low = middle;
    }
    this.#lastAt.set(begin, low);
    return low;
  }

  #isIn(at: number, key: Uint8Array): boolean {
    const count = this.#chunks.length;
    if (at >= count || (at > 0 && this.#beginsAbove(at, key))) return false;
    return at + 1 === count || this.#beginsAbove(at + 1, key);
  }

  /** Whether the first key of a chunk is above this one. */
  #beginsAbove(at: number, key: Uint8Array): boolean {
    const first = this.#chunks[at]?.[0];
    return first !== undefined && compare(first.key, key) > 0;
  }
}

function rowAt(chunk: readonly StoreRow[], index: number): StoreRow {
  const row = chunk[index];
  assert(row !== undefined, 'a chunk has a row at each index');
  return row;
}

/** How many rows of a chunk are below a key. */
function endIn(chunk: readonly StoreRow[], to: Uint8Array): number {
  const last = chunk.at(-1);
  return last === undefined || compare(last.key, to) < 0 ? chunk.length : firstNotBelow(chunk, to);
}

function firstNotBelow(rows: readonly StoreRow[], key: Uint8Array): number {
  const first = rows[0];
  if (first === undefined || compare(first.key, key) >= 0) return 0;
  let low = 1;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compare(rowAt(rows, middle).key, key) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Below 0: `a` comes first; above: `b` does. */
function compare(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at += 1) {
    // Both have a byte there.
    const difference = (a[at] ?? 0) - (b[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}
