import { diagnostic } from './diagnostic.ts';
import { displayValue, encodeValue } from '@holdfast/protocol';

/** A value, or bytes that are none. */
export interface ValueVector {
  readonly name: string;
  readonly hex: string;
  readonly diagnostic?: string;
  readonly meaning: string;
  /** JSON for people. Absent: the bytes are refused. */
  readonly shows?: unknown;
}

type Row = readonly [name: string, value: unknown, meaning: string];

/** An error whose stack is the same on every machine. */
function failed(error: Error): Error {
  error.stack = String(error);
  if (error.cause instanceof Error) failed(error.cause);
  return error;
}

/** With a name that is not its class's, and a property of its own. */
function refusal(): Error {
  const error = Object.assign(new RangeError('above the limit'), { code: 'E_LIMIT' });
  Object.defineProperty(error, 'name', { value: 'Refused', enumerable: false });
  return failed(error);
}

const rows: readonly Row[] = [
  ['null', null, 'null'],
  ['undefined', undefined, 'undefined, which is not null; people are shown null'],
  ['true', true, 'a truth value'],
  ['integer', 1_000, 'a number that is whole, as an integer'],
  ['negative', -500, 'a negative integer'],
  ['two-to-the-32', 2 ** 32, 'our encoder writes whole numbers from 2^32 on as floats'],
  ['float', 21.5, 'a number with a fraction'],
  ['not-a-number', Number.NaN, 'NaN is a float; people are shown text'],
  ['infinity', Number.NEGATIVE_INFINITY, 'an infinity is a float'],
  ['negative-zero', -0, 'the one number that integers cannot stand for, as text'],
  ['text', 'Grüße, 漢字 😀', 'UTF-8'],
  ['empty-text', '', 'text without characters'],
  ['half-a-pair', 'a\ud800b', 'text that UTF-8 cannot carry, as UTF-16 units, low byte first'],
  ['byte-order-mark', '\ufeffx', 'some decoders drop a leading U+FEFF: it goes as UTF-16 too'],
  ['bytes', Uint8Array.of(0, 1, 254, 255), 'a byte string'],
  ['array', [1, 'two', [3], null], 'an array'],
  ['object', { sku: 'tea', quantity: 2, tags: [] }, 'a plain object is a map with text keys'],
  ['object-with-dollar', { $: 'not a kind', a: 1 }, 'a key $ would be taken for that of a kind'],
  ['bare', Object.assign(Object.create(null), { a: 1 }), 'an object without a prototype'],
  ['bigint', -(10n ** 20n), 'an integer of any size, in decimal'],
  ['date', new Date(1_767_225_600_000), 'ms since 1970; here a float, since it is above 2^32'],
  ['early-date', new Date(5), 'ms since 1970; small ones are integers'],
  ['invalid-date', new Date(Number.NaN), 'a date that is none'],
  ['map', new Map([['a', 1]]), 'pairs, in their order; with text keys people see an object'],
  ['map-of-numbers', new Map([[1, { b: 2 }]]), 'with other keys people see pairs'],
  ['set', new Set([1, 'one']), 'items, in their order'],
  ['regexp', /^a\/b$/giu, 'source, flags, lastIndex'],
  ['url', new URL('https://example.com/a?b=c'), 'its text'],
  ['arraybuffer', Uint8Array.of(1, 2).buffer, 'bytes'],
  ['dataview', new DataView(Uint8Array.of(1, 2).buffer), 'bytes'],
  ['buffer', Buffer.from('hi'), 'bytes; elsewhere than in Node they come back as bytes'],
  ['int8array', Int8Array.of(-1, 1), 'items of 1 byte'],
  ['uint8clampedarray', Uint8ClampedArray.of(0, 255), 'items of 1 byte'],
  ['int16array', Int16Array.of(1, -2), 'items of 2 bytes, least significant first'],
  ['uint16array', Uint16Array.of(1, 65_534), 'items of 2 bytes'],
  ['int32array', Int32Array.of(1, -2), 'items of 4 bytes'],
  ['uint32array', Uint32Array.of(1, 4_294_967_294), 'items of 4 bytes'],
  ['float32array', Float32Array.of(0.5, -2), 'items of 4 bytes, IEEE 754'],
  ['float64array', Float64Array.of(0.1), 'items of 8 bytes, IEEE 754'],
  ['bigint64array', BigInt64Array.of(-1n), 'items of 8 bytes; people are shown decimal text'],
  ['biguint64array', BigUint64Array.of(2n ** 64n - 1n), 'items of 8 bytes'],
  ['error', failed(new TypeError('no such sku')), 'name, message, stack'],
  [
    'error-with-cause',
    failed(new Error('not charged', { cause: new RangeError('limit') })),
    'what caused an error is a value of its own',
  ],
  ['error-of-a-class', refusal(), 'name, and the built-in class; its own properties'],
  [
    'aggregate-error',
    failed(new AggregateError([failed(new Error('a')), 'b'], 'both')),
    'the errors in it, each a value',
  ],
  ['nested', { when: new Date(5), who: [new Set(['x'])] }, 'kinds inside of plain data'],
];

/** Bytes that another encoder may write for a value of ours. */
const foreign: readonly (readonly [name: string, hex: string, meaning: string])[] = [
  ['half-float', 'f93e00', 'a reader takes floats of 2 and 4 bytes too'],
  ['single-float', 'fa3fc00000', 'a reader takes floats of 2 and 4 bytes too'],
  ['large-integer', '1b0000010000000000', 'an integer up to 2^53 - 1 is the same number'],
  ['whole-date', 'a26124646461746561761b0000019b76daa800', 'its ms as an integer'],
  ['long-head', '1900ff', 'a reader takes heads that are longer than they need to be'],
];

const refused: readonly (readonly [name: string, hex: string, meaning: string])[] = [
  ['no-bytes', '', 'there is no item'],
  ['two-items', '0000', 'there is a byte behind the item'],
  ['cut-text', '636162', 'text that ends too early'],
  ['cut-array', '8201', 'an array that ends too early'],
  ['tag', 'c11a695616c0', 'tags are not part of the protocol'],
  ['bignum-tag', 'c24101', 'tags are not part of the protocol'],
  ['indefinite-array', '9f01ff', 'lengths are definite'],
  ['indefinite-text', '7f6161ff', 'lengths are definite'],
  ['number-as-key', 'a10102', 'keys are text'],
  ['unassigned-simple', 'f0', 'of the simple values there are false, true, null, undefined'],
  ['unknown-kind', 'a26124636e6577617600', 'a kind that this version does not know: "new"'],
  ['kind-that-is-no-text', 'a26124016176f6', 'the kind is not text'],
  ['date-of-text', 'a2612464646174656176616e', 'the content is not what the kind needs'],
  ['set-of-no-list', 'a26124637365746176a0', 'the content is not what the kind needs'],
  ['bigint-of-no-number', 'a2612466626967696e7461766178', 'the text is no decimal number'],
];

const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

export function valueVectors(): readonly ValueVector[] {
  const ours = rows.map(([name, value, meaning]) => [name, hexOf(encodeValue(value)), meaning]);
  const valid = [...ours, ...foreign].map(([name = '', hex = '', meaning = '']) => {
    const bytes = Buffer.from(hex, 'hex');
    const shows = displayValue(bytes);
    return { name, hex, diagnostic: diagnostic(bytes), meaning, shows };
  });
  return [...valid, ...refused.map(([name, hex, meaning]) => ({ name, hex, meaning }))];
}
