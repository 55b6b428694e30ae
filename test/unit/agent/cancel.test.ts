import test from 'ava';
import {
  codeOf as codeOfError,
  encodeValue,
  type HoldfastError,
} from '@holdfast/protocol';
import { workflow, type Context, type Workflow } from '@holdfast/agent/internal';
import { SimDevice } from '../../support/sim-device.ts';

type AnyWorkflow = Workflow<never, unknown>;

async function begun(code: AnyWorkflow, ...others: AnyWorkflow[]): Promise<SimDevice> {
  const device = new SimDevice();
  await device.start(code, ...others);
  await device.begin(code, null);
  return device;
}

async function cancel(device: SimDevice, options: { run?: string; force?: boolean } = {}) {
  const { run = 'run-1', force } = options;
  await device.runtime.cancel({ run, reason: 'not wanted', force });
  await device.settle();
}

const codeOf = (error: HoldfastError): string => error.code;
const causeOf = async (device: SimDevice, id?: string): Promise<HoldfastError> => {
  const error = await device.result(id).catch((each: unknown) => each);
  return (error as HoldfastError).cause as HoldfastError;
};

const waiter = workflow('waiter', async (ctx, input: unknown) => [input, await ctx.waitFor('go')]);
const loser = workflow('loser', async (_ctx, _input: unknown) => {
  throw new Error('lost');
});

function start(device: SimDevice, input: unknown, policy: object = {}, name = 'waiter') {
  const encoded = encodeValue(input);
  return device.runtime.start({ workflow: name, input: encoded, id: 'one', ...policy });
}

test('H1 an id whose run is open: attach, reject, or terminate, in one commit', async (t) => {
  const device = new SimDevice();
  await device.start(waiter);
  const first = await start(device, 1);
  await device.settle();
  t.false((await start(device, 1)).created);
  await t.throwsAsync(start(device, 2), { code: 'HF_RUN_CONFLICT' });
  await t.throwsAsync(start(device, 1, { onConflict: 'reject' }), { code: 'HF_RUN_CONFLICT' });
  await t.throwsAsync(start(device, 1, { onConflict: 'often' }), { code: 'HF_CONFIG_INVALID' });

  const { writes } = device.store;
  const second = await start(device, 2, { onConflict: 'terminate' });
  t.is(device.store.writes, writes + 1, 'the end of the one is the start of the other');
  t.true(second.created);
  t.not(second.number, first.number);
  await device.restart(waiter);
  t.deepEqual(device.runtime.counts(), { 'waiting-signal': 1, cancelled: 1 });
  await device.signal('go', 'x', { run: 'one' });
  t.deepEqual(await device.result('one'), [2, 'x']);
});

test('H1 an id whose run has ended: attach, reject, failed-only, or allow-duplicate', async (t) => {
  const device = new SimDevice();
  await device.start(waiter, loser);
  await start(device, 1);
  await device.settle();
  await device.signal('go', 'x', { run: 'one' });
  t.false((await start(device, 1)).created, 'it is the run that has ended');
  await t.throwsAsync(start(device, 1, { reuse: 'reject' }), { code: 'HF_RUN_CONFLICT' });
  await t.throwsAsync(start(device, 1, { reuse: 'failed-only' }), { code: 'HF_RUN_CONFLICT' });
  t.true((await start(device, 7, { reuse: 'allow-duplicate' }, 'loser')).created);
  await device.settle();
  t.is(await device.state('one'), 'failed');
  t.true((await start(device, 8, { reuse: 'failed-only' })).created);
  await device.restart(waiter, loser);
  t.is(await device.state('one'), 'waiting-signal');
});

test('H2 H3 starts at the same moment are one run; another input is a conflict', async (t) => {
  const device = new SimDevice();
  await device.start(waiter);
  const many = await Promise.all(Array.from({ length: 20 }, () => start(device, 1)));
  t.is(many.filter(({ created }) => created).length, 1);
  t.is(new Set(many.map(({ number }) => number)).size, 1);
  const mixed = await Promise.allSettled([start(device, 1), start(device, 2)]);
  t.deepEqual(
    mixed.map(({ status }) => status),
    ['fulfilled', 'rejected'],
  );
  await t.throwsAsync(start(device, 1, {}, 'nothing'), { code: 'HF_WORKFLOW_UNKNOWN' });
});

