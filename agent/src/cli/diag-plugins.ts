import { execFile } from 'node:child_process';
import { accessSync, constants, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { ArchiveFile } from './tar-archive.ts';

/** Programs of whoever makes a device, each of which has something to say of it. */
export const PLUGIN_DIR = '/usr/share/holdfast/diag.d';

const PLUGIN_MS_MAX = 5_000;
const PLUGIN_BYTES_MAX = 2 ** 20;

/** What each program in a directory prints, in the order of their names; none: there is no such. */
export async function pluginParts(dir: string): Promise<readonly ArchiveFile[]> {
  const names = programsIn(dir);
  return Promise.all(
    names.map(async (name) => ({ path: `plugins/${name}.txt`, text: await said(join(dir, name)) })),
  );
}

function programsIn(dir: string): readonly string[] {
  try {
    return readdirSync(dir).toSorted();
  } catch {
    return [];
  }
}

async function said(path: string): Promise<string> {
  const obstacle = obstacleTo(path);
  if (obstacle !== undefined) return `${obstacle}\n`;
  const options = { timeout: PLUGIN_MS_MAX, maxBuffer: PLUGIN_BYTES_MAX };
  return new Promise((resolve) => {
    execFile(path, [], options, (error, stdout, stderr) => {
      const end = error === null ? '' : `\nIt did not end well: ${error.message}\n`;
      resolve(`${stdout}${stderr}${end}`);
    });
  });
}

/** Why it is not started. Root must not run what somebody else may have written. */
function obstacleTo(path: string): string | undefined {
  const { uid, mode } = statSync(path);
  if (process.getuid?.() === 0 && (uid !== 0 || (mode & 0o022) !== 0)) {
    return 'It may be changed by others than root, so root does not run it.';
  }
  try {
    accessSync(path, constants.X_OK);
    return undefined;
  } catch {
    return 'It is no program.';
  }
}
