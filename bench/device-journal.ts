import { sha256, type IngestBatch, type Ledger } from '@holdfast/gateway/internal';
import { chainNext, chainStart, encodeEntry } from '@holdfast/protocol';

const PAYLOAD_BYTES = 150;
const AT_MS = 1_800_000_000_000;

/** The bulk lane of a device that sends readings of 200 B, batch after batch. */
export class DeviceJournal {
  readonly device: string;
  readonly #entries: number;
  #hash: Uint8Array;
  #seq = 0;

  /** @param entries Of each batch. */
  constructor(device: string, entries: number) {
    this.device = device;
    this.#entries = entries;
    this.#hash = chainStart(sha256, { device, epoch: 1, lane: 'bulk' });
  }

  greet(ledger: Ledger): Promise<unknown> {
    const { device } = this;
    return ledger.greet({ device, epoch: 1, publicKey: new Uint8Array(91), atMs: 1 });
  }

  next(): IngestBatch {
    const [seqFirst, previousHash] = [this.#seq + 1, this.#hash];
    const entries = Array.from({ length: this.#entries }, () => this.#entry());
    const place = { device: this.device, epoch: 1, lane: 'bulk' } as const;
    return { ...place, seqFirst, previousHash, hash: this.#hash, entries, receivedAtMs: AT_MS };
  }

  #entry(): Uint8Array {
    const payload = new Uint8Array(PAYLOAD_BYTES).fill(this.#seq % 251);
    const event = { kind: 'event.emitted', run: '', n: 0, op: 0, name: 'reading' } as const;
    const stamp = { atMs: AT_MS, boot: 1, monoMs: this.#seq };
    const bytes = encodeEntry({ ...event, ...stamp, payload });
    this.#hash = chainNext(sha256, this.#hash, bytes);
    this.#seq += 1;
    return bytes;
  }
}
