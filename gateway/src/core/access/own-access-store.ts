import { HoldfastError, type ScanRange, type Store, type StoreRange } from '@holdfast/protocol';
import type { StoreRow } from '@holdfast/protocol';
import { accessFormatRow, accessKey } from './access-rows.ts';
import type { AccessChange, AccessStore } from './access-store.ts';

const PRODUCT = 'holdfast-access';
const FORMAT = 1;
const formatKey = accessKey('meta', 'format');

/** The row that makes an empty store one of users and tokens. */
export function newAccessRow(): StoreRow {
  const value = accessFormatRow.encode({ product: PRODUCT, format: FORMAT });
  return { key: formatKey, value };
}

/** A store that this process alone writes: what changes it takes turns. */
export class OwnAccessStore implements AccessStore {
  readonly #store: Store;
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(store: Store) {
    this.#store = store;
  }

  /** @throws HF_STORE_FORMAT for a newer store, or one of another program: it stays untouched. */
  static async open(store: Store): Promise<OwnAccessStore> {
    const stored = await store.get(formatKey);
    const found = stored && accessFormatRow.decode(stored);
    if (found?.product === PRODUCT && found.format === FORMAT) return new OwnAccessStore(store);
    const what = found === undefined ? 'nothing that this version knows' : `format ${found.format}`;
    throw new HoldfastError('HF_STORE_FORMAT', {
      why: `the store of users and tokens has ${what}`,
    });
  }

  get(key: Uint8Array): Promise<Uint8Array | undefined> {
    return this.#store.get(key);
  }

  scan(range: ScanRange): Promise<StoreRow[]> {
    return this.#store.scan(range);
  }

  async count(range: StoreRange): Promise<number> {
    let count = 0;
    await this.#store.each(range, () => {
      count += 1;
    });
    return count;
  }

  change<T>(work: () => Promise<AccessChange<T>>): Promise<T> {
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
