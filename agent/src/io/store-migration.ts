import { readdir, rename, rm, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  HoldfastError,
  lanes,
  type OnProgress,
  type Store,
  type StoreOp,
} from '@holdfast/protocol';
import { laneRange, metaKey, tableRange } from '../core/keys.ts';
import { pathBetween, type Migration } from '../core/migrations.ts';
import { rowProgress } from './count-rows.ts';
import { DATA_FORMAT } from './device-file.ts';
import { encryptedStore } from './encrypted-store.ts';
import { createStore, openStore, syncFile } from './level-store.ts';
import { inspectStore } from './preflight.ts';
import { sha256 } from './sha256.ts';
import type { StoreCipher } from './store-cipher.ts';
import { storeBytes } from './store-files.ts';
import { encodeMark, isMarkKey, type Mark, MARK_KEY } from './store-mark.ts';
import { exists, moveAside, resumeSwap, salvagedPath } from './store-swap.ts';

export interface Migrating {
  readonly mark: Mark;
  readonly cipher: StoreCipher | undefined;
  readonly migrations: readonly Migration[];
  /** Told how many rows of the old store are in the new one, and of how many. */
  readonly progress?: OnProgress | undefined;
}

export interface MigrationPlan {
  readonly from: number;
  readonly to: number;
  /** About what the new store takes beside the old one. */
  readonly bytesNeeded: number;
  readonly bytesFree: number;
}

/** In the new store while it is being made: what it is made of, and how far it is. */
interface Progress {
  readonly of: string;
  /** Key of the last row of the old store that is in the new one, hexadecimal. */
  readonly through: string;
}

const PROGRESS_KEY = metaKey('migrating');
const PAGE_BYTES = 1024 * 1024;

/** @throws HF_STORE_OLDER when this version cannot migrate it. */
export async function planMigration(
  storeDir: string,
  { mark, migrations }: Pick<Migrating, 'mark' | 'migrations'>,
): Promise<MigrationPlan> {
  pathBetween({ from: mark.format, to: DATA_FORMAT }, migrations);
  return { from: mark.format, to: DATA_FORMAT, ...(await roomFor(storeDir)) };
}

/** What another store of the same rows takes, about, and what there is. */
async function roomFor(storeDir: string) {
  const { bavail, bsize } = await statfs(storeDir);
  return { bytesNeeded: await storeBytes(storeDir), bytesFree: bavail * bsize };
}

/** @throws HF_JOURNAL_FAILED when there is no room for another store of the same rows. */
export async function checkRoom(storeDir: string, what: string): Promise<void> {
  const { bytesNeeded, bytesFree } = await roomFor(storeDir);
  if (bytesFree >= bytesNeeded) return;
  const why = `${what} needs ${bytesNeeded} bytes, and ${bytesFree} are free`;
  throw new HoldfastError('HF_JOURNAL_FAILED', { why });
}

/**
 * Puts a store of this version's format in the place of an older one, which is moved aside as it
 * is: that is the snapshot. The old rows are only read, so a power cut at any moment leaves the old
 * store or the new one; what was copied by then is gone on with.
 *
 * @returns The new name of the old store.
 * @throws HF_STORE_OLDER, HF_JOURNAL_FAILED when there is no room; nothing was changed.
 */
export async function migrateStore(storeDir: string, migrating: Migrating): Promise<string> {
  const { from } = await planMigration(storeDir, migrating);
  const side = `${storeDir}.migrating`;
  // One that is complete and never took the place of the old one: that may have gone on since.
  await rm(salvagedPath(storeDir), { recursive: true, force: true });
  if (!(await exists(side))) await checkRoom(storeDir, 'a migration');
  await copy(storeDir, side, migrating);
  for (const name of await readdir(side)) await syncFile(join(side, name));
  await syncFile(side);
  await rename(side, salvagedPath(storeDir));
  await syncFile(dirname(storeDir));
  const movedTo = await moveAside(storeDir, `format-${from}`);
  await resumeSwap(storeDir);
  return movedTo;
}

