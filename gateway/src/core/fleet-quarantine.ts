import { HoldfastError, type Clock } from '@holdfast/protocol';
import { entryView, rfc3339 } from './entry-view.ts';
import type { Fleet } from './fleet-views.ts';
import type { Ledger } from './ledger.ts';

/** What came under keys that counted no more. */
export function createQuarantine(
  ledger: Ledger,
  clock: Pick<Clock, 'nowMs'>,
): Pick<Fleet, 'quarantine'> {
  return {
    async quarantine(query) {
      const { device } = query;
      const record = await ledger.device(device);
      if (record === undefined) throw new HoldfastError('HF_DEVICE_UNKNOWN', { why: device });
      const { entries: kept, bytes, dropped, late } = await ledger.quarantined(query);
      const at = rfc3339(clock.nowMs()) ?? '';
      const entries = late.map((entry) => entryView(entry, new Map()));
      return { schema: 'holdfast.quarantine/1', at, device, kept, bytes, dropped, entries };
    },
  };
}
