import { execFileSync } from 'node:child_process';
import { inspect, isDeepStrictEqual, types } from 'node:util';
import test from 'ava';
import * as fc from 'fast-check';
import {
  HoldfastError,
  VALUE_BYTES_MAX,
  VALUE_DEPTH_MAX,
  VALUE_ITEMS_MAX,
  decodeValue,
  displayValue,
  encodeThrown,
  encodeValue,
} from '@holdfast/protocol';
import { processorMs } from '../../support/processor-time.ts';

const replayed = (value: unknown): unknown => decodeValue(encodeValue(value, 'result'));

function refusal(value: unknown): { readonly code: string; readonly path: unknown } {
  try {
    encodeValue(value, 'result');
  } catch (error) {
    if (error instanceof HoldfastError) return { code: error.code, path: error.details['path'] };
    throw error;
  }
  return { code: 'stored', path: undefined };
}

const unsupported = (path: string) => ({ code: 'HF_VALUE_UNSUPPORTED', path });

/** Deep equality that sees prototypes, -0, NaN, `undefined` keys and holes. */
const comesBack = test.macro((t, values: readonly unknown[]) => {
  for (const value of values) {
    const back = replayed(value);
    t.true(isDeepStrictEqual(back, value), JSON.stringify(displayValue(encodeValue(value))));
    t.is(typeof back, typeof value);
    if (typeof value === 'object' && value !== null) {
      t.is(Object.getPrototypeOf(back), Object.getPrototypeOf(value));
      t.not(back, value);
    }
  }
});

test('A1 A2 undefined and null come back, and stay apart', comesBack, [undefined, null]);

test('A3 undefined inside objects and arrays keeps its place', comesBack, [
  { a: undefined },
  [undefined, 1, undefined],
  { a: [{ b: undefined }] },
]);

test('A4 big integers of any size come back', comesBack, [
  0n,
  -1n,
  5n,
  2n ** 64n,
  -(2n ** 200n),
  { balance: 10n ** 40n },
]);

test('A5 dates come back, invalid ones too', (t) => {
  for (const ms of [0, -1, 1.7e12, 8.64e15, Number.NaN]) {
    const back = replayed(new Date(ms));
    t.true(back instanceof Date && Object.is(back.getTime(), ms));
  }
});

test('A6 the order of pairs and items is kept', (t) => {
  const map = new Map<unknown, unknown>([['b', 1], ['a', 2], [1, 3]]);
  const set = new Set(['b', 'a', 1]);

  // Deep equality does not see it.
  t.deepEqual([...(replayed(map) as typeof map)], [...map]);
  t.deepEqual([...(replayed(set) as typeof set)], [...set]);
});

test('A6 maps and sets come back, with any keys', comesBack, [
  new Map(),
  new Map<unknown, unknown>([
    [2, 'b'],
    ['1', { n: 1 }],
    [undefined, null],
    [Number.NaN, 0],
  ]),
  new Map([[{ key: 'object' }, new Map([['inner', new Set([1])]])]]),
  new Set(['b', 'a', undefined, [1]]),
]);

test('A7 a Buffer stays a Buffer and a Uint8Array a Uint8Array', (t) => {
  const { buffer, array } = replayed({
    buffer: Buffer.from('abc'),
    array: new Uint8Array([1, 2]),
  }) as { readonly buffer: unknown; readonly array: unknown };

  t.true(Buffer.isBuffer(buffer));
  t.is(String(buffer), 'abc');
  t.is(Object.getPrototypeOf(array), Uint8Array.prototype);
  t.deepEqual(array, new Uint8Array([1, 2]));
});

const memory = Uint8Array.from({ length: 64 }, (_, index) => index * 3).buffer;

test('A8 typed arrays come back with what they show of their buffer', comesBack, [
  new Int8Array(memory, 3, 4),
  new Uint8Array(memory, 5, 7),
  new Uint8ClampedArray([300, -1]),
  new Int16Array(memory, 2, 3),
  new Uint16Array(0),
  new Int32Array(memory, 4, 2),
  new Uint32Array([2 ** 32 - 1]),
  new Float32Array([0.5, Number.NaN, -0]),
  new Float64Array(memory, 8, 2),
  new BigInt64Array([-1n]),
  new BigUint64Array([2n ** 64n - 1n]),
  new ArrayBuffer(0),
  memory.slice(1, 9),
  new DataView(memory, 7, 9),
]);

