import test from 'ava';
import * as fc from 'fast-check';
import {
  batchEntries,
  decodeCbor,
  decodeEntry,
  encodeEntry,
  encodeWith,
  entryKinds,
  entryShape,
  messages,
  stampIn,
  takeUsual,
  type Entry,
  type EntryKind,
  type Schema,
} from '@holdfast/protocol';
import { anyLeaves, arbitraryOfShape, type Leaves } from '../../support/arbitrary-of-shape.ts';

const bounds = { bytesMax: 100_000, depthMax: 8, itemsMax: 1_000 };
const schemas: Readonly<Record<string, Schema<unknown>>> = { ...messages, batchEntries };
const ascii: Leaves = {
  ...anyLeaves,
  text: (lengthMax) => fc.string({ unit: 'binary-ascii', maxLength: Math.min(lengthMax, 80) }),
};
const shapeOf = (kind: EntryKind): string =>
  entryShape.split('\n')[entryKinds.indexOf(kind)]?.slice(kind.length) ?? '';

const taken = (schema: Schema<unknown>, bytes: Uint8Array) =>
  takeUsual(bytes, bounds, (from) => schema.take(from));

/** What the decoder of any value, and the schema after it, make of bytes; `undefined`: nothing. */
function read(schema: Schema<unknown>, bytes: Uint8Array): unknown {
  try {
    return schema.read(decodeCbor(bytes, bounds), 'it');
  } catch {
    return undefined;
  }
}

for (const [name, schema] of Object.entries(schemas)) {
  test(`what is written of ${name} is read back, by its schema alone`, (t) => {
    const property = fc.property(arbitraryOfShape(schema.shape, ascii), (value) => {
      t.deepEqual(taken(schema, encodeWith(schema, value)), value);
    });
    fc.assert(property, { numRuns: 50 });
  });

  test(`of other bytes, a reader of ${name} gives what the slow one gives, or nothing`, (t) => {
    const change = fc.tuple(fc.nat(400), fc.nat(255), fc.constantFrom('set', 'cut', 'add'));
    const anyOf = arbitraryOfShape(schema.shape);
    const property = fc.property(anyOf, change, (value, [at, byte, how]) => {
      const bytes = encodeWith(schema, value);
      const more = how === 'add' ? [byte] : [];
      const changed = how === 'cut' ? bytes.slice(0, at) : Uint8Array.of(...bytes, ...more);
      if (how === 'set' && at < changed.byteLength) changed[at] = byte;
      const found = taken(schema, changed);
      if (found !== undefined) t.deepEqual(found, read(schema, changed));
    });
    fc.assert(property, { numRuns: 400 });
    t.pass();
  });
}

test('no more items are read than are allowed, and none behind the end', (t) => {
  const bytes = encodeWith(batchEntries, [Uint8Array.of(1), Uint8Array.of(2)]);
  const within = (itemsMax: number) =>
    takeUsual(bytes, { ...bounds, itemsMax }, (from) => batchEntries.take(from));

  t.deepEqual(within(3), [Uint8Array.of(1), Uint8Array.of(2)]);
  t.is(within(2), undefined);
  t.is(taken(batchEntries, Uint8Array.of(...bytes, 0)), undefined);
  t.is(takeUsual(bytes, { ...bounds, bytesMax: 3 }, (from) => batchEntries.take(from)), undefined);
});

test('words of one length that share a place in memory are not mixed up', (t) => {
  const { refusal } = messages;
  for (let number = 0; number < 20_000; number += 1) {
    const value = { code: `HF_${number % 3_000}`, why: 'x', retryAfterMs: 0, of: Uint8Array.of() };
    const found = taken(refusal, encodeWith(refusal, value));
    if ((found as typeof value | undefined)?.code !== value.code) t.fail(value.code);
  }
  t.pass();
});

test('the stamp of an entry is read without the rest of it', (t) => {
  const anyEntry = fc
    .constantFrom(...entryKinds)
    .chain((kind) => arbitraryOfShape(shapeOf(kind)).map((of) => ({ kind, ...of }) as Entry));
  const property = fc.property(anyEntry, (entry) => {
    const { atMs, boot, monoMs } = entry;
    const stamp = stampIn(encodeEntry(entry));
    t.deepEqual([stamp.atMs, stamp.boot, stamp.monoMs], [atMs, boot, monoMs]);
    t.like(decodeEntry(encodeEntry(entry)), { atMs, boot, monoMs });
  });
  fc.assert(property, { numRuns: 200 });
  t.throws(() => stampIn(Uint8Array.of(0x84, 0x0f, 0x60)), { code: 'HF_MESSAGE_INVALID' });
});
