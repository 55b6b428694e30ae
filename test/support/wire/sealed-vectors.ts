import { createHash, createHmac } from 'node:crypto';
import {
  displayValue,
  encodeValue,
  sealKinds,
  sealValue,
  type SealKind,
  type Sha256,
} from '@holdfast/protocol';
import { diagnostic } from './diagnostic.ts';

/** A sealed value with its content, or bytes that begin like one and are none. */
export interface SealedVector {
  readonly name: string;
  readonly hex: string;
  readonly meaning: string;
  readonly kind: SealKind;
  /** The rest is absent where the bytes are refused. */
  readonly diagnostic?: string;
  readonly salt?: string;
  readonly content?: string;
  readonly commitment?: string;
  readonly size?: number;
  /** The encoded value that leaves. */
  readonly shown?: string;
  /** JSON for people. */
  readonly shows?: unknown;
}

const sha256: Sha256 = (...parts) =>
  new Uint8Array(parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest());

const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

const content = encodeValue({ number: '4111-1111-1111-1234', brand: 'visa' });
const shown = encodeValue({ number: '[redacted]', brand: 'visa' });
const salt = Uint8Array.from({ length: 32 }, (_, index) => index);

const meanings: Readonly<Record<SealKind, string>> = {
  local: 'of the content, nothing leaves but its size',
  redacted: 'the third item leaves in the place of the content',
  erasable: 'the content travels beside the entry',
};

function sealed(kind: SealKind): SealedVector {
  const leaves = kind === 'redacted' ? shown : undefined;
  const bytes = sealValue(sha256, { kind, salt, content, shown: leaves });
  return {
    ...{ name: kind, kind, hex: hexOf(bytes), diagnostic: diagnostic(bytes) },
    ...{ meaning: meanings[kind], salt: hexOf(salt), content: hexOf(content) },
    commitment: createHmac('sha256', salt).update(content).digest('hex'),
    size: content.byteLength,
    ...(leaves === undefined ? {} : { shown: hexOf(leaves) }),
    shows: displayValue(bytes),
  };
}

const head = 'a26124656c6f63616c6176';
const refused: readonly (readonly [name: string, hex: string, meaning: string])[] = [
  ['no-list', `${head}00`, 'the content of the kind is a list'],
  ['short-commitment', `${head}824200ff01`, 'a commitment has 32 bytes'],
  ['no-size', `${head}825820${'00'.repeat(32)}6131`, 'the size is an integer'],
];

export function sealedVectors(): readonly SealedVector[] {
  return [
    ...sealKinds.map(sealed),
    ...refused.map(([name, hex, meaning]) => ({ name, kind: 'local', hex, meaning }) as const),
  ];
}
