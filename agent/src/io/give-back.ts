import { lchown, lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * What root has made in a directory of somebody else is theirs from now on: the agent of a package
 * runs as a user of its own, and could not read it otherwise. Never rejects.
 */
export async function giveBack(dir: string): Promise<void> {
  if (process.getuid?.() !== 0) return;
  try {
    const { uid, gid } = await lstat(dir);
    if (uid === 0) return;
    for (const name of await readdir(dir, { recursive: true })) {
      const path = join(dir, name);
      // What goes away meanwhile is nobody's.
      const found = await lstat(path).catch(() => undefined);
      if (found?.uid === 0) await lchown(path, uid, gid).catch(() => {});
    }
  } catch {
    // It is gone, or not root's to give: whoever uses it next is told.
  }
}
