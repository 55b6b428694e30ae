import { lstat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { HoldfastError, isDeviceId, type Store } from '@holdfast/protocol';
import { getNumber, metaKey, numberValue } from '../core/keys.ts';
import { DATA_FORMAT, readDeviceFile, writeDeviceFile, type DeviceFile } from './device-file.ts';
import { lockDir } from './dir-lock.ts';
import { createStore, openStore } from './level-store.ts';
import { makeWritableDir, unusable } from './writable-dir.ts';

/**
 *   <data directory>/
 *     device.json    whose it is, and the epoch of the store that is in place
 *     store/         LevelDB; its row `m holdfast` repeats that, and `m boot` counts the starts
 *     store.new/     a store in the making; made again if it is left over
 *
 * A store is in place before device.json names its epoch, so that a store that is missing under
 * an epoch > 0 was there once.
 */
export interface DataDir {
  /** Absolute. */
  readonly path: string;
  readonly device: string;
  readonly epoch: number;
  /** Starts of an agent on this store, this one included; durable before anyone sees it. */
  readonly boot: number;
  readonly store: Store;
  /** The store was gone and a new one is in its place: what it held is lost. */
  readonly recreated: boolean;
  /** Closes the store and gives the directory back. */
  readonly release: () => Promise<void>;
}

const MARK_KEY = metaKey('holdfast');
const BOOT_KEY = metaKey('boot');

/** What the store says of itself. */
interface Mark {
  readonly format: number;
  readonly device: string;
  readonly epoch: number;
}

/**
 * Takes the data directory for an agent, and makes whatever is missing: the directory (0700), the
 * identity, the store. Once it resolves, a power cut undoes none of it.
 *
 * @param options.device Needed where the directory has none yet; must be the same later.
 * @throws HF_CONFIG_INVALID, HF_DATA_DIR_UNUSABLE, HF_DATA_DIR_OTHER_DEVICE, HF_STORE_LOCKED,
 * HF_STORE_FORMAT, HF_STORE_DAMAGED (nothing was changed), HF_JOURNAL_FAILED.
 */
export async function openDataDir(
  path: string,
  options: { readonly device?: string | undefined } = {},
): Promise<DataDir> {
  const dir = resolve(path);
  const { device } = options;
  if (device !== undefined && !isDeviceId(device)) {
    const why = `the device id ${JSON.stringify(device)} is not 1 to 64 of A-Z a-z 0-9 _ -`;
    throw new HoldfastError('HF_CONFIG_INVALID', { why });
  }
  if (device === undefined && !(await exists(join(dir, 'device.json')))) throw noDevice(dir);
  await makeWritableDir(dir);
  return holding(dir, async () => {
    const known = await readDeviceFile(dir);
    const identity = known ?? (await firstIdentity(dir, device));
    if ((device ?? identity.device) !== identity.device) throw otherDevice(dir, identity, device);
    const { store, mark, isNew } = await openOrCreate(dir, identity);
    try {
      if (mark.epoch !== identity.epoch) {
        await writeDeviceFile(dir, { ...identity, epoch: mark.epoch });
      }
      const boot = (await readBoot(store)) + 1;
      await store.write([{ kind: 'put', key: BOOT_KEY, value: numberValue(boot) }]);
      // Also true when the start that had made it was cut off before it could say so.
      const recreated = (isNew || mark.epoch !== identity.epoch) && mark.epoch > 1;
      return { device: mark.device, epoch: mark.epoch, boot, store, recreated };
    } catch (error) {
      await store.close();
      throw error;
    }
  });
}

/**
 * Takes the data directory of an agent that does not run, to read it. Makes and counts nothing.
 *
 * @throws HF_DATA_DIR_MISSING, HF_STORE_LOCKED when the agent does run, HF_STORE_FORMAT,
 * HF_STORE_DAMAGED, HF_JOURNAL_FAILED on a full disk, HF_DATA_DIR_UNUSABLE.
 */
export async function openExisting(path: string): Promise<DataDir> {
  const dir = resolve(path);
  for (const name of ['device.json', 'store']) {
    if (await exists(join(dir, name))) continue;
    throw new HoldfastError('HF_DATA_DIR_MISSING', { why: `${dir} has no ${name}` });
  }
  return holding(dir, async () => {
    const identity = await readDeviceFile(dir);
    if (identity === undefined) throw new HoldfastError('HF_DATA_DIR_MISSING', { why: dir });
    const { store, mark } = await openMarked(dir, identity);
    const boot = await readBoot(store);
    return { device: mark.device, epoch: mark.epoch, boot, store, recreated: false };
  });
}

/** Keeps the directory locked for as long as what `use` gives is held. */
async function holding(
  dir: string,
  use: () => Promise<Omit<DataDir, 'path' | 'release'>>,
): Promise<DataDir> {
  const unlock = await lockDir(dir);
  try {
    const held = await use();
    const release = async (): Promise<void> => {
      await held.store.close();
      await unlock();
    };
    return { path: dir, ...held, release };
  } catch (error) {
    await unlock();
    throw error instanceof HoldfastError ? error : unusable(dir, error);
  }
}

async function firstIdentity(dir: string, device: string | undefined): Promise<DeviceFile> {
  if (device === undefined) throw noDevice(dir);
  if (await exists(join(dir, 'store'))) {
    const why = `${dir} has a store but no device.json that says whose it is; nothing was changed`;
    throw new HoldfastError('HF_STORE_DAMAGED', { why });
  }
  const createdAt = new Date().toISOString();
  const identity = { format: DATA_FORMAT, device, createdAt, epoch: 0 };
  await writeDeviceFile(dir, identity);
  return identity;
}

async function openOrCreate(
  dir: string,
  identity: DeviceFile,
): Promise<{ store: Store; mark: Mark; isNew: boolean }> {
  const storeDir = join(dir, 'store');
  if (await exists(storeDir)) return { ...(await openMarked(dir, identity)), isNew: false };
  const mark = { format: DATA_FORMAT, device: identity.device, epoch: identity.epoch + 1 };
  const value = Buffer.from(JSON.stringify(mark));
  const store = await createStore(storeDir, [{ kind: 'put', key: MARK_KEY, value }]);
  return { store, mark, isNew: true };
}

async function openMarked(
  dir: string,
  identity: DeviceFile,
): Promise<{ store: Store; mark: Mark }> {
  const storeDir = join(dir, 'store');
  const store = await openStore(storeDir);
  try {
    const mark = readMark(storeDir, await store.get(MARK_KEY));
    // One ahead: the start that made it was cut off before device.json could say so.
    const isExpected = mark.epoch === identity.epoch || mark.epoch === identity.epoch + 1;
    if (mark.device !== identity.device || !isExpected) {
      const [found, wanted] = [mark, identity].map((side) => `${side.device}, epoch ${side.epoch}`);
      throw foreign(storeDir, `it is of ${found}; device.json says ${wanted}`);
    }
    return { store, mark };
  } catch (error) {
    await store.close();
    throw error;
  }
}

function readMark(storeDir: string, value: Uint8Array | undefined): Mark {
  // Another program's store, or one that LevelDB has opened empty.
  if (value === undefined) throw foreign(storeDir, 'it lacks the row that says whose it is');
  const mark = parseMark(value);
  if (mark === undefined) throw foreign(storeDir, 'the row that says whose it is cannot be read');
  if (mark.format > DATA_FORMAT) {
    const why = `${storeDir} has format ${mark.format}, and this version knows ${DATA_FORMAT}`;
    throw new HoldfastError('HF_STORE_FORMAT', { why });
  }
  return mark;
}

function parseMark(bytes: Uint8Array): Mark | undefined {
  try {
    const value: Partial<Record<keyof Mark, unknown>> = JSON.parse(new TextDecoder().decode(bytes));
    const { format, device, epoch } = value;
    const isMark = typeof format === 'number' && typeof epoch === 'number';
    return isMark && typeof device === 'string' ? { format, device, epoch } : undefined;
  } catch {
    return undefined;
  }
}

async function readBoot(store: Store): Promise<number> {
  const value = await store.get(BOOT_KEY);
  return value === undefined ? 0 : getNumber(value, 0);
}

function noDevice(dir: string): HoldfastError {
  const why = `${dir} is new, and no device id was given`;
  return new HoldfastError('HF_CONFIG_INVALID', { why });
}

function otherDevice(dir: string, identity: DeviceFile, device = ''): HoldfastError {
  const why = `${dir} is of ${identity.device}, not of ${device}`;
  const details = { dir, device: identity.device };
  return new HoldfastError('HF_DATA_DIR_OTHER_DEVICE', { why, details });
}

function foreign(storeDir: string, why: string): HoldfastError {
  return new HoldfastError('HF_STORE_DAMAGED', { why: `${storeDir}: ${why}` });
}

async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}
