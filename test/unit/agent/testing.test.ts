import test from 'ava';
import { TerminalError, workflow, type HoldfastError } from '@holdfast/agent';
import { TestDevice, crashEverywhere, replay, type TestHandlers } from '@holdfast/agent/testing';

interface Order {
  readonly sku: string;
  readonly cents: number;
}

/** A shop with a terminal that takes each key once, and counts what it was asked. */
function shop() {
  const charges = new Map<string, number>();
  const asked: string[] = [];
  const taken = new Set<string>();
  const handlers: TestHandlers = {
    'stock.take': ({ sku }: { sku: string }, { idempotencyKey }) => {
      taken.add(idempotencyKey);
      return { sku, left: 10 - taken.size };
    },
  };
  const checkout = workflow('checkout', async (ctx, order: Order) => {
    const paid = await ctx.step('pay', ({ idempotencyKey }) => {
      asked.push(idempotencyKey);
      charges.set(idempotencyKey, order.cents);
      return { id: `p-${order.sku}` };
    });
    const stock = await ctx.call<{ left: number }>('stock.take', { sku: order.sku });
    await ctx.sleep('1h');
    await ctx.step('receipt', () => 'printed', { when: 'online' });
    return { paid, left: stock.left };
  });
  return { checkout, handlers, charges, asked, taken };
}

test('a run takes its course in virtual time, and its handlers are functions', async (t) => {
  const { checkout, handlers, charges } = shop();
  const device = await TestDevice.open({ workflows: [checkout], handlers });
  const startedAt = device.now.getTime();

  const run = await device.start(checkout, { sku: 'tea', cents: 450 });
  t.deepEqual(await run.result(), { paid: { id: 'p-tea' }, left: 9 });
  t.is(device.now.getTime() - startedAt, 3_600_000);
  t.deepEqual([...charges.values()], [450]);
  const [pay, receipt] = device.attempts;
  t.like(pay, { run: run.id, workflow: 'checkout', step: 'pay', attempt: 1, boot: 1 });
  t.is(receipt?.step, 'receipt');
  t.deepEqual((await run.history()).slice(0, 4), [
    'run.started',
    'step.completed pay',
    'call.requested stock.take',
    'call.completed stock.take',
  ]);
});

test('offline, calls and steps that need the link wait; then they go on', async (t) => {
  const { checkout, handlers } = shop();
  const device = await TestDevice.open({ workflows: [checkout], handlers });
  await device.offline();
  const run = await device.start(checkout, { sku: 'tea', cents: 450 });
  await device.advance('3h');
  t.is((await run.status()).state, 'waiting-call');

  await device.online();
  t.is((await run.status()).state, 'sleeping');
  await device.offline('3h');
  t.is((await run.status()).state, 'completed');
});

test('after a crash it goes on from what the disk holds', async (t) => {
  const { checkout, handlers, asked } = shop();
  const device = await TestDevice.open({ workflows: [checkout], handlers });
  const run = await device.start(checkout, { sku: 'tea', cents: 450 });
  device.crash();
  await t.throwsAsync(device.start(checkout, { sku: 'x', cents: 1 }), { code: 'HF_AGENT_CLOSED' });
  await device.advance('2h');
  await device.restart();

  t.is((await run.status()).state, 'completed');
  t.is(asked.length, 1);
});

test('a handler that fails is tried again, and a TerminalError is final', async (t) => {
  const flow = workflow('flow', (ctx) => ctx.call<string>('work'));
  let calls = 0;
  const device = await TestDevice.open({
    workflows: [flow],
    handlers: {
      work: () => {
        calls += 1;
        if (calls < 3) throw new Error('busy');
        if (calls > 3) throw new TerminalError('never');
        return 'done';
      },
    },
  });
  t.is(await (await device.start(flow, null)).result(), 'done');
  t.is(calls, 3);
  const run = await device.start(flow, null);
  const error = await t.throwsAsync(run.result(), { code: 'HF_RUN_FAILED' });
  t.is((error?.cause as HoldfastError | undefined)?.code, 'HF_CALL_FAILED');
  t.is(calls, 4);
});

test('signals, events, conditions, schedules and real waits work as on a device', async (t) => {
  let isWarm = false;
  const flow = workflow('flow', async (ctx, name: string) => {
    const later = (done: (value: number) => void): unknown => setTimeout(done, 20, 7);
    const real = await ctx.step('real', () => new Promise<number>(later));
    await ctx.step('warm', () => 1, { when: 'warm' });
    const approved = await ctx.waitFor<boolean>('approved');
    await ctx.emit('said', { name, approved, real });
  });
  const device = await TestDevice.open({
    workflows: [flow],
    conditions: { warm: () => isWarm },
    schedules: [{ cron: '0 * * * *', workflow: flow, input: 'hourly', overlap: 'skip' }],
    startAt: '2026-05-01T11:30:00Z',
  });
  await device.advance('31m');
  const [id = ''] = await device.runs();
  t.is(id, 'flow@2026-05-01T12:00:00.000Z');
  const run = device.run(id);
  t.is((await run.status()).state, 'waiting-condition');
  isWarm = true;
  await device.advance('10s');
  await t.throwsAsync(run.result(), { code: 'HF_WAIT_TIMEOUT', message: /waiting-signal/ });
  await run.signal('approved', true);
  await run.result();

  const payload = { name: 'hourly', approved: true, real: 7 };
  t.deepEqual(await device.events(), [{ name: 'said', payload, run: id }]);
});

