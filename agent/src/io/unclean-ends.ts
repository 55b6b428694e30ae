import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * How often a process had the directory open and could not close it, in a row and in one boot of
 * the machine: what the file `open` counts. LevelDB ends the process over some damage that it
 * reads: what nobody can catch in the process shows as a count that grows. A device that is simply
 * switched off is no sign of that.
 *
 * Not synced: the end of a process takes nothing with it that was written.
 */
export async function uncleanEnds(dir: string, boot: string): Promise<number> {
  const text = await readFile(join(dir, 'open'), 'utf8').catch(() => '');
  const [, count, of] = /^(\d{1,9}) (\S*)$/.exec(text) ?? [];
  return count !== undefined && of === boot ? Number(count) : 0;
}

/** Sets the count for the case that this process is not to close it either. */
export async function noteUnclean(dir: string, boot: string, count: number): Promise<void> {
  // A full disk is no reason not to start.
  await writeFile(join(dir, 'open'), `${count} ${boot}`, { mode: 0o600 }).catch(() => {});
}

export async function noteClosed(dir: string): Promise<void> {
  await rm(join(dir, 'open'), { force: true });
}
