import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PROTOCOL_VERSION } from '@holdfast/protocol';
import { asyncapi } from './asyncapi.ts';
import { cddl } from './cddl.ts';
import { envelopeVectors, type EnvelopeVector } from './envelope-vectors.ts';
import { partsVectors, type PartsVector } from './parts-vectors.ts';
import { sealedVectors, type SealedVector } from './sealed-vectors.ts';
import { valueVectors, type ValueVector } from './vector-values.ts';
import {
  chainVectors,
  entryVectors,
  messageVectors,
  payloadVectors,
  type ChainVector,
  type PayloadVector,
  type RecordVector,
} from './vectors.ts';

/** From `test/dist/support/wire`, where this runs once it is compiled. */
const root = fileURLToPath(new URL('../../../../', import.meta.url));

/** What the vectors of a file are. */
const subjects = {
  'envelopes.json': 'Messages in their envelopes, genuine, forged and malformed [HF-4]',
  'messages.json': 'The bodies of messages [HF-5]',
  'entries.json': 'Entries, one of each kind [HF-7]',
  'payloads.json': 'Payloads of batches [HF-5.4]',
  'chains.json': 'Hash chains of lanes [HF-6.3]',
  'values.json': 'Encoded values, and bytes that are none [HF-8]',
  'sealed.json': 'Sealed values with their contents [HF-8.6]',
  'parts.json': 'Values in parts, with the entries that hold them [HF-8.11]',
} as const;
export type VectorFile = keyof typeof subjects;

/** What is in them. */
interface VectorIn {
  readonly 'envelopes.json': EnvelopeVector;
  readonly 'messages.json': RecordVector;
  readonly 'entries.json': RecordVector;
  readonly 'payloads.json': PayloadVector;
  readonly 'chains.json': ChainVector;
  readonly 'values.json': ValueVector;
  readonly 'sealed.json': SealedVector;
  readonly 'parts.json': PartsVector;
}

export function pathOf(path: string): string {
  return join(root, path);
}

/** A file of vectors as it is. That it is what it should be is for a test to say. */
export function readVectors<F extends VectorFile>(
  file: F,
): { readonly vectors: readonly VectorIn[F][] } {
  return JSON.parse(readFileSync(pathOf(`protocol/vectors/${file}`), 'utf8'));
}

/** Its vectors; none where there is no file yet. */
function before<F extends VectorFile>(file: F): readonly VectorIn[F][] {
  return existsSync(pathOf(`protocol/vectors/${file}`)) ? readVectors(file).vectors : [];
}

/** Every file that follows from the schemas, by its path from the root. */
export function protocolFiles(): ReadonlyMap<string, string> {
  const contents: Readonly<Record<VectorFile, object>> = {
    'envelopes.json': envelopeVectors(before('envelopes.json')),
    'messages.json': { vectors: messageVectors() },
    'entries.json': { vectors: entryVectors() },
    'payloads.json': { vectors: payloadVectors(before('payloads.json')) },
    'chains.json': { vectors: chainVectors() },
    'values.json': { vectors: valueVectors() },
    'sealed.json': { vectors: sealedVectors() },
    'parts.json': { vectors: partsVectors() },
  };
  const vectors = Object.entries(contents).map(([file, content]) => {
    const subject = subjects[file as VectorFile];
    const text = json({ protocol: PROTOCOL_VERSION, subject, ...content });
    return [`protocol/vectors/${file}`, text] as const;
  });
  const specification = readFileSync(pathOf('protocol/PROTOCOL.md'), 'utf8');
  return new Map([
    ['protocol/holdfast.cddl', cddl()],
    ['docs/reference/asyncapi.json', json(asyncapi(specification))],
    ...vectors,
  ]);
}

/** Where the recorded bytes of a version are. */
export const recordedUnder = (version: number): string => `test/compat/protocol-${version}`;

/** A file for each message and entry of this version. */
export function recordedFiles(): ReadonlyMap<string, RecordVector> {
  const under = recordedUnder(PROTOCOL_VERSION);
  return new Map([
    ...messageVectors().map((each) => [`${under}/messages/${each.name}.json`, each] as const),
    ...entryVectors().map((each) => [`${under}/entries/${each.name}.json`, each] as const),
  ]);
}

function json(value: object): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

function write(path: string, text: string): void {
  mkdirSync(dirname(pathOf(path)), { recursive: true });
  writeFileSync(pathOf(path), text);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [path, text] of protocolFiles()) write(path, text);
  // What was recorded once stays: devices in the field send these bytes.
  for (const [path, { name, number, hex, fields }] of recordedFiles()) {
    if (!existsSync(pathOf(path))) write(path, json({ name, number, hex, fields }));
  }
}
