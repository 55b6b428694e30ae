import {
  eachLane,
  equalBytes,
  laneIndex,
  type Hello,
  type Lane,
  type LaneVerdict,
  type PerLane,
} from '@holdfast/protocol';
import type { DeviceRecord, Ledger } from './ledger.ts';

/** The ledger's hashes of a lane where the device says that it stands; `undefined`: not held. */
export interface HeldHashes {
  readonly head: Uint8Array | undefined;
  readonly acked: Uint8Array | undefined;
}

/** Looks up in the ledger what the hello can be compared with. */
export async function readHeld(
  ledger: Pick<Ledger, 'hashAt'>,
  hello: Hello,
  record: DeviceRecord,
): Promise<PerLane<HeldHashes>> {
  const { device, epoch } = record;
  const read = (lane: Lane, seq: number): Promise<Uint8Array | undefined> => {
    const { watermark, hash } = record.lanes[laneIndex(lane)];
    if (epoch !== hello.epoch || seq > watermark) return Promise.resolve(undefined);
    // The position may have moved on since; this is what the welcome will say.
    if (seq === watermark) return Promise.resolve(hash);
    return ledger.hashAt({ device, epoch, lane, seq });
  };
  const of = async (lane: Lane): Promise<HeldHashes> => {
    const { head, acked } = hello.lanes[laneIndex(lane)];
    return { head: await read(lane, head), acked: await read(lane, acked) };
  };
  const [urgent, normal, bulk] = await Promise.all(eachLane(of));
  return [urgent, normal, bulk];
}

/**
 * Whether a lane can go on.
 *
 * `forked`: it differs at what both sides had agreed on. `rewound`: the ledger has what the device
 * has not, or another entry behind what they agreed on: an old state of the device was restored.
 * Where the watermark lies between what was acknowledged and the head, the device compares.
 */
export function verdictOf(
  lane: Lane,
  hello: Hello,
  { record, held }: { readonly record: DeviceRecord; readonly held: PerLane<HeldHashes> },
): LaneVerdict {
  if (hello.epoch < record.epoch) return 'rewound';
  const { watermark } = record.lanes[laneIndex(lane)];
  const { head, headHash, ackedHash } = hello.lanes[laneIndex(lane)];
  const own = held[laneIndex(lane)];
  if (own.acked !== undefined && !equalBytes(own.acked, ackedHash)) return 'forked';
  if (head < watermark) return 'rewound';
  return own.head === undefined || equalBytes(own.head, headHash) ? 'ok' : 'rewound';
}
