import { displayValue, type Clock } from '@holdfast/protocol';
import { entryView, rfc3339 } from './entry-view.ts';
import { clockReader } from './fleet-clocks.ts';
import type { ErasureView, Fleet } from './fleet-views.ts';
import type { Erasure, Ledger } from './ledger.ts';

/** What the fleet offers to those who must know, or delete, what is held on somebody. */
export function createPrivacy(
  ledger: Ledger,
  clock: Pick<Clock, 'nowMs'>,
): Pick<Fleet, 'erase' | 'erasures' | 'held' | 'prunings'> {
  const now = () => rfc3339(clock.nowMs()) ?? '';
  return {
    async erase(query) {
      return erasureView(await ledger.erase({ ...query, atMs: clock.nowMs() }));
    },
    async erasures(limit) {
      const erasures = (await ledger.erasures(limit)).map(erasureView);
      return { schema: 'holdfast.erasures/1', at: now(), erasures };
    },
    async prunings(limit) {
      const prunings = (await ledger.prunings(limit)).map(({ atMs, ...receipt }) => {
        return { at: rfc3339(atMs), ...receipt };
      });
      return { schema: 'holdfast.prunings/1', at: now(), prunings };
    },
    async held(query) {
      const { entries, commands, next } = await ledger.held(query);
      const clocksOf = clockReader(ledger);
      const views = entries.map(async (entry) => ({
        device: entry.device,
        ...entryView(entry, await clocksOf(entry)),
      }));
      return {
        ...{ schema: 'holdfast.held/1', at: now(), next: next ?? null },
        entries: await Promise.all(views),
        commands: commands.map(({ device, number, kind, run, payload }) => {
          return { device, number, kind, run, payload: displayValue(payload) };
        }),
      };
    },
  };
}

function erasureView(erasure: Erasure): ErasureView {
  const { atMs, isComplete: complete, ranges, ...counts } = erasure;
  return {
    ...{ schema: 'holdfast.erasure/1', at: rfc3339(atMs), ...counts, complete },
    ranges: ranges.map(({ seqFirst: first, seqLast: last, ...lane }) => ({ ...lane, first, last })),
  };
}