test('H4 a child is begun once; its result and its failure reach the parent', async (t) => {
  let bodies = 0;
  const child = workflow('child', async (ctx, input: number) => {
    await ctx.step('count', () => (bodies += 1));
    await ctx.sleep('1h');
    if (input < 0) throw new RangeError('below zero');
    return input * 2;
  });
  const parent = workflow('parent', async (ctx) => {
    const good = ctx.child(child, 21);
    const bad = ctx.child(child, -1, { id: 'named' });
    const quick = ctx.child(child, 1);
    await ctx.sleep('2h');
    const failure = await bad.catch((error: HoldfastError) => error);
    return [await good, failure, await quick];
  });
  const device = await begun(parent, child);
  for (let i = 0; i < 3; i += 1) await device.restart(parent, child);
  await device.advance(3_600_000);
  t.is(await device.state('run-1/1'), 'completed', 'before its parent waits for it');
  await device.restart(parent, child);
  await device.advance(3_600_000);

  const [good, failure, quick] = (await device.result()) as [number, HoldfastError, number];
  t.deepEqual([good, quick, bodies], [42, 2, 3]);
  t.is(failure.code, 'HF_CHILD_FAILED');
  t.is(failure.details?.['child'], 'named');
  t.true(failure.cause instanceof RangeError);
});

test('H4 a child ends with its parent or its scope; a detached one goes on', async (t) => {
  const child = workflow('child', (ctx) => ctx.waitFor('never'));
  const make = (body: (ctx: Context) => Promise<unknown>) => workflow('parent', body);
  const attached = make((ctx) => ctx.child(child, undefined));
  const scoped = make(async (ctx) => {
    const part = ctx.scope((inner) => inner.child(child, undefined));
    await ctx.sleep('1s');
    part.cancel();
    await ctx.waitFor('end');
  });
  const hasty = make(async (ctx) => {
    void ctx.child(child, undefined);
    await ctx.sleep('1s');
  });
  for (const parent of [attached, scoped, hasty]) {
    const device = await begun(parent, child);
    await device.restart(parent, child);
    await device.advance(1_000);
    if (parent === attached) await cancel(device);
    await device.settle();
    t.is(await device.state('run-1/1'), 'cancelled');
  }
  const loose = make((ctx) => ctx.detach(child, undefined, { id: 'loose' }));
  const device = await begun(loose, child);
  t.is(await device.result(), 'loose');
  await device.restart(loose, child);
  t.is(await device.state('loose'), 'waiting-signal');
});

test('H4 a child that is begun again gets an id of its own', async (t) => {
  let fails = true;
  const child = workflow('child', async () => {
    if (fails) throw new Error('no');
    return 'done';
  });
  const parent = workflow('parent', (ctx) => ctx.child(child, undefined));
  const device = await begun(parent, child);
  t.is(await device.state(), 'failed');
  fails = false;
  await device.runtime.retry('run-1', 'mended');
  await device.settle();
  t.is(await device.result(), 'done');

  const looping = workflow('looping', async (ctx, round: number): Promise<unknown> => {
    await ctx.child(child, undefined);
    return round === 3 ? 'three' : ctx.continueAsNew(round + 1);
  });
  await device.restart(looping, child);
  await device.begin(looping, 1, 'loop');
  await device.settle();
  t.is(await device.result('loop'), 'three');
});

test('H5 the result is there after restarts, for whoever asks', async (t) => {
  const quick = workflow('quick', async () => new Map([[1, 'one']]));
  const device = await begun(quick);
  for (let i = 0; i < 2; i += 1) {
    await device.restart(quick);
    t.deepEqual(await device.result(), new Map([[1, 'one']]));
  }
  await t.throwsAsync(device.runtime.numberOf('nobody'), { code: 'HF_RUN_UNKNOWN' });
});

test('H6 ids of runs are names', async (t) => {
  const device = new SimDevice();
  await device.start(waiter);
  for (const id of ['', 'x'.repeat(129), 'a\u0000b', '\udc00']) {
    await t.throwsAsync(start(device, 1, { id }), { code: 'HF_NAME_INVALID' });
  }
  const id = 'Bestellung 7/α 🛒';
  await start(device, 1, { id });
  await device.settle();
  t.is(await device.state(id), 'waiting-signal');
});

