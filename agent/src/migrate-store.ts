import { join, resolve } from 'node:path';
import { HoldfastError, type OnProgress } from '@holdfast/protocol';
import { migrations } from './core/migrations.ts';
import { openDataDir } from './io/data-dir.ts';
import { DATA_FORMAT, readDeviceFile } from './io/device-file.ts';
import { userKeyOf } from './io/store-key.ts';
import { planMigration } from './io/store-migration.ts';
import { findMark } from './io/store-place.ts';

/** What `holdfast store migrate` did, or would do. */
export interface StoreMigrateView {
  readonly schema: 'holdfast.store-migrate/1';
  /** Absolute. */
  readonly dataDir: string;
  /** Format of the store as it was found, and the one of this version. */
  readonly from: number;
  readonly to: number;
  /** About what the new store takes beside the old one; 0: there is nothing to do. */
  readonly bytesNeeded: number;
  readonly bytesFree: number;
  readonly dryRun: boolean;
  /** Name of the old store, beside the new one; `null`: nothing was changed. */
  readonly movedTo: string | null;
}

/**
 * Brings a store up to this version's format, as the next start would.
 *
 * @throws HF_DATA_DIR_MISSING, HF_STORE_FORMAT for a newer one, HF_STORE_OLDER for one that this
 *   version cannot migrate, HF_STORE_KEY, HF_STORE_LOCKED when the agent runs, HF_JOURNAL_FAILED
 *   when there is no room.
 */
export async function migrateData(
  dataDir: string,
  options: {
    readonly dryRun: boolean;
    readonly storeKey?: string | undefined;
    /** Told how many rows are in the new store, and of how many. */
    readonly progress?: OnProgress;
  },
): Promise<StoreMigrateView> {
  const path = resolve(dataDir);
  const storeDir = join(path, 'store');
  const mark = (await readDeviceFile(path)) && (await markOf(storeDir));
  if (mark === undefined) {
    throw new HoldfastError('HF_DATA_DIR_MISSING', { why: `${path} has no store` });
  }
  const { dryRun } = options;
  const schema = 'holdfast.store-migrate/1';
  const plan = await planMigration(storeDir, { mark, migrations });
  const isDue = mark.format < DATA_FORMAT;
  const bytesNeeded = isDue ? plan.bytesNeeded : 0;
  const common = { schema, dataDir: path, ...plan, bytesNeeded, dryRun } as const;
  if (dryRun || !isDue) return { ...common, movedTo: null };
  const storeKey = userKeyOf(options.storeKey);
  const { migration, release } = await openDataDir(path, {
    ...{ storeKey, progress: options.progress },
  });
  await release();
  return { ...common, movedTo: migration?.movedTo ?? null };
}

function markOf(storeDir: string) {
  return findMark(storeDir).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
    throw error;
  });
}
