import { HoldfastError, displayValue, valueIn, type Clock, type Sha256 } from '@holdfast/protocol';
import { rfc3339 } from './entry-view.ts';
import type { Fleet, ValueQuery, ValueView } from './fleet-views.ts';
import type { Ledger } from './ledger.ts';
import { wholeValue } from './whole-value.ts';

/** The value of one entry, whole, however large it is. */
export function createValues(parts: {
  readonly ledger: Ledger;
  readonly clock: Pick<Clock, 'nowMs'>;
  readonly sha256: Sha256;
}): Pick<Fleet, 'value'> {
  const { ledger, clock } = parts;
  return {
    async value({ device, lane, seq, ...query }: ValueQuery): Promise<ValueView> {
      const record = await ledger.device(device);
      if (record === undefined) throw new HoldfastError('HF_DEVICE_UNKNOWN', { why: device });
      const { epoch = record.epoch } = query;
      const place = { device, epoch, lane, seq };
      const [found] = await ledger.entries({ ...place, after: seq - 1, limit: 1 });
      const entry = found?.seq === seq ? found.entry : undefined;
      if (entry === undefined) {
        const why = `there is no entry ${seq} in lane ${lane} of epoch ${epoch} that can be read`;
        throw new HoldfastError('HF_REQUEST_INVALID', { why });
      }
      const value = await wholeValue(parts, place, valueIn(entry));
      return {
        schema: 'holdfast.value/1',
        at: rfc3339(clock.nowMs()) ?? '',
        ...place,
        kind: entry.kind,
        bytes: value.byteLength,
        value: value.byteLength === 0 ? null : displayValue(value),
      };
    },
  };
}
