import { join } from 'node:path';
import {
  MARK_KEY,
  type StoreCipher,
  encodeMark,
  encryptedStore,
  openStore,
  readMark,
  tableRange,
  type Migration,
} from '@holdfast/agent/internal';
import type { Store, StoreOp, StoreRow } from '@holdfast/protocol';

const everything = { from: Uint8Array.of(), to: Uint8Array.of(255, 255) };
/** Tables that only the old format had. */
const [HISTORY, CACHE] = [0x68, 0x78];
/** So many bytes are more than one commit of a migration. */
const CACHE_ROWS = 40;

/**
 * A format that never was, for tests of migrations: in a history, the last byte came first,
 * and there was a table `x` of no further use.
 */
export const oldMigration: Migration = {
  from: 0,
  row({ key, value }) {
    if (key[0] === CACHE) return [];
    if (key[0] !== HISTORY) return [{ key, value }];
    return [{ key, value: Uint8Array.of(value.at(-1) ?? 0, ...value.subarray(0, -1)) }];
  },
};

/** Makes a store of that format of one of this version's. @returns Its rows as they were before. */
export async function makeOld(dataDir: string, cipher?: StoreCipher): Promise<StoreRow[]> {
  const storeDir = join(dataDir, 'store');
  const store = encryptedStore(await openStore(storeDir), cipher);
  const rows = await rowsOf(store);
  const ops: StoreOp[] = [];
  await store.each(tableRange('h'), ({ key, value }) => {
    ops.push({ kind: 'put', key, value: Uint8Array.of(...value.subarray(1), value[0] ?? 0) });
  });
  for (let n = 0; n < CACHE_ROWS; n += 1) {
    const value = new Uint8Array(50_000).fill(n);
    ops.push({ kind: 'put', key: Uint8Array.of(CACHE, n), value });
  }
  await store.write([...ops, await markOf(store, storeDir, 0)]);
  await store.close();
  return rows;
}

/** Has a store say that it is of another format. */
export async function setFormat(dataDir: string, format: number): Promise<void> {
  const storeDir = join(dataDir, 'store');
  const store = await openStore(storeDir);
  await store.write([await markOf(store, storeDir, format)]);
  await store.close();
}

async function markOf(store: Store, storeDir: string, format: number): Promise<StoreOp> {
  const mark = readMark(storeDir, await store.get(MARK_KEY));
  if (mark === undefined) throw new Error('it has no mark');
  return { kind: 'put', key: MARK_KEY, value: encodeMark({ ...mark, format }) };
}

export async function rowsOf(store: Store): Promise<StoreRow[]> {
  const rows: StoreRow[] = [];
  await store.each(everything, (row) => void rows.push(row));
  return rows;
}