test('I1 I6 a run can be cancelled wherever it is, and can catch it', async (t) => {
  const fail = (): never => {
    throw new Error('no');
  };
  const child = workflow('child', (ctx) => ctx.waitFor('never'));
  const places: Record<string, (ctx: Context) => Promise<unknown>> = {
    step: (ctx) => ctx.step('x', () => new Promise(() => {})),
    backoff: (ctx) => ctx.step('x', fail, { retry: { minDelay: '1h' } }),
    'short backoff': (ctx) => ctx.step('x', fail, { retry: { minDelay: '5s' } }),
    sleep: (ctx) => ctx.sleep('1h'),
    signal: (ctx) => ctx.waitFor('x', { timeout: '1h' }),
    call: (ctx) => ctx.call('x', undefined, { timeout: '1h' }),
    child: (ctx) => ctx.child(child, undefined),
    poll: (ctx) => ctx.until('x', () => false),
    map: (ctx) => ctx.map([1, 2], (_, part) => part.sleep('1h'), { toleratedFailures: 2 }),
    condition: (ctx) => ctx.step('x', () => 1, { when: 'online' }),
  };
  for (const [place, at] of Object.entries(places)) {
    const seen: string[] = [];
    const code = workflow('placed', async (ctx) => {
      try {
        await at(ctx);
      } catch (error) {
        seen.push((error as HoldfastError).code);
        throw error;
      }
    });
    const device = new SimDevice();
    device.conditions.set('online', false);
    await device.start(code, child);
    await device.begin(code, null);
    await device.advance(2_000);
    await cancel(device);
    t.is(await device.state(), 'cancelled', place);
    t.deepEqual(seen, ['HF_RUN_CANCELLED'], place);
    await device.advance(7_200_000);
    await device.restart(code, child);
    await t.throwsAsync(device.result(), { code: 'HF_RUN_CANCELLED', message: /not wanted/ });
    if (place === 'child') t.is(await device.state('run-1/1'), 'cancelled');
  }
});

test('I1 a run that is pending, put away, paused or stuck can be cancelled too', async (t) => {
  const sleeper = workflow('sleeper', (ctx) => ctx.sleep('1h'));
  const states: Record<string, (device: SimDevice) => Promise<unknown>> = {
    pending: async () => undefined,
    'put away': (device) => device.advance(5_000).then(() => device.restart(sleeper)),
    paused: (device) => device.runtime.pause('run-1', 'held'),
    stuck: async (device) => device.restart(workflow('other', async () => 1)),
  };
  for (const [state, bring] of Object.entries(states)) {
    const device = new SimDevice();
    await device.start(sleeper);
    const input = encodeValue(null);
    await device.runtime.start({ workflow: 'sleeper', input, id: 'run-1' });
    if (state !== 'pending') await device.settle();
    await bring(device);
    await cancel(device);
    t.is(await device.state(), 'cancelled', state);
  }
});

test('I1 a run that is held is let go to clean up, and is cancelled then', async (t) => {
  let cleaned = 0;
  const tidy = workflow('tidy', async (ctx) => {
    try {
      await ctx.sleep('1h');
    } finally {
      await ctx.shielded((clean) => clean.step('clean', () => (cleaned += 1)));
    }
  });
  const device = await begun(tidy);
  await device.runtime.pause('run-1', 'held');
  await cancel(device);
  t.is(cleaned, 1);
  t.is(await device.state(), 'cancelled');
});

test('I2 I8 a step is told at once, and its end is not what it came to', async (t) => {
  let end: ((value: string) => void) | undefined;
  const told: unknown[] = [];
  const deaf = workflow('deaf', (ctx) =>
    ctx.step('deaf', ({ signal }) => {
      signal.addEventListener('abort', () => told.push((signal.reason as HoldfastError).code));
      return new Promise((resolve) => (end = resolve));
    }),
  );
  const device = await begun(deaf);
  await cancel(device);
  t.deepEqual(told, ['HF_RUN_CANCELLED']);
  t.is(await device.state(), 'cancelled');
  end?.('too late');
  await device.settle();
  t.deepEqual(await device.history(), ['run.started', 'cancel.requested', 'run.cancelled']);
});

test('I2 I8 what a step comes to that its run has cancelled is not journaled', async (t) => {
  const ends: Record<string, () => void> = {};
  const told = workflow('told', async (ctx) => {
    const part = ctx.scope((inner) =>
      Promise.all([
        inner.step('well', () => new Promise<void>((end) => (ends['well'] = end))),
        inner.step('badly', () => new Promise<void>((_, fail) => (ends['badly'] = () => fail()))),
      ]),
    );
    await ctx.waitFor('go');
    part.cancel();
    await ctx.waitFor('end');
    return 'done';
  });
  const device = await begun(told);
  await device.signal('go');
  for (const end of Object.values(ends)) end();
  await device.advance(3_600_000);
  t.false((await device.history()).some((kind) => kind.startsWith('step.')));
  await device.restart(told);
  await device.signal('end');
  t.is(await device.result(), 'done');
});

