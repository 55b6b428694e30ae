import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { createVerify, inflate } from '@holdfast/gateway/internal';
import {
  HoldfastError,
  batchBounds,
  batchEntries,
  decodeEntry,
  decodeValue,
  decodeWith,
  isContentOf,
  isGenuine,
  joinParts,
  messages,
  open,
  readParted,
  readSealed,
  sealKindOf,
  type MessageKind,
  type Sha256,
} from '@holdfast/protocol';
import type { EnvelopeFile } from '../../support/wire/envelope-vectors.ts';
import { asyncapi, carried } from '../../support/wire/asyncapi.ts';
import { asJson } from '../../support/wire/sample.ts';
import { entryShapes, messageShapes, type Field, type Shape } from '../../support/wire/shape.ts';
import { bytesOf, itemAsJson, type RecordVector } from '../../support/wire/vectors.ts';
import {
  pathOf,
  protocolFiles,
  readVectors,
  recordedFiles,
} from '../../support/wire/write-files.ts';

const REMEDY = 'after a build, node test/dist/support/wire/write-files.js writes it anew';
const bounds = { bytesMax: 61_440, depthMax: 8, itemsMax: 4_096 };

function refuses(t: ExecutionContext, read: () => unknown, name: string): void {
  const error = t.throws(read, { instanceOf: HoldfastError }, name);
  t.is(error?.code, 'HF_MESSAGE_INVALID', name);
}

for (const [path, text] of protocolFiles()) {
  test(`${path} is what the schemas make of it`, (t) => {
    t.true(existsSync(pathOf(path)), REMEDY);
    t.true(readFileSync(pathOf(path), 'utf8') === text, REMEDY);
  });
}

test('every vector of a value comes back, and no other bytes do', (t) => {
  for (const vector of readVectors('values.json').vectors) {
    const read = (): unknown => decodeValue(bytesOf(vector.hex));
    if ('shows' in vector) t.notThrows(read, vector.name);
    else refuses(t, read, vector.name);
  }
});

const sha256: Sha256 = (...parts) =>
  parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest();

test('every value in parts is made up by its entries, and by no others', (t) => {
  for (const { name, hex, parts, value } of readVectors('parts.json').vectors) {
    if (parts === undefined) {
      refuses(t, () => readParted(bytesOf(hex)), name);
      continue;
    }
    const parted = readParted(bytesOf(hex));
    const entries = parts.map((each) => decodeEntry(bytesOf(each)));
    const whole = () =>
      parted &&
      joinParts(
        sha256,
        parted,
        entries.map((entry) => (entry.kind === 'value.part' ? entry : undefined)),
      );
    if (value === undefined) t.throws(whole, { code: 'HF_ENTRY_DAMAGED' }, name);
    else t.is(Buffer.from(whole() ?? []).toString('hex'), value, name);
    t.throws(() => decodeValue(bytesOf(hex)), { code: 'HF_ENTRY_DAMAGED' }, name);
  }
});

test('every sealed vector commits to its content, and to no other', (t) => {
  for (const vector of readVectors('sealed.json').vectors) {
    const { name, kind, hex, commitment, size, shown = '' } = vector;
    t.is(sealKindOf(bytesOf(hex)), kind, name);
    if (commitment === undefined) {
      refuses(t, () => readSealed(bytesOf(hex)), name);
      continue;
    }
    const sealed = readSealed(bytesOf(hex));
    const read = { kind, size, commitment: bytesOf(commitment) };
    t.like(sealed, read, name);
    t.is(Buffer.from(sealed?.shown ?? []).toString('hex'), shown, name);
    const of = { salt: bytesOf(vector.salt ?? ''), content: bytesOf(vector.content ?? '') };
    t.true(sealed && isContentOf(sha256, sealed, of), name);
    const changed = of.content.with(3, 7);
    t.false(sealed && isContentOf(sha256, sealed, { ...of, content: changed }), name);
    t.false(sealed && isContentOf(sha256, sealed, { ...of, salt: of.salt.with(0, 9) }), name);
    t.throws(() => decodeValue(bytesOf(hex)), { code: 'HF_VALUE_SEALED' }, name);
  }
});

test('every vector of an envelope is genuine, forged or malformed, as it says', (t) => {
  const { keys, vectors } = readVectors('envelopes.json') as EnvelopeFile;
  const verify = createVerify();
  for (const vector of vectors) {
    const read = () => open(vector.device, bytesOf(vector.hex));
    if (vector.verdict === 'malformed') {
      refuses(t, read, vector.name);
      continue;
    }
    const sealed = read();
    const genuine = isGenuine(sealed, bytesOf(keys[vector.key].spki), verify);
    t.is(genuine, vector.verdict === 'genuine', vector.name);
    if (genuine) t.deepEqual(sealed.signed, bytesOf(vector.signed ?? ''), vector.name);
  }
});