test('A8 what comes back shares no memory with the bytes it came from', (t) => {
  const bytes = encodeValue([new Uint8Array([7]), Buffer.from([7]), new Float64Array([7])]);
  const before = decodeValue(bytes);

  bytes.fill(0);

  t.deepEqual(before, [new Uint8Array([7]), Buffer.from([7]), new Float64Array([7])]);
});

test('A9 numbers come back to the bit', comesBack, [
  Number.NaN,
  Infinity,
  -Infinity,
  -0,
  0,
  1.5,
  0.1,
  -1,
  2 ** 31,
  -(2 ** 31) - 1,
  2 ** 32,
  2 ** 53,
  -(2 ** 53),
  Number.MAX_VALUE,
  Number.MIN_VALUE,
  [-0],
  { zero: -0 },
]);

test('A10 regular expressions and addresses come back', (t) => {
  const sticky = /a(?<x>b)\/\n/giy;
  sticky.lastIndex = 3;
  const back = replayed([sticky, new URL('https://example.org:8443/a%20b?q=1#h')]);

  t.true(isDeepStrictEqual((back as unknown[])[0], sticky));
  const url = (back as unknown[])[1];
  t.true(url instanceof URL);
  t.is(String(url), 'https://example.org:8443/a%20b?q=1#h');
});

test('A11 an error that is returned comes back as that error', (t) => {
  const error = Object.assign(new RangeError('too far', { cause: new URIError('x') }), {
    code: 'E_FAR',
    limits: { max: 7 },
  });
  const back = replayed({ ok: false, error }) as { readonly error: RangeError };

  t.true(back.error instanceof RangeError);
  t.true(types.isNativeError(back.error));
  t.is(back.error.stack, error.stack);
  t.true(back.error.cause instanceof URIError);
  t.deepEqual(Object.entries(back.error), [
    ['code', 'E_FAR'],
    ['limits', { max: 7 }],
  ]);
  t.is(Object.getOwnPropertyDescriptor(back.error, 'message')?.enumerable, false);
  t.false('cause' in (replayed(new TypeError('plain')) as Error));
  t.true('cause' in (replayed(new TypeError('x', { cause: undefined })) as Error));
  t.false(Object.hasOwn(replayed(new Error()) as Error, 'message'));
});

class Money {
  readonly cents = 5;
}
class OddError extends Error {}

test('A12 an instance of a class is refused with its place and its name', (t) => {
  t.deepEqual(refusal({ paid: [new Money()] }), unsupported('result.paid[0]'));
  t.throws(() => encodeValue(new Money()), { message: /instance of Money/ });
  t.deepEqual(refusal(new OddError('x')), unsupported('result'));
  t.deepEqual(refusal(new (class extends Map {})()), unsupported('result'));
  t.deepEqual(refusal(new (class extends Array {})()), unsupported('result'));
  t.deepEqual(refusal(new (class extends Uint8Array {})(2)), unsupported('result'));
  t.deepEqual(refusal(Object('boxed')), unsupported('result'));
  t.deepEqual(refusal(Object.create(Date.prototype)), unsupported('result'));
  t.deepEqual(refusal(Object.create(Map.prototype)), unsupported('result'));
  t.deepEqual(refusal(Object.create(Uint8Array.prototype)), unsupported('result'));
  t.deepEqual(refusal(new WeakMap()), unsupported('result'));
  t.deepEqual(refusal(Math), unsupported('result'), 'never silently {}');
});

test('A13 a circle is refused and says where it closes', (t) => {
  const order: Record<string, unknown> = { lines: [{}] };
  (order['lines'] as Record<string, unknown>[])[0] = { of: order };
  const map = new Map<string, unknown>();
  map.set('self', map);

  t.deepEqual(refusal({ order }), {
    code: 'HF_VALUE_CIRCULAR',
    path: 'result.order.lines[0].of',
  });
  t.throws(() => encodeValue({ order }, 'result'), { message: /of is result\.order, which/ });
  t.is(refusal(map).code, 'HF_VALUE_CIRCULAR');
  const error = new Error('x');
  error.cause = error;
  t.deepEqual(refusal(error), { code: 'HF_VALUE_CIRCULAR', path: 'result.cause' });
});

