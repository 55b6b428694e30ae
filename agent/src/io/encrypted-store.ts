import {
  HoldfastError,
  type ScanRange,
  type StoreRange,
  type Store,
  type StoreOp,
  type StoreRow,
  type Visit,
} from '@holdfast/protocol';
import { compare } from '../core/level-format/table-file.ts';
import type { RowSource } from '../core/salvage-rows.ts';
import { isNamed, type StoreCipher } from './store-cipher.ts';
import { isMarkKey, MARK_KEY } from './store-mark.ts';

const PAGE = 1_000;
/** Tables whose keys are names: where what is stored is in no order. */
const namedTables = [0x69, 0x73].filter((table) => isNamed(Uint8Array.of(table)));

/**
 * A store whose rows are encrypted before they reach `inner`, and opened on the way back. The mark,
 * which says whose store it is, stays as it is: it is read before there is a key.
 *
 * Names are in no order where they are stored, so a scan of them reads all of that table.
 */
class EncryptedStore implements Store {
  readonly #inner: Store;
  readonly #cipher: StoreCipher;

  constructor(inner: Store, cipher: StoreCipher) {
    this.#inner = inner;
    this.#cipher = cipher;
  }

  async get(key: Uint8Array): Promise<Uint8Array | undefined> {
    const stored = this.#cipher.key(key);
    return this.#open(stored, await this.#inner.get(stored));
  }

