import { HoldfastError, formatBytes, lanes, type Lane } from '@holdfast/protocol';

/** What an entry takes besides its own bytes: its hash, its keys, its line in a history. */
const ROWS_BYTES = 80;
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
  readonly refuseAt: number;
  readonly relieveAt: number;
  readonly target: number;
}

/** @throws HF_CONFIG_INVALID below 1 MiB. */
export function budgetOf(maxBytes: number = BYTES_DEFAULT): Budget {
  if (!Number.isSafeInteger(maxBytes) || maxBytes < BYTES_MIN) {
    const why = `journalMaxBytes is ${maxBytes}, not an integer from ${BYTES_MIN} on`;
    throw new HoldfastError('HF_CONFIG_INVALID', { why });
  }
  const reserve = Math.min(RESERVE_BYTES_MAX, Math.floor(maxBytes / 16));
  const refuseAt = maxBytes - reserve;
  return { maxBytes, refuseAt, relieveAt: refuseAt - reserve, target: refuseAt - 2 * reserve };
}

/** @throws HF_CONFIG_INVALID for what is no number of bytes. */
export function checkReserve(bytes: number = 0): void {
  if (Number.isSafeInteger(bytes) && bytes >= 0) return;
  const why = `diskReserveBytes is ${bytes}, not an integer from 0 on`;
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

export function fullOf({ maxBytes }: Budget): HoldfastError {
  const why = `of ${formatBytes(maxBytes)} nothing is left but the reserve`;
  return new HoldfastError('HF_JOURNAL_FULL', { why, details: { maxBytes } });
}
