import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openExisting, sendSnapshot } from '@holdfast/agent/internal';
import { liveOn } from './lived-store.ts';

/** Stores of format 1 as they were first written, in snapshots: every later version takes them. */
const directory = fileURLToPath(new URL('../../compat/store-1/', import.meta.url));
const storeKey = new Uint8Array(32).fill(42);

export const recordedStores = [
  { name: 'plain', path: join(directory, 'plain.snapshot'), options: {} },
  { name: 'encrypted', path: join(directory, 'encrypted.snapshot'), options: { storeKey } },
] as const;

async function record(path: string, options: { readonly storeKey?: Uint8Array }): Promise<void> {
  if (existsSync(path)) return;
  const dir = await mkdtemp(join(tmpdir(), 'holdfast-record-'));
  await liveOn(dir, 1, 0, options.storeKey);
  const opened = await openExisting(dir, options);
  const chunks: Uint8Array[] = [];
  await sendSnapshot(opened, async (bytes) => void chunks.push(bytes));
  await opened.release();
  await mkdir(directory, { recursive: true });
  await writeFile(path, Buffer.concat(chunks));
  await rm(dir, { recursive: true });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const { path, options } of recordedStores) await record(path, options);
}