test('A13 an object in two places comes back in both', (t) => {
  const shared = { n: 1 };

  t.deepEqual(replayed([shared, shared]), [{ n: 1 }, { n: 1 }]);
});

function nested(depth: number, wrap: (inner: unknown) => unknown): unknown {
  let value: unknown = 'x';
  for (let level = 0; level < depth; level += 1) value = wrap(value);
  return value;
}

test('A13 nesting is refused one level beyond the limit, never by a stack overflow', (t) => {
  const wraps: Record<string, (inner: unknown) => unknown> = {
    list: (inner) => [inner],
    object: (inner) => ({ inner }),
    bare: (inner) => Object.assign(Object.create(null), { inner }),
    map: (inner) => new Map([['inner', inner]]),
    field: (inner) => Object.assign(new Error('x'), { inner, stack: '' }),
  };
  for (const [name, wrap] of Object.entries(wraps)) {
    const deepest = nested(VALUE_DEPTH_MAX, wrap);
    t.true(isDeepStrictEqual(replayed(deepest), deepest), name);
    t.notDeepEqual(displayValue(encodeValue(deepest)), { $: 'unreadable' }, name);
    t.is(refusal(nested(VALUE_DEPTH_MAX + 1, wrap)).code, 'HF_VALUE_UNSUPPORTED', name);
    t.is(refusal(nested(5_000, wrap)).code, 'HF_VALUE_UNSUPPORTED', name);
    t.notThrows(() => decodeValue(encodeThrown(nested(5_000, wrap))), name);
  }
});

test('A13 a small value that unfolds without end is refused quickly', (t) => {
  const bomb = nested(60, (inner) => [inner, inner]);
  const startMs = processorMs();

  t.is(refusal(bomb).code, 'HF_VALUE_TOO_LARGE');
  t.notThrows(() => encodeThrown(bomb));
  t.true(processorMs() - startMs < 1_000);
});

test('A14 what is no data is refused with its place', (t) => {
  t.deepEqual(refusal({ items: [1, 2, { fn: () => 1 }] }), unsupported('result.items[2].fn'));
  t.deepEqual(refusal(Symbol('s')), unsupported('result'));
  t.deepEqual(refusal({ 'a b': Symbol('s') }), unsupported('result["a b"]'));
  t.deepEqual(refusal({ [Symbol('s')]: 1 }), unsupported('result'));
  t.deepEqual(refusal([Promise.resolve(1)]), unsupported('result[0]'));
  t.throws(() => encodeValue(Promise.resolve(1)), { message: /await/ });
  t.deepEqual(refusal(new ReadableStream()), unsupported('result'));
  t.deepEqual(refusal(new Map([['a', { f: test }]])), unsupported('result[0].f'));
  t.deepEqual(refusal(new Map([[{ k: test }, 1]])), unsupported('result[0].k'));
  t.deepEqual(refusal(new Set([[test]])), unsupported('result[0][0]'));
  t.deepEqual(refusal(new Error('x', { cause: test })), unsupported('result.cause'));
});

test('A14 a list with holes, or with more than its items, is refused', (t) => {
  // oxlint-disable-next-line no-sparse-arrays -- What is tested.
  t.deepEqual(refusal([1, , 3]), unsupported('result'));
  t.deepEqual(refusal({ match: /b/.exec('abc') }), unsupported('result.match'));
  t.deepEqual(refusal(Object.assign(Array.from({ length: 1 }), { x: 1 })), unsupported('result'));
});

const oddKeys = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  'toJSON',
  'then',
  'length',
  '0',
  '10',
  '-1',
  '01',
  '',
  ' ',
  'é',
  '😀',
  'a\u0000b',
  '$',
  'v',
  '\ud800',
  '\ufeffbom',
  '\ufeff' + 'x'.repeat(100),
  'k'.repeat(300),
];

test('A15 any key and any text comes back, in order, and pollutes nothing', (t) => {
  for (const value of [1, null, { inner: true }, 'text', undefined]) {
    const all = Object.fromEntries(oddKeys.map((key) => [key, value]));
    t.true(isDeepStrictEqual(replayed(all), all));
    t.deepEqual(Object.keys(replayed(all) as object), Object.keys(all));
    for (const key of oddKeys) {
      const one = Object.fromEntries([[key, value]]);
      t.true(isDeepStrictEqual(replayed(one), one), JSON.stringify(key));
    }
  }
  t.true(isDeepStrictEqual(replayed(oddKeys), oddKeys));
  t.is(({} as Record<string, unknown>)['inner'], undefined);
});

