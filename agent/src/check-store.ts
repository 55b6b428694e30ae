import { readdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { HoldfastError, codeOf, messageOf, type OnProgress } from '@holdfast/protocol';
import { Journal } from './core/journal.ts';
import { RunStore } from './core/run-store.ts';
import { auditStore, type StoreAudit } from './core/store-audit.ts';
import { sha256 } from './io/sha256.ts';
import { ASIDE_STORE } from './io/store-swap.ts';
import { hasStoreKey, userKeyOf } from './io/store-key.ts';
import { systemClock } from './io/system-clock.ts';
import { openToRead, type ReadableStore } from './open-to-read.ts';

/** What `holdfast store check` found. */
export interface StoreCheckView {
  readonly schema: 'holdfast.store-check/1';
  /** Absolute. */
  readonly dataDir: string;
  /**
   * `sound`; `torn`: a power cut struck the last write, of which nobody was told; `damaged`: the
   * next start moves the store aside and salvages it; `inconsistent`: it opens, and entries or
   * rows are not what they should be.
   */
  readonly state: 'sound' | 'torn' | 'damaged' | 'inconsistent';
  /** Why it is damaged; `null`: it is not. */
  readonly why: string | null;
  /** Its agent runs: what it reads was looked at, as of one moment, and not the files. */
  readonly isCopy: boolean;
  readonly encrypted: boolean;
  /** `null`: it was not read. */
  readonly device: string | null;
  readonly epoch: number | null;
  /** Bytes of writes that a power cut has struck. */
  readonly tornBytes: number;
  readonly entries: number;
  /** Entries that the ledger is not known to have. */
  readonly pending: number;
  readonly runs: StoreAudit['runs'];
  readonly faults: StoreAudit['faults'];
  readonly mismatches: readonly string[];
  /** What lies beside the store and is not needed: names in the data directory. */
  readonly aside: readonly string[];
}

const isAside = (name: string): boolean =>
  ASIDE_STORE.test(name) || name.startsWith('device.json.bad-');

const nothing = {
  isCopy: false,
  ...{ device: null, epoch: null, tornBytes: 0, entries: 0, pending: 0 },
  ...{ runs: { open: 0, ended: 0 }, faults: [], mismatches: [] },
};

/**
 * Reads all of a store: its files, or, while its agent runs, what that reads of them. Changes
 * nothing in a store that is damaged.
 *
 * @param storeKeySource For a store that is encrypted.
 * @param progress Told how many entries were read, and of how many about.
 * @throws HF_DATA_DIR_MISSING, HF_STORE_LOCKED when something else has it open, HF_STORE_FORMAT,
 *   HF_STORE_KEY.
 */
export async function checkStore(
  dataDir: string,
  storeKeySource?: string | Uint8Array,
  progress?: OnProgress,
): Promise<StoreCheckView> {
  const path = resolve(dataDir);
  const storeKey = userKeyOf(storeKeySource);
  const found = await look(path, storeKey, progress).catch((error: unknown) => {
    if (codeOf(error) !== 'HF_STORE_DAMAGED') throw error;
    const why = error instanceof HoldfastError ? (error.why ?? error.message) : messageOf(error);
    return { state: 'damaged', why, ...nothing } as const;
  });
  const aside = (await readdir(path)).filter(isAside);
  const schema = 'holdfast.store-check/1';
  return { schema, dataDir: path, encrypted: hasStoreKey(path), ...found, aside };
}

async function look(
  path: string,
  storeKey: Uint8Array | undefined,
  progress?: OnProgress,
) {
  const dir = await openToRead(path, { isThorough: true, storeKey });
  try {
    const audit = await audited(dir, progress);
    const { device, epoch, tornBytes, isCopy } = dir;
    const isRight = audit.faults.length + audit.mismatches.length === 0;
    const opened = tornBytes > 0 ? ('torn' as const) : ('sound' as const);
    const state = isRight ? opened : ('inconsistent' as const);
    return { state, why: null, isCopy, device, epoch, tornBytes, ...audit };
  } finally {
    await dir.release();
  }
}

async function audited(
  { device, epoch, store }: ReadableStore,
  progress?: OnProgress,
): Promise<StoreAudit> {
  const clock = systemClock;
  const journal = await Journal.open({ device, epoch, boot: 0, store, clock, sha256 });
  const chain = { store, sha256, device, epoch };
  return auditStore({ chain, journal, runs: new RunStore(store, journal), progress });
}
