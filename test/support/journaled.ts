import { createHash } from 'node:crypto';
import type { Ledger } from '@holdfast/gateway/internal';
import {
  chainNext,
  chainStart,
  encodeEntry,
  encodeValue,
  lanes,
  type Entry,
  type Lane,
  type Sha256,
} from '@holdfast/protocol';

const sha256: Sha256 = (...parts) => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
};

const AT_MS = Date.parse('2026-03-01T12:00:00Z');
const stamp = { atMs: AT_MS, boot: 1, monoMs: 1 };

/** What a device journals for one checkout that waits for its call. */
export function checkoutEntries(run: string): Readonly<Record<Lane, readonly Entry[]>> {
  return {
    urgent: [
      {
        kind: 'call.requested',
        ...stamp,
        run,
        n: 2,
        op: 1,
        name: 'inventory.update',
        key: `pump-1/${run}/1`,
        expiresAtMs: 0,
        input: encodeValue({ sku: 'A-1', quantity: 2 }),
        traceparent: '',
      },
    ],
    normal: [
      {
        kind: 'run.started',
        ...stamp,
        run,
        n: 0,
        workflow: 'checkout',
        version: 1,
        uid: `uid-${run}`,
        input: encodeValue({ order: run }),
        parent: '',
        parentOp: 0,
        traceparent: '',
      },
      {
        kind: 'step.completed',
        ...stamp,
        run,
        n: 1,
        op: 0,
        name: 'order-intake',
        attempt: 1,
        tookMs: 4,
        result: encodeValue({ accepted: true }),
      },
    ],
    bulk: [],
  };
}

/** Greets as a device and hands in entries, from seq 1 in each lane. */
export async function ingestAll(
  ledger: Ledger,
  device: string,
  entries: Readonly<Record<Lane, readonly Entry[]>>,
): Promise<void> {
  const epoch = 1;
  await ledger.greet({ device, epoch, publicKey: new Uint8Array(91), atMs: AT_MS });
  for (const lane of lanes) {
    if (entries[lane].length === 0) continue;
    const previousHash = chainStart(sha256, { device, epoch, lane });
    const encoded = entries[lane].map((entry) => encodeEntry(entry));
    const hash = encoded.reduce((before, entry) => chainNext(sha256, before, entry), previousHash);
    const outcome = await ledger.ingest({
      ...{ device, epoch, lane, seqFirst: 1, previousHash, hash },
      entries: encoded,
      receivedAtMs: AT_MS + 1_000,
    });
    if (outcome.kind !== 'committed') throw new Error(`${lane} was not taken: ${outcome.kind}`);
  }
}