  async getMany(keys: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]> {
    const stored = keys.map((key) => this.#cipher.key(key));
    const values = await this.#inner.getMany(stored);
    return values.map((value, index) => this.#open(stored[index] ?? MARK_KEY, value));
  }

  async scan(range: ScanRange): Promise<StoreRow[]> {
    const { bytesMax, ...whole } = range;
    const parts = partsOf(range);
    // Of several parts, one that ends early would leave a gap before the next.
    const isBounded = bytesMax !== undefined && parts.length === 1;
    const rows: StoreRow[] = [];
    for (const part of range.reverse === true ? parts.toReversed() : parts) {
      if (rows.length >= range.limit) break;
      const wanted = { ...(isBounded ? range : whole), ...part, limit: range.limit - rows.length };
      rows.push(...(await (isNamed(part.from) ? this.#scanNames(wanted) : this.#scan(wanted))));
    }
    return rows;
  }

  async each(range: StoreRange, visit: Visit): Promise<void> {
    // Names that were read, until their table is through.
    let names: StoreRow[] = [];
    const flush = async (): Promise<void> => {
      for (const row of names.toSorted((a, b) => compare(a.key, b.key))) await visit(row);
      names = [];
    };
    await this.#inner.each(storedRange(range), async ({ key: stored, value }) => {
      const key = this.#openKey(stored);
      if (names.length > 0 && names[0]?.key[0] !== key[0]) await flush();
      const row = { key, value: this.#open(stored, value) };
      if (!isNamed(key)) await visit(row);
      else if (compare(key, range.from) >= 0 && compare(key, range.to) < 0) names.push(row);
    });
    await flush();
  }

  write(ops: readonly StoreOp[]): Promise<void> {
    return this.#inner.write(
      ops.map((op) => {
        const key = this.#cipher.key(op.key);
        if (op.kind === 'delete') return { kind: 'delete', key };
        const isMark = isMarkKey(key);
        return { kind: 'put', key, value: isMark ? op.value : this.#cipher.value(key, op.value) };
      }),
    );
  }

  compact(range: StoreRange): Promise<void> {
    return this.#inner.compact(storedRange(range));
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  #open(stored: Uint8Array, value: Uint8Array): Uint8Array;
  #open(stored: Uint8Array, value: Uint8Array | undefined): Uint8Array | undefined;
  #open(stored: Uint8Array, value: Uint8Array | undefined): Uint8Array | undefined {
    if (value === undefined || isMarkKey(stored)) return value;
    return this.#cipher.openValue(stored, value);
  }

  #openKey(stored: Uint8Array): Uint8Array {
    const key = this.#cipher.openKey(stored);
    if (key === undefined) throw foreignKey(stored);
    return key;
  }

  async #scan(range: ScanRange): Promise<StoreRow[]> {
    const rows = await this.#inner.scan(range);
    return rows.map(({ key, value }) => ({ key, value: this.#open(key, value) }));
  }

  /** The rows of a range within one table of names, in the order of the names. */
  async #scanNames(range: ScanRange): Promise<StoreRow[]> {
    const { from, to, limit, reverse = false } = range;
    if (isOneKey(range)) return this.#scanName(from);
    const table = from[0] ?? 0;
    const end = Uint8Array.of(table + 1);
    let kept: (StoreRow & { readonly stored: Uint8Array })[] = [];
    for (let next = Uint8Array.of(table); ;) {
      const page = await this.#inner.scan({ from: next, to: end, limit: PAGE });
      for (const { key: stored, value } of page) {
        const key = this.#openKey(stored);
        if (compare(key, from) >= 0 && compare(key, to) < 0) kept.push({ key, stored, value });
      }
      kept.sort((a, b) => (reverse ? compare(b.key, a.key) : compare(a.key, b.key)));
      kept = kept.slice(0, limit);
      const last = page.at(-1);
      if (last === undefined || page.length < PAGE) break;
      next = Uint8Array.of(...last.key, 0);
    }
    return kept.map(({ key, stored, value }) => ({ key, value: this.#open(stored, value) }));
  }

  async #scanName(key: Uint8Array): Promise<StoreRow[]> {
    const stored = this.#cipher.key(key);
    const range = { from: stored, to: Uint8Array.of(...stored, 0), limit: 1 };
    const rows = await this.#inner.scan(range);
    return rows.map(({ value }) => ({ key, value: this.#open(stored, value) }));
  }
}

/** A range in which there is no other key than its first. */
function isOneKey({ from, to }: StoreRange): boolean {
  return to.byteLength === from.byteLength + 1 && compare(to, Uint8Array.of(...from, 0)) === 0;
}

/** Gives a store that encrypts its rows; the store itself, without a cipher. */
export function encryptedStore(store: Store, cipher: StoreCipher | undefined): Store {
  return cipher === undefined ? store : new EncryptedStore(store, cipher);
}

/**
 * Opens the rows that were read of the files of an encrypted store. Those that do not open are left
 * out, and make their file a damaged one.
 */
export async function* openedRows(
  sources: AsyncIterable<RowSource>,
  cipher: StoreCipher | undefined,
): AsyncGenerator<RowSource, void> {
  for await (const source of sources) yield cipher === undefined ? source : opened(source, cipher);
}

function opened({ name, rows, isDamaged }: RowSource, cipher: StoreCipher): RowSource {
  let isWhole = !isDamaged;
  const readable = rows.flatMap((row) => {
    const key = cipher.openKey(row.key);
    try {
      if (key === undefined) throw foreignKey(row.key);
      const isPlain = row.value === undefined || isMarkKey(row.key);
      return { ...row, key, value: isPlain ? row.value : cipher.openValue(row.key, row.value) };
    } catch {
      isWhole = false;
      return [];
    }
  });
  return { name, rows: readable, isDamaged: !isWhole };
}

/** A range in parts, each of which is in one table of names, or has none. */
function partsOf({ from, to }: Pick<ScanRange, 'from' | 'to'>) {
  const borders = namedTables.flatMap((table) => [Uint8Array.of(table), Uint8Array.of(table + 1)]);
  const inside = borders.filter((each) => compare(from, each) < 0 && compare(each, to) < 0);
  const starts = [from, ...inside];
  return starts.map((start, index) => ({ from: start, to: starts[index + 1] ?? to }));
}

/** What a range of keys can be stored under: all of a table of names that it has a part of. */
function storedRange({ from, to }: StoreRange): StoreRange {
  return {
    from: isNamed(from) ? from.subarray(0, 1) : from,
    to: isNamed(to) ? Uint8Array.of((to[0] ?? 0) + 1) : to,
  };
}

function foreignKey(stored: Uint8Array): HoldfastError {
  const row = Buffer.from(stored.subarray(0, 16)).toString('hex');
  return new HoldfastError('HF_STORE_DAMAGED', { why: `row ${row} is not one of this key` });
}