test('I3 I4 cancelling and completing end in one state; cancelling twice is once', async (t) => {
  const quick = workflow('quick', async (ctx) => {
    await ctx.step('one', () => 1);
    return 'done';
  });
  for (let early = 0; early < 12; early += 1) {
    const device = new SimDevice();
    await device.start(quick);
    await device.runtime.start({ workflow: 'quick', input: encodeValue(null), id: 'run-1' });
    for (let i = 0; i < early; i += 1) await new Promise((resolve) => setImmediate(resolve));
    const told = await device.runtime.cancel({ run: 'run-1', reason: 'x' }).then(
      () => 'taken',
      (error: HoldfastError) => error.code,
    );
    await device.settle();
    const state = await device.state();
    const ends = (await device.history()).filter((kind) => /run.(completed|cancelled)/.test(kind));
    t.deepEqual(ends, [`run.${state}`]);
    if (told !== 'taken') t.deepEqual([told, state], ['HF_RUN_FINISHED', 'completed']);
    await device.restart(quick);
    t.is(await device.state(), state);
  }
  const device = await begun(waiter);
  await cancel(device);
  await cancel(device);
  await t.throwsAsync(cancel(device, { run: 'nobody' }), { code: 'HF_RUN_UNKNOWN' });
  t.is((await device.history()).filter((kind) => kind === 'cancel.requested').length, 1);
});

test('I5 shielded clean-up runs to its end, over restarts and further cancels', async (t) => {
  const bodies: string[] = [];
  const tidy = workflow('tidy', async (ctx) => {
    try {
      await ctx.sleep('1d');
    } finally {
      await ctx.shielded(async (clean) => {
        await clean.step('first', ({ attempt }) => {
          bodies.push(`first ${attempt}`);
          if (attempt === 1) throw new Error('again');
        }, { retry: { minDelay: '1h' } });
        await clean.sleep('1h');
        await clean.step('second', () => bodies.push('second'));
      });
    }
  });
  const device = await begun(tidy);
  await cancel(device);
  await cancel(device);
  await device.restart(tidy);
  await device.advance(3_600_000);
  await cancel(device);
  await device.restart(tidy);
  const wished = (await device.history()).filter((kind) => kind === 'cancel.requested');
  t.is(wished.length, 1, 'to cancel twice is to cancel once');
  await device.advance(3_600_000);

  t.deepEqual(bodies, ['first 1', 'first 2', 'second']);
  t.is(await device.state(), 'cancelled');
});

test('I6 what was cancelled is not retried, and catching it makes no success of it', async (t) => {
  let attempts = 0;
  const stubborn = workflow('stubborn', async (ctx) => {
    await ctx
      .step('x', ({ signal }) => {
        attempts += 1;
        return new Promise((_, reject) => {
          signal.addEventListener('abort', () => reject(new Error('aborted')));
        });
      })
      .catch(codeOf);
    const next = await ctx.step('y', () => 1).catch(codeOf);
    return `returned after ${String(next)}`;
  });
  const device = await begun(stubborn);
  await cancel(device);
  await device.advance(3_600_000);
  t.is(attempts, 1);
  t.is(await device.state(), 'cancelled');
  t.false((await device.history()).some((kind) => kind.startsWith('step.')));

  const other = workflow('other', async (ctx) => {
    await ctx.sleep('1d').catch(() => undefined);
    throw new RangeError('on its own account');
  });
  const second = await begun(other);
  await cancel(second);
  t.is(await second.state(), 'cancelled', 'nor does an error of its own make a failure of it');
});

test('I7 a cancel that was taken holds, wherever the process died then', async (t) => {
  const tidy = workflow('tidy', (ctx) => ctx.sleep('1d'));
  const commits = 4;
  for (let kill = 1; kill <= commits; kill += 1) {
    const device = await begun(tidy);
    device.store.failWriteNumber(device.store.writes + kill, 'lost');
    const taken = await device.runtime.cancel({ run: 'run-1', reason: 'x' }).then(
      () => true,
      () => false,
    );
    await device.settle();
    await device.restart(tidy);
    await device.settle();
    t.is(await device.state(), taken ? 'cancelled' : 'sleeping');
  }
});

