import test from 'ava';
import { workflow } from '@holdfast/agent/internal';
import { SimDevice } from '../../support/sim-device.ts';

/** Makes a fresh value each time: what a body gives is then never what comes back. */
type Make = () => unknown;

const kinds: Readonly<Record<string, readonly Make[]>> = {
  'A1 nothing': [() => undefined],
  'A2 A3 A20 next to nothing': [
    ...[() => null, () => 0, () => '', () => false, () => [], () => ({})],
    () => ({ a: undefined, b: [undefined, null, 1] }),
  ],
  'A4 A9 numbers': [
    ...[() => 0n, () => -(2n ** 90n), () => 2n ** 64n, () => NaN, () => Infinity, () => -0],
  ],
  'A5 dates': [() => new Date(5), () => new Date(NaN)],
  'A6 maps and sets': [() => new Map<unknown, unknown>([[{ a: 1 }, 2]]), () => new Set(['x', 1n])],
  'A7 A8 bytes': [
    ...[() => Buffer.from('bytes'), () => Uint8Array.of(1, 2), () => new Float64Array(0)],
    () => new Uint16Array(Uint8Array.of(0, 0, 1, 0, 2, 0).buffer, 2, 2),
    () => new DataView(new ArrayBuffer(8), 3, 2),
    () => Uint8Array.of(7).buffer,
  ],
  'A10 patterns and addresses': [() => /a.b/giu, () => new URL('http://a.example/ä?b#c')],
  'A15 A16 odd keys and text': [
    () => JSON.parse('{"__proto__":1,"constructor":2,"7":3,"":4,"\\u0000":5}') as unknown,
    () => '\ud800 alone',
  ],
};

/** Whether the prototypes are the same one, not only alike. */
function isOfClassOf(value: unknown, other: unknown): boolean {
  if (typeof value !== 'object' || value === null) return typeof value === typeof other;
  return Object.getPrototypeOf(value) === Object.getPrototypeOf(other);
}

for (const [label, makes] of Object.entries(kinds)) {
  test(`${label} from a step are the same live and in a replay`, async (t) => {
    const lives: unknown[][] = [];
    let bodies = 0;
    const code = workflow('values', async (ctx) => {
      const got: unknown[] = [];
      for (const make of makes) {
        got.push(
          await ctx.step('make', () => {
            bodies += 1;
            return make();
          }),
        );
      }
      lives.push(got);
      await ctx.waitFor('end');
      return got;
    });
    const device = new SimDevice();
    await device.start(code);
    await device.begin(code, null);
    await device.restart(code);
    await device.signal('end');

    const made = makes.map((make) => make());
    t.deepEqual(lives, [made, made]);
    t.deepEqual(await device.result(), made);
    for (const life of lives) t.true(life.every((value, at) => isOfClassOf(value, made[at])));
    t.is(bodies, makes.length, 'no body ran again');
  });
}

test('A11 an error that a step returns is no failure, live and in a replay', async (t) => {
  const lives: unknown[] = [];
  const code = workflow('returning', async (ctx) => {
    const cause = new TypeError('cause');
    const error = await ctx.step('make', () => new RangeError('outside', { cause }));
    lives.push([error instanceof RangeError, error.message, (error.cause as Error).message]);
    await ctx.waitFor('end');
  });
  const device = new SimDevice();
  await device.start(code);
  await device.begin(code, null);
  await device.restart(code);
  await device.signal('end');

  const told = [true, 'outside', 'cause'];
  t.deepEqual(lives, [told, told]);
});

for (const [label, make] of Object.entries({
  'A12 an instance of a class': () => new SimDevice(),
  'A13 a circle': () => {
    const circle: { self?: unknown } = {};
    circle.self = circle;
    return circle;
  },
  'A14 a function': () => () => 1,
  'A19 a getter': () => ({
    get now() {
      throw new Error('was run');
    },
  }),
})) {
  test(`${label} fails its step once, and can be caught, live and in a replay`, async (t) => {
    const lives: unknown[] = [];
    let bodies = 0;
    const code = workflow('refused', async (ctx) => {
      const failure: unknown = await ctx
        .step('make', () => {
          bodies += 1;
          return make();
        })
        .catch((error: { cause?: { code?: unknown } }) => error.cause?.code);
      lives.push(failure);
      await ctx.waitFor('end');
    });
    const device = new SimDevice();
    await device.start(code);
    await device.begin(code, null);
    await device.advance(60_000);
    await device.restart(code);
    await device.signal('end');

    const wanted = label.startsWith('A13') ? 'HF_VALUE_CIRCULAR' : 'HF_VALUE_UNSUPPORTED';
    t.deepEqual(lives, [wanted, wanted]);
    t.is(bodies, 1);
  });
}
