import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { epochCauses } from '@holdfast/protocol';
import type { EndNote } from '../core/life-end.ts';
import { syncFile } from './level-store.ts';

/** In the store's own directory, so that it goes aside with it. */
const END_FILE = 'END';

/** Durable once it resolves. */
export async function endStore(storeDir: string, end: EndNote): Promise<void> {
  await writeFile(join(storeDir, END_FILE), JSON.stringify(end), { flush: true });
  await syncFile(storeDir);
}

/** `undefined`: the store is to be gone on with. */
export async function readStoreEnd(storeDir: string): Promise<EndNote | undefined> {
  const text = await readFile(join(storeDir, END_FILE), 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    // Written by `endStore`; what a power cut has struck is no JSON.
    const { cause, why, above } = JSON.parse(text) as Partial<Record<keyof EndNote, unknown>>;
    const known = epochCauses.find((each) => each === cause);
    if (known !== undefined && typeof above === 'number' && Number.isSafeInteger(above)) {
      return { cause: known, why: String(why), above };
    }
  } catch {
    // Somebody had a reason to write it.
  }
  return { cause: 'salvaged', why: 'it was said to be at its end', above: 0 };
}
