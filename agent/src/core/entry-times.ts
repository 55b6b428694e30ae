import type { Store } from '@holdfast/protocol';
import { bootOfRow, type Boot } from './boots.ts';
import { bootKey } from './keys.ts';
import type { Stamp } from './last-stamp.ts';
import { time } from './rfc3339.ts';

/**
 * What a time is worth: the device's own agreed with what is known of its boot; it is corrected by
 * that; or nobody has known the time in that boot. The words are those of the ledger.
 */
export type EntryClock = 'ok' | 'corrected' | 'unsynced';

/** When something was journaled, as far as it is known. RFC 3339. */
export interface EntryTime {
  readonly at: string;
  readonly clock: EntryClock;
  /** What the device took for the time then; `null`: the same. */
  readonly deviceAt: string | null;
}

/** What two clocks may be apart by without one of them being wrong. */
const AGREE_MS = 2_000;
/** How much a monotonic clock is off in a while. */
const DRIFT = 200e-6;

/** Of an entry that does not decode. */
export const untimed: EntryTime = { at: time(0), clock: 'unsynced', deviceAt: null };

/** The times of entries, by what the store knows of their boots. `undefined`: does not decode. */
export async function entryTimes(
  store: Store,
  stamps: readonly (Stamp | undefined)[],
): Promise<readonly EntryTime[]> {
  const numbers = [...new Set(stamps.flatMap((stamp) => stamp?.boot ?? []))];
  const keys = numbers.map(bootKey);
  const values = await store.getMany(keys);
  const boots = new Map<number, Boot>();
  for (const [index, value] of values.entries()) {
    const [key, number] = [keys[index], numbers[index]];
    if (value === undefined || key === undefined || number === undefined) continue;
    boots.set(number, bootOfRow({ key, value }));
  }
  return stamps.map((stamp) => (stamp ? timeOf(stamp, boots.get(stamp.boot)) : untimed));
}

function timeOf({ atMs, monoMs }: Stamp, boot: Boot | undefined): EntryTime {
  const own = time(atMs);
  if (boot === undefined || boot.source === 'none') {
    return { at: own, clock: 'unsynced', deviceAt: null };
  }
  const trueMs = boot.startedAtMs + monoMs;
  const doubtMs = AGREE_MS + boot.errorMs + Math.abs(boot.seenMs - monoMs) * DRIFT;
  if (Math.abs(trueMs - atMs) <= doubtMs) return { at: own, clock: 'ok', deviceAt: null };
  return { at: time(trueMs), clock: 'corrected', deviceAt: own };
}
