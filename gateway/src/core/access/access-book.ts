import type { StoreRow } from '@holdfast/protocol';
import type { Row } from '../ledger-rows.ts';
import { accessRange, type AccessTable } from './access-rows.ts';
import type { AccessChange, AccessStore } from './access-store.ts';

/**
 * Users, tokens, sessions and the audit log as rows of a store. Nothing of it is remembered: what
 * another gateway has changed counts from the next question on.
 */
export class AccessBook {
  readonly #store: AccessStore;

  constructor(store: AccessStore) {
    this.#store = store;
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

  count(table: AccessTable): Promise<number> {
    return this.#store.count(accessRange(table));
  }

  /** Does work that reads and then writes, alone, see the store. */
  change<T>(work: () => Promise<AccessChange<T>>): Promise<T> {
    return this.#store.change(work);
  }

  close(): Promise<void> {
    return this.#store.close();
  }
}