test('A15 any text comes back where the codec has no native part', (t) => {
  const texts = JSON.stringify(oddKeys);
  const script = `
    const protocol = await import('${import.meta.resolve('@holdfast/protocol')}');
    const object = Object.fromEntries(${texts}.map((key) => [key, 1]));
    const back = protocol.decodeValue(protocol.encodeValue([${texts}, object]));
    process.stdout.write(JSON.stringify([back[0], Object.keys(back[1])]));`;
  const env = { ...process.env, CBOR_NATIVE_ACCELERATION_DISABLED: 'true' };
  const written = execFileSync(process.execPath, ['--input-type=module', '-e', script], { env });

  const keys = Object.keys(Object.fromEntries(oddKeys.map((key) => [key, 1])));
  t.deepEqual(JSON.parse(String(written)), [oddKeys, keys]);
});

test('A15 an object that looks like a wrapped value comes back as it was', comesBack, [
  { $: 'date', v: 0 },
  { $: 'nonsense' },
  { $: { $: 'error', v: {} } },
  [[{ $: 1 }]],
]);

test('A15 objects without a prototype keep having none', (t) => {
  const bare: unknown = Object.assign(Object.create(null), { b: 1, a: [Object.create(null)] });
  const back = replayed(bare) as Record<string, unknown>;

  t.is(Object.getPrototypeOf(back), null);
  t.deepEqual(Object.keys(back), ['b', 'a']);
  t.is(Object.getPrototypeOf((back['a'] as unknown[])[0]), null);
});

test('A16 halves of surrogate pairs come back', comesBack, [
  '\ud800',
  'a\udc00b',
  '\udc00\ud800',
  '😀',
  { '\udfff': '\ud83d' },
  new Map([['\ud800', 1]]),
  new Error('half \ud800', { cause: '\udc00' }).cause,
]);

test('A17 a value above the limit is refused with its place, without encoding it', (t) => {
  const tooLarge = (path: string) => ({ code: 'HF_VALUE_TOO_LARGE', path });
  t.deepEqual(refusal({ body: 'x'.repeat(10_485_760) }), tooLarge('result.body'));
  t.deepEqual(refusal([new Uint8Array(10_485_760)]), tooLarge('result[0]'));
  t.deepEqual(
    refusal({ rows: Array.from({ length: 1_000_000 }, () => 0) }),
    tooLarge('result.rows'),
  );
  t.is(refusal(1n << 3_000_000n).code, 'HF_VALUE_TOO_LARGE');
  t.is(refusal(['é'.repeat(VALUE_BYTES_MAX - 100)]).code, 'HF_VALUE_TOO_LARGE');
  t.is(refusal('x'.repeat(VALUE_BYTES_MAX)).code, 'HF_VALUE_TOO_LARGE');

  const fits = 'x'.repeat(VALUE_BYTES_MAX - 5);
  t.is(encodeValue(fits).byteLength, VALUE_BYTES_MAX);
  t.is(replayed(fits), fits);
  const many = Array.from({ length: VALUE_ITEMS_MAX - 1 }, () => null);
  t.is((replayed(many) as readonly null[]).length, many.length);
  t.is(refusal([...many, null]).code, 'HF_VALUE_TOO_LARGE');
  const dated = Array.from({ length: VALUE_ITEMS_MAX / 5 }, () => [new Date(5), { a: 1 }]);
  t.deepEqual(refusal(dated), { code: 'stored', path: undefined });
});

test('A18 the encoded form does not follow later changes of the value', (t) => {
  const value = { list: [1], bytes: new Uint8Array([1]) };
  const bytes = encodeValue(value);
  const copy = Uint8Array.from(bytes);

  value.list.push(2);
  value.bytes[0] = 9;
  encodeValue('something else, into the same slab of the encoder');

  t.deepEqual(bytes, copy);
  t.deepEqual(decodeValue(bytes), { list: [1], bytes: new Uint8Array([1]) });
  t.deepEqual(Object.keys(bytes), Object.keys(copy), 'decoding leaves nothing on the bytes');
});

