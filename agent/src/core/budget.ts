import { HoldfastError, formatBytes, lanes, type Lane } from '@holdfast/protocol';

/** What an entry takes besides its own bytes, at most: its key, its hash, its part of a run. */
export const ROWS_BYTES = 80;
const RESERVE_BYTES_MAX = 8 * 1024 * 1024;
const BYTES_MIN = 1024 * 1024;
const BYTES_DEFAULT = 1024 * 1024 * 1024;

/**
 *   0 ──── target ──── relieveAt ──── refuseAt ──── maxBytes
 *            ▲              │              │ new work from outside is refused; in the reserve
 *            └── trimmed ◄──┘              │ behind it, runs that are open go on
 *                and shed
 */
export interface Budget {
  readonly maxBytes: number;
  /** What entries may take that the ledger has, and when it is enough that went of them. */
  readonly retainedMax: number;
  readonly retainedTarget: number;
  readonly refuseAt: number;
  readonly relieveAt: number;
  readonly target: number;
}

/** Of the budget, where nothing else is said, for what the ledger has: the rest is for outages. */
const RETAINED_PART = 1 / 4;

/**
 * @param retainedMax What entries may take that the ledger has. Default: a quarter of it all.
 * @throws HF_CONFIG_INVALID below 1 MiB, or for what is no number of bytes.
 */
export function budgetOf(
  maxBytes: number = BYTES_DEFAULT,
  retainedMax: number = Math.floor(maxBytes * RETAINED_PART),
): Budget {
  if (!Number.isSafeInteger(maxBytes) || maxBytes < BYTES_MIN) {
    const why = `journalMaxBytes is ${maxBytes}, not an integer from ${BYTES_MIN} on`;
    throw new HoldfastError('HF_CONFIG_INVALID', { why });
  }
  checkBytes('retentionBytes', retainedMax);
  const reserve = Math.min(RESERVE_BYTES_MAX, Math.floor(maxBytes / 16));
  const refuseAt = maxBytes - reserve;
  const [relieveAt, target] = [refuseAt - reserve, refuseAt - 2 * reserve];
  const retainedTarget = Math.floor(0.9 * retainedMax);
  return { maxBytes, refuseAt, relieveAt, target, retainedMax, retainedTarget };
}

/** @throws HF_CONFIG_INVALID for what is no number of bytes. */
export function checkBytes(name: string, bytes: number = 0): void {
  if (Number.isSafeInteger(bytes) && bytes >= 0) return;
  const why = `${name} is ${bytes}, not an integer from 0 on`;
  throw new HoldfastError('HF_CONFIG_INVALID', { why });
}

/** Entries that are here, and their bytes. */
export interface Kept {
  kept(lane: Lane): { readonly entries: number; readonly bytes: number };
}

/** What the entries that are kept take, about. */
export function usedBytes(journal: Kept): number {
  return lanes.reduce((sum, lane) => {
    const { entries, bytes } = journal.kept(lane);
    return sum + bytes + entries * ROWS_BYTES;
  }, 0);
}

/** Of that, what the ledger has. */
export function retainedBytes(journal: Kept & Backlog): number {
  const pending = lanes.reduce((sum, lane) => {
    return sum + journal.backlogBytes(lane) + journal.backlogEntries(lane) * ROWS_BYTES;
  }, 0);
  return usedBytes(journal) - pending;
}

/** Entries that the ledger lacks, and their bytes. */
interface Backlog {
  backlogEntries(lane: Lane): number;
  backlogBytes(lane: Lane): number;
}

export function fullOf({ maxBytes }: Budget): HoldfastError {
  const why = `of ${formatBytes(maxBytes)} nothing is left but the reserve`;
  return new HoldfastError('HF_JOURNAL_FULL', { why, details: { maxBytes } });
}
