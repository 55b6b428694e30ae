import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** What the files in a directory take, without those that go while they are counted. */
export async function dirBytes(dir: string): Promise<number> {
  const names = await readdir(dir);
  const sizes = await Promise.all(
    names.map((name) =>
      stat(join(dir, name)).then(
        (file) => file.size,
        () => 0,
      ),
    ),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}
