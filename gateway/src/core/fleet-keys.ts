import { HoldfastError, isKeyName } from '@holdfast/protocol';
import { rfc3339 } from './entry-view.ts';
import type { Fleet } from './fleet-views.ts';
import type { FleetOptions } from './fleet.ts';
import type { DeviceRecord } from './ledger.ts';

/** By which keys devices are known, as people decide. */
export function createKeys(
  { ledger, clock, running }: FleetOptions,
): Pick<Fleet, 'rekey' | 'revoke'> {
  const now = () => rfc3339(clock.nowMs()) ?? '';
  const told = (device: string, record: DeviceRecord | undefined): void => {
    if (record === undefined) throw new HoldfastError('HF_DEVICE_UNKNOWN', { why: device });
    running?.rekeyed(record);
  };
  return {
    async rekey(device, key) {
      if (!isKeyName(key)) {
        const why = `${JSON.stringify(key)} is not the name of a key: 32 digits of hex`;
        throw new HoldfastError('HF_REQUEST_INVALID', { why });
      }
      told(device, await ledger.awaitKey({ device, key, atMs: clock.nowMs() }));
      return { schema: 'holdfast.rekeyed/1', at: now(), device, key };
    },
    async revoke(device) {
      told(device, await ledger.revokeKey({ device, atMs: clock.nowMs() }));
      return { schema: 'holdfast.revoked/1', at: now(), device };
    },
  };
}
