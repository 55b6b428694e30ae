import { open, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** Brings a file, or the names in a directory, to stable storage. */
export async function syncPath(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Brings a directory with its files to stable storage, and gives it its final name. */
export async function publishDirectory(side: string, dir: string): Promise<void> {
  for (const name of await readdir(side)) await syncPath(join(side, name));
  await syncPath(side);
  await rename(side, dir);
  await syncPath(dirname(dir));
}

/** Writes a file whole or not at all. Durable once it resolves. */
export async function writeWhole(path: string, text: string, mode: number): Promise<void> {
  const side = `${path}.new`;
  await rm(side, { force: true });
  const handle = await open(side, 'wx', mode);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(side, path);
  await syncPath(dirname(path));
}
