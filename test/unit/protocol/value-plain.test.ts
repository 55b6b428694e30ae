import { isDeepStrictEqual } from 'node:util';
import test from 'ava';
import * as fc from 'fast-check';
import { codeOf, decodeValue, encodeValue } from '@holdfast/protocol';

/** What goes the long way: all of a value does with a part that is not plain. */
const dated = new Date(0);
const datedBytes = encodeValue(dated);

/** The bytes of a value by the way that any value goes. */
function longWay(value: unknown): Uint8Array {
  const both = encodeValue([value, dated]);
  return both.subarray(1, both.byteLength - datedBytes.byteLength);
}

const byLongWay = (bytes: Uint8Array): unknown => {
  const both = Uint8Array.of(0x82, ...bytes, ...datedBytes);
  return (decodeValue(both) as readonly unknown[])[0];
};

const text = fc.oneof(
  fc.string({ unit: 'binary-ascii', maxLength: 40 }),
  fc.string({ unit: 'binary', maxLength: 300 }),
  fc.constantFrom('$', '__proto__', '', '\ufeff', 'x'.repeat(256), 'x'.repeat(257), '\ud800'),
);
const number = fc.oneof(
  fc.integer({ min: -300, max: 300 }),
  fc.maxSafeInteger(),
  fc.double(),
  fc.constantFrom(-0, -1, -24, -25, -256, -257, -(2 ** 32), -(2 ** 32) - 1, 2 ** 32 - 1, 2 ** 32),
);
const leaf = fc.oneof(text, number, fc.boolean(), fc.constantFrom(null, undefined));
const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    leaf,
    fc.array(tie('value'), { maxLength: 5 }),
    fc.dictionary(text, tie('value'), { maxKeys: 5 }),
    fc.dictionary(fc.constantFrom('1', '0', 'b', 'a'), tie('value'), { noNullPrototype: true }),
  ),
}));

test('a small plain value has the bytes, and comes back as, by the way of all others', (t) => {
  fc.assert(
    fc.property(value, (given) => {
      const bytes = encodeValue(given);
      const [back, long] = [decodeValue(bytes), byLongWay(bytes)];
      return (
        Buffer.compare(bytes, longWay(given)) === 0 &&
        isDeepStrictEqual(back, given) &&
        isDeepStrictEqual(back, long) &&
        // Deep equality does not see the order of keys.
        JSON.stringify(back) === JSON.stringify(long)
      );
    }),
    { numRuns: 300 },
  );
  t.pass();
});

test('bytes that are cut or changed are no other value than by the way of all others', (t) => {
  const read = (way: (bytes: Uint8Array) => unknown, bytes: Uint8Array): unknown => {
    try {
      return { value: way(bytes) };
    } catch (error) {
      return codeOf(error);
    }
  };
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 24 }), value, fc.nat(), (noise, given, at) => {
      const whole = encodeValue(given);
      const flipped = whole.slice();
      flipped[at % whole.byteLength] = noise[0] ?? 0;
      return [noise, flipped, whole.subarray(0, at % whole.byteLength)].every((bytes) => {
        const found = read(decodeValue, bytes);
        // Beside another item, what is cut or too long would be told otherwise.
        return typeof found === 'string' || isDeepStrictEqual(found, read(byLongWay, bytes));
      });
    }),
    { numRuns: 300 },
  );
  t.pass();
});

test('what is hidden, computed or beside the items is found in a small value, too', (t) => {
  const refused = (given: unknown): unknown => {
    try {
      return encodeValue(given);
    } catch (error) {
      return codeOf(error);
    }
  };
  const hidden = Object.defineProperty({ seen: 1 }, 'hidden', { value: 2 });
  const loop: unknown[] = [];
  loop.push(loop);
  let isRun = false;
  const computed = {
    get grams() {
      isRun = true;
      return 1;
    },
  };

  t.is(refused(computed), 'HF_VALUE_UNSUPPORTED');
  t.false(isRun);
  t.is(refused({ [Symbol('key')]: 1 }), 'HF_VALUE_UNSUPPORTED');
  t.is(refused(Object.assign([], { 1: 'behind a hole' })), 'HF_VALUE_UNSUPPORTED');
  t.is(refused(Object.assign([1], { beside: 2 })), 'HF_VALUE_UNSUPPORTED');
  t.is(refused(loop), 'HF_VALUE_CIRCULAR');
  t.deepEqual(decodeValue(encodeValue(hidden)), { seen: 1 });
});

test('a value whose reading encodes another one is written whole', (t) => {
  const inner = { inner: true };
  const ownKeys = (target: object): (string | symbol)[] => {
    t.deepEqual(decodeValue(encodeValue(inner)), inner);
    return Reflect.ownKeys(target);
  };

  const bytes = encodeValue({ before: 1, proxy: new Proxy({ a: 'b' }, { ownKeys }), after: [2] });

  t.deepEqual(decodeValue(bytes), { before: 1, proxy: { a: 'b' }, after: [2] });
});
