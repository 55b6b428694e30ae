import type { DeviceTime } from './core/device-time.ts';
import { Journal, type JournalOptions } from './core/journal.ts';
import type { DataDir } from './io/data-dir.ts';
import { sha256 } from './io/sha256.ts';
import { systemClock } from './io/system-clock.ts';

type Place = Pick<JournalOptions, 'device' | 'epoch' | 'boot' | 'store' | 'clock' | 'sha256'>;

/** The journal of a data directory; without a `time`, to be read only. */
export async function openJournal(
  { device, epoch, store }: DataDir,
  time?: DeviceTime,
  hooks: Omit<JournalOptions, keyof Place> = {},
): Promise<Journal> {
  const place = { device, epoch, boot: time?.boot ?? 0, store, clock: time ?? systemClock, sha256 };
  const journal = await Journal.open({ ...place, ...hooks });
  time?.saveWith((ops) => void journal.append([], () => ops).catch(() => undefined));
  return journal;
}
