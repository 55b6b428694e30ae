import { rename } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { HoldfastError, codeOf, isDeviceId, type OnProgress, type Store } from '@holdfast/protocol';
import type { EndNote } from '../core/life-end.ts';
import { migrations as knownMigrations, type Migration } from '../core/migrations.ts';
import type { SalvageNote } from '../core/salvage.ts';
import type { LastEnd } from '../core/views.ts';
import {
  DATA_FORMAT,
  devicePath,
  readDeviceFile,
  writeDeviceFile,
  type DeviceFile,
} from './device-file.ts';
import { doubtfulFileSystem } from './file-system.ts';
import { lockDir } from './dir-lock.ts';
import { lacksRoom, makeRoom, probeDisk } from './disk-probe.ts';
import { syncFile } from './level-store.ts';
import type { StoreCipher } from './store-cipher.ts';
import { createCipher, hasStoreKey, noKey, openCipher } from './store-key.ts';
import { endStore } from './store-end.ts';
import { examineStore, findMark, hasLeftovers, openPlaced, placeStore } from './store-place.ts';
import { lastEpoch, writeHeads } from './store-heads.ts';
import { readSalvage } from './store-salvage.ts';
import { exists, isDirectory, resumeSwap } from './store-swap.ts';
import { machineBoot } from './system-clock.ts';
import { lastEnd, noteClosed, noteUnclean, uncleanEnds } from './unclean-ends.ts';
import { makeWritableDir, unusable } from './writable-dir.ts';

/**
 *   <data directory>/
 *     device.json    whose it is, and the epoch of the store that is in place
 *     store/         LevelDB; its row `m holdfast` repeats that
 *     store.key      what opens an encrypted store, with its key; store.key.copy is the same
 *     store.new/     a store in the making; made again if it is left over
 *     store.heads    how far the lanes were when that was noted last
 *     open           there while it is open, with the count of unclean ends
 *     store.format-… an older format's store, as it was before it was migrated
 *     store.migrating/   a migration at work
 *     store.bad-…/   a damaged or foreign store, moved aside as it was; ours to keep, not to use
 *     store.restored-…/  the store of a snapshot, as it was restored
 *     store.salvaged/, store.scratch/   a salvage at work
 *     store.outdated/    a store of which each row is in the new one; about to be deleted
 *
 * A store is in place before device.json names its epoch, so that a store that is missing under
 * an epoch > 0 was there once.
 */
export interface DataDir {
  /** Absolute. */
  readonly path: string;
  readonly device: string;
  readonly epoch: number;
  readonly store: Store;
  /** The same rows as they are stored: encrypted, if they are. */
  readonly stored: Store;
  /** Has the store anew after a write has failed. Rejects for as long as the disk fails. */
  readonly reopen: () => Promise<void>;
  /** The store was gone and a new one is in its place: what it held is lost. */
  readonly recreated: boolean;
  /** The store took the place of another one, which still lies beside it. */
  readonly salvage: SalvageNote | undefined;
  /** This start has begun the epoch. */
  readonly isNewEpoch: boolean;
  /** The machine that this is, as hex; empty: not known. */
  readonly machine: string;
  /** Bytes of writes that nobody was told of, and that a power cut has struck. */
  readonly tornBytes: number;
  /** How the process ended that had it before. */
  readonly lastEnd: LastEnd;
  /** What it is on, and why not to trust that; `undefined`: nothing is known against it. */
  readonly fileSystem: string | undefined;
  /** The store had an older format; the old one lies beside it, under this name. */
  readonly migration?: { readonly from: number; readonly movedTo: string };
  /** Has the next start put a new store, of a new epoch, in the place of this one. Durable. */
  readonly end: (end: EndNote) => Promise<void>;
  /** Closes the store and gives the directory back. */
  readonly release: () => Promise<void>;
}

/** Unclean ends in a row after which every byte of the store is read before it is opened. */
const UNCLEAN_ENDS_MAX = 3;

export interface OpenOptions {
  /** Needed where nothing in the directory tells; must be the same later. */
  readonly device?: string | undefined;
  /** Encrypts a new store; opens one that is encrypted. */
  readonly storeKey?: Uint8Array | undefined;
  /** Default: those that this version knows. */
  readonly migrations?: readonly Migration[];
  /** Fingerprint of this machine; empty, or none: not known. */
  readonly machine?: string | undefined;
  /** The directory was brought here from another machine, and goes on in its epoch. */
  readonly isMoved?: boolean | undefined;
  /** Told how far a migration is, in rows. */
  readonly progress?: OnProgress | undefined;
}

