import { concat, encodeCbor } from '@holdfast/protocol';
import { diagnostic } from './diagnostic.ts';
import { keys, signWith, verifyAny, type KeyName } from './test-keys.ts';
import { bytesOf, hexOf, messageVectors, type RecordVector, type Vector } from './vectors.ts';

/** An envelope as it came on a topic of `device`, and what its reader makes of it. */
export interface EnvelopeVector extends Vector {
  readonly device: string;
  /** Whose key the reader knows for the sender. */
  readonly key: KeyName;
  readonly diagnostic: string;
  /** `malformed`: not of the protocol. `forged`: of the protocol, and not of the sender. */
  readonly verdict: 'genuine' | 'forged' | 'malformed';
  /** What the signature covers, where the envelope is genuine. */
  readonly signed?: string;
}

export interface EnvelopeFile {
  readonly keys: Readonly<Record<KeyName, { readonly pkcs8: string; readonly spki: string }>>;
  readonly vectors: readonly EnvelopeVector[];
}

type Key = { readonly key: KeyName; readonly device: string };

/**
 * Envelopes around the messages of `messageVectors`, and some that are not to be believed.
 *
 * An ECDSA signature is another one each time: one of the vectors before that is still right is
 * kept, so that writing the file twice changes nothing.
 */
export function envelopeVectors(before: readonly EnvelopeVector[] = []): EnvelopeFile {
  const seal = new Sealer(before);
  const bodies = messageVectors();
  const genuine = bodies.map((body) => seal.genuine(body.name, body, bytesOf(body.hex)));
  return {
    keys: {
      device: { pkcs8: keys.device.pkcs8, spki: hexOf(keys.device.publicKey) },
      gateway: { pkcs8: keys.gateway.pkcs8, spki: hexOf(keys.gateway.publicKey) },
      ed25519: { pkcs8: keys.ed25519.pkcs8, spki: hexOf(keys.ed25519.publicKey) },
    },
    vectors: [
      ...genuine,
      ...grown(seal, bodies),
      ...byEd25519(bodies),
      ...forged(seal, bodies),
      ...malformed(seal),
    ],
  };
}

const senders: Readonly<Record<string, KeyName>> = {
  hello: 'device',
  batch: 'device',
  report: 'device',
  hole: 'device',
};

class Sealer {
  readonly #before: ReadonlyMap<string, EnvelopeVector>;
  readonly #made = new Map<string, Uint8Array>();

  constructor(before: readonly EnvelopeVector[]) {
    this.#before = new Map(before.map((vector) => [vector.name, vector]));
  }

  genuine(name: string, { name: kind, number }: RecordVector, body: Uint8Array): EnvelopeVector {
    const key = senders[kind] ?? 'gateway';
    const meaning = `${kind}, signed by the ${key}`;
    const signed = signedBytes('till-7', kind, body);
    const envelope = encodeCbor([number, body, this.signature(name, key, signed)]);
    const vector = this.vector([name, meaning], { key, device: 'till-7' }, envelope);
    return { ...vector, verdict: 'genuine', signed: hexOf(signed) };
  }

  /** The last 64 bytes of the envelope of this name, if they are right; else made, once. */
  signature(name: string, key: KeyName, signed: Uint8Array): Uint8Array {
    const kept = this.#made.get(name) ?? bytesOf(this.#before.get(name)?.hex ?? '').slice(-64);
    const isRight = kept.byteLength === 64 && verifyAny(keys[key].publicKey, signed, kept);
    const right = isRight ? kept : signWith(key, signed, 'ieee-p1363');
    this.#made.set(name, right);
    return right;
  }

  vector([name, meaning]: readonly [string, string], { key, device }: Key, bytes: Uint8Array) {
    return { name, meaning, device, key, hex: hexOf(bytes), diagnostic: diagnostic(bytes) };
  }

  /** The vector before, if it is about this body: a wrong signature cannot be checked. */
  kept(name: string, body: Uint8Array, make: () => Uint8Array): Uint8Array {
    const { hex = '' } = this.#before.get(name) ?? {};
    return hex.includes(hexOf(body)) ? bytesOf(hex) : make();
  }
}

function signedBytes(device: string, kind: string, body: Uint8Array): Uint8Array {
  return concat([new TextEncoder().encode(`holdfast/1/${device}/${kind}/`), body]);
}

function bodyOf(bodies: readonly RecordVector[], name: string): RecordVector {
  const found = bodies.find((body) => body.name === name);
  if (found === undefined) throw new TypeError(`there is no ${name}`);
  return found;
}

/** A later version has written more fields. They are signed too. */
function grown(seal: Sealer, bodies: readonly RecordVector[]): readonly EnvelopeVector[] {
  const ack = bodyOf(bodies, 'ack');
  const body = bytesOf(ack.hex);
  // The array has fewer than 23 items: its head is one byte, and counts them.
  const longer = concat([body, encodeCbor('of a later version')]);
  longer[0] = (body[0] ?? 0) + 1;
  const vector = seal.genuine('ack-with-a-newer-field', ack, longer);
  return [{ ...vector, meaning: 'a field that this version does not know is ignored' }];
}

