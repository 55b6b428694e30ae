import { HoldfastError, type Store, type StoreOp, type StoreRow } from '@holdfast/protocol';
import type { Row } from '../ledger-rows.ts';
import { accessFormatRow, accessKey, accessRange, type AccessTable } from './access-rows.ts';

const PRODUCT = 'holdfast-access';
const FORMAT = 1;

/** The row that makes an empty store one of users and tokens. */
export function newAccessRow(): StoreRow {
  const value = accessFormatRow.encode({ product: PRODUCT, format: FORMAT });
  return { key: accessKey('meta', 'format'), value };
}

/**
 * Users, tokens, sessions and the audit log as rows of a store. What changes them takes turns, so
 * that each sees what the one before it has written.
 */
export class AccessBook {
  readonly #store: Store;
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(store: Store) {
    this.#store = store;
  }

  /** @throws HF_STORE_FORMAT for a newer store, or one of another program: it stays untouched. */
  static async open(store: Store): Promise<AccessBook> {
    const stored = await store.get(accessKey('meta', 'format'));
    const found = stored && accessFormatRow.decode(stored);
    if (found?.product === PRODUCT && found.format === FORMAT) return new AccessBook(store);
    const what = found === undefined ? 'nothing that this version knows' : `format ${found.format}`;
    throw new HoldfastError('HF_STORE_FORMAT', {
      why: `the store of users and tokens has ${what}`,
    });
  }

  async get<T>(key: Uint8Array, row: Row<T>): Promise<T | undefined> {
    const stored = await this.#store.get(key);
    return stored && row.decode(stored);
  }

  /** At most `limit` rows of a table, in the order of their keys. */
  async list<T>(table: AccessTable, row: Row<T>, limit: number): Promise<readonly T[]> {
    const found = await this.#store.scan({ ...accessRange(table), limit });
    return found.map(({ value }) => row.decode(value));
  }

  /** Rows before a key, the last one first. */
  scanBack(table: AccessTable, limit: number, before?: Uint8Array): Promise<StoreRow[]> {
    const range = accessRange(table);
    return this.#store.scan({ ...range, to: before ?? range.to, limit, reverse: true });
  }

  scan(table: AccessTable, limit: number): Promise<StoreRow[]> {
    return this.#store.scan({ ...accessRange(table), limit });
  }

  async count(table: AccessTable): Promise<number> {
    let count = 0;
    await this.#store.each(accessRange(table), () => {
      count += 1;
    });
    return count;
  }

  /**
   * Does work that reads and then writes, alone. It resolves with what the work returns once what
   * it had written is durable.
   */
  change<T>(
    work: () => Promise<{ readonly ops: readonly StoreOp[]; readonly value: T }>,
  ): Promise<T> {
    const turn = this.#turn.then(async () => {
      const { ops, value } = await work();
      if (ops.length > 0) await this.#store.write(ops);
      return value;
    });
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  async close(): Promise<void> {
    await this.#turn;
    await this.#store.close();
  }
}
