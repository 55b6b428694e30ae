import test from 'ava';
import type { HoldfastError } from '@holdfast/protocol';
import { workflow, type MapOptions, type MapResult, type Workflow } from '@holdfast/agent/internal';
import { SimDevice } from '../../support/sim-device.ts';

type AnyWorkflow = Workflow<never, unknown>;

async function begun(code: AnyWorkflow, input: unknown = null): Promise<SimDevice> {
  const device = new SimDevice();
  await device.start(code);
  await device.begin(code, input);
  return device;
}

/** A body that ends when it is told to, by name. */
function gates() {
  const open = new Map<string, () => void>();
  return {
    wait: (name: string) => new Promise<string>((end) => open.set(name, () => end(name))),
    open: (name: string) => open.get(name)?.(),
    names: () => [...open.keys()],
  };
}

const codeOf = (error: HoldfastError): string => error.code;

test('E1 E2 every combinator has the same winner in every replay', async (t) => {
  const gate = gates();
  const child = workflow('child', async (ctx) => ctx.waitFor('never'));
  const racers = workflow('racers', async (ctx) => {
    const arms = () => [
      ctx.step('slow', () => gate.wait('slow')),
      ctx.step('quick', () => gate.wait('quick')),
      ctx.sleep('1h').then(() => 'timer'),
      ctx.waitFor<string>('go'),
      ctx.child(child, undefined).then(() => 'child'),
    ];
    const four = arms();
    const race = Promise.race(four);
    const any = Promise.any(four);
    const winners = [await race, await any];
    const rest = await Promise.allSettled(four.slice(0, 4));
    await ctx.waitFor('end');
    return [...winners, ...rest.map((each) => each.status)];
  });
  const device = new SimDevice();
  await device.start(racers, child);
  await device.begin(racers, null);
  gate.open('quick');
  await device.settle();
  gate.open('slow');
  await device.signal('go', 'signal');
  await device.advance(3_600_000);
  for (let i = 0; i < 2; i += 1) await device.restart(racers, child);
  await device.signal('end');

  const fulfilled = ['fulfilled', 'fulfilled', 'fulfilled', 'fulfilled'];
  t.deepEqual(await device.result(), ['quick', 'quick', ...fulfilled]);
});

test('E3 no items: all and allSettled are empty at once, a race waits for ever', async (t) => {
  const empty = workflow('empty', async (ctx) => {
    const all = await Promise.all([]);
    const settled = await Promise.allSettled([]);
    const none = await ctx.map([], async () => 1);
    const end = ctx.sleep('1s').then(() => [all, settled, none]);
    return Promise.race([Promise.race<never>([]), end]);
  });
  const device = await begun(empty);
  await device.advance(1_000);
  t.deepEqual(await device.result(), [[], [], []]);
});

test('E4 when all fails fast, the others go on and are journaled', async (t) => {
  const gate = gates();
  const hasty = workflow('hasty', async (ctx) => {
    const caught = await Promise.all([
      ctx.step('bad', () => Promise.reject(new Error('no')), { retry: false }),
      ctx.step('good', () => gate.wait('good')),
    ]).catch(codeOf);
    await ctx.waitFor('end');
    return caught;
  });
  const device = await begun(hasty);
  gate.open('good');
  await device.settle();
  t.true((await device.history()).includes('step.completed good'));
  await device.restart(hasty);
  await device.signal('end');
  t.is(await device.result(), 'HF_STEP_FAILED');
});

test('E5 combinators may be nested and share their promises', async (t) => {
  const gate = gates();
  const nested = workflow('nested', async (ctx) => {
    const shared = ctx.step('shared', () => gate.wait('shared'));
    const other = ctx.step('other', () => gate.wait('other'));
    const result = await Promise.all([
      Promise.race([shared, ctx.sleep('1h')]),
      Promise.race([other, shared]),
      Promise.any([Promise.all([shared, other]), ctx.waitFor('never')]),
    ]);
    await ctx.waitFor('end');
    return result;
  });
  const device = await begun(nested);
  gate.open('other');
  await device.settle();
  gate.open('shared');
  await device.settle();
  await device.restart(nested);
  await device.signal('end');
  t.deepEqual(await device.result(), ['shared', 'other', ['shared', 'other']]);
});

