import { readdir, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { HoldfastError, type OnProgress, type Store, type StoreOp } from '@holdfast/protocol';
import { rowProgress } from './io/count-rows.ts';
import { readDeviceFile } from './io/device-file.ts';
import { lockDir } from './io/dir-lock.ts';
import { encryptedStore } from './io/encrypted-store.ts';
import { makeStore } from './io/level-store.ts';
import {
  changeUserKey,
  hasStoreKey,
  loadUserKey,
  makeCipher,
  openCipher,
  readStoreKey,
} from './io/store-key.ts';
import { endStore, readStoreEnd } from './io/store-end.ts';
import { encodeMark, encryptedBy, isMarkKey, type Mark } from './io/store-mark.ts';
import { checkRoom } from './io/store-migration.ts';
import { openPlaced } from './io/store-place.ts';
import {
  ASIDE_STORE,
  exists,
  outdate,
  ownKey,
  resumeSwap,
  salvagedPath,
  writeOwnKey,
} from './io/store-swap.ts';

/** What `holdfast store rekey` did. */
export interface StoreRekeyView {
  readonly schema: 'holdfast.store-rekey/1';
  /** Absolute. */
  readonly dataDir: string;
  /** Rows that were encrypted anew; `null`: only what opens them was. */
  readonly rows: number | null;
  /** Stores that lie beside it, and still open with the old key: names in the data directory. */
  readonly aside: readonly string[];
}

const PAGE_BYTES = 1024 * 1024;
const everything = { from: new Uint8Array(0), to: Uint8Array.of(255, 255) };

/**
 * From now on another key opens the store. An agent that runs goes on; its next start needs the
 * new key. Durable once it resolves; one that was cut off opens with either key, and may be
 * repeated.
 *
 * @param keys Paths of files, or 32 bytes each.
 * @throws HF_STORE_KEY, HF_DATA_DIR_MISSING; nothing was changed.
 */
export async function rekeyStore(
  dataDir: string,
  keys: { readonly from: string | Uint8Array; readonly to: string | Uint8Array },
): Promise<StoreRekeyView> {
  const dir = resolve(dataDir);
  if (!hasStoreKey(dir)) {
    throw new HoldfastError('HF_DATA_DIR_MISSING', { why: `${dir} has no store.key` });
  }
  changeUserKey(dir, loadUserKey(keys.from), loadUserKey(keys.to));
  const aside = await storesAside(dir);
  const withOwn = aside.filter((name) => ownKey(join(dir, name)) !== undefined);
  return { schema: 'holdfast.store-rekey/1', dataDir: dir, rows: null, aside: withOwn };
}

/**
 * Encrypts each row of a store anew, with a new data key that only the new key opens: whoever has
 * the old key and a copy of `store.key` can read nothing of what is in the store from now on. One
 * that is not encrypted is from then on. The agent must not run.
 *
 * Takes as much room as the store while it is at work. A power cut at any moment leaves the old
 * store, that the old key opens, or the new one, that the new key does.
 *
 * @param keys.from Not needed for a store that is not encrypted.
 * @param progress Told how many rows were written, and of how many.
 * @throws HF_STORE_KEY, HF_DATA_DIR_MISSING, HF_STORE_LOCKED when the agent runs, HF_STORE_DAMAGED,
 *   HF_STORE_FORMAT, HF_STORE_OLDER, HF_JOURNAL_FAILED when there is no room; nothing was changed.
 */
export async function rekeyDeeply(
  dataDir: string,
  keys: { readonly from: string | Uint8Array | undefined; readonly to: string | Uint8Array },
  progress?: OnProgress,
): Promise<StoreRekeyView> {
  const dir = resolve(dataDir);
  const [from, to] = [keys.from && loadUserKey(keys.from), loadUserKey(keys.to)];
  const unlock = await lockDir(dir).catch((cause: unknown) => {
    if (cause instanceof HoldfastError) throw cause;
    throw new HoldfastError('HF_DATA_DIR_MISSING', { why: dir, cause });
  });
  try {
    const storeDir = join(dir, 'store');
    await resumeSwap(storeDir);
    const rows = await encryptAnew(storeDir, { from: from || undefined, to, progress });
    await keepOldKey(dir);
    await outdate(storeDir);
    await resumeSwap(storeDir);
    const aside = await storesAside(dir);
    return { schema: 'holdfast.store-rekey/1', dataDir: dir, rows, aside };
  } finally {
    await unlock();
  }
}

/** Makes the store that is to take the place of this one. @returns How many rows it has. */
async function encryptAnew(
  storeDir: string,
  anew: {
    readonly from: Uint8Array | undefined;
    readonly to: Uint8Array;
    readonly progress: OnProgress | undefined;
  },
): Promise<number> {
  const { from, to } = anew;
  const dir = resolve(storeDir, '..');
  const identity = await readDeviceFile(dir);
  if (identity === undefined || !(await exists(storeDir))) {
    throw new HoldfastError('HF_DATA_DIR_MISSING', { why: `${dir} has no store` });
  }
  const cipher = hasStoreKey(dir) ? openCipher(dir, from) : undefined;
  const { store, mark } = await openPlaced(storeDir, identity, { isThorough: true, cipher });
  try {
    await checkRoom(storeDir, 'a change of the data key');
    const { cipher: next, text } = makeCipher(to);
    const end = await readStoreEnd(storeDir);
    let rows = 0;
    const tell = await rowProgress(store, anew.progress);
    await rm(salvagedPath(storeDir), { recursive: true, force: true });
    await makeStore(salvagedPath(storeDir), async (plain, at) => {
      const target = encryptedStore(plain, next);
      rows = await copyRows(store, target, { mark: { ...mark, ...encryptedBy(next) }, tell });
      await writeOwnKey(at, text);
      if (end !== undefined) await endStore(at, end);
    });
    return rows;
  } finally {
    await store.close();
  }
}

async function copyRows(
  source: Store,
  target: Store,
  { mark, tell }: { readonly mark: Mark; readonly tell: (rows: number) => void },
): Promise<number> {
  let rows = 0;
  let bytes = 0;
  let ops: StoreOp[] = [];
  const flush = async (): Promise<void> => {
    if (ops.length > 0) await target.write(ops);
    [ops, bytes] = [[], 0];
  };
  await source.each(everything, async ({ key, value }) => {
    ops.push({ kind: 'put', key, value: isMarkKey(key) ? encodeMark(mark) : value });
    rows += 1;
    tell(rows);
    bytes += key.byteLength + value.byteLength;
    if (bytes >= PAGE_BYTES) await flush();
  });
  await flush();
  return rows;
}

/** What lies aside stays as it is, and so does what opens it. */
async function keepOldKey(dir: string): Promise<void> {
  const old = readStoreKey(dir);
  for (const name of await storesAside(dir)) {
    const store = join(dir, name);
    if (ownKey(store) === undefined) await writeOwnKey(store, old);
  }
}

async function storesAside(dir: string): Promise<readonly string[]> {
  const found = await readdir(dir, { withFileTypes: true });
  return found.flatMap((each) => {
    return each.isDirectory() && ASIDE_STORE.test(each.name) ? [each.name] : [];
  });
}