test('crashes everywhere change neither the outcome nor the effects', async (t) => {
  const world = shop();
  const report = await crashEverywhere(world.checkout, {
    input: { sku: 'tea', cents: 450 },
    handlers: world.handlers,
    before: () => {
      world.charges.clear();
      world.taken.clear();
    },
    effects: () => [[...world.charges.values()], world.taken.size],
  });

  t.deepEqual(report.end, { state: 'completed', outcome: { paid: { id: 'p-tea' }, left: 9 } });
  t.true(report.crashes >= 12, `${report.crashes} crashes`);
});

test('crashes are made everywhere while signals come, and in workflows that fail', async (t) => {
  const undone: string[] = [];
  const saga = workflow('saga', async (ctx) => {
    await ctx.step('book', () => 'booked', { compensate: () => void undone.push('book') });
    const answer = await ctx.waitFor<string>('answer', { timeout: '1d' });
    const once = ctx.step('once', () => 1, { atMostOnce: true });
    await once.catch((error: HoldfastError) => error.code);
    throw new TerminalError(`said ${answer}`);
  });
  const report = await crashEverywhere(saga, {
    input: null,
    before: () => void undone.splice(0),
    drive: async (run, device) => {
      await device.advance('1h');
      await run.signal('answer', 'no');
    },
    effects: () => new Set(undone),
  });

  const outcome = { name: 'TerminalError', message: 'said no', code: undefined };
  t.deepEqual(report.end, { state: 'failed', outcome });
  t.true(report.crashes >= 8, `${report.crashes} crashes`);
});

test('what does not survive crashes is found, with the place', async (t) => {
  let charged = 0;
  const careless = workflow('careless', async (ctx) => {
    await ctx.step('note', () => 1);
    await ctx.step('charge', () => (charged += 1));
    return 'done';
  });
  await t.throwsAsync(
    crashEverywhere(careless, {
      input: null,
      before: () => void (charged = 0),
      effects: () => charged,
    }),
    { message: /cut at commit \d+, lost, after step.completed note: its effects differ/ },
  );

  let lives = 0;
  const moody = workflow('moody', async (ctx) => {
    lives += 1;
    const first = lives;
    await ctx.step('a', () => 1);
    return first;
  });
  const before = (): void => void (lives = 0);
  await t.throwsAsync(crashEverywhere(moody, { input: null, before }), {
    message: /it ends otherwise.*completed/s,
  });
});

const v1 = workflow('order', async (ctx, sku: string) => {
  const price = await ctx.step('price', () => 5);
  await ctx.sleep('1h');
  const paid = await ctx.step('pay', () => `paid ${price} for ${sku}`);
  return paid;
});

test('a history is replayed against the code that made it, ended or not', async (t) => {
  const device = await TestDevice.open({ workflows: [v1] });
  const run = await device.start(v1, 'tea');
  const half = await replay(await run.export(), v1);
  t.deepEqual(half, { matches: true, parting: undefined, entries: 3, open: ['sleep sleep'] });

  await run.result();
  const whole = await replay(JSON.parse(JSON.stringify(await run.export())), v1);
  t.deepEqual(whole, { matches: true, parting: undefined, entries: 6, open: [] });
});

test('where changed code and a history part is said', async (t) => {
  const device = await TestDevice.open({ workflows: [v1] });
  const run = await device.start(v1, 'tea');
  await run.result();
  const history = await run.export();
  const part = async (body: Parameters<typeof workflow<string, unknown>>[1]) =>
    (await replay(history, workflow('order', body))).parting;

  t.deepEqual(await part(async (ctx) => ctx.step('cost', () => 5)), {
    n: 1,
    expected: 'step "price"',
    came: 'step "cost"',
  });
  const swapped = await part(async (ctx) => {
    await ctx.step('price', () => 5);
    await ctx.step('pay', () => 5);
  });
  t.is(swapped?.n, 2);
  t.is(swapped?.came, 'step "pay"');
  const longer = await part(async (ctx, sku) => {
    const paid = await v1.body(ctx, sku);
    await ctx.step('thank', () => 1);
    return paid;
  });
  t.is(longer?.came, 'it goes on with step thank');
  const other = await part(async (ctx, sku) => `${await v1.body(ctx, sku)}!`);
  t.is(other?.expected, "it returns 'paid 5 for tea'");
  t.is(other?.came, "it returns 'paid 5 for tea!'");

  await t.throwsAsync(replay({ ...history, entries: [] }, v1), { code: 'HF_INPUT_INVALID' });
  const stranger = workflow('stranger', async () => 1);
  await t.throwsAsync(replay(history, stranger), { code: 'HF_INPUT_INVALID' });
});