test('I9 to force the end of a run runs none of its code, and none of its undoing', async (t) => {
  const ran: string[] = [];
  const tidy = workflow('tidy', async (ctx) => {
    await ctx.step('book', () => 1, { compensate: () => void ran.push('undo') });
    try {
      await ctx.sleep('1d');
    } finally {
      ran.push('finally');
    }
  });
  const device = await begun(tidy);
  await cancel(device, { force: true });
  await device.restart(tidy);
  t.deepEqual(ran, []);
  t.is(await device.state(), 'cancelled');
});

/** A saga of three bookings; the fourth step fails. `undone` collects what was undone with what. */
function saga(undone: unknown[][], undo: (name: string, attempt: number) => unknown = () => {}) {
  return workflow('saga', async (ctx) => {
    const book = (name: string) =>
      ctx.step(name, () => `${name}!`, {
        compensate: async (result, { attempt }) => {
          await undo(name, attempt);
          undone.push([name, result]);
        },
      });
    await book('flight');
    await book('hotel');
    await book('car');
    await ctx.step('pay', () => Promise.reject(new Error('no money')), { retry: false });
  });
}

test('J1 J4 what completed is undone, last first, each given its result', async (t) => {
  const undone: unknown[][] = [];
  const device = await begun(saga(undone));
  await device.settle();

  t.deepEqual(undone, [['car', 'car!'], ['hotel', 'hotel!'], ['flight', 'flight!']]);
  t.is((await causeOf(device)).code, 'HF_STEP_FAILED', 'the run fails with what failed it');
});

test('J1 parallel steps are undone in reverse order of completion, late ones too', async (t) => {
  const undone: string[] = [];
  const ends = new Map<string, () => void>();
  const wide = workflow('wide', async (ctx) => {
    const book = (name: string) =>
      ctx.step(name, () => new Promise<void>((end) => ends.set(name, end)), {
        compensate: () => void undone.push(name),
      });
    await Promise.all([book('a'), book('b'), book('late'), ctx.waitFor('fail').then(() => {
      throw new Error('no');
    })]);
  });
  const device = await begun(wide);
  for (const name of ['b', 'a']) {
    ends.get(name)?.();
    await device.settle();
  }
  await device.signal('fail');
  t.deepEqual(undone, [], 'what is at work may yet complete');
  ends.get('late')?.();
  await device.settle();
  t.deepEqual(undone, ['late', 'a', 'b']);
  t.is(await device.state(), 'failed');
});

test('J2 killed at any commit, the undoing goes on and undoes nothing twice', async (t) => {
  const undisturbed = new SimDevice();
  await undisturbed.start(saga([]));
  await undisturbed.begin(saga([]), null);
  await undisturbed.settle();
  const commits = undisturbed.store.writes;
  for (let kill = 1; kill <= commits; kill += 1) {
    const undone: unknown[][] = [];
    const device = new SimDevice();
    await device.start(saga(undone));
    device.store.failWriteNumber(kill, 'kept');
    await device.begin(saga(undone), null).catch(() => undefined);
    await device.settle();
    await device.restart(saga(undone));
    await device.begin(saga(undone), null);
    await device.settle();
    const names = undone.map(([name]) => name);
    t.deepEqual(names, ['car', 'hotel', 'flight'], `killed at commit ${kill}`);
    t.is(await device.state(), 'failed');
    const steps = (await device.history()).filter((kind) => kind.startsWith('step.completed undo'));
    t.deepEqual(steps, ['car', 'hotel', 'flight'].map((name) => `step.completed undo ${name}`));
  }
});

test('J3 an undoing that fails is retried, holds up no other, and is told', async (t) => {
  const undone: unknown[][] = [];
  const device = await begun(
    saga(undone, (name, attempt) => {
      if (name === 'car' && attempt < 3) throw new Error('the desk is closed');
      if (name === 'hotel') throw new RangeError('the hotel is gone');
    }),
  );
  await device.advance(10_000);
  t.deepEqual(undone, [['car', 'car!']]);
  await device.restart(
    saga(undone, (name) => {
      if (name === 'hotel') throw new RangeError('the hotel is gone');
    }),
  );
  for (let i = 0; i < 310; i += 1) await device.advance(300_000);

  t.deepEqual(undone, [['car', 'car!'], ['flight', 'flight!']]);
  const cause = await causeOf(device);
  t.is(cause.code, 'HF_COMPENSATION_FAILED');
  t.deepEqual(cause.details?.['steps'], ['hotel']);
  const { errors } = cause.cause as AggregateError;
  t.deepEqual(errors.map(codeOfError), ['HF_STEP_FAILED', 'HF_STEP_FAILED']);
});

