import test from 'ava';
import * as fc from 'fast-check';
import { CborWriter, encodeCbor } from '@holdfast/protocol';

type Part = number | boolean | string | Uint8Array | readonly Part[];

const { part } = fc.letrec<{ part: Part }>((tie) => ({
  part: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.maxSafeNat(),
    fc.constantFrom(23, 24, 255, 256, 65_535, 65_536, 2 ** 32 - 1, 2 ** 32),
    fc.boolean(),
    fc.string({ unit: 'binary', maxLength: 300 }),
    fc.string({ unit: 'binary-ascii', maxLength: 300 }),
    fc.uint8Array({ maxLength: 70_000 }),
    fc.array(tie('part'), { maxLength: 30 }),
  ),
}));

function write(writer: CborWriter, value: Part): void {
  if (typeof value === 'number') writer.uint(value);
  else if (typeof value === 'boolean') writer.bool(value);
  else if (typeof value === 'string') writer.text(value);
  else if (value instanceof Uint8Array) writer.bytes(value);
  else {
    writer.array(value.length);
    for (const each of value) write(writer, each);
  }
}

/** What the encoder of any value is given: it would write a large number as a float. */
function asEncoded(value: Part): unknown {
  if (typeof value === 'number') return value > 0xffff_ffff ? BigInt(value) : value;
  return Array.isArray(value) ? value.map(asEncoded) : value;
}

test('what has a schema is written to the bytes that an encoder of any value makes of it', (t) => {
  const writer = new CborWriter();
  fc.assert(
    fc.property(part, (value) => {
      write(writer.begin(), value);
      t.deepEqual(writer.copy(), encodeCbor(asEncoded(value)));
    }),
  );
});

test('bytes that were taken stay as they are, whatever is written after them', (t) => {
  const writer = new CborWriter();
  const taken: [Uint8Array, Uint8Array][] = [];
  for (let index = 0; index < 2_000; index += 1) {
    const value = [index, 'x'.repeat(index % 90), new Uint8Array(index % 300).fill(index)];
    // What was begun and given up leaves nothing behind.
    if (index % 7 === 0) write(writer.begin(), value);
    write(writer.begin(), value);
    taken.push([writer.take(), encodeCbor(value)]);
  }

  for (const [bytes, expected] of taken) t.deepEqual(bytes, expected);
});

test('half a surrogate pair is written as the replacement character', (t) => {
  const writer = new CborWriter();

  writer.begin().text('a\ud800b\udc00');

  t.deepEqual(writer.copy(), encodeCbor('a\ufffdb\ufffd'));
});
