import { createHash } from 'node:crypto';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import {
  batchEntries,
  chainNext,
  chainStart,
  encodeEntry,
  encodeValue,
  encodeWith,
  equalBytes,
  lanes,
  messages,
  sealValue,
  type BatchItem,
  type CarriedEntry,
  type Entry,
  type MessageKind,
  type Schema,
  type Sha256,
} from '@holdfast/protocol';
import { diagnostic } from './diagnostic.ts';
import { keys } from './test-keys.ts';
import { asJson, sampleOf } from './sample.ts';
import { entryShapes, messageShapes, type Numbered } from './shape.ts';

export interface Vector {
  readonly name: string;
  readonly hex: string;
  readonly meaning: string;
}

/** An entry, or the body of a message. */
export interface RecordVector extends Vector {
  readonly number: number;
  readonly diagnostic: string;
  /** By name; bytes are `{"hex": …}`, words are words. */
  readonly fields: unknown;
}

export const sha256: Sha256 = (...parts) => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
};

export const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
export const bytesOf = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'));

function recordVector({ name, number }: Numbered, bytes: Uint8Array, fields: object): RecordVector {
  const meaning = `${name}, number ${number}`;
  return {
    name,
    number,
    meaning,
    hex: hexOf(bytes),
    diagnostic: diagnostic(bytes),
    fields: asJson(fields),
  };
}

export function entryVectors(): readonly RecordVector[] {
  return entryShapes.map((shape) => {
    const fields = sampleOf(shape.record, shape.name) as object;
    // The sample was made from the shape of this very kind.
    const bytes = encodeEntry({ kind: shape.name, ...fields } as Entry);
    return recordVector(shape, bytes, fields);
  });
}

/** Messages as samples; a batch holds the first entries of `entryVectors`. */
export function messageVectors(): readonly RecordVector[] {
  return messageShapes.map((shape) => {
    const fields = fieldsOf(shape);
    const schema = messages[shape.name as MessageKind] as Pick<Schema<object>, 'write'>;
    return recordVector(shape, encodeWith(schema, fields), fields);
  });
}

function fieldsOf(shape: Numbered): object {
  const fields = sampleOf(shape.record, shape.name) as object;
  if (shape.name === 'hello') return { ...fields, publicKey: keys.device.publicKey };
  if (shape.name === 'welcome') {
    // Three lanes, three verdicts.
    const all = (fields as { readonly lanes: readonly object[] }).lanes;
    const verdicts = ['ok', 'rewound', 'forked'];
    const told = all.map((lane, index) => ({ ...lane, verdict: verdicts[index] }));
    return { ...fields, publicKey: keys.gateway.publicKey, lanes: told };
  }
  if (shape.name === 'batch') {
    const plain = encodeWith(batchEntries, someEntries());
    const sizes = { count: 3, plainBytes: plain.byteLength, payload: plain };
    const { previousHash } = fields as { readonly previousHash: Uint8Array };
    const hash = someEntries().reduce((at, each) => chainNext(sha256, at, each), previousHash);
    return { ...fields, seqFirst: 41, encoding: 'plain', ...sizes, hash };
  }
  if (shape.name === 'refusal') {
    const why = 'the ledger knows no such epoch of till-7';
    return { ...fields, code: 'HF_EPOCH_UNKNOWN', why, retryAfterMs: 0 };
  }
  return fields;
}

function someEntries(): readonly Uint8Array[] {
  return entryVectors()
    .slice(0, 3)
    .map(({ hex }) => bytesOf(hex));
}

/** An erasable event as it travels. */
function carriedEntry(): CarriedEntry {
  const content = encodeValue({ email: 'ada@example.org' });
  const salt = Uint8Array.from({ length: 32 }, (_, index) => index);
  const payload = sealValue(sha256, { kind: 'erasable', salt, content });
  const stamp = { atMs: 1_767_225_600_000, boot: 3, monoMs: 65_536 };
  const event = { kind: 'event.emitted', ...stamp, run: '', n: 0, op: 0, name: 'seen' } as const;
  return { entry: encodeEntry({ ...event, payload }), subject: 'customer-42', salt, content };
}

/** An entry of a payload, as vectors have it. */
export function itemAsJson(item: BatchItem): unknown {
  if (item instanceof Uint8Array) return hexOf(item);
  const { entry, subject, salt, content } = item;
  return { entry: hexOf(entry), subject, salt: hexOf(salt), content: hexOf(content) };
}