test('E6 E11 branches go on in the order of the journal, in every replay', async (t) => {
  const make = (log: string[], gate: ReturnType<typeof gates>) =>
    workflow('branches', async (ctx) => {
      const branch = async (name: string): Promise<void> => {
        for (let i = 0; i < 3; i += 1) {
          log.push(await ctx.step(`${name}${i}`, () => gate.wait(`${name}${i}`)));
        }
      };
      await Promise.all([branch('a'), branch('b'), branch('c')]);
      await ctx.waitFor('end');
      return log;
    });
  const gate = gates();
  const live: string[] = [];
  const device = await begun(make(live, gate));
  for (const name of ['c0', 'a0', 'c1', 'b0', 'c2', 'b1', 'a1', 'a2', 'b2']) {
    gate.open(name);
    await device.settle();
  }
  t.deepEqual(live, ['c0', 'a0', 'c1', 'b0', 'c2', 'b1', 'a1', 'a2', 'b2']);
  const again: string[] = [];
  await device.restart(make(again, gates()));
  await device.signal('end');
  t.deepEqual(await device.result(), live);
});

test('E7 the loser of a race goes on, unless its scope is cancelled', async (t) => {
  const gate = gates();
  const aborted: string[] = [];
  const race = workflow('race', async (ctx) => {
    const kept = ctx.step('kept', () => gate.wait('kept'));
    const dropped = ctx.scope((part) =>
      part.step('dropped', ({ signal }) => {
        signal.addEventListener('abort', () => aborted.push('dropped'));
        return gate.wait('dropped');
      }),
    );
    const winner = await Promise.race([kept, dropped.result, ctx.sleep('1s').then(() => 'timer')]);
    dropped.cancel('lost');
    const end = await dropped.result.catch(codeOf);
    await ctx.waitFor('end');
    return [winner, end];
  });
  const device = await begun(race);
  await device.advance(1_000);
  t.deepEqual(aborted, ['dropped']);
  gate.open('dropped');
  gate.open('kept');
  await device.settle();
  const history = await device.history();
  t.true(history.includes('step.completed kept'));
  t.false(history.includes('step.completed dropped'));
  await device.restart(race);
  await device.signal('end');
  t.deepEqual(await device.result(), ['timer', 'HF_RUN_CANCELLED']);
});

test('E8 of ten thousand steps some are at work, and a small run does not wait', async (t) => {
  let atWork = 0;
  let most = 0;
  const order: string[] = [];
  const body = async (name: string): Promise<void> => {
    atWork += 1;
    most = Math.max(most, atWork);
    await new Promise((resolve) => setImmediate(resolve));
    atWork -= 1;
    order.push(name);
  };
  const wide = workflow('wide', async (ctx) => {
    await Promise.all(Array.from({ length: 10_000 }, () => ctx.step('one', () => body('wide'))));
  });
  const small = workflow('small', (ctx) => ctx.step('one', () => body('small')));
  const device = new SimDevice();
  await device.start(wide, small);
  await device.begin(wide, null);
  await device.begin(small, null, 'small');
  for (let i = 0; i < 2_000 && order.length < 10_001; i += 1) await device.settle();
  for (let i = 0; i < 300; i += 1) await device.settle();

  t.is(most, 64);
  t.true(order.indexOf('small') < 9_000, `${order.indexOf('small')}`);
  t.is(await device.state(), 'completed');
});

test('E8 a body that ignores its abort keeps no place; the number can be set', async (t) => {
  const device = new SimDevice();
  device.stepsAtOnce = 1;
  const deaf = workflow('deaf', (ctx) => ctx.step('deaf', () => new Promise(() => {})));
  const next = workflow('next', (ctx) => ctx.step('next', () => 'went'));
  await device.start(deaf, next);
  await device.begin(deaf, null);
  await device.begin(next, null, 'next');
  t.is(await device.state('next'), 'running');
  await device.runtime.cancel({ run: 'run-1', reason: 'deaf' });
  await device.settle();
  t.is(await device.result('next'), 'went');

  const wrong = new SimDevice();
  wrong.stepsAtOnce = 0;
  await t.throwsAsync(wrong.start(next), { code: 'HF_CONFIG_INVALID' });
});

