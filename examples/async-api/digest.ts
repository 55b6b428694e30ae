import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';

/** Folders of this one may be digested: SHELF_DIR, or `shelf` where the program runs. */
const shelfDir = process.env['SHELF_DIR'] ?? 'shelf';

/** A name that leads to nowhere but a folder of the shelf. */
export const folderName = /^[A-Za-z0-9_-]{1,64}$/;

/** Names of the files of a folder, sorted. */
export async function listFiles(folder: string): Promise<string[]> {
  const entries = await readdir(join(shelfDir, folder), { withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => entry.name)
    .toSorted();
}

/** SHA-256 of a file, in hex. */
export async function digestFile(
  place: { readonly folder: string; readonly file: string },
  signal: AbortSignal,
): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(join(shelfDir, place.folder, place.file)), hash, { signal });
  return hash.digest('hex');
}
