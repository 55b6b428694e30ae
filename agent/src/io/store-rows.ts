import { HoldfastError } from '@holdfast/protocol';
import { readLogFile } from '../core/level-format/log-file.ts';
import { readTable } from '../core/level-format/table-file.ts';
import { batchRows, type LevelRow } from '../core/level-format/write-batch.ts';
import type { RowSource } from '../core/salvage-rows.ts';
import { listStoreFiles, readStoreFile } from './store-files.ts';

/**
 * Every row that can be read of a LevelDB directory, file by file, whatever its MANIFEST says and
 * without LevelDB. Changes nothing. Newer rows do not come later: their sequences tell.
 *
 * @throws HF_JOURNAL_FAILED when the disk reads none of its files: that is no damage of a store.
 */
export async function* storeRows(dir: string): AsyncGenerator<RowSource, void> {
  const { tables, logs } = await listStoreFiles(dir);
  let isRead = false;
  let failure: HoldfastError | undefined;
  const read = async (name: string): Promise<Uint8Array | undefined> => {
    try {
      const file = await readStoreFile(dir, name);
      isRead = true;
      return file;
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error;
      failure = error;
      return undefined;
    }
  };
  for (const { name } of tables) {
    const file = await read(name);
    const { rows, badBlocks } = file ? readTable(file) : { rows: [], badBlocks: 1 };
    yield { name, rows, isDamaged: badBlocks > 0 };
  }
  for (const { name } of logs) {
    const file = await read(name);
    yield file ? { name, ...logRows(file) } : { name, rows: [], isDamaged: true };
  }
  if (failure !== undefined && !isRead) throw failure;
}

function logRows(file: Uint8Array): { rows: readonly LevelRow[]; isDamaged: boolean } {
  const { records, isBroken } = readLogFile(file);
  let isDamaged = isBroken;
  const rows = records.flatMap(({ bytes }) => {
    try {
      return batchRows(bytes);
    } catch {
      isDamaged = true;
      return [];
    }
  });
  return { rows, isDamaged };
}
