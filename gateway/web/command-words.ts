import { ago, formatCount } from '../../protocol/web/format.ts';
import type { CommandProgress } from '../src/core/fleet-views.ts';

type Outcome = 'waiting' | 'applied' | 'expired' | 'rejected';

/** What became of a command on one device, in words. */
export function outcomeWords(outcome: Outcome, offlineSince: string | null): string {
  if (outcome !== 'waiting') return outcome;
  return offlineSince === null ? 'queued' : `queued, device offline ${forHowLong(offlineSince)}`;
}

/** `ago` without its last word. */
const forHowLong = (since: string): string => ago(since).replace(/ ago$/, '');

/** What became of a command on all devices that it is for, in words. */
export function progressWords({ devices, offlineSince }: CommandProgress): string {
  const { issued, waiting, applied, expired, rejected } = devices;
  if (issued === 0) return 'no device';
  if (issued === 1 && waiting === 1) return outcomeWords('waiting', offlineSince);
  const parts = Object.entries({ queued: waiting, applied, expired, rejected })
    .filter(([, count]) => count > 0)
    .map(([outcome, count]) => `${formatCount(count)} ${outcome}`);
  return parts.join(' · ');
}
