import { stat, mkdir, rm } from 'node:fs/promises';
import { HoldfastError, codeOf, messageOf, type ErrorCode, type Sha256 } from '@holdfast/protocol';
import { StoreLedger, newLedgerRow } from '../core/store-ledger.ts';
import { publishDirectory } from './durable-file.ts';
import { LevelStore, openLevel } from './level-store.ts';

/**
 * Opens the ledger in `dir`. Whatever a method of it has resolved is on stable storage.
 *
 * @param isNew Make one where there is none. It is made in `dir.new` and renamed, so that a power
 *   cut leaves either none or one that opens.
 * @throws HF_DATA_DIR_MISSING, HF_STORE_LOCKED, HF_STORE_DAMAGED, HF_STORE_FORMAT; HF_LEDGER_FAILED
 *   when the disk is full or fails: LevelDB writes before it can be read.
 */
export async function openLevelLedger(
  dir: string,
  options: { readonly sha256: Sha256; readonly isNew: boolean },
): Promise<StoreLedger> {
  if (!(await exists(dir))) {
    if (!options.isNew) {
      throw new HoldfastError('HF_DATA_DIR_MISSING', { why: `there is no ${dir}` });
    }
    await explain(dir, () => create(dir));
  }
  const store = new LevelStore(await explain(dir, () => openLevel(dir, false)));
  try {
    return await StoreLedger.open(store, options.sha256);
  } catch (error) {
    await store.close();
    throw error;
  }
}

async function create(dir: string): Promise<void> {
  const side = `${dir}.new`;
  await rm(side, { recursive: true, force: true });
  await mkdir(side, { mode: 0o700 });
  const store = new LevelStore(await openLevel(side, true));
  try {
    await store.write([{ kind: 'put', ...newLedgerRow() }]);
  } finally {
    await store.close();
  }
  await publishDirectory(side, dir);
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch {
    return false;
  }
}

async function explain<T>(dir: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (codeOf(cause) !== undefined) throw cause;
    const why = `${dir}: ${messageOf(cause)}`;
    throw new HoldfastError(codeOfLevel(cause), { why, details: { dir }, cause });
  }
}

function codeOfLevel(cause: unknown): ErrorCode {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  if (code === 'LEVEL_LOCKED') return 'HF_STORE_LOCKED';
  const isDisk = /no space left|quota exceeded|read-only file|input\/output error|ENOSPC|EROFS/i;
  return isDisk.test(messageOf(cause)) ? 'HF_LEDGER_FAILED' : 'HF_STORE_DAMAGED';
}
