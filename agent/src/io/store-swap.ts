import { lstat, rename, rm, stat, writeFile } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { syncFile } from './level-store.ts';
import { readStoreKey, removeStoreKey, restoreStoreKey } from './store-key.ts';

/*
 * How one store takes the place of another, so that a power cut at any moment leaves the one, or
 * the other, or what the next start completes:
 *
 *   1. the new one is made, complete and durable, as `store.salvaged/`
 *   2. the old one is renamed: until then it is the store, from then on the new one is
 *   3. what opens the new one is brought to the data directory, if that is another key
 *   4. the new one gets its name
 *
 * A store that is not opened by the `store.key` of its data directory has one of its own inside;
 * an empty one says that it is not encrypted.
 */

/** Names of stores that were moved aside. */
export const ASIDE_STORE = /^store\.(?:bad|replaced|restored|format)-/;

/** Inside a store's own directory. */
const OWN_KEY = 'store.key';

/** Where a store lies, complete, that is to take the place of the one in `storeDir`. */
export const salvagedPath = (storeDir: string): string => `${storeDir}.salvaged`;

/** Where a store lies, until it is deleted, of which each row is in another one. */
const outdatedPath = (storeDir: string): string => `${storeDir}.outdated`;

/** Completes what a power cut struck when the old store had been renamed, and cleans up. */
export async function resumeSwap(storeDir: string): Promise<void> {
  const next = salvagedPath(storeDir);
  if (!(await exists(storeDir)) && (await exists(next))) {
    const key = ownKey(next);
    if (key === '') removeStoreKey(dirname(storeDir));
    else if (key !== undefined) restoreStoreKey(dirname(storeDir), key);
    await rename(next, storeDir);
    await syncFile(dirname(storeDir));
  }
  if (!(await isDirectory(storeDir))) return;
  // Here the data directory's own counts, which may be changed.
  await rm(join(storeDir, OWN_KEY), { force: true });
  await rm(outdatedPath(storeDir), { recursive: true, force: true });
}

/** Writes, durably, what opens a store; `null`: it is not encrypted. */
export async function writeOwnKey(storeDir: string, key: string | null): Promise<void> {
  await writeFile(join(storeDir, OWN_KEY), key ?? '', { mode: 0o600, flush: true });
  await syncFile(storeDir);
}

/** What opens a store, as its own directory says it; `undefined`: its data directory does. */
export function ownKey(storeDir: string): string | undefined {
  try {
    return readFileSync(join(storeDir, OWN_KEY), 'utf8');
  } catch {
    return undefined;
  }
}

/** Has a store that is to be moved aside keep what opens it. */
export async function keepKey(storeDir: string): Promise<void> {
  await writeOwnKey(storeDir, readStoreKey(dirname(storeDir)));
}

/** Renames a store of which each row is in the new one; it is deleted once that is in place. */
export async function outdate(storeDir: string): Promise<void> {
  await rm(outdatedPath(storeDir), { recursive: true, force: true });
  await rename(storeDir, outdatedPath(storeDir));
  await syncFile(dirname(storeDir));
}

/** Moves a store aside, as it is, durably. @returns Its new name, in the same directory. */
export async function moveAside(storeDir: string, word: string): Promise<string> {
  const name = await freeName(storeDir, word);
  await rename(storeDir, join(dirname(storeDir), name));
  await syncFile(dirname(storeDir));
  return name;
}

/** `store.bad-2026-11-23T10-15-00Z`, and a number behind it if there is one already. */
export async function freeName(storeDir: string, word: string): Promise<string> {
  const time = new Date()
    .toISOString()
    .replace(/\.\d+Z$/, 'Z')
    .replaceAll(':', '-');
  const name = `${basename(storeDir)}.${word}-${time}`;
  for (let count = 1; ; count += 1) {
    const candidate = count === 1 ? name : `${name}-${count}`;
    if (!(await exists(join(dirname(storeDir), candidate)))) return candidate;
  }
}

export async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}

export async function isDirectory(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}
