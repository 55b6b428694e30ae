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

test('H4 a child whose parent ended as the power went is cancelled at a start', async (t) => {
  const child = workflow('child', (ctx) => ctx.waitFor('never'));
  const parent = workflow('parent', async (ctx) => {
    void ctx.child(child, undefined, { id: 'child-1' }).catch(() => undefined);
    await ctx.waitFor('end');
  });
  const device = await begun(parent, child);
  // Behind the signal, the end of the parent is the last that reaches the disk.
  device.store.failWriteNumber(device.store.writes + 2, 'kept');
  await device.signal('end');
  await device.restart(parent, child);
  await device.settle();

  t.is(await device.state(), 'completed');
  t.is(await device.state('child-1'), 'cancelled');
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