test('J5 a step in doubt is undone without a result; one that failed is not', async (t) => {
  const never = (): Promise<never> => new Promise(() => {});
  const fail = (): never => {
    throw new Error('no');
  };
  const certain = (undone: unknown[]) => ({ compensate: (r: unknown) => void undone.push(r) });
  const cases: [string, unknown[], (ctx: Context, undone: unknown[]) => Promise<unknown>][] = [
    ['failed', [], (ctx, u) => ctx.step('x', fail, { ...certain(u), retry: false })],
    ['timed out', [undefined], (ctx, u) =>
      ctx.step('x', never, { ...certain(u), retry: false, timeout: '1s' })],
    ['timed out, then failed', [undefined], (ctx, u) =>
      ctx.step('x', ({ attempt }) => (attempt === 1 ? never() : fail()), {
        ...certain(u),
        timeout: '1s',
        retry: { attempts: 2 },
      })],
    ['timed out, then completed', ['ok'], async (ctx, u) => {
      await ctx.step('x', ({ attempt }) => (attempt === 1 ? never() : 'ok'), {
        ...certain(u),
        timeout: '1s',
      });
      fail();
    }],
  ];
  for (const [label, expected, body] of cases) {
    const undone: unknown[] = [];
    const code = workflow('doubtful', (ctx) => body(ctx, undone));
    const device = await begun(code);
    await device.restart(code);
    await device.advance(10_000);
    t.deepEqual(undone, expected, label);
    t.is(await device.state(), 'failed', label);
  }
});

test('J5 a step that is cancelled at work is in doubt, one that only waits is not', async (t) => {
  const make = (undone: string[]) =>
    workflow('cancelled', async (ctx) => {
      const options = (name: string) => ({ compensate: () => void undone.push(name) });
      await ctx.step('done', () => 1, options('done'));
      await Promise.all([
        ctx.step('at work', () => new Promise(() => {}), options('at work')),
        ctx.step('waits', () => 1, { ...options('waits'), when: 'online' }),
      ]);
    });
  for (const kill of [0, 1, 2, 3]) {
    const undone: string[] = [];
    const device = new SimDevice();
    device.conditions.set('online', false);
    await device.start(make(undone));
    await device.begin(make(undone), null);
    if (kill > 0) device.store.failWriteNumber(device.store.writes + kill, 'kept');
    await device.runtime.cancel({ run: 'run-1', reason: 'x' }).catch(() => undefined);
    await device.settle();
    await device.restart(make(undone));
    await device.advance(1_000);
    t.deepEqual(undone, ['at work', 'done'], `killed at commit ${kill}`);
    t.is(await device.state(), 'cancelled');
  }
});

test('J5 a step in doubt that turns out to have completed is undone with its result', async (t) => {
  const undone: unknown[][] = [];
  const ends = new Map<string, (value: string) => void>();
  const booking = workflow('booking', (ctx) =>
    Promise.all(
      ['flight', 'hotel'].map((name) =>
        ctx.step(name, () => new Promise<string>((end) => ends.set(name, end)), {
          compensate: (result) => void undone.push([name, result]),
        }),
      ),
    ),
  );
  const device = await begun(booking);
  // It ends while the cancelling is on its way to the disk: its result comes behind the doubt.
  device.store.holdWrites();
  const cancelled = cancel(device);
  await device.settle();
  ends.get('flight')?.('seat 7');
  await device.settle();
  device.store.releaseWrites();
  await cancelled;

  t.deepEqual(undone, [['hotel', undefined], ['flight', 'seat 7']]);
});

test('J5 a step that its own code cancels at work is undone too', async (t) => {
  const make = (undone: unknown[]) =>
    workflow('scoped', async (ctx) => {
      const part = ctx.scope((inner) =>
        inner.step('x', () => new Promise(() => {}), {
          compensate: (result) => void undone.push(result),
        }),
      );
      await ctx.sleep('1s');
      part.cancel();
      const seen = await part.result.catch(codeOf);
      await ctx.waitFor('fail');
      throw new Error(String(seen));
    });
  const undone: unknown[] = [];
  const device = await begun(make(undone));
  await device.advance(1_000);
  await device.restart(make(undone));
  await device.restart(make(undone));
  await device.signal('fail');
  t.deepEqual(undone, [undefined]);
  t.is((await causeOf(device)).message, 'HF_RUN_CANCELLED');
});