/**
 * Takes the data directory for an agent, and makes whatever is missing: the directory (0700), the
 * identity, the store. Once it resolves, a power cut undoes none of it.
 *
 * A store that is damaged, not of this device, at its end, or of another machine is moved aside as
 * it is, and what can be read of it goes on in a new one, under a new epoch.
 *
 * @throws HF_CONFIG_INVALID, HF_DATA_DIR_UNUSABLE, HF_DATA_DIR_OTHER_DEVICE, HF_STORE_LOCKED,
 * HF_STORE_FORMAT, HF_STORE_OLDER and HF_STORE_KEY (nothing was changed), HF_JOURNAL_FAILED.
 */
export async function openDataDir(path: string, options: OpenOptions = {}): Promise<DataDir> {
  const dir = resolve(path);
  const { device, storeKey, migrations = knownMigrations } = options;
  const { machine = '', isMoved = false, progress } = options;
  if (device !== undefined && !isDeviceId(device)) {
    const why = `the device id ${JSON.stringify(device)} is not 1 to 64 of A-Z a-z 0-9 _ -`;
    throw new HoldfastError('HF_CONFIG_INVALID', { why });
  }
  const storeDir = join(dir, 'store');
  const isKnown = (await exists(devicePath(dir))) || (await exists(storeDir));
  if (device === undefined && !isKnown) throw noDevice(dir);
  await makeWritableDir(dir);
  const open = async () => {
    await makeRoom(dir);
    await resumeSwap(storeDir);
    const cipher = cipherOf(dir, storeKey) ?? (await newCipher(dir, storeKey));
    const identity = (await knownIdentity(dir)) ?? (await newIdentity(dir, device));
    if ((device ?? identity.device) !== identity.device) throw otherDevice(dir, identity, device);
    const unclean = await uncleanEnds(dir, machineBoot);
    const before = { lastEnd: await lastEnd(dir, machineBoot) };
    const isSuspect = unclean >= UNCLEAN_ENDS_MAX;
    const place = { cipher, migrations, machine, progress };
    const examining = { isThorough: isSuspect, isMoved, ...place };
    const found = await examineStore(storeDir, identity, examining);
    await noteUnclean(dir, machineBoot, unclean + 1);
    const placed = await placeStore(storeDir, identity, { found, ...place });
    const { store, stored, reopen, mark, isNew, tornBytes, migration } = placed;
    // What was read through is no suspect any more.
    if (isSuspect) await noteUnclean(dir, machineBoot, 1);
    try {
      if (mark.epoch !== identity.epoch) {
        await writeDeviceFile(dir, { ...identity, epoch: mark.epoch });
      }
      await writeHeads(storeDir, mark.epoch, store);
      const salvage = await readSalvage(storeDir, store);
      // Also true when the start that had made it was cut off before it could say so.
      const isOther = isNew || mark.epoch !== identity.epoch;
      const isNewEpoch = isOther && mark.epoch > 1;
      const recreated = isNewEpoch && salvage?.newEpoch !== mark.epoch;
      const { device: owner, epoch } = mark;
      const told = { recreated, salvage, tornBytes, ...(migration && { migration }) };
      const own = { device: owner, epoch, machine, isNewEpoch };
      return { ...own, store, stored, reopen, ...told, ...before };
    } catch (error) {
      await store.close();
      throw error;
    }
  };
  return holding(dir, open, async ({ store, epoch }) => {
    await writeHeads(storeDir, epoch, store);
    await store.close();
    await noteClosed(dir);
  });
}

/**
 * Takes the data directory of an agent that does not run, to read it. Makes and counts nothing.
 *
 * @param options.isThorough Look at every byte of the store first.
 * @throws HF_DATA_DIR_MISSING, HF_STORE_LOCKED when the agent does run, HF_STORE_FORMAT,
 * HF_STORE_KEY, HF_STORE_DAMAGED, HF_JOURNAL_FAILED on a full disk, HF_DATA_DIR_UNUSABLE.
 */
