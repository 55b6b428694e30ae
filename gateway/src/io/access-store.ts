import { randomBytes } from 'node:crypto';
import { mkdir, rm, stat } from 'node:fs/promises';
import type { Clock } from '@holdfast/protocol';
import { AccessBook } from '../core/access/access-book.ts';
import type { AccessStore } from '../core/access/access-store.ts';
import { Access } from '../core/access/access.ts';
import { OwnAccessStore, newAccessRow } from '../core/access/own-access-store.ts';
import { publishDirectory } from './durable-file.ts';
import { explainLevel } from './level-failure.ts';
import { LevelStore, openLevel } from './level-store.ts';
import { createPasswords } from './passwords.ts';
import { sha256 } from './sha256.ts';

/** Users, tokens and the audit log of a store, which it closes. */
export function createAccess(store: AccessStore, clock: Pick<Clock, 'nowMs'>): Access {
  const passwords = createPasswords();
  return new Access({ book: new AccessBook(store), clock, sha256, randomBytes, passwords });
}

/**
 * Opens the store of users, tokens and the audit log in `dir`; makes it where there is none.
 *
 * @throws HF_STORE_LOCKED, HF_STORE_DAMAGED, HF_STORE_FORMAT, HF_LEDGER_FAILED.
 */
export async function openAccessStore(dir: string): Promise<AccessStore> {
  const found = await stat(dir).catch(() => undefined);
  if (found === undefined) await explainLevel(dir, () => create(dir));
  const store = new LevelStore(await explainLevel(dir, () => openLevel(dir, false)));
  try {
    return await OwnAccessStore.open(store);
  } catch (error) {
    await store.close();
    throw error;
  }
}

async function create(dir: string): Promise<void> {
  const side = `${dir}.new`;
  await rm(side, { recursive: true, force: true });
  await mkdir(side, { mode: 0o700 });
  const store = new LevelStore(await openLevel(side, true));
  try {
    await store.write([{ kind: 'put', ...newAccessRow() }]);
  } finally {
    await store.close();
  }
  await publishDirectory(side, dir);
}
