import test from 'ava';
import { encodeValue, type HoldfastError } from '@holdfast/protocol';
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

test('E1 E2 every combinator has the same winner in every replay, whoever ended later', async (t) => {
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
    const mapped = await ctx.map([], async () => 1);
    return Promise.race([Promise.race<never>([]), ctx.sleep('1s').then(() => [all, settled, mapped])]);
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

test('E6 E11 branches go on in the order of the journal, and bind to the same entries', async (t) => {
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

test('E7 the loser of a race goes on, unless its scope is cancelled; its end changes nothing', async (t) => {
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

test('E8 ten thousand parallel steps: some at a time, and a small run does not wait for them', async (t) => {
  let atWork = 0;
  let most = 0;
  let done = 0;
  const order: string[] = [];
  const body = async (name: string): Promise<void> => {
    atWork += 1;
    most = Math.max(most, atWork);
    await new Promise((resolve) => setImmediate(resolve));
    atWork -= 1;
    done += 1;
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
  while (done < 10_001) await device.settle();
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

test('F1 sleeps go on over restarts; those past due fire at once, in the order they were due', async (t) => {
  const woken: number[] = [];
  const sleeper = workflow('sleeper', async (ctx, hours: number) => {
    await ctx.sleep(hours * 3_600_000);
    await ctx.step('woken', () => void woken.push(hours));
  });
  const device = new SimDevice();
  await device.start(sleeper);
  for (const hours of [3, 1, 2]) await device.begin(sleeper, hours, `${hours}`);
  await device.advance(2_000);
  device.crash();
  await device.clock.advance(86_400_000);
  await device.start(sleeper);
  await device.advance(0);
  await device.restart(sleeper);
  t.deepEqual(woken, [1, 2, 3]);
});

test('F2 durations and moments are checked before anything is journaled', async (t) => {
  const bad: (number | string | Date)[] = [-1, Number.NaN, Infinity, '', '3 days', '-1s', new Date(Number.NaN)];
  const sleeper = workflow('sleeper', async (ctx) => {
    const codes: string[] = [];
    const note = (error: HoldfastError): number => codes.push(error.code);
    for (const each of bad) {
      if (each instanceof Date) await ctx.sleepUntil(each).catch(note);
      else await ctx.sleep(each).catch(note);
    }
    await ctx.waitFor('x', { timeout: -1 }).catch(note);
    await ctx.step('x', () => 1, { timeout: 'soon' }).catch(note);
    await ctx.sleep(0);
    await ctx.sleep(0.5);
    await ctx.sleepUntil(new Date(0));
    return codes;
  });
  const device = await begun(sleeper);
  for (let i = 0; i < 4; i += 1) await device.advance(1);
  t.deepEqual(await device.result(), Array(9).fill('HF_DURATION_INVALID'));
  t.is((await device.history()).filter((row) => row === 'timer.fired sleep').length, 3);
});

test('F3 D11 a sleep of months is no shorter than it says', async (t) => {
  const sleeper = workflow('sleeper', (ctx) => ctx.sleep('52w'));
  const device = await begun(sleeper);
  await device.advance(363 * 86_400_000);
  t.is(await device.state(), 'sleeping');
  await device.restart(sleeper);
  await device.advance(86_400_000);
  t.is(await device.state(), 'completed');
});

test('F4 setting the clock neither hurries nor delays a sleep, on or off', async (t) => {
  const sleeper = workflow('sleeper', async (ctx) => {
    await ctx.sleep('2h');
    await ctx.sleep('2h');
  });
  const device = await begun(sleeper);
  device.clock.setWall(device.clock.nowMs() + 86_400_000);
  await device.advance(3_600_000);
  t.is(await device.state(), 'sleeping');
  device.clock.setWall(0);
  await device.advance(3_600_000);
  t.deepEqual((await device.history()).filter((row) => row.startsWith('timer.fired')).length, 1);

  // Without a battery it wakes up in 1970: the rest of the sleep is made up for at most once.
  await device.advance(3_600_000);
  device.crash();
  device.clock.setWall(0);
  await device.start(sleeper);
  await device.advance(7_200_000);
  t.is(await device.state(), 'completed');
});

test('F5 now, random and uuid are the same in every replay, and independent of each other', async (t) => {
  const draws = (more: boolean) =>
    workflow('draws', async (ctx) => {
      const first = [ctx.now(), ctx.random()];
      if (more) ctx.uuid();
      await ctx.sleep('1s');
      const second = [ctx.now(), ctx.random()];
      await ctx.waitFor('end');
      return [first, second];
    });
  const results: unknown[] = [];
  for (const more of [false, true]) {
    const device = await begun(draws(false));
    await device.advance(1_000);
    await device.restart(draws(more));
    await device.signal('end');
    results.push(await device.result());
  }
  t.deepEqual(results[0], results[1], 'a uuid more changes no random');
  const [[now, random], [later, next]] = results[0] as [[number, number], [number, number]];
  t.is(later - now, 1_000);
  t.not(random, next);
});

test('F6 F7 F8 a wait has one end: timer or signal, whichever the journal has first', async (t) => {
  const waiter = workflow('waiter', async (ctx) => {
    const ends: unknown[] = [];
    for (let i = 0; i < 3; i += 1) {
      ends.push(await ctx.waitFor('s', { timeout: '5s' }).catch(codeOf));
    }
    await ctx.waitFor('end');
    return ends;
  });
  const device = await begun(waiter);
  await device.advance(5_000);
  await Promise.all([device.advance(5_000), device.signal('s', 'same instant')]);
  await device.settle();
  await device.advance(20_000);
  await device.signal('s', 'late');
  await device.restart(waiter);
  await device.signal('end');

  const [first, second] = (await device.result()) as unknown[];
  t.is(first, 'HF_WAIT_TIMEOUT');
  t.is(second, 'same instant');
  const timers = (await device.history()).filter((row) => row === 'timer.fired s');
  t.is(timers.length, 2, 'the timer of a wait that has ended fires for nobody');
});

test('F9 a process that was held for hours goes on where time is now', async (t) => {
  const device = new SimDevice();
  const times: number[] = [];
  const sleeper = workflow('sleeper', async (ctx) => {
    await ctx.sleep('1h');
    times.push(await ctx.step('look', () => device.clock.nowMs()));
    await ctx.sleep('1h');
  });
  await device.start(sleeper);
  const startMs = device.clock.nowMs();
  await device.begin(sleeper, null);
  // One leap: nothing was served in between.
  device.clock.setWall(startMs + 5 * 3_600_000);
  await device.advance(3_600_000);
  t.deepEqual(times, [startMs + 6 * 3_600_000]);
  t.is(await device.state(), 'sleeping');
});

test('G1 G3 signals are kept before anybody waits: in order by name, names for themselves', async (t) => {
  const listener = workflow('listener', async (ctx) => {
    await ctx.sleep('1h');
    const waits = [ctx.waitFor('a'), ctx.waitFor('a'), ctx.waitFor('A'), ctx.waitFor('a')];
    return Promise.all(waits);
  });
  const device = await begun(listener);
  for (const [name, value] of [['a', 1], ['A', 'other'], ['a', 2]] as const) {
    await device.signal(name, value);
  }
  await device.restart(listener);
  await device.advance(3_600_000);
  await device.signal('a', 3);
  t.deepEqual(await device.result(), [1, 2, 'other', 3], 'who waits first is served first');
});

test('G2 a signal right behind the start is kept, though the code has not begun', async (t) => {
  const listener = workflow('listener', (ctx) => ctx.waitFor('hello'));
  const device = new SimDevice();
  await device.start(listener);
  await device.begin(listener, null);
  await device.signal('hello', 1, { id: 'h' });
  // Both can be repeated by a caller who does not know how far it came.
  await device.begin(listener, null);
  t.is(await device.result(), 1);
  await t.throwsAsync(device.signal('hello', 1, { run: 'nobody' }), { code: 'HF_RUN_UNKNOWN' });
});

test('G4 of two waits, the second may be served first', async (t) => {
  const both = workflow('both', (ctx) => Promise.all([ctx.waitFor('a'), ctx.waitFor('b')]));
  const device = await begun(both);
  await device.signal('b', 'B');
  await device.restart(both);
  await device.signal('a', 'A');
  t.deepEqual(await device.result(), ['A', 'B']);
});

test('G5 G8 a signal counts once by its id, and is durable once it was accepted', async (t) => {
  const listener = workflow('listener', async (ctx) => [await ctx.waitFor('s'), await ctx.waitFor('s')]);
  const device = await begun(listener);
  for (let i = 0; i < 3; i += 1) {
    await device.runtime.signal({ run: 'run-1', name: 's', payload: Uint8Array.of(0xf6), id: 'x' });
    await device.restart(listener);
  }
  t.is(await device.state(), 'waiting-signal');
  await device.signal('s', 2);
  t.deepEqual(await device.result(), [null, 2]);
});

test('G6 a signal begins no step again: not at work, not between attempts, not in clean-up', async (t) => {
  const bodies: string[] = [];
  const gate = gates();
  const busy = workflow('busy', async (ctx) => {
    await ctx.step('book', () => 1, {
      compensate: () => {
        bodies.push('undo');
        return gate.wait('undo');
      },
    });
    await ctx.step('work', () => {
      bodies.push('work');
      return gate.wait('work');
    });
    await ctx.step('retried', ({ attempt }) => {
      bodies.push(`retried ${attempt}`);
      throw new Error('no');
    }, { retry: { attempts: 2, minDelay: '1h' } });
  });
  const device = await begun(busy);
  await device.signal('x');
  gate.open('work');
  await device.settle();
  await device.signal('x');
  await device.restart(busy);
  await device.signal('x');
  await device.advance(3_600_000);
  await device.signal('x');
  gate.open('undo');
  await device.settle();

  t.deepEqual(bodies, ['work', 'retried 1', 'retried 2', 'undo']);
  t.is(await device.state(), 'failed');
});

test('G7 a signal to a run that has ended, or never was, is refused by name', async (t) => {
  const quick = workflow('quick', async () => 1);
  const listener = workflow('listener', (ctx) => ctx.waitFor('s'));
  const device = new SimDevice();
  await device.start(quick, listener);
  await device.begin(quick, null);
  await device.begin(listener, null, 'cancelled');
  await device.runtime.cancel({ run: 'cancelled', reason: 'no' });
  await device.settle();
  await t.throwsAsync(device.signal('s'), { code: 'HF_RUN_FINISHED' });
  await t.throwsAsync(device.signal('s', 1, { run: 'cancelled' }), { code: 'HF_RUN_FINISHED' });
  await t.throwsAsync(device.signal('s', 1, { run: 'nobody' }), { code: 'HF_RUN_UNKNOWN' });
});

test('G9 signals that nobody has waited for go over into the next history, with their ids', async (t) => {
  const looping = workflow('looping', async (ctx, input: { got: unknown[] }) => {
    const got = [...input.got, await ctx.waitFor('s')];
    return got.length === 3 ? got : ctx.continueAsNew({ got });
  });
  const device = new SimDevice();
  await device.start(looping);
  await device.begin(looping, { got: [] });
  await device.runtime.pause('run-1', 'so that they gather');
  for (const value of [1, 2]) await device.signal('s', value, { id: `s${value}` });
  await device.runtime.resume('run-1');
  await device.restart(looping);
  await device.signal('s', 2, { id: 's2' });
  await device.signal('s', 3, { id: 's3' });

  t.deepEqual(await device.result(), [1, 2, 3], 'an id counts once, whichever history has it');
});

test('G10 a payload that the workflow does not take refuses the sender, not the run', async (t) => {
  const approval = workflow('approval', (ctx) => ctx.waitFor<{ ok: boolean }>('approve'), {
    signals: {
      approve(payload) {
        if (typeof (payload as { ok?: unknown } | null)?.ok !== 'boolean') {
          throw new TypeError('ok is no boolean');
        }
      },
    },
  });
  const device = await begun(approval);
  const refused = await t.throwsAsync(device.signal('approve', { ok: 'yes' }), {
    code: 'HF_SIGNAL_REFUSED',
    message: /ok is no boolean/,
  });
  t.true((refused as HoldfastError).cause instanceof TypeError);
  t.deepEqual(await device.history(), ['run.started']);
  await device.restart(approval);
  await t.throwsAsync(device.signal('approve'), { code: 'HF_SIGNAL_REFUSED' });
  await device.signal('approve', { ok: true });
  t.deepEqual(await device.result(), { ok: true });
});

test('G11 names of signals are compared exactly; none is empty', async (t) => {
  const listener = workflow('listener', (ctx) => ctx.waitFor('é'));
  const device = await begun(listener);
  await device.signal('e\u0301', 'decomposed');
  await device.signal('É', 'capital');
  t.is(await device.state(), 'waiting-signal');
  await t.throwsAsync(device.signal('', 1), { code: 'HF_NAME_INVALID' });
  await device.signal('é', 'exact');
  t.is(await device.result(), 'exact');
});

test('G12 ten thousand signals at once are all kept, in order', async (t) => {
  const counter = workflow('counter', async (ctx) => {
    await ctx.sleep('1s');
    let isOrdered = true;
    for (let i = 0; i < 10_000; i += 1) isOrdered &&= (await ctx.waitFor('n')) === i;
    return isOrdered;
  });
  const device = await begun(counter);
  await Promise.all(
    Array.from({ length: 10_000 }, (_, i) =>
      device.runtime.signal({ run: 'run-1', name: 'n', payload: encodeValue(i) }),
    ),
  );
  await device.restart(counter);
  await device.advance(1_000);
  for (let i = 0; i < 400 && (await device.state()) !== 'completed'; i += 1) await device.settle();
  t.is(await device.result(), true);
});