export async function openExisting(
  path: string,
  options: {
    readonly isThorough?: boolean;
    readonly storeKey?: Uint8Array | undefined;
  } = {},
): Promise<DataDir> {
  const { isThorough = false, storeKey } = options;
  const dir = resolve(path);
  for (const name of ['device.json', 'store']) {
    if (await exists(join(dir, name))) continue;
    throw new HoldfastError('HF_DATA_DIR_MISSING', { why: `${dir} has no ${name}` });
  }
  return holding(dir, async () => {
    const cipher = cipherOf(dir, storeKey);
    const identity = await readDeviceFile(dir);
    if (identity === undefined) throw new HoldfastError('HF_DATA_DIR_MISSING', { why: dir });
    const placing = { isThorough, cipher };
    const placed = await openPlaced(join(dir, 'store'), identity, placing);
    const { store, stored, reopen, mark, tornBytes } = placed;
    const salvage = await readSalvage(join(dir, 'store'), store);
    const { device, epoch, machine } = mark;
    const before = { lastEnd: await lastEnd(dir, machineBoot) };
    const facts = { recreated: false, isNewEpoch: false, tornBytes, ...before };
    return { device, epoch, machine, store, stored, reopen, salvage, ...facts };
  });
}

type Held = Omit<DataDir, 'path' | 'release' | 'end' | 'fileSystem'>;

/** Keeps the directory locked for as long as what `use` gives is held. */
async function holding(
  dir: string,
  use: () => Promise<Held>,
  close: (held: Held) => Promise<void> = ({ store }) => store.close(),
): Promise<DataDir> {
  const unlock = await lockDir(dir);
  try {
    const held = await use();
    const release = async (): Promise<void> => {
      try {
        await close(held);
      } finally {
        await held.store.close();
      }
      await unlock();
    };
    const end = (of: EndNote): Promise<void> => endStore(join(dir, 'store'), of);
    const fileSystem = await doubtfulFileSystem(dir);
    const reopen = async (): Promise<void> => {
      // As long as not even a file can be made, the store stays open for those who read, unless
      // its own closing is what makes room.
      await probeDisk(dir).catch(async (error: unknown) => {
        if (!(await lacksRoom(dir)) || !(await hasLeftovers(join(dir, 'store')))) throw error;
      });
      await held.reopen();
    };
    return { path: dir, ...held, fileSystem, end, reopen, release };
  } catch (error) {
    await unlock();
    throw error instanceof HoldfastError ? error : unusable(dir, error);
  }
}

/** What opens the store that is there; a key that is not needed is none of its business. */
function cipherOf(dir: string, storeKey: Uint8Array | undefined): StoreCipher | undefined {
  return hasStoreKey(dir) ? openCipher(dir, storeKey) : undefined;
}

async function newCipher(
  dir: string,
  storeKey: Uint8Array | undefined,
): Promise<StoreCipher | undefined> {
  if (storeKey === undefined) return undefined;
  if (await exists(join(dir, 'store'))) throw noKey(`${dir} has a store, and no store.key`);
  return createCipher(dir, storeKey);
}

/** What device.json says. One that cannot be read is put aside, and the store says it again. */
async function knownIdentity(dir: string): Promise<DeviceFile | undefined> {
  try {
    return await readDeviceFile(dir);
  } catch (error) {
    if (codeOf(error) !== 'HF_STORE_DAMAGED') throw error;
    await rename(devicePath(dir), `${devicePath(dir)}.bad-${Date.now()}`);
    await syncFile(dir);
    return undefined;
  }
}

async function newIdentity(dir: string, wanted: string | undefined): Promise<DeviceFile> {
  const storeDir = join(dir, 'store');
  const mark = (await isDirectory(storeDir)) ? await findMark(storeDir) : undefined;
  const device = mark?.device ?? wanted;
  if (device === undefined) throw noDevice(dir);
  const createdAt = new Date().toISOString();
  const epoch = mark?.epoch ?? (await lastEpoch(storeDir));
  const identity = { format: DATA_FORMAT, device, createdAt, epoch };
  await writeDeviceFile(dir, identity);
  return identity;
}

function noDevice(dir: string): HoldfastError {
  const why = `nothing in ${dir} says of which device it is, and no id was given`;
  return new HoldfastError('HF_CONFIG_INVALID', { why });
}

function otherDevice(dir: string, identity: DeviceFile, device = ''): HoldfastError {
  const why = `${dir} is of ${identity.device}, not of ${device}`;
  const details = { dir, device: identity.device };
  return new HoldfastError('HF_DATA_DIR_OTHER_DEVICE', { why, details });
}
