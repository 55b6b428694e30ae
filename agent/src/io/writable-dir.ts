import { access, constants, mkdir, stat } from 'node:fs/promises';
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
    const first = await mkdir(dir, { recursive: true, mode: 0o700 });
    if (first !== undefined) await syncUpTo(dirname(first), dirname(dir));
    if (!(await stat(dir)).isDirectory()) throw unusable(dir, { code: 'ENOTDIR' });
    await access(dir, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    throw error instanceof HoldfastError ? error : unusable(dir, error);
  }
}

/** The names of new directories become durable with their parents. */
async function syncUpTo(top: string, bottom: string): Promise<void> {
  for (let dir = bottom; ; dir = dirname(dir)) {
    await syncFile(dir);
    if (dir === top) return;
  }
}

const causes: Readonly<Record<string, string>> = {
  ENOTDIR: 'it, or what it is in, is not a directory',
  EEXIST: 'it is not a directory',
  EACCES: 'this user has no permission to use it',
  EPERM: 'this user has no permission to use it',
  EROFS: 'its file system is read-only',
  ENOSPC: 'its file system is full',
  EDQUOT: 'the quota of this user is used up',
  EIO: 'the disk does not read or write',
  ENAMETOOLONG: 'its name is too long',
  ELOOP: 'its symbolic links go in a circle',
};

/** HF_DATA_DIR_UNUSABLE that says in words what the system refused. */
export function unusable(dir: string, error: unknown): HoldfastError {
  const code = typeof error === 'object' && error && 'code' in error ? String(error.code) : '';
  const why = `${dir}: ${causes[code] ?? messageOf(error)}`;
  return new HoldfastError('HF_DATA_DIR_UNUSABLE', { why, details: { dir }, cause: error });
}
