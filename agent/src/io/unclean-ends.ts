import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Counts, in the file `open`, the ends of processes that had the directory open and could not
 * close it. LevelDB ends the process over some damage that it reads: what nobody can catch in the
 * process shows as a count that grows.
 *
 * Not synced: the end of a process takes nothing with it that was written, and a power cut is no
 * end to be counted twice.
 */
export async function countOpen(dir: string): Promise<number> {
  const text = await readFile(join(dir, 'open'), 'utf8').catch(() => '');
  const unclean = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  await noteUnclean(dir, unclean + 1);
  return unclean;
}

/** Sets the count for the case that this process is not to close it either. */
export async function noteUnclean(dir: string, count: number): Promise<void> {
  // A full disk is no reason not to start.
  await writeFile(join(dir, 'open'), String(count), { mode: 0o600 }).catch(() => {});
}

export async function noteClosed(dir: string): Promise<void> {
  await rm(join(dir, 'open'), { force: true });
}