test('A19 getters are not run but refused', (t) => {
  let runs = 0;
  const value = {
    get total() {
      runs += 1;
      return runs;
    },
  };

  t.deepEqual(refusal([value]), unsupported('result[0].total'));
  t.deepEqual(refusal(Object.assign(Object.create(null), { a: value })).path, 'result.a.total');
  t.is(runs, 0);
});

test('A19 a proxy that throws is refused, and the failure is the cause', (t) => {
  const proxy = new Proxy(
    {},
    {
      ownKeys: () => {
        throw new RangeError('trap');
      },
    },
  );

  t.deepEqual(refusal({ proxy }), unsupported('result.proxy'));
  const error = t.throws(() => encodeValue(proxy));
  t.true(error?.cause instanceof RangeError);
});

test('A20 falsy values come back', comesBack, [0, '', false, [], {}, 0n, null]);

const values = fc.anything({
  withBigInt: true,
  withDate: true,
  withMap: true,
  withSet: true,
  withNullPrototype: true,
  withTypedArray: true,
  withUnicodeString: true,
  maxDepth: 5,
  key: fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom(...oddKeys)),
});

test('A21 every value of a supported kind comes back, and shows as JSON', (t) => {
  const limit = { numRuns: 1_500 };
  fc.assert(
    fc.property(values, (value) => {
      const bytes = encodeValue(value);
      // To Node's comparison, one invalid date does not equal another.
      fc.pre(!inspect(value, { depth: Infinity }).includes('Invalid Date'));
      if (!isDeepStrictEqual(decodeValue(bytes), value)) return false;
      return JSON.stringify(displayValue(bytes)) !== undefined;
    }),
    limit,
  );
  t.pass();
});

test('A22 equal values, and what came back, encode to the same bytes', (t) => {
  fc.assert(
    fc.property(values, (value) => {
      const bytes = encodeValue(value);
      t.deepEqual(encodeValue(value), bytes);
      t.deepEqual(encodeValue(decodeValue(bytes)), bytes);
    }),
    { numRuns: 500 },
  );
});

test('values show as people read them', (t) => {
  const shown = displayValue(
    encodeValue({
      at: new Date(0),
      none: undefined,
      big: 12n,
      nan: Number.NaN,
      bytes: new Uint8Array([1, 2]),
      buffer: Buffer.from([3]),
      set: new Set([1]),
      map: new Map([['a', new Date(1)]]),
      pairs: new Map([[1, 2]]),
      re: /x/g,
      url: new URL('http://h/'),
      half: '\ud800',
      floats: new Float32Array([0.5]),
      $: 'dollar',
      bad: new Date(Number.NaN),
    }),
  );

  t.deepEqual(shown, {
    at: '1970-01-01T00:00:00.000Z',
    none: null,
    big: '12',
    nan: 'NaN',
    bytes: { $: 'bytes', base64: 'AQI=' },
    buffer: { $: 'bytes', base64: 'Aw==' },
    set: [1],
    map: { a: '1970-01-01T00:00:00.001Z' },
    pairs: [[1, 2]],
    re: '/x/g',
    url: 'http://h/',
    half: '\ufffd',
    floats: [0.5],
    $: 'dollar',
    bad: 'Invalid Date',
  });
  t.like(displayValue(encodeThrown(new RangeError('m', { cause: 'c' }))), {
    $: 'error',
    name: 'RangeError',
    message: 'm',
    cause: 'c',
  });
});

test('damaged bytes are refused when read and show as unreadable', (t) => {
  const whole = encodeValue({
    at: new Date(0),
    e: new Error('x'),
    r: /x/,
    u: new URL('http://h/'),
    f: new Float64Array(2),
    s: '\ud800',
    o: { $: 1 },
    m: new Map([[1, 2]]),
  });
  const read = (bytes: Uint8Array) => {
    t.notThrows(() => JSON.stringify(displayValue(bytes)));
    try {
      decodeValue(bytes);
    } catch (error) {
      t.true(error instanceof HoldfastError && error.code === 'HF_MESSAGE_INVALID');
    }
  };
  for (let length = 0; length < whole.length; length += 1) read(whole.slice(0, length));
  for (let at = 0; at < whole.length; at += 1) {
    for (const bit of [1, 4, 32, 128]) {
      const damaged = Uint8Array.from(whole);
      damaged[at] = (whole[at] ?? 0) ^ bit;
      read(damaged);
    }
  }
  t.deepEqual(displayValue(whole.slice(1)), { $: 'unreadable' });
});
