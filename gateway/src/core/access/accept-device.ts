import { HoldfastError, keyNameOf, type Clock, type Sha256 } from '@holdfast/protocol';
import type { Tag } from '../dispatch.ts';
import type { DeviceRecord, Ledger } from '../ledger.ts';

export interface AcceptPorts {
  readonly ledger: Ledger;
  readonly sha256: Sha256;
  readonly clock: Pick<Clock, 'nowMs'>;
  /** A person has decided for a key of a device. */
  readonly rekeyed: (record: DeviceRecord) => void;
}

/** A device that somebody has let in. */
export interface Accepted {
  readonly device: string;
  readonly publicKey: Uint8Array;
  readonly tags: readonly Tag[];
  /** Also where the device is known by another key, which then counts no more. */
  readonly replaces: boolean;
}

/**
 * Has the gateway know a device by its key, from now on or, in the place of another key, from its
 * next hello on. Durable once it resolves.
 *
 * @param before Done once it is clear that it can be.
 * @throws HF_ENROLL_REFUSED for one that is known by another key.
 */
export async function acceptDevice(
  { ledger, sha256, clock, rekeyed }: AcceptPorts,
  { device, publicKey, tags, replaces }: Accepted,
  before: () => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  const atMs = clock.nowMs();
  const key = keyNameOf(sha256, publicKey);
  const record = await ledger.device(device);
  const isKnownBy = record !== undefined && keyNameOf(sha256, record.publicKey) === key;
  if (record !== undefined && !isKnownBy && !replaces) {
    const why = `${device} is known by another key; it takes a decision for just this device`;
    throw new HoldfastError('HF_ENROLL_REFUSED', { why });
  }
  await before();
  if (record === undefined) {
    await ledger.greet({ device, epoch: 1, publicKey, atMs });
  } else if (!isKnownBy) {
    const next = await ledger.awaitKey({ device, key, atMs });
    if (next !== undefined) rekeyed(next);
  }
  if (tags.length > 0) await ledger.tag({ device, tags });
}
