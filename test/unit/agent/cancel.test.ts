import test from 'ava';
import { encodeValue, type HoldfastError } from '@holdfast/protocol';
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
  const device = await begun(workflow('waiter', (ctx) => ctx.waitFor('go')));
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
