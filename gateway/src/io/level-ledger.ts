import { stat, mkdir, rm } from 'node:fs/promises';
import { HoldfastError, type Sha256 } from '@holdfast/protocol';
import { newLedgerRow } from '../core/ledger-format.ts';
import { StoreLedger } from '../core/store-ledger.ts';
import { publishDirectory } from './durable-file.ts';
import { explainLevel } from './level-failure.ts';
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
    await explainLevel(dir, () => create(dir));
  }
  const store = new LevelStore(await explainLevel(dir, () => openLevel(dir, false)));
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
