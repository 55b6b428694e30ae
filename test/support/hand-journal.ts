import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { deflateRawSync } from 'node:zlib';
import { sha256, signerOf, type IngestBatch } from '@holdfast/gateway/internal';
import {
  PROTOCOL_VERSION,
  SALT_BYTES,
  batchEntries,
  chainNext,
  chainStart,
  encodeEntry,
  encodeWith,
  sealValue,
  valueIn,
  withValue,
  type CarriedEntry,
  type EntryBody,
  type Hello,
  type Hole,
  type HoleReason,
  type Lane,
  type Message,
  type Signer,
} from '@holdfast/protocol';

export function newSigner(): Signer {
  return signerOf(generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey);
}

const STAMP = { atMs: Date.UTC(2026, 0, 1), boot: 1, monoMs: 1 };

/** A fact outside runs, told apart by its number. */
export function fact(number: number): EntryBody {
  const payload = Uint8Array.of(number % 256, (number >> 8) % 256, (number >> 16) % 256);
  return { kind: 'event.emitted', run: '', n: 0, op: 0, name: 'fact', payload };
}

export function started(run: string, uid = `uid-${run}`): EntryBody {
  const input = Uint8Array.of(1);
  const facts = { run, n: 0, workflow: 'checkout', version: 1, uid, input };
  return { kind: 'run.started', ...facts, parent: '', parentOp: 0, traceparent: '' };
}

/** Where each call stands in a trace. */
export const TRACEPARENT = '00-0123456789abcdef0123456789abcdef-0123456789abcdef-01';

export function requested(run: string, op = 1): EntryBody {
  const key = `uid-${run}/${op}`;
  const input = Uint8Array.of(2);
  const call = { name: 'stock', key, expiresAtMs: 0, input, traceparent: TRACEPARENT };
  return { kind: 'call.requested', run, n: 1, op, ...call };
}

/** A device's journal in memory: seqs, chains and batches as the protocol has them. */
export class HandJournal {
  readonly device: string;
  readonly epoch: number;
  readonly #entries = new Map<Lane, Uint8Array[]>();
  readonly #hashes = new Map<Lane, Uint8Array[]>();
  readonly #carried = new Map<Lane, Map<number, CarriedEntry>>();

  constructor(device: string, epoch = 1) {
    this.device = device;
    this.epoch = epoch;
  }

  entries(lane: Lane): Uint8Array[] {
    const entries = this.#entries.get(lane) ?? [];
    this.#entries.set(lane, entries);
    return entries;
  }

  /** Hash of the chain at each seq; at index 0 its start. */
  hashes(lane: Lane): Uint8Array[] {
    const { device, epoch } = this;
    const hashes = this.#hashes.get(lane) ?? [chainStart(sha256, { device, epoch, lane })];
    this.#hashes.set(lane, hashes);
    return hashes;
  }

  append(lane: Lane, ...bodies: readonly EntryBody[]): this {
    for (const body of bodies) {
      const bytes = encodeEntry({ ...STAMP, ...body });
      const previous = this.hashes(lane).at(-1) ?? new Uint8Array();
      this.hashes(lane).push(chainNext(sha256, previous, bytes));
      this.entries(lane).push(bytes);
    }
    return this;
  }

  /** Appends an entry whose value is erasable by a subject; what it has sealed goes beside it. */
  about(lane: Lane, subject: string, body: EntryBody, atMs = STAMP.atMs): this {
    const content = valueIn(body);
    const salt = randomBytes(SALT_BYTES);
    const sealed = sealValue(sha256, { kind: 'erasable', salt, content });
    // A stamp of its own, which `append` takes as it is.
    const stamped: object = { ...withValue(body, sealed), atMs };
    this.append(lane, stamped as EntryBody);
    const entries = this.entries(lane);
    const entry = entries.at(-1) ?? new Uint8Array();
    this.carried(lane).set(entries.length, { entry, subject, salt, content });
    return this;
  }

  /** What goes beside entries, by their seqs. */
  carried(lane: Lane): Map<number, CarriedEntry> {
    const carried = this.#carried.get(lane) ?? new Map<number, CarriedEntry>();
    this.#carried.set(lane, carried);
    return carried;
  }

  /** Appends that many facts. */
  facts(lane: Lane, count: number): this {
    const from = this.entries(lane).length + 1;
    return this.append(lane, ...Array.from({ length: count }, (_, index) => fact(from + index)));
  }

  /** Entries `first … last` as the ledger is given them. */
  ingest(lane: Lane, first: number, last: number): IngestBatch {
    return {
      device: this.device,
      epoch: this.epoch,
      lane,
      seqFirst: first,
      previousHash: this.hashes(lane)[first - 1] ?? new Uint8Array(32),
      hash: this.hashes(lane)[last] ?? new Uint8Array(32),
      entries: this.entries(lane).slice(first - 1, last),
      carried: new Map(
        [...this.carried(lane)]
          .filter(([seq]) => seq >= first && seq <= last)
          .map(([seq, item]) => [seq - first, item]),
      ),
      receivedAtMs: STAMP.atMs + first,
    };
  }

  /** Entries `first … last` as they go over the link. */
  batch(lane: Lane, first: number, last: number): Extract<Message, { kind: 'batch' }> {
    const ingest = this.ingest(lane, first, last);
    const { epoch, seqFirst, previousHash, hash, entries, carried } = ingest;
    const items = entries.map((entry, index) => carried?.get(index) ?? entry);
    const plain = encodeWith(batchEntries, items);
    return {
      kind: 'batch',
      epoch,
      lane,
      seqFirst,
      count: entries.length,
      previousHash,
      encoding: 'deflate',
      plainBytes: plain.byteLength,
      payload: deflateRawSync(plain),
      hash,
    };
  }

  /** The declaration that entries `first … last` will never come. */
  hole(lane: Lane, first: number, last: number, reason: HoleReason = 'shed'): Hole {
    const gone = this.entries(lane).slice(first - 1, last);
    return {
      epoch: this.epoch,
      lane,
      seqFirst: first,
      seqLast: last,
      previousHash: this.hashes(lane)[first - 1] ?? new Uint8Array(32),
      hash: this.hashes(lane)[last] ?? new Uint8Array(32),
      reason,
      bytes: gone.reduce((sum, { byteLength }) => sum + byteLength, 0),
      firstAtMs: STAMP.atMs,
      lastAtMs: STAMP.atMs,
    };
  }

  hello(signer: Signer, fields: Partial<Hello> = {}): Extract<Message, { kind: 'hello' }> {
    const position = (lane: Lane) => {
      const hashes = this.hashes(lane);
      const [start = new Uint8Array(32)] = hashes;
      const head = hashes.length - 1;
      return { head, headHash: hashes[head] ?? start, acked: 0, ackedHash: start };
    };
    return {
      kind: 'hello',
      protocolMin: 1,
      protocolMax: PROTOCOL_VERSION,
      device: this.device,
      epoch: this.epoch,
      incarnation: new Uint8Array(8).fill(1),
      session: new Uint8Array(8).fill(1),
      agentVersion: '0.1.0',
      publicKey: signer.publicKey,
      lanes: [position('urgent'), position('normal'), position('bulk')],
      lastCommand: 0,
      sentAtMs: STAMP.atMs,
      machine: new Uint8Array(0),
      boot: STAMP.boot,
      monoMs: STAMP.monoMs,
      ...fields,
    };
  }
}