test('every vector of a payload holds its entries, or is refused', (t) => {
  for (const vector of readVectors('payloads.json').vectors) {
    const { encoding, hex, plainBytes, count, name } = vector;
    const read = (): readonly unknown[] | undefined => {
      const plain = encoding === 'plain' ? bytesOf(hex) : inflate(bytesOf(hex), plainBytes);
      const entries = decodeWith(batchEntries, plain, { ...batchBounds, path: 'payload' });
      if (plain.byteLength !== plainBytes || entries.length !== count) return undefined;
      return entries.map(itemAsJson);
    };
    if (vector.entries !== undefined) t.deepEqual(read(), vector.entries, name);
    else if (/^(?:count|size)/.test(name)) t.true(isNothing(read), name);
    else refuses(t, read, name);
  }
});

function isNothing(read: () => unknown): boolean {
  try {
    return read() === undefined;
  } catch {
    return true;
  }
}

test('the chains of the vectors are SHA-256 as [HF-6.3] has it', (t) => {
  const hexHash = (...parts: readonly (string | Uint8Array)[]): string =>
    parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest('hex');
  for (const { device, epoch, lane, start, steps } of readVectors('chains.json').vectors) {
    let last = hexHash(`holdfast/1/${device}/${epoch}/${lane}`);
    t.is(last, start);
    for (const { entry, hash } of steps) {
      last = hexHash(Buffer.from(last, 'hex'), Buffer.from(entry, 'hex'));
      t.is(last, hash);
    }
  }
});

const compat = pathOf('test/compat');
const recorded = readdirSync(compat, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.startsWith('protocol-') && path.endsWith('.json'))
  .map((path) => join('test/compat', path));

/** What this version reads of recorded bytes. */
function readRecorded(path: string, { name, hex }: RecordVector): object {
  if (path.includes('entries')) return decodeEntry(bytesOf(hex));
  const schema = messages[name as MessageKind];
  return decodeWith<object>(schema, bytesOf(hex), { ...bounds, path: name });
}

test('what any version has recorded is read as what it was', (t) => {
  t.true(recorded.length > 30);
  for (const path of recorded) {
    const file = JSON.parse(readFileSync(pathOf(path), 'utf8')) as RecordVector;
    t.is(basename(path), `${file.name}.json`);
    // A later version may know more fields, which the bytes did not have.
    const now = asJson(readRecorded(path, file)) as Readonly<Record<string, unknown>>;
    for (const [field, was] of Object.entries(file.fields as object)) {
      t.deepEqual(now[field], was, `${path} ${field}`);
    }
  }
});

test('every message and every kind of entry is recorded', (t) => {
  const missing = [...recordedFiles().keys()].filter((path) => !existsSync(pathOf(path)));
  t.deepEqual(missing, [], REMEDY);
});

const specification = readFileSync(pathOf('protocol/PROTOCOL.md'), 'utf8');

