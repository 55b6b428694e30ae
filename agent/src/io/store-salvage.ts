import { rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { EpochCause, PerLane, Stamp, Store } from '@holdfast/protocol';
import { arrivalOps, bootOfRow, currentBoot } from '../core/boots.ts';
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
import { exists, freeName, isDirectory, resumeSwap, salvagedPath } from './store-swap.ts';
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
 * a power cut anywhere leaves the one, or the other, or what `resumeSwap` completes. It takes
 * about twice the room of the old one while it is at work.
 *
 * @throws HF_JOURNAL_FAILED when there is no room.
 */
export async function salvageStore(storeDir: string, request: SalvageRequest): Promise<void> {
  const [scratchDir, salvagedDir] = [`${storeDir}.scratch`, salvagedPath(storeDir)];
  await rm(scratchDir, { recursive: true, force: true });
  await rm(salvagedDir, { recursive: true, force: true });
  const { cipher, cause } = request;
  const movedTo = await freeName(storeDir, cause === 'restored' ? cause : 'bad');
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
  await resumeSwap(storeDir);
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
  const here = { name: machineBoot, monoMs, wallMs };
  const boot = currentBoot(boots.at(-1), here);
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
  const isElsewhere = cause === 'moved' || cause === 'restored';
  await stores.target.write([
    ...(isElsewhere ? arrivalOps(boots.at(-1), here) : []),
    { kind: 'put', key: MARK_KEY, value: mark },
    { kind: 'put', key: SALVAGE_KEY, value: Buffer.from(JSON.stringify(known)) },
  ]);
}

async function* none(): AsyncGenerator<never, void> {}