/** `x` fails; every other item gives itself, when its gate is opened. */
async function mapped(items: readonly string[], options: MapOptions, opened: readonly string[]) {
  const gate = gates();
  const code = workflow('mapping', async (ctx) => {
    const results = await ctx
      .map(
        items,
        (item, part, index) =>
          part.step(`item ${index}`, async () => {
            await gate.wait(`${index}`);
            if (item === 'x') throw new Error('x');
            return item;
          }, { retry: false }),
        options,
      )
      .catch((error: HoldfastError) => error.code);
    await ctx.waitFor('end');
    return results;
  });
  const device = await begun(code);
  for (const name of opened) {
    gate.open(name);
    await device.settle();
  }
  await device.restart(code);
  await device.signal('end');
  return { result: await device.result().catch(() => undefined), begun: gate.names() };
}

const short = (results: unknown): unknown =>
  Array.isArray(results)
    ? (results as MapResult<string>[]).map((each) =>
        each.status === 'fulfilled' ? each.value : each.status,
      )
    : results;

test('E9 a map gives results in the order of the items, a few at a time', async (t) => {
  const all = await mapped(['a', 'b', 'c', 'd'], { concurrency: 2 }, ['1', '0', '3', '2']);
  t.deepEqual(short(all.result), ['a', 'b', 'c', 'd']);
  const some = await mapped(['a', 'b', 'c', 'd'], { concurrency: 2 }, []);
  t.deepEqual(some.begun, ['0', '1']);
});

test('E9 a map ends when enough succeeded, or when more failed than is tolerated', async (t) => {
  const wide = { concurrency: 9 };
  const at = ['0', '1', '2', '3'];
  const items = ['x', 'b', 'x', 'd'];
  t.is(short((await mapped(items, wide, at)).result), 'HF_MAP_FAILED');
  const two = await mapped(items, { ...wide, toleratedFailures: 2 }, at);
  t.deepEqual(short(two.result), ['rejected', 'b', 'rejected', 'd'], 'exactly as many are borne');
  const one = await mapped(items, { ...wide, toleratedFailures: 1 }, at);
  t.is(short(one.result), 'HF_MAP_FAILED');
  const enough = await mapped(items, { ...wide, minSuccessful: 1 }, at);
  t.deepEqual(short(enough.result), ['rejected', 'b', 'skipped', 'skipped']);
});

test('E9 a map of nothing gives nothing, at once and in a replay', async (t) => {
  t.deepEqual((await mapped([], {}, [])).result, []);
  t.deepEqual((await mapped([], { minSuccessful: 0 }, [])).result, []);
  t.is((await mapped([], { minSuccessful: 1 }, [])).result, 'HF_CONFIG_INVALID');
});

test('E9 limits of a map that make no sense are refused before any item', async (t) => {
  for (const options of [
    { concurrency: 0 },
    { concurrency: 1.5 },
    { minSuccessful: 3 },
    { minSuccessful: -1 },
    { toleratedFailures: -1 },
  ]) {
    const { result, begun: items } = await mapped(['a', 'b'], options, []);
    t.is(result, 'HF_CONFIG_INVALID');
    t.deepEqual(items, []);
  }
});

test('E9 maps may be nested, and an item may wait for days', async (t) => {
  const nested = workflow('nested', (ctx) =>
    ctx.map(['a', 'b'], async (outer, part) => {
      await part.sleep(outer === 'a' ? '2d' : '1d');
      const inner = await part.map([1, 2], (each, own) => own.step('in', () => `${outer}${each}`));
      return short(inner);
    }),
  );
  const device = await begun(nested);
  await device.advance(86_400_000);
  await device.restart(nested);
  await device.advance(86_400_000);
  t.deepEqual(short(await device.result()), [['a1', 'a2'], ['b1', 'b2']]);
});

test('E10 a map that ended early has the same members in every replay', async (t) => {
  const { result } = await mapped(['a', 'b', 'c', 'd', 'e'], { concurrency: 5, minSuccessful: 2 }, [
    '3',
    '1',
    '0',
    '4',
  ]);
  t.deepEqual(short(result), ['skipped', 'b', 'skipped', 'd', 'skipped']);
});

test('E10 an item that ends behind the end of its map is none of its members', async (t) => {
  const late = workflow('late', async (ctx) => {
    const results = await ctx.map(
      ['quick', 'shielded'],
      async (item, inner) =>
        item === 'quick' ? item : inner.shielded((own) => own.sleep('1h').then(() => item)),
      { minSuccessful: 1 },
    );
    await ctx.waitFor('end');
    return results.map(({ status }) => status);
  });
  const device = await begun(late);
  await device.advance(3_600_000);
  await device.restart(late);
  await device.signal('end');

  t.deepEqual(await device.result(), ['fulfilled', 'skipped']);
});
