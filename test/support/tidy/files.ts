import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../../..', import.meta.url));
const ignored = /(?:^|\/)(?:node_modules|dist|coverage|\.git)(?:\/|$)|\.tsbuildinfo$/;

/** What git tracks; everything but output where there is no git, as in an archive. */
export function listFiles(): readonly string[] {
  if (!existsSync(join(root, '.git'))) {
    return readdirSync(root, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(root.length).replaceAll('\\', '/'))
      .filter((path) => !ignored.test(path));
  }
  const tracked = execFileSync('git', ['ls-files', '-z'], { cwd: root, encoding: 'utf8' });
  return tracked.split('\0').filter((path) => path !== '' && existsSync(join(root, path)));
}
