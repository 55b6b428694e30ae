import { eachDevice, type IngestBatch, type Ledger } from '@holdfast/gateway/internal';
import { NO_BYTES, equalBytes, isGenuine, open } from '@holdfast/protocol';
import { hasSecret } from './secret.ts';
import { signerOf, verifySim } from './sim-signer.ts';
import type { Witness } from './witness.ts';

/** P8 and P10: who is told what. */
export class WireChecks {
  /** Messages that were held against whom they are for. */
  told = 0;
  /** Entries that were searched for what should have stayed. */
  searched = 0;
  readonly #witness: Witness;

  constructor(witness: Witness) {
    this.#witness = witness;
  }

  /** P8: what the gateway has sent to a device is for that device. */
  toDevice(device: string, bytes: Uint8Array): void {
    this.told += 1;
    const { publicKey } = signerOf('gateway');
    if (isGenuine(open(device, bytes), publicKey, verifySim)) return;
    this.#witness.blame('P8', device, 'was sent what is for another device');
  }

  /** P10: what is marked local, or redacted, is in nothing that the ledger is given. */
  toLedger({ device, lane, seqFirst, entries, carried }: IngestBatch): void {
    this.searched += entries.length;
    const stretch = stretchOf(entries);
    const isClean = stretch !== undefined && !hasSecret(stretch);
    if (isClean && (carried === undefined || carried.size === 0)) return;
    for (const [index, entry] of entries.entries()) {
      const beside = carried?.get(index)?.content;
      const isOut = hasSecret(entry) || (beside !== undefined && hasSecret(beside));
      if (!isOut) continue;
      this.#witness.blame('P10', device, `what is local left with ${lane} ${seqFirst + index}`);
    }
  }

  /** P8: the ledger knows the devices that there are, each by its own key. */
  async ofLedger(ledger: Ledger, devices: ReadonlySet<string>): Promise<void> {
    for await (const { device, publicKey } of eachDevice(ledger)) {
      this.told += 1;
      const isOwn = equalBytes(publicKey, signerOf(device).publicKey);
      if (devices.has(device) && isOwn) continue;
      this.#witness.blame('P8', device, 'is known by the key of a stranger');
    }
  }
}

/**
 * All bytes from the first of these to the last, which follow each other in one piece of memory:
 * one search in the place of some hundred. `undefined`: they do not.
 */
function stretchOf(pieces: readonly Uint8Array[]): Uint8Array | undefined {
  const [first] = pieces;
  if (first === undefined) return NO_BYTES;
  const { buffer } = first;
  let end = first.byteOffset;
  for (const piece of pieces) {
    if (piece.buffer !== buffer || piece.byteOffset < end) return undefined;
    end = piece.byteOffset + piece.length;
  }
  return new Uint8Array(buffer, first.byteOffset, end - first.byteOffset);
}
