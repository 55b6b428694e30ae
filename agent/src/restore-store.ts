import { rm, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import {
  HoldfastError,
  type OnProgress,
  type Store,
  type StoreOp,
  type StoreRow,
} from '@holdfast/protocol';
import { DATA_FORMAT, readDeviceFile, writeDeviceFile } from './io/device-file.ts';
import { lockDir } from './io/dir-lock.ts';
import { encryptedStore } from './io/encrypted-store.ts';
import { makeStore } from './io/level-store.ts';
import { LENGTHS_BYTES, openSnapshot, type Snapshot } from './io/snapshot-file.ts';
import type { StoreCipher } from './io/store-cipher.ts';
import { makeCipher, userKeyOf } from './io/store-key.ts';
import { encodeMark, encryptedBy, isMarkKey, readMark } from './io/store-mark.ts';
import { endStore } from './io/store-end.ts';
import {
  exists,
  keepKey,
  moveAside,
  resumeSwap,
  salvagedPath,
  writeOwnKey,
} from './io/store-swap.ts';
import { makeWritableDir } from './io/writable-dir.ts';

/** What `holdfast store restore` did. */
export interface StoreRestoreView {
  readonly schema: 'holdfast.store-restore/1';
  /** Absolute. */
  readonly dataDir: string;
  readonly device: string;
  /** Of the snapshot; the next start begins a new one. */
  readonly epoch: number;
  readonly at: string;
  readonly rows: number;
  /** Name of the store that was there, beside the new one; `null`: there was none. */
  readonly movedTo: string | null;
}

export interface RestoreOptions {
  readonly replace: boolean;
  readonly storeKey?: string | undefined;
  /** Told the bytes of the snapshot that were read, and of how many. */
  readonly progress?: OnProgress | undefined;
}

/**
 * Puts the store of a snapshot in the place of a data directory's. What was journaled after the
 * snapshot may be in the ledger, so the next start begins a new epoch. Durable once it resolves;
 * until the snapshot has been read to its end, nothing that was there is touched.
 *
 * @param options.replace Move a store that is there aside.
 * @param options.storeKey Encrypts what the snapshot has in plain; not needed for one that is
 *   encrypted.
 * @throws HF_SNAPSHOT_INVALID, HF_STORE_FORMAT, HF_STORE_THERE, HF_DATA_DIR_OTHER_DEVICE,
 *   HF_DATA_DIR_UNUSABLE, HF_STORE_LOCKED when an agent runs there, HF_JOURNAL_FAILED on a full
 *   disk.
 */
export async function restoreStore(
  file: string,
  dataDir: string,
  options: RestoreOptions,
): Promise<StoreRestoreView> {
  const dir = resolve(dataDir);
  const snapshot = await openSnapshot(resolve(file));
  const { size } = await stat(resolve(file));
  checkFormat(file, snapshot);
  await makeWritableDir(dir);
  const unlock = await lockDir(dir);
  try {
    const progress = (bytes: number): void => options.progress?.(bytes, size);
    const { rows, movedTo } = await restoreInto(dir, snapshot, { ...options, progress });
    const { device, epoch, at } = snapshot.header;
    const schema = 'holdfast.store-restore/1';
    return { schema, dataDir: dir, device, epoch, at, rows, movedTo };
  } finally {
    await unlock();
  }
}

async function restoreInto(dir: string, { header, pages }: Snapshot, options: RestoreOptions) {
  const { device, epoch } = header;
  const key = userKeyOf(options.storeKey);
  const made = key === undefined || header.storeKey !== null ? undefined : makeCipher(key);
  const storeDir = join(dir, 'store');
  const known = await readDeviceFile(dir);
  if (known !== undefined && known.device !== device) {
    const why = `${dir} is of ${known.device}, and the snapshot of ${device}`;
    throw new HoldfastError('HF_DATA_DIR_OTHER_DEVICE', { why });
  }
  await resumeSwap(storeDir);
  const isThere = await exists(storeDir);
  if (isThere && !options.replace) throw new HoldfastError('HF_STORE_THERE', { why: storeDir });
  const salvaged = salvagedPath(storeDir);
  await rm(salvaged, { recursive: true, force: true });
  const above = Math.max(known?.epoch ?? 0, epoch);
  let rows = 0;
  await makeStore(salvaged, async (plain, at) => {
    const store = encryptedStore(plain, made?.cipher);
    rows = await copy(pages, { store, cipher: made?.cipher, progress: options.progress });
    await writeOwnKey(at, made?.text ?? header.storeKey);
    const why = `the snapshot of ${header.at} was restored`;
    await endStore(at, { cause: 'restored', why, above });
  });
  const createdAt = known?.createdAt ?? new Date().toISOString();
  await writeDeviceFile(dir, { format: DATA_FORMAT, device, createdAt, epoch: above });
  if (isThere) await keepKey(storeDir);
  const movedTo = isThere ? await moveAside(storeDir, 'replaced') : null;
  await resumeSwap(storeDir);
  return { rows, movedTo };
}

interface Target extends Pick<RestoreOptions, 'progress'> {
  readonly store: Store;
  readonly cipher: StoreCipher | undefined;
}

/** @returns How many rows there are. */
async function copy(
  pages: Snapshot['pages'],
  { store, cipher, progress }: Target,
): Promise<number> {
  let rows = 0;
  let bytes = 0;
  for await (const page of pages) {
    const ops = page.map((row): StoreOp => ({ kind: 'put', ...encryptedMark(row, cipher) }));
    if (ops.length > 0) await store.write(ops);
    rows += ops.length;
    for (const { key, value } of page) bytes += LENGTHS_BYTES + key.byteLength + value.byteLength;
    progress?.(bytes);
  }
  return rows;
}

/** The mark says what the other rows are encrypted with. */
function encryptedMark(row: StoreRow, cipher: StoreCipher | undefined): StoreRow {
  if (cipher === undefined || !isMarkKey(row.key)) return row;
  const mark = readMark('the snapshot', row.value);
  if (mark === undefined) return row;
  return { ...row, value: encodeMark({ ...mark, ...encryptedBy(cipher) }) };
}

function checkFormat(file: string, { header }: Snapshot): void {
  if (header.format === DATA_FORMAT) return;
  const why = `${file} has format ${header.format}, and this version knows ${DATA_FORMAT}`;
  throw new HoldfastError('HF_STORE_FORMAT', { why });
}
