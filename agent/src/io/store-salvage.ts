import { lstat, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { EpochCause, PerLane, Stamp, Store } from '@holdfast/protocol';
import { bootOfRow, currentBoot } from '../core/boots.ts';
import { metaKey, tableOfKey } from '../core/keys.ts';
import { migratedRows, type Migration } from '../core/migrations.ts';
import { rangesText, salvage, type SalvageNote } from '../core/salvage.ts';
import { collectRows } from '../core/salvage-rows.ts';
import { DATA_FORMAT } from './device-file.ts';
import { createStore, makeStore, syncFile } from './level-store.ts';
import type { StoreCipher } from './store-cipher.ts';
import { openedRows, encryptedStore } from './encrypted-store.ts';
import { sha256 } from './sha256.ts';
import { MARK_KEY, encodeMark, encryptedBy } from './store-mark.ts';
import { storeRows } from './store-rows.ts';
import { machineBoot, systemClock } from './system-clock.ts';

export interface SalvageRequest {
  readonly device: string;
  readonly oldEpoch: number;
  readonly newEpoch: number;
  /** How far each lane had come, at least. */
  readonly heads: PerLane<number>;
  readonly cause: EpochCause;
  readonly why: string;
  readonly machine: string;
  /** False: nothing in it is of this device. */
  readonly isOurs: boolean;
  /** Of the old store, and of the new one. */
  readonly cipher: StoreCipher | undefined;
  /** What makes rows of this version's format of those of the old store. */
  readonly migrate: Migration['row'];
}

const SALVAGE_KEY = metaKey('salvaged');

/**
 * Puts a new store in the place of the one in `storeDir`, with all that can be read of that, and
 * moves that aside, as it is: nothing in it is changed, not even by opening it.
 *
 * The new store is complete and durable before the old one is touched, and carries what happened:
 * a power cut anywhere leaves the one, or the other, or what `resumeSalvage` completes. It takes
 * about twice the room of the old one while it is at work.
 *
 * @throws HF_JOURNAL_FAILED when there is no room.
 */
export async function salvageStore(storeDir: string, request: SalvageRequest): Promise<void> {
  const [scratchDir, salvagedDir] = [`${storeDir}.scratch`, salvagedPath(storeDir)];
  await rm(scratchDir, { recursive: true, force: true });
  await rm(salvagedDir, { recursive: true, force: true });
  const movedTo = await freeName(storeDir, 'bad');
  const { cipher } = request;
  const scratch = encryptedStore(await createStore(scratchDir, []), cipher);
  try {
    await makeStore(salvagedDir, (target) => {
      const stores = { scratch, target: encryptedStore(target, cipher) };
      return fill(storeDir, { ...request, movedTo }, stores);
    });
  } finally {
    await scratch.close();
    await rm(scratchDir, { recursive: true, force: true });
  }
  await rename(storeDir, join(dirname(storeDir), movedTo));
  await syncFile(dirname(storeDir));
  await resumeSalvage(storeDir);
}

/** Completes a salvage that a power cut struck when the old store had been moved. */
export async function resumeSalvage(storeDir: string): Promise<void> {
  if ((await exists(storeDir)) || !(await exists(salvagedPath(storeDir)))) return;
  await rename(salvagedPath(storeDir), storeDir);
  await syncFile(dirname(storeDir));
}

/** What the store remembers of its salvage, for as long as the damaged store lies beside it. */
export async function readSalvage(
  storeDir: string,
  store: Store,
): Promise<SalvageNote | undefined> {
  const value = await store.get(SALVAGE_KEY);
  if (value === undefined) return undefined;
  try {
    // Written by `fill`; damage to it shows as no JSON.
    const known = JSON.parse(new TextDecoder().decode(value)) as SalvageNote;
    const isThere = await exists(join(dirname(storeDir), basename(known.movedTo)));
    return isThere ? known : undefined;
  } catch {
    return undefined;
  }
}

export async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}

/** Where a store lies, complete, that is to take the place of the one in `storeDir`. */
export const salvagedPath = (storeDir: string): string => `${storeDir}.salvaged`;

async function fill(
  storeDir: string,
  request: SalvageRequest & { readonly movedTo: string },
  stores: { readonly scratch: Store; readonly target: Store },
): Promise<void> {
  const { device, oldEpoch, newEpoch, cause, heads, isOurs, movedTo, cipher } = request;
  const isReadable = isOurs && (await isDirectory(storeDir));
  const opened = openedRows(isReadable ? storeRows(storeDir) : none(), cipher);
  const rows = migratedRows(opened, request.migrate);
  const collected = await collectRows(rows, stores.scratch);
  const { damagedFiles: damaged } = collected;
  const which = damaged.length === 0 ? '' : `; damaged: ${damaged.join(', ')}`;
  const why = request.why + which;
  const boots = collected.others.filter(({ key }) => tableOfKey(key) === 'k').map(bootOfRow);
  const [monoMs, wallMs] = [systemClock.monoMs(), systemClock.nowMs()];
  const boot = currentBoot(boots.at(-1), { name: machineBoot, monoMs, wallMs });
  const stamp: Stamp = {
    atMs: Math.max(0, systemClock.nowMs()),
    // As the start will find it that goes on with this store.
    boot: boot.number,
    monoMs: Math.floor(monoMs),
  };
  const { entriesKept, entriesLost, lost } = await salvage({
    ...{ device, oldEpoch, newEpoch, cause, heads, sha256, collected, why, stamp },
    ...stores,
  });
  const at = new Date(stamp.atMs).toISOString();
  const counts = { entriesKept, entriesLost, lost: rangesText(lost) };
  const known: SalvageNote = { at, cause, oldEpoch, newEpoch, movedTo, ...counts, why };
  const { machine } = request;
  const own = { format: DATA_FORMAT, device, epoch: newEpoch, machine };
  const mark = encodeMark({ ...own, ...encryptedBy(cipher) });
  await stores.target.write([
    { kind: 'put', key: MARK_KEY, value: mark },
    { kind: 'put', key: SALVAGE_KEY, value: Buffer.from(JSON.stringify(known)) },
  ]);
}

async function* none(): AsyncGenerator<never, void> {}

export async function isDirectory(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

/** Moves a store aside, as it is, durably. @returns Its new name, in the same directory. */
export async function moveAside(storeDir: string, word: string): Promise<string> {
  const name = await freeName(storeDir, word);
  await rename(storeDir, join(dirname(storeDir), name));
  await syncFile(dirname(storeDir));
  return name;
}

/** `store.bad-2026-11-23T10-15-00Z`, and a number behind it if there is one already. */
async function freeName(storeDir: string, word: string): Promise<string> {
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
