import { isDeepStrictEqual, types } from 'node:util';
import { runInNewContext } from 'node:vm';
import test from 'ava';
import * as fc from 'fast-check';
import {
  HoldfastError,
  THROWN_BYTES_MAX,
  decodeValue,
  displayValue,
  encodeThrown,
  encodeValue,
} from '@holdfast/protocol';

const caught = (thrown: unknown): unknown => decodeValue(encodeThrown(thrown));

/** An error as an error: fails the test when something else came back. */
function caughtError(thrown: unknown): Error & Record<string, unknown> {
  const error = caught(thrown);
  if (!(error instanceof Error)) throw new TypeError(`came back as ${String(error)}`);
  return error as Error & Record<string, unknown>;
}

class Money {
  readonly cents = 5;
}
class OddError extends Error {}

test('C1 a thrown error keeps what it says, what it carries and what caused it', (t) => {
  const root = new SyntaxError('root');
  const middle = new Error('middle', { cause: root });
  const thrown = Object.assign(new TypeError('top', { cause: middle }), {
    code: 'E_TOP',
    errno: -2,
    when: new Date(0),
    name: 'CustomName',
  });
  const back = caughtError(thrown);

  t.true(back instanceof TypeError);
  t.deepEqual([back.name, back.message, back.stack], ['CustomName', 'top', thrown.stack]);
  t.like(back, { code: 'E_TOP', errno: -2, when: new Date(0) });
  t.is((back.cause as Error).stack, middle.stack);
  t.true((back.cause as Error).cause instanceof SyntaxError);
  t.is(((back.cause as Error).cause as Error).message, 'root');
});

test('C1 an aggregate keeps its errors', (t) => {
  const back = caught(new AggregateError([new RangeError('a'), 'b'], 'all failed'));

  t.true(back instanceof AggregateError && back.errors[0] instanceof RangeError);
  t.is((back as AggregateError).errors[1], 'b');
  t.is(Object.getOwnPropertyDescriptor(back, 'errors')?.enumerable, false);
});

test('C1 an error of a class of its own keeps its name, its fields and its built-in base', (t) => {
  class PaymentError extends RangeError {
    override readonly name = 'PaymentError';
    readonly order: string;
    readonly #secret = 1;
    constructor(order: string) {
      super(`order ${order}`);
      this.order = order;
    }
    get computed(): number {
      return this.#secret;
    }
  }
  const back = caughtError(new PaymentError('A-1'));

  t.true(back instanceof RangeError);
  t.like(back, { name: 'PaymentError', message: 'order A-1', order: 'A-1' });
  t.regex(back.stack ?? '', /PaymentError|RangeError/);
});

test('C1 an error of ours keeps code, hint and details', (t) => {
  const thrown = new HoldfastError('HF_STEP_FAILED', {
    why: 'charge',
    details: { attempt: 3 },
    cause: new Error('declined'),
  });
  const back = caught(thrown);

  t.true(back instanceof HoldfastError);
  t.true(isDeepStrictEqual(back, thrown));
  t.is((back as HoldfastError).stack, thrown.stack);
  t.true(isDeepStrictEqual(decodeValue(encodeValue(thrown)), thrown));
});

test('C1 an error of ours from a newer version keeps its name and code', (t) => {
  const thrown = Object.assign(new HoldfastError('HF_USAGE'), { code: 'HF_FROM_THE_FUTURE' });
  const back = caughtError(thrown);

  t.like(back, { name: 'HoldfastError', code: 'HF_FROM_THE_FUTURE', message: thrown.message });
});

test('C2 what is caught is the same however often it is stored', (t) => {
  const thrown = Object.assign(new OddError('x', { cause: { deep: [() => 1] } }), { fn: () => 1 });
  const once = encodeThrown(thrown);

  t.deepEqual(encodeThrown(decodeValue(once)), encodeThrown(decodeValue(once)));
  t.true(isDeepStrictEqual(caught(decodeValue(once)), decodeValue(once)));
});

test('C3 instanceof holds for the built-in classes', (t) => {
  for (const Class of [
    Error,
    EvalError,
    RangeError,
    ReferenceError,
    SyntaxError,
    TypeError,
    URIError,
  ]) {
    const back = caughtError(new Class('m'));
    t.is(Object.getPrototypeOf(back), Class.prototype);
    t.true(types.isNativeError(back));
    t.is(back.name, Class.name);
  }
  const aborted = caught(AbortSignal.abort().reason);
  t.true(aborted instanceof DOMException);
  t.like(aborted, { name: 'AbortError', code: 20, message: 'This operation was aborted' });
});