/** A device may have a key of the other kind. */
function byEd25519(bodies: readonly RecordVector[]): readonly EnvelopeVector[] {
  const report = bodyOf(bodies, 'report');
  const body = bytesOf(report.hex);
  const signed = signedBytes('till-7', 'report', body);
  const signature = signWith('ed25519', signed, 'ieee-p1363');
  const vector = (name: string, meaning: string, bytes: Uint8Array) => {
    const of = { name, meaning, device: 'till-7', key: 'ed25519' } as const;
    return { ...of, hex: hexOf(bytes), diagnostic: diagnostic(bytes) };
  };
  const envelope = encodeCbor([report.number, body, signature]);
  const flipped = Uint8Array.from(signature);
  flipped[0] = (signature[0] ?? 0) ^ 1;
  const wrong = encodeCbor([report.number, body, flipped]);
  return [
    {
      ...vector('report-by-ed25519', 'report, signed by a device with an Ed25519 key', envelope),
      ...{ verdict: 'genuine', signed: hexOf(signed) },
    },
    { ...vector('report-by-ed25519-forged', 'one bit of R differs', wrong), verdict: 'forged' },
  ];
}

function forged(seal: Sealer, bodies: readonly RecordVector[]): readonly EnvelopeVector[] {
  const ack = bodyOf(bodies, 'ack');
  const body = bytesOf(ack.hex);
  const signed = signedBytes('till-7', 'ack', body);
  const envelope = (content: Uint8Array, signature: Uint8Array): Uint8Array =>
    encodeCbor([ack.number, content, signature]);
  const right = seal.signature('ack', 'gateway', signed);
  const changed = Uint8Array.from(body);
  changed[1] = (body[1] ?? 0) ^ 1;
  const flipped = Uint8Array.from(right);
  flipped[63] = (right[63] ?? 0) ^ 1;
  const der = seal.kept('ack-signed-in-der', body, () =>
    envelope(body, signWith('gateway', signed, 'der')),
  );
  const other = seal.kept('ack-by-the-device', body, () =>
    envelope(body, signWith('device', signed, 'ieee-p1363')),
  );
  const forgery = (name: string, meaning: string, bytes: Uint8Array, device = 'till-7') => ({
    ...seal.vector([name, meaning], { key: 'gateway', device }, bytes),
    verdict: 'forged' as const,
  });
  const whole = envelope(body, right);
  return [
    forgery('ack-of-another-device', 'the ack of till-7, on a topic of till-8', whole, 'till-8'),
    forgery('ack-with-another-epoch', 'one bit of the body differs', envelope(changed, right)),
    forgery('ack-with-another-signature', 'one bit of s differs', envelope(body, flipped)),
    forgery('ack-signed-in-der', 'the form is r and s, not DER', der),
    forgery('ack-by-the-device', 'signed with another key', other),
    forgery('ack-unsigned', 'the signature is empty', envelope(body, new Uint8Array())),
  ];
}

function malformed(seal: Sealer): readonly EnvelopeVector[] {
  const none = new Uint8Array(64);
  const hash = new Uint8Array(32);
  const body = encodeCbor([1, 1, 1, hash, 0, 0]);
  const ack = (fields: readonly unknown[]): unknown => [3, encodeCbor(fields), none];
  const rows: Readonly<Record<string, readonly [meaning: string, envelope: unknown]>> = {
    'unknown-kind': ['a kind that this version does not know', [99, encodeCbor([]), none]],
    'kind-of-text': ['the kind is its number', ['ack', encodeCbor([]), none]],
    'no-signature': ['an item is missing', [3, body]],
    'body-not-in-bytes': ['the body is a byte string', [3, [1, 1, 1, hash, 0, 0], none]],
    'long-signature': ['at most 128 bytes', [3, body, new Uint8Array(129)]],
    'envelope-map': ['records are arrays', { kind: 3 }],
    'field-missing': ['slowMs is missing', ack([1, 1, 1, hash, 0])],
    'lane-unknown': ['there are three lanes', ack([1, 3, 1, hash, 0, 0])],
    'hash-short': ['a hash has 32 bytes', ack([1, 1, 1, new Uint8Array(31), 0, 0])],
    negative: ['numbers are unsigned', ack([-1, 1, 1, hash, 0, 0])],
    fraction: ['numbers are whole', ack([1.5, 1, 1, hash, 0, 0])],
    'above-the-largest': ['2^53 is above the bound', ack([2n ** 53n, 1, 1, hash, 0, 0])],
    'number-as-text': ['a number is no text', ack(['1', 1, 1, hash, 0, 0])],
    'null-for-number': ['null stands for nothing', ack([null, 1, 1, hash, 0, 0])],
  };
  return Object.entries(rows).map(([name, [meaning, envelope]]) => ({
    ...seal.vector([name, meaning], { key: 'gateway', device: 'till-7' }, encodeCbor(envelope)),
    verdict: 'malformed' as const,
  }));
}
