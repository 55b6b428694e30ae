import test from 'ava';
import { encodeValue, type HoldfastError } from '@holdfast/protocol';
import { signal, workflow, type Workflow } from '@holdfast/agent/internal';
import { SimDevice } from '../../support/sim-device.ts';

async function begun(code: Workflow<never, unknown>, input: unknown = null): Promise<SimDevice> {
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
  };
}

const codeOf = (error: HoldfastError): string => error.code;

test('F1 sleeps go on over restarts; those past due fire in their order', async (t) => {
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
  const bad = [-1, Number.NaN, Infinity, '', '3 days', '-1s', new Date(Number.NaN)];
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

test('F5 now, random and uuid are the same in every replay, and independent', async (t) => {
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

test('G1 G3 signals that nobody waits for yet are kept, in order, by name', async (t) => {
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
  const input = encodeValue(null);
  await device.runtime.start({ workflow: 'listener', input, id: 'run-1' });
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
  const listener = workflow('listener', async (ctx) => {
    return [await ctx.waitFor('s'), await ctx.waitFor('s')];
  });
  const device = await begun(listener);
  for (let i = 0; i < 3; i += 1) {
    await device.runtime.signal({ run: 'run-1', name: 's', payload: Uint8Array.of(0xf6), id: 'x' });
    await device.restart(listener);
  }
  t.is(await device.state(), 'waiting-signal');
  device.store.holdWrites();
  let isTaken = false;
  const sent = device.signal('s', 2).then(() => (isTaken = true));
  await device.settle();
  t.false(isTaken, 'before it is on the disk, nobody is told that it is');
  device.store.releaseWrites();
  await sent;
  t.deepEqual(await device.result(), [null, 2]);
});

test('G5 a signal that is sent again after the end of its run counted, and says so', async (t) => {
  const twice = workflow('twice', async (ctx, round: number) => {
    await ctx.waitFor('s');
    return round === 2 ? 'done' : ctx.continueAsNew(round + 1);
  });
  const device = await begun(twice, 1);
  for (const id of ['first', 'second']) await device.signal('s', 1, { id });
  t.is(await device.state(), 'completed');

  await device.signal('s', 1, { id: 'second' });
  await device.restart(twice);
  for (const id of ['first', 'second']) await device.signal('s', 1, { id });

  await t.throwsAsync(device.signal('s', 1, { id: 'third' }), { code: 'HF_RUN_FINISHED' });
  await t.throwsAsync(device.signal('s', 1), { code: 'HF_RUN_FINISHED' });
  t.is((await device.history()).filter((row) => row === 'signal.received s').length, 1);
});

test('G3 G5 a signal that two send at once is one; who waits first gets it', async (t) => {
  const listener = workflow('listener', (ctx) => Promise.all([ctx.waitFor('s'), ctx.waitFor('s')]));
  const device = await begun(listener);

  await Promise.all([1, 2, 3].map((value) => device.signal('s', value, { id: 'same' })));

  t.is(await device.state(), 'waiting-signal');
  await device.signal('s', 4, { id: 'other' });
  t.deepEqual(await device.result(), [1, 4]);
});

test('G6 a signal begins no step again, wherever it comes', async (t) => {
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

  // While the note of its end is on its way to the disk, too.
  const input = encodeValue(null);
  await device.runtime.start({ workflow: 'quick', input, id: 'ending' });
  device.store.holdWrites();
  await device.settle();
  const late = device.signal('s', 1, { run: 'ending' });
  device.store.releaseWrites();
  await t.throwsAsync(late, { code: 'HF_RUN_FINISHED' });
});

test('G8 a signal that was long on its way to the disk wakes its run after a crash', async (t) => {
  const waiter = workflow('waiter', (ctx) => ctx.waitFor<string>('go'));
  const device = await begun(waiter);
  await device.advance(2_000);
  await device.restart(waiter);
  device.store.holdWrites();
  const signalled = device.signal('go', 'on');
  await device.settle();
  await device.advance(5_000);
  // What comes behind the signal and behind the note that the run waits does not reach the disk.
  device.store.failWriteNumber(device.store.writes + 3, 'lost');
  device.store.releaseWrites();
  await signalled;
  await device.settle();
  await device.restart(waiter);
  await device.advance(1);
  t.is(await device.result(), 'on');
});

test('G9 signals that are kept go over into the next history, with their ids', async (t) => {
  const looping = workflow('looping', async (ctx, input: { got: unknown[] }) => {
    if (input.got.length === 0) await ctx.sleep('1s');
    const got = [...input.got, await ctx.waitFor('s')];
    return got.length === 3 ? got : ctx.continueAsNew({ got });
  });
  const device = new SimDevice();
  await device.start(looping);
  await device.begin(looping, { got: [] });
  for (const value of [1, 2]) await device.signal('s', value, { id: `s${value}` });
  await device.advance(1_000);
  t.is(await device.state(), 'waiting-signal', 'two were waited for, in two histories');
  await device.signal('s', 1, { id: 's1' });
  await device.restart(looping);
  await device.signal('s', 2, { id: 's2' });
  await device.signal('s', 3, { id: 's3' });

  t.deepEqual(await device.result(), [1, 2, 3], 'an id counts once, whichever history has it');
});

test('G10 a payload that the workflow does not take refuses the sender, not the run', async (t) => {
  const approve = signal('approve', {
    parse(payload) {
      const { ok } = (payload ?? {}) as { ok?: unknown };
      if (typeof ok !== 'boolean') throw new TypeError('ok is no boolean');
      return { ok };
    },
  });
  const approval = workflow('approval', (ctx) => ctx.waitFor(approve), { signals: [approve] });
  const device = await begun(approval);
  const refused = await t.throwsAsync(device.signal('approve', { ok: 'yes' }), {
    code: 'HF_SIGNAL_REFUSED',
    message: /ok is no boolean/,
  });
  t.true((refused as HoldfastError).cause instanceof TypeError);
  t.deepEqual(await device.history(), ['run.started']);
  await device.restart(approval);
  await t.throwsAsync(device.signal('approve'), { code: 'HF_SIGNAL_REFUSED' });
  await device.signal('approve', { ok: true, more: 'than it reads' });
  t.deepEqual(await device.result(), { ok: true });
});

test('G10 a signal that is read or marked must be declared, and once', async (t) => {
  const pin = signal<string>('pin', { local: true });
  const silent = workflow('silent', (ctx) => ctx.waitFor(pin).catch(codeOf));
  const device = await begun(silent);
  t.is(await device.result(), 'HF_CONFIG_INVALID');
  t.deepEqual(await device.history(), ['run.started', 'run.completed']);

  const signals = [pin, signal('pin')];
  const twice = () => workflow('twice', (ctx) => ctx.waitFor(pin), { signals });
  t.throws(twice, { code: 'HF_CONFIG_INVALID' });
  t.throws(() => signal('pin', { local: 'yes' as never }), { code: 'HF_CONFIG_INVALID' });
  t.throws(() => signal(''), { code: 'HF_NAME_INVALID' });
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