test('C3 an error from another realm is an error', (t) => {
  const back = caughtError(runInNewContext('new RangeError("elsewhere")'));

  t.like(back, { name: 'RangeError', message: 'elsewhere' });
});

test('C4 what is thrown and no error comes back as it was', (t) => {
  const thrown = [
    'text',
    '',
    0,
    -0,
    undefined,
    null,
    false,
    12n,
    { a: 1 },
    [1],
    Object.freeze({ b: 2 }),
    new Date(5),
    new Map([[1, 2]]),
  ];
  for (const value of thrown) t.true(isDeepStrictEqual(caught(value), value));
});

test('C4 what cannot be stored leaves a text or its fields behind', (t) => {
  t.regex(String(caught(() => 1)), /^\[.*function\]$/);
  t.regex(String(caught(Symbol('s'))), /^\[.*symbol\]$/);
  t.regex(String(caught(Promise.resolve())), /promise/);
  t.deepEqual(caught(new Money()), { cents: 5 });
});

test('C5 an error with a circular cause is caught', (t) => {
  const thrown = new Error('around');
  const inner = new Error('inner', { cause: thrown });
  thrown.cause = inner;
  const back = caughtError(thrown);

  t.is((back.cause as Error).message, 'inner');
  t.regex(String((back.cause as Error).cause), /^\[.*contains it\]$/);
});

test('C5 getters that throw do not hide the error', (t) => {
  const boom = {
    enumerable: true,
    get: () => {
      throw new Error('boom');
    },
  };
  const thrown = Object.defineProperties(new RangeError('kept'), {
    bad: boom,
    good: { enumerable: true, get: () => 7 },
  });
  const back = caughtError(thrown);

  t.is(back.message, 'kept');
  t.is(back['good'], 7);
  t.regex(String(back['bad']), /cannot be read/);
  const nameless = Object.assign(new Error('x'), { name: Object.create(null) });
  t.true(caught(nameless) instanceof Error, 'a name that is no text, of which no stack is made');
  for (const key of ['name', 'message', 'stack', 'cause', 'code', 'constructor']) {
    const hostile = Object.defineProperty(new Error('x'), key, boom);
    t.true(caught(hostile) instanceof Error, key);
  }
  t.true(
    encodeThrown(
      new Proxy(new Error('x'), {
        get: () => {
          throw new Error('y');
        },
      }),
    ).length > 0,
  );
});

test('C5 a long message is cut, and says so', (t) => {
  for (const char of ['x', 'é', '漢', '😀', '\ud800']) {
    const thrown = new Error(char.repeat(1_048_576));
    const bytes = encodeThrown(thrown);
    const { message } = caughtError(thrown);
    t.true(bytes.byteLength <= THROWN_BYTES_MAX);
    t.true(message.startsWith(char.repeat(100)));
    t.regex(message, /cut: \d+ characters\]$/);
  }
});

test('C5 an error that carries half the program is cut to its bounds', (t) => {
  const socket = { buffers: Array.from({ length: 1_000 }, () => new Uint8Array(10_000)) };
  const thrown = Object.assign(new Error('refused'), {
    code: 'ECONNREFUSED',
    config: { adapter: () => 1, data: 'y'.repeat(100_000), self: {} },
    request: socket,
    rows: Array.from({ length: 50_000 }, (_, index) => ({ [`key${index}`]: index })),
    wide: Object.fromEntries(Array.from({ length: 50_000 }, (_, index) => [`k${index}`, 0.1])),
  });
  const bytes = encodeThrown(thrown);
  const back = caughtError(thrown);

  t.true(bytes.byteLength <= THROWN_BYTES_MAX);
  t.like(back, { message: 'refused', code: 'ECONNREFUSED' });
  t.deepEqual((back['rows'] as unknown[])[0], { key0: 0 });
  t.is((back['rows'] as unknown[]).at(-1), '[and more]');
});

test('C5 anything that can be thrown can be stored', (t) => {
  const anything = fc.anything({
    withBigInt: true,
    withBoxedValues: true,
    withDate: true,
    withMap: true,
    withSet: true,
    withNullPrototype: true,
    withSparseArray: true,
    withTypedArray: true,
    withUnicodeString: true,
  });
  fc.assert(
    fc.property(anything, anything, fc.string({ unit: 'binary' }), (a, b, text) => {
      for (const thrown of [a, Object.assign(new OddError(text, { cause: a }), { b, [text]: a })]) {
        const bytes = encodeThrown(thrown);
        t.true(bytes.byteLength <= THROWN_BYTES_MAX);
        decodeValue(bytes);
        JSON.stringify(displayValue(bytes));
      }
    }),
    { numRuns: 500 },
  );
  t.pass();
});
