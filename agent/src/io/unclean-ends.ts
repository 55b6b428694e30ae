import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { LastEnd } from '../core/views.ts';

/**
 * How often a process had the directory open and could not close it, in a row and in one boot of
 * the machine: what the file `open` counts. LevelDB ends the process over some damage that it
 * reads: what nobody can catch in the process shows as a count that grows. A device that is simply
 * switched off is no sign of that.
 *
 * Not synced: the end of a process takes nothing with it that was written.
 */
export async function uncleanEnds(dir: string, boot: string): Promise<number> {
  const note = await readNote(dir);
  return note?.boot === boot ? note.count : 0;
}

/** How the process ended that had the directory last: what it could not note itself. */
export async function lastEnd(dir: string, boot: string): Promise<LastEnd> {
  const note = await readNote(dir);
  if (note === undefined) return 'clean';
  return note.boot === boot ? 'killed' : 'cut';
}

interface Note {
  readonly count: number;
  readonly boot: string;
}

async function readNote(dir: string): Promise<Note | undefined> {
  const text = await readFile(join(dir, 'open'), 'utf8').catch(() => '');
  const [, count, boot = ''] = /^(\d{1,9}) (\S*)$/.exec(text) ?? [];
  return count === undefined ? undefined : { count: Number(count), boot };
}

/** Sets the count for the case that this process is not to close it either. */
export async function noteUnclean(dir: string, boot: string, count: number): Promise<void> {
  // A full disk is no reason not to start.
  await writeFile(join(dir, 'open'), `${count} ${boot}`, { mode: 0o600 }).catch(() => {});
}

export async function noteClosed(dir: string): Promise<void> {
  await rm(join(dir, 'open'), { force: true });
}
