import {
  HoldfastError,
  NO_BYTES,
  chainStart,
  eachLane,
  type PerLane,
  type Sha256,
} from '@holdfast/protocol';
import { clockRow, holeRow, positionRow } from './ledger-rows.ts';
import type { DeviceClocks } from './device-clock.ts';
import { blockAt } from './ledger-held.ts';
import { clocksOf, holeKey, holesOf, ordinalOf, positionKey, type Chain } from './ledger-keys.ts';
import type { Reads } from './ledger-store.ts';
import type { LanePosition } from './ledger.ts';

/** Of older boots nobody is told what time it truly was. */
const BOOTS_MAX = 10_000;

/** What is known of the clocks of one epoch of a device. */
export async function readClocks(
  reads: Reads,
  device: string,
  epoch: number,
): Promise<DeviceClocks> {
  const from = clocksOf(device, epoch);
  const to = clocksOf(device, epoch + 1);
  const rows = await reads.scan({ from, to, limit: BOOTS_MAX, reverse: true });
  return new Map(rows.map(({ key, value }) => [ordinalOf(key), clockRow.decode(value)]));
}

/** The hash of the chain at `seq`, if it is that of an entry or of the end of a hole. */
export async function hashAt(
  reads: Reads,
  sha256: Sha256,
  { seq, ...chain }: Chain & { readonly seq: number },
): Promise<Uint8Array | undefined> {
  if (seq === 0) return chainStart(sha256, chain);
  const block = await blockAt(reads, chain, seq);
  const entry = block?.entries[seq - block.seqFirst];
  if (entry !== undefined) return entry.hash;
  const hole = await holeAt(reads, chain, seq);
  return hole?.seqLast === seq ? hole.hash : undefined;
}

/** The hole that `seq` is in. */
export async function holeAt(reads: Reads, chain: Chain, seq: number) {
  const [row] = await reads.scan({
    from: holesOf(chain),
    to: holeKey(chain, seq + 1),
    limit: 1,
    reverse: true,
  });
  const hole = row && holeRow.decode(row.value);
  return hole !== undefined && hole.seqLast >= seq ? hole : undefined;
}

export async function readPositions(
  reads: Reads,
  device: string,
  epoch: number,
): Promise<PerLane<LanePosition>> {
  const keys = eachLane((lane) => positionKey({ device, epoch, lane }));
  const stored = await reads.getMany(keys);
  const read = (index: number): LanePosition =>
    decodeOrDamaged(`a position of ${device}`, () => positionRow.decode(stored[index] ?? NO_BYTES));
  return [read(0), read(1), read(2)];
}

export function decodeOrDamaged<T>(what: string, decode: () => T): T {
  try {
    return decode();
  } catch (cause) {
    throw new HoldfastError('HF_STORE_DAMAGED', { why: `${what} cannot be read`, cause });
  }
}
