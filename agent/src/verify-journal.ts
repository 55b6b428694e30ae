import { HoldfastError, codeOf, lanes, messageOf, type OnProgress } from '@holdfast/protocol';
import { verifyChains, type ChainFault } from './core/chain-check.ts';
import { openToRead } from './open-to-read.ts';
import { sha256 } from './io/sha256.ts';
import { userKeyOf } from './io/store-key.ts';

/** What `holdfast journal verify` found. */
export interface JournalVerifyView {
  readonly schema: 'holdfast.journal-verify/1';
  /** `null`: the store does not open. */
  readonly device: string | null;
  readonly epoch: number | null;
  readonly whole: boolean;
  readonly lanes: number;
  /** That were read. */
  readonly entries: number;
  /** Why the store can't be read; `null`: it can. */
  readonly store: string | null;
  readonly faults: readonly ChainFault[];
}

/**
 * Reads every byte of a store, or, while its agent runs, what that reads of it, and recomputes the
 * hash of every entry. Changes nothing in a store that is damaged.
 *
 * @param storeKeySource For a store that is encrypted.
 * @param progress Told how many entries were read, and of how many about.
 * @throws HF_DATA_DIR_MISSING, HF_STORE_LOCKED when something else has it open, HF_STORE_FORMAT,
 *   HF_STORE_KEY.
 */
export async function verifyJournal(
  dataDir: string,
  storeKeySource?: string | Uint8Array,
  progress?: OnProgress,
): Promise<JournalVerifyView> {
  const schema = 'holdfast.journal-verify/1';
  const storeKey = userKeyOf(storeKeySource);
  const options = { isThorough: true, storeKey };
  const dir = await openToRead(dataDir, options).catch((error: unknown) => {
    if (codeOf(error) === 'HF_STORE_DAMAGED') return messageOf(whyOf(error));
    throw error;
  });
  if (typeof dir === 'string') {
    const nothing = { device: null, epoch: null, lanes: 0, entries: 0, faults: [] };
    return { schema, ...nothing, whole: false, store: dir };
  }
  try {
    const { device, epoch, store } = dir;
    const { entries, faults } = await verifyChains({ store, sha256, device, epoch }, progress);
    const whole = faults.length === 0;
    return { schema, device, epoch, whole, lanes: lanes.length, entries, store: null, faults };
  } finally {
    await dir.release();
  }
}

function whyOf(error: unknown): unknown {
  return error instanceof HoldfastError ? (error.why ?? error) : error;
}
