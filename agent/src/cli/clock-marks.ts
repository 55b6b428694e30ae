import type { EntryClock } from '../core/entry-times.ts';

interface Timed {
  readonly clock: EntryClock;
}

const marks: Readonly<Record<EntryClock, string>> = { ok: '', corrected: ' *', unsynced: ' ?' };

/** Stands behind a time that is not simply that of the device. */
export const clockMark = ({ clock }: Timed): string => marks[clock];

/** What the marks mean, for those that are there. */
export function clockLegend(rows: readonly Timed[]): string[] {
  const has = (clock: EntryClock) => rows.some((row) => row.clock === clock);
  return [
    ...(has('corrected') ? ['*: corrected; the clock of this device was wrong.'] : []),
    ...(has('unsynced') ? ['?: nobody knew the time; it may have been later.'] : []),
  ];
}