/** Cells of the rows of all tables below a heading, without the marks for code. */
function rowsBelow(heading: RegExp): readonly (readonly string[])[] {
  const [, rest = ''] = specification.split(heading);
  const [section = ''] = rest.split(/^#{2,3} /m);
  return section
    .split('\n')
    .filter((line) => /^\| (?:\d+ \| )?`/.test(line))
    .map((line) =>
      line
        .split(/(?<!\\)\|/)
        .slice(1, -1)
        .map((cell) => cell.replaceAll('\\|', '|').replaceAll('`', '').trim()),
    );
}

/** Position, name and type of a field and of those in its items, as the tables have them. */
function flat({ name, shape, text }: Field, position: number): readonly (readonly string[])[] {
  const row = (type: string): readonly string[] => [String(position), name, type];
  if (shape.kind !== 'list' && shape.kind !== 'perLane') return [row(text)];
  const own = row(shape.kind === 'list' ? `list(${shape.max})` : 'perLane');
  const inner = shape.item.kind === 'record' ? shape.item.fields : [];
  const items = inner.flatMap((field) =>
    flat({ ...field, name: `${name}.${field.name}` }, position),
  );
  return [own, ...items];
}

for (const { name, number, record } of messageShapes) {
  test(`PROTOCOL.md describes ${name} as it is`, (t) => {
    const heading = new RegExp(`^### 5\\.\\d+ \`${name}\` \\(${number}\\)$`, 'm');
    const rows = rowsBelow(heading).map((cells) => cells.slice(0, 3));
    t.deepEqual(rows, record.fields.flatMap(flat));
  });
}

test('asyncapi.json has the topics of PROTOCOL.md, and its words for the fields', (t) => {
  const topics = rowsBelow(/^## 2\. Transport$/m).filter(([topic = '']) => topic.includes('/'));
  const document = asyncapi(specification) as {
    readonly components: {
      readonly schemas: Readonly<Record<string, { readonly items: object[] }>>;
    };
  };
  const { schemas } = document.components;
  const described = Object.values(schemas).flatMap(({ items }) =>
    items.filter((field) => 'description' in field),
  );

  t.deepEqual(
    topics.map(([topic = '', , kinds = '']) => [topic.split('/').at(-1), kinds.split(', ')]),
    Object.entries(carried).toSorted(([a], [b]) => order.indexOf(a) - order.indexOf(b)),
  );
  t.true(described.length > 55, String(described.length));
});

/** As the table has them. */
const order = ['up', 'state', 'down'];

test('PROTOCOL.md lists the kinds of entries with their fields', (t) => {
  const heads: Readonly<Record<string, readonly string[]>> = {
    stamp: ['atMs', 'boot', 'monoMs'],
    run: ['atMs', 'boot', 'monoMs', 'run', 'n'],
    op: ['atMs', 'boot', 'monoMs', 'run', 'n', 'op', 'name'],
  };
  const listed = rowsBelow(/^## 7\. Entries$/m)
    .filter(([number = '']) => /^\d+$/.test(number))
    .map(([number, kind, head = '', then = '']) => [
      Number(number),
      kind,
      [...(heads[head] ?? []), ...(then === '' ? [] : then.split(', '))],
    ]);
  const known = entryShapes.map(({ number, name, record }) => [
    number,
    name,
    record.fields.map((field) => field.name),
  ]);

  t.deepEqual(listed, known);
});

test('PROTOCOL.md gives each field of an entry its type', (t) => {
  const listed = rowsBelow(/^## 7\. Entries$/m)
    .filter(([field = '']) => !/^\d+$/.test(field))
    .map(([field, type]) => `${field} ${type}`);
  const all = entryShapes.flatMap(({ record }) => record.fields);
  const known = new Set(all.map(({ name, text }) => `${name} ${text}`));

  t.deepEqual(listed.toSorted(), [...known].toSorted());
});

test('clauses of PROTOCOL.md are numbered in order, once each', (t) => {
  const clauses = [...specification.matchAll(/^\*\*\[HF-(\d+)\.(\d+)\]\*\*/gm)].map(
    ([, section, clause]) => Number(section) * 1_000 + Number(clause),
  );
  t.true(clauses.length > 60);
  t.deepEqual(
    clauses,
    [...new Set(clauses)].toSorted((a, b) => a - b),
  );
});

test('every clause that is cited is there', (t) => {
  const device = pathOf('test/second-device');
  const sources = readdirSync(device)
    .filter((file) => file.endsWith('.py'))
    .map((file) => join(device, file));
  const vectors = pathOf('protocol/vectors/values.json');
  const texts = [...sources, vectors, pathOf('protocol/PROTOCOL.md')];
  const missing = texts.flatMap((path) =>
    [...readFileSync(path, 'utf8').matchAll(/\[HF-(\d+)(\.\d+)?\]/g)]
      .filter(([clause, section, rest]) =>
        rest === undefined
          ? !new RegExp(`^## ${section}\\. `, 'm').test(specification)
          : !specification.includes(`**${clause}**`),
      )
      .map(([clause]) => `${basename(path)} cites ${clause}`),
  );

  t.deepEqual(missing, []);
});

test('every name in the CDDL is a rule of it, or of its prelude', (t) => {
  const rules = readFileSync(pathOf('protocol/holdfast.cddl'), 'utf8').replace(/;.*$/gm, '');
  const defined = [...rules.matchAll(/^([a-z][\w-]*) =/gm)].map(([, name]) => name ?? '');
  const prelude = ['any', 'bool', 'bytes', 'null', 'number', 'tstr', 'undefined'];
  const bodies = rules
    .replace(/"[^"]*"/g, '')
    .replace(/^[a-z][\w-]* =/gm, '')
    .replace(/[\w-]+:/g, '')
    .replace(/\.(?:size|cbor|ne)\b/g, '');
  const used = new Set([...bodies.matchAll(/[a-zA-Z][\w-]*/g)].map(([name]) => name));

  t.deepEqual([...new Set(defined)], defined, 'each is defined once');
  t.deepEqual(
    [...used].filter((name) => ![...defined, ...prelude].includes(name)),
    [],
  );
  // Where readers begin, and what an encoding hides from CDDL.
  const roots = ['start', 'batch-entries'];
  t.deepEqual(
    defined.filter((name) => !roots.includes(name) && !used.has(name)),
    [],
  );
});

/** A shape with nothing in it that the documents cannot say. */
function isSayable(shape: Shape): boolean {
  if (shape.kind === 'record') return false;
  if (shape.kind !== 'list' && shape.kind !== 'perLane') return true;
  return shape.item.kind === 'record' && shape.item.fields.every((field) => isSayable(field.shape));
}

test('messages and entries have no shapes that the tables cannot describe', (t) => {
  for (const { name, record } of [...messageShapes, ...entryShapes]) {
    for (const field of record.fields) t.true(isSayable(field.shape), `${name}.${field.name}`);
  }
});
