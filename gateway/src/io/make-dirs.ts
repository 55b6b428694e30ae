import { lstat, mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { syncPath } from './durable-file.ts';

/**
 * Makes a directory (0700) with its parents, durably, unless something is there.
 *
 * One level at a time: Node's own recursion never ends where the system has no place for a new
 * directory, as under /proc.
 *
 * @param dir Absolute.
 */
export async function makeDirs(dir: string): Promise<void> {
  const parent = dirname(dir);
  try {
    await mkdir(dir, { mode: 0o700 });
  } catch (error) {
    if (isCode(error, 'EEXIST')) return;
    if (!isCode(error, 'ENOENT') || (await exists(parent))) throw error;
    await makeDirs(parent);
    return makeDirs(dir);
  }
  await syncPath(parent);
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