/** An entry, and the hash of the chain at it. */
export interface ChainStep {
  readonly seq: number;
  readonly entry: string;
  readonly hash: string;
}

export interface ChainVector {
  readonly name: string;
  readonly device: string;
  readonly epoch: number;
  readonly lane: string;
  /** What is hashed to begin it. */
  readonly seed: string;
  readonly start: string;
  /** From seq 1 on. */
  readonly steps: readonly ChainStep[];
}

export function chainVectors(): readonly ChainVector[] {
  const chains = [
    ...lanes.map((lane) => ({ device: 'till-7', epoch: 1, lane })),
    { device: 'till-7', epoch: 2, lane: 'normal' as const },
    { device: 'A_very-long-Device_Name-0123456789', epoch: 4_294_967_296, lane: 'bulk' as const },
  ];
  return chains.map((chain) => {
    let hash = chainStart(sha256, chain);
    const { device, epoch, lane } = chain;
    return {
      name: `${device}/${epoch}/${lane}`,
      ...chain,
      seed: `holdfast/1/${device}/${epoch}/${lane}`,
      start: hexOf(hash),
      steps: someEntries().map((entry, index) => {
        hash = chainNext(sha256, hash, entry);
        return { seq: index + 1, entry: hexOf(entry), hash: hexOf(hash) };
      }),
    };
  });
}

export interface PayloadVector extends Vector {
  readonly encoding: 'plain' | 'deflate';
  readonly plainBytes: number;
  readonly count: number;
  /** Absent: refused. */
  readonly entries?: readonly unknown[];
}

/**
 * Payloads of batches, as they are and as they must not be. What was deflated before is kept if it
 * is right: another version of zlib may find other bytes.
 */
export function payloadVectors(before: readonly PayloadVector[]): readonly PayloadVector[] {
  const entries = someEntries();
  const plain = encodeWith(batchEntries, entries);
  const withContent = [...entries.slice(0, 2), carriedEntry()];
  const carried = encodeWith(batchEntries, withContent);
  const kept = bytesOf(before.find(({ name }) => name === 'deflate')?.hex ?? '');
  const deflated = isDeflated(kept, plain) ? kept : deflateRawSync(plain);
  const count = entries.length;
  const plainBytes = plain.byteLength;
  const some = entries.map(hexOf);
  const whole = { count, plainBytes };
  const vector = (
    [name, meaning]: readonly [string, string],
    encoding: 'plain' | 'deflate',
    bytes: Uint8Array,
  ) => ({ name, meaning, ...whole, encoding, hex: hexOf(bytes) });
  const tail = Uint8Array.of(...plain, 0);
  const longer = plainBytes + 1;
  const shorter = plainBytes - 1;
  const short = { count: 1, plainBytes: 2 };
  return [
    { ...vector(['plain', 'an array of byte strings'], 'plain', plain), entries: some },
    { ...vector(['deflate', 'the same as raw deflate'], 'deflate', deflated), entries: some },
    { ...vector(['count-wrong', 'there are three'], 'plain', plain), count: 4 },
    { ...vector(['size-low', 'it has more bytes'], 'deflate', deflated), plainBytes: shorter },
    { ...vector(['size-high', 'it has fewer bytes'], 'deflate', deflated), plainBytes: longer },
    { ...vector(['bytes-behind', 'a byte too many'], 'plain', tail), plainBytes: longer },
    {
      ...vector(['carried', 'the third with what its value has sealed'], 'plain', carried),
      plainBytes: carried.byteLength,
      entries: withContent.map(itemAsJson),
    },
    vector(['not-deflate', 'it does not inflate'], 'deflate', Uint8Array.of(255, 255)),
    { ...vector(['no-array', 'an empty map'], 'plain', Uint8Array.of(0xa0)), plainBytes: 1 },
    { ...vector(['no-bytes', 'an integer inside'], 'plain', Uint8Array.of(0x81, 1)), ...short },
    {
      ...vector(['carried-short', 'a record without its salt'], 'plain', bytesOf('818241006161')),
      ...{ count: 1, plainBytes: 6 },
    },
  ];
}

function isDeflated(bytes: Uint8Array, plain: Uint8Array): boolean {
  try {
    return equalBytes(inflateRawSync(bytes), plain);
  } catch {
    return false;
  }
}