async function copy(storeDir: string, side: string, migrating: Migrating): Promise<void> {
  const { mark, cipher, migrations, progress } = migrating;
  const source = encryptedStore(await openStore(storeDir), cipher);
  try {
    const of = await describe(source, mark);
    const { target, through } = await openTarget(side, { of, cipher });
    try {
      const row = pathBetween({ from: mark.format, to: DATA_FORMAT }, migrations);
      const tell = await rowProgress(source, progress);
      await copyRows({ source, target, row, tell }, { of, through });
      const value = encodeMark({ ...mark, format: DATA_FORMAT });
      await target.write([
        { kind: 'delete', key: PROGRESS_KEY },
        { kind: 'put', key: MARK_KEY, value },
      ]);
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
  }
}

interface Copying {
  readonly source: Store;
  readonly target: Store;
  readonly row: Migration['row'];
  readonly tell: (rows: number) => void;
}

async function copyRows(
  { source, target, row, tell }: Copying,
  { of, through }: Progress,
): Promise<void> {
  let ops: StoreOp[] = [];
  let bytes = 0;
  let rows = 0;
  let last = Buffer.from(through, 'hex');
  const flush = async (): Promise<void> => {
    const progress = encodeProgress({ of, through: last.toString('hex') });
    await target.write([...ops, { kind: 'put', key: PROGRESS_KEY, value: progress }]);
    [ops, bytes] = [[], 0];
  };
  const rest = { from: Uint8Array.of(...last, 0), to: Uint8Array.of(255, 255) };
  await source.each(through === '' ? { ...rest, from: new Uint8Array(0) } : rest, async (old) => {
    if (!isMarkKey(old.key)) {
      for (const made of row(old)) ops.push({ kind: 'put', ...made });
    }
    rows += 1;
    tell(rows);
    bytes += old.key.byteLength + old.value.byteLength;
    last = Buffer.from(old.key);
    if (bytes >= PAGE_BYTES) await flush();
  });
  await flush();
}

/**
 * What a half-made store must be made of to be gone on with: nobody has started on it since. Each
 * start writes the row of its boot, and whatever is journaled comes behind the last entry.
 */
async function describe(source: Store, mark: Mark): Promise<string> {
  const ends = [tableRange('k'), ...lanes.map((lane) => laneRange(lane))];
  const last = ends.map(async (range) => {
    const [row] = await source.scan({ ...range, limit: 1, reverse: true });
    return row === undefined ? '' : Buffer.concat([row.key, row.value]).toString('base64');
  });
  const { device, epoch, format } = mark;
  return JSON.stringify([device, epoch, format, DATA_FORMAT, hashOf(await Promise.all(last))]);
}

function hashOf(texts: readonly string[]): string {
  return Buffer.from(sha256(Buffer.from(JSON.stringify(texts)))).toString('hex');
}

async function openTarget(
  side: string,
  { of, cipher }: { readonly of: string; readonly cipher: StoreCipher | undefined },
): Promise<{ readonly target: Store; readonly through: string }> {
  if (await exists(side)) {
    const known = await openHalf(side, cipher);
    if (known?.of === of) return known;
    await known?.target.close();
    await rm(side, { recursive: true, force: true });
  }
  return { target: encryptedStore(await createStore(side, []), cipher), through: '' };
}

async function openHalf(side: string, cipher: StoreCipher | undefined) {
  try {
    const look = await inspectStore(side, { key: MARK_KEY, isThorough: true });
    if (look.kind === 'odd' || look.mends.length > 0) return undefined;
    const target = encryptedStore(await openStore(side), cipher);
    const value = await target.get(PROGRESS_KEY);
    // Written by `encodeProgress`; what is not is made anew.
    const known = JSON.parse(Buffer.from(value ?? []).toString() || '{}') as Partial<Progress>;
    return { target, of: known.of ?? '', through: known.through ?? '' };
  } catch {
    return undefined;
  }
}

function encodeProgress(progress: Progress): Uint8Array {
  return new Uint8Array(Buffer.from(JSON.stringify(progress)));
}
