import { access, constants, lstat, mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { HoldfastError, messageOf } from '@holdfast/protocol';
import { syncFile } from './level-store.ts';

/**
 * Makes a directory (0700) with its parents, durably, unless it is there.
 *
 * @throws HF_DATA_DIR_UNUSABLE when it is not one that this user can write to.
 */
export async function makeWritableDir(dir: string): Promise<void> {
  try {
    await makeDirs(dir);
    if (!(await stat(dir)).isDirectory()) throw unusable(dir, { code: 'EEXIST' });
    await access(dir, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    throw error instanceof HoldfastError ? error : unusable(dir, error);
  }
}

/**
 * One level at a time: Node's own recursion never ends where the system has no place for a new
 * directory, as under /proc. The name of each new one becomes durable with its parent.
 */
async function makeDirs(dir: string): Promise<void> {
  const parent = dirname(dir);
  try {
    await mkdir(dir, { mode: 0o700 });
  } catch (error) {
    if (isCode(error, 'EEXIST')) return;
    if (!isCode(error, 'ENOENT') || (await exists(parent))) throw error;
    await makeDirs(parent);
    return makeDirs(dir);
  }
  await syncFile(parent);
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

/** A symbolic link counts, wherever it leads. */
async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}

const causes: Readonly<Record<string, string>> = {
  ENOENT: 'the system makes no directory there',
  ENOTDIR: 'it, or what it is in, is not a directory',
  EEXIST: 'it is not a directory',
  EACCES: 'this user has no permission to use it',
  EPERM: 'this user has no permission to use it',
  EROFS: 'its file system is read-only',
  ENOSPC: 'its file system is full, or can hold no more files (inodes)',
  EDQUOT: 'the quota of this user is used up',
  EIO: 'the disk does not read or write',
  EMFILE: 'this process has no file descriptor left; see ulimit -n',
  ENFILE: 'the system has no file descriptor left',
  ENAMETOOLONG: 'its name is too long',
  ELOOP: 'its symbolic links go in a circle',
};

/** What passes by itself, or with a little room: it is worth another start. */
const passing: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT', 'EIO', 'EROFS']);

/**
 * Says in words what the system refused: HF_DATA_DIR_UNUSABLE, or HF_JOURNAL_FAILED where it is the
 * disk that does not do its work now.
 */
export function unusable(dir: string, error: unknown): HoldfastError {
  const code = typeof error === 'object' && error && 'code' in error ? String(error.code) : '';
  const why = `${dir}: ${causes[code] ?? messageOf(error)}`;
  const of = passing.has(code) ? 'HF_JOURNAL_FAILED' : 'HF_DATA_DIR_UNUSABLE';
  return new HoldfastError(of, { why, details: { dir }, cause: error });
}
