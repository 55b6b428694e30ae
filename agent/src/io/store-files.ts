import { open, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { HoldfastError } from '@holdfast/protocol';
import { hasTableFooter } from '../core/level-format/table-file.ts';

/** Larger ones are none of ours: a write buffer and a batch make at most a tenth of that. */
const FILE_BYTES_MAX = 64 * 1024 * 1024;
const FOOTER_BYTES = 48;

/** The files of a LevelDB directory, by their numbers, ascending. */
export interface StoreFiles {
  readonly manifests: readonly string[];
  readonly logs: readonly NumberedFile[];
  readonly tables: readonly NumberedFile[];
}

export interface NumberedFile {
  readonly number: number;
  readonly name: string;
}

export async function listStoreFiles(dir: string): Promise<StoreFiles> {
  const names = (await readdir(dir)).toSorted();
  const numbered = (pattern: RegExp): NumberedFile[] =>
    names.flatMap((name) => {
      const number = pattern.exec(name)?.[1];
      return number === undefined ? [] : [{ number: Number(number), name }];
    });
  return {
    manifests: names.filter((name) => /^MANIFEST-\d+$/.test(name)),
    logs: numbered(/^(\d+)\.log$/).toSorted((a, b) => a.number - b.number),
    tables: numbered(/^(\d+)\.(?:ldb|sst)$/).toSorted((a, b) => a.number - b.number),
  };
}

/** Bytes that its files take. */
export async function storeBytes(dir: string): Promise<number> {
  const names = await readdir(dir);
  const sizes = await Promise.all(
    names.map((name) =>
      stat(join(dir, name)).then(
        ({ size }) => size,
        // LevelDB has removed it meanwhile.
        () => 0,
      ),
    ),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

/**
 * The bytes of a file of the store; `undefined` for one that is not there or cannot be ours.
 *
 * @throws HF_JOURNAL_FAILED when the disk does not read it, tried for a while.
 */
export async function readStoreFile(dir: string, name: string): Promise<Uint8Array | undefined> {
  const path = join(dir, name);
  return reading(name, undefined, async () => {
    const found = await stat(path);
    if (!found.isFile() || found.size > FILE_BYTES_MAX) return undefined;
    const bytes = await readFile(path);
    return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  });
}

/**
 * Whether a table has its size and its footer: less, and reading it may end the process.
 *
 * @throws HF_JOURNAL_FAILED as `readStoreFile`.
 */
export async function isTableWhole(dir: string, name: string, bytes: number): Promise<boolean> {
  return reading(name, false, async () => {
    const tail = new Uint8Array(FOOTER_BYTES);
    const file = await open(join(dir, name), 'r');
    try {
      const { size } = await file.stat();
      if (size !== bytes || size < FOOTER_BYTES) return false;
      await file.read(tail, 0, FOOTER_BYTES, size - FOOTER_BYTES);
      return hasTableFooter(tail);
    } finally {
      await file.close();
    }
  });
}

/** A card that has hung answers again after so many of these pauses, or seldom ever. */
const TRIES = 4;
const PAUSE_MS = 250;

/** @returns What `read` does, or `instead` where there is nothing that could be read. */
async function reading<T>(name: string, instead: T, read: () => Promise<T>): Promise<T> {
  for (let tried = 1; ; tried += 1) {
    try {
      return await read();
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined;
      if (nothing.has(code)) return instead;
      if (code !== 'EIO') throw error;
      const why = `${name} cannot be read: input/output error`;
      if (tried === TRIES) throw new HoldfastError('HF_JOURNAL_FAILED', { why, cause: error });
      await pause(PAUSE_MS);
    }
  }
}

const nothing: ReadonlySet<unknown> = new Set(['ENOENT', 'EISDIR', 'ENOTDIR', 'ELOOP']);
