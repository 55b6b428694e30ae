import {
  Agent,
  TerminalError,
  entity,
  services,
  signal,
  workflow,
  type Context,
  type RunHandle,
  type ScheduleHandle,
} from '@holdfast/agent';
import type { Handlers } from '@holdfast/gateway';
import { TestDevice, crashEverywhere, type TestRun } from '@holdfast/agent/testing';

/**
 * What is inferred, and what does not compile. Checked by the compiler with the rest of the tests;
 * nothing here runs. An `@ts-expect-error` above a line that compiles is an error itself.
 */

interface Order {
  readonly sku: string;
  readonly cents: number;
}
interface Receipt {
  readonly id: string;
}

/** Whether two types are the same, not only assignable. */
type Same<A, B> =
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- The compiler compares it.
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function same<A, B>(_same: Same<A, B>): void {}

const terminal = {
  authorize: async (order: Order, key: string): Promise<Receipt> => ({ id: order.sku + key }),
  refund: async (_receipt: Receipt): Promise<void> => {},
};

export const checkout = workflow('checkout', async (ctx, order: Order) => {
  const accepted = await ctx.step('accept', () => order.cents > 0);
  same<typeof accepted, boolean>(true);
  const paid = await ctx.step(
    'pay',
    ({ idempotencyKey, signal: aborted, attempt }) => {
      same<typeof aborted, AbortSignal>(true);
      same<typeof attempt, number>(true);
      return terminal.authorize(order, idempotencyKey);
    },
    {
      compensate: (receipt) => {
        same<typeof receipt, Receipt | undefined>(true);
        return receipt && terminal.refund(receipt);
      },
    },
  );
  same<typeof paid, Receipt>(true);
  const answer = await ctx.waitFor<{ ok: boolean }>('approved');
  same<typeof answer, { ok: boolean }>(true);
  const unknown = await ctx.call('stock.take', { sku: order.sku });
  same<typeof unknown, unknown>(true);
  const left = await ctx.call<number>('stock.take');
  same<typeof left, number>(true);
  const token = await ctx.step<number>('hand out', ({ token: key }) => key, { external: true });
  same<typeof token, number>(true);
  const found = await ctx.until('ready', () => (order.sku === '' ? undefined : 7));
  same<typeof found, 7>(true);
  return { paid, left };
});

interface Decision {
  readonly approved: boolean;
  readonly by: string;
}
/** What a schema library gives. */
const schema = { parse: (value: unknown): Decision => ({ approved: value === 1, by: 'ada' }) };

const decision = signal<Decision>('decision');
const checked = signal('checked', { parse: schema.parse, redact: ({ by }) => by });
const stop = signal('stop');
const note = signal<string | undefined>('note', { local: true });

export const approval = workflow(
  'approval',
  async (ctx) => {
    const decided = await ctx.waitFor(decision, { timeout: '2d' });
    same<typeof decided, Decision>(true);
    const read = await ctx.waitFor(checked);
    same<typeof read, Decision>(true);
    await ctx.waitFor(stop);
    const noted = await ctx.waitFor(note);
    same<typeof noted, string | undefined>(true);
    const plain = await ctx.waitFor('plain');
    same<typeof plain, unknown>(true);

    // @ts-expect-error -- A decision is no number.
    const never: number = await ctx.waitFor(decision);
    return never;
  },
  { signals: [checked, note] },
);

export async function deciders(run: RunHandle, test: TestRun): Promise<void> {
  await run.signal(decision, { approved: true, by: 'ada' }, { id: 'answer-1' });
  await run.signal(stop);
  await run.signal(stop, undefined, { id: 'stop-1' });
  await run.signal(note, 'text');
  await run.signal(note);
  await run.signal('plain', { any: 'payload' }, { subject: 'customer-42' });
  await run.signal('plain');
  await test.signal(decision, { approved: true, by: 'ada' });
  await test.signal(stop);
  await test.signal('plain', 1);

  // @ts-expect-error -- A decision says who made it.
  await run.signal(decision, { approved: true });
  // @ts-expect-error -- It has no third property.
  await run.signal(decision, { approved: true, by: 'ada', more: 1 });
  // @ts-expect-error -- It comes with something.
  await run.signal(decision);
  // @ts-expect-error -- Nothing comes with this one.
  await run.signal(stop, 1);
  // @ts-expect-error -- What a schema reads is what is sent.
  await run.signal(checked, { approved: 'yes', by: 'ada' });
  // @ts-expect-error -- There is no such option.
  await run.signal(decision, { approved: true, by: 'ada' }, { key: 'a' });
  // @ts-expect-error -- A test is checked like a program.
  await test.signal(decision, 'yes');
  // @ts-expect-error -- What is redacted is of the payload's own type.
  signal('bad', { parse: schema.parse, redact: (payload: number) => payload });
  // @ts-expect-error -- Signals are made by `signal`.
  workflow('bad', async () => 1, { signals: ['decision'] });
}

/** What the gateway's module exports: the types of its handlers are those of the calls. */
const handlers = {
  'stock.take': async ({ sku }: Order): Promise<number> => sku.length,
  'stock.list': (_input: null, _info: { readonly idempotencyKey: string }) => ['a'],
};

export const caller = workflow('caller', async (ctx, order: Order) => {
  const call = services<typeof handlers>(ctx);
  const left = await call('stock.take', order, { timeout: '3d' });
  same<typeof left, number>(true);
  const names = await call('stock.list', null);
  same<typeof names, string[]>(true);

  // @ts-expect-error -- There is no such service.
  await call('stock.burn', order);
  // @ts-expect-error -- The service takes an order.
  await call('stock.take', { sku: 1 });
  // @ts-expect-error -- It takes something.
  await call('stock.take');
  return { left, names };
});

/** The same, declared once for both sides. */
type Shop = { readonly 'stock.take': (order: Order) => number };
export const shop: Handlers<Shop> = { 'stock.take': async ({ sku }) => sku.length };
// @ts-expect-error -- One is missing.
export const none: Handlers<Shop> = {};
// @ts-expect-error -- It gives a number.
export const wrong: Handlers<Shop> = { 'stock.take': ({ sku }) => sku };
// @ts-expect-error -- There is no such service.
export const more: Handlers<Shop> = { ...shop, 'stock.burn': () => 1 };

export const corners = workflow('corners', async (ctx) => {
  // @ts-expect-error -- Attempts are a number.
  await ctx.step('a', () => 1, { retry: { attempts: 'five' } });
  // @ts-expect-error -- There is no such policy.
  await ctx.step('a', () => 1, { retry: { tries: 5 } });
  // @ts-expect-error -- `true` is no policy.
  await ctx.step('a', () => 1, { retry: true });
  // @ts-expect-error -- A condition has a name.
  await ctx.step('a', () => 1, { when: () => true });
  // @ts-expect-error -- What is redacted is named by paths.
  await ctx.step('a', () => 1, { redact: 'card' });
  // @ts-expect-error -- A timeout is a duration.
  await ctx.waitFor('a', { timeout: new Date() });
  // @ts-expect-error -- A wait has no other options.
  await ctx.waitFor('a', { retry: false });
  // @ts-expect-error -- What `check` of `until` gives is not a promise of nothing alone.
  const never: string = await ctx.until('a', async () => (ctx.runId === '' ? undefined : 7));
  // @ts-expect-error -- `map` goes over a list.
  await ctx.map({ a: 1 }, async (item) => item);
  // @ts-expect-error -- How many at a time is a number.
  await ctx.map([1], async (item) => item, { concurrency: 'all' });
  // @ts-expect-error -- An item that was skipped has no value.
  const values = (await ctx.map([1], async (item) => item)).map((each) => each.value);
  // @ts-expect-error -- A sleep takes no date; `sleepUntil` does.
  await ctx.sleep(new Date());
  return { never, values };
});

export const parent = workflow('parent', async (ctx, orders: readonly Order[]) => {
  const done = await ctx.child(checkout, { sku: 'a', cents: 1 });
  same<typeof done, { paid: Receipt; left: number }>(true);
  const id = await ctx.detach(checkout, { sku: 'a', cents: 1 });
  same<typeof id, string>(true);
  const results = await ctx.map(orders, (order, inner) => inner.step('one', () => order.cents));
  const [first] = results;
  if (first?.status === 'fulfilled') same<typeof first.value, number>(true);
  const part = ctx.scope(async (inner: Context) => inner.step('part', () => 'text'));
  same<Awaited<typeof part.result>, string>(true);

  // @ts-expect-error -- The input of the child is an order.
  await ctx.child(checkout, { sku: 1 });
  // @ts-expect-error -- A step has a body.
  await ctx.step('nothing');
  // @ts-expect-error -- A step begins with its name.
  await ctx.step(() => 1);
  // @ts-expect-error -- There is no such option.
  await ctx.step('a', () => 1, { retries: 5 });
  // @ts-expect-error -- What undoes a step is given its result.
  await ctx.step('a', () => 1, { compensate: (result: string) => result });
  // @ts-expect-error -- A lane is one of three.
  await ctx.emit('a', 1, { lane: 'fast' });
  // @ts-expect-error -- A signal has a name.
  await ctx.waitFor({ name: 'a' });
  return id;
});

const counter = entity('counter', {
  initial: () => ({ total: 0 }),
  commands: {
    add: (state, by: number) => ({ state: { total: state.total + by }, result: state.total }),
    clear: () => ({ state: { total: 0 }, result: 'cleared' }),
  },
});

export async function program(agent: Agent): Promise<void> {
  const run = await agent.start(checkout, { sku: 'a', cents: 1 }, { id: 'a' });
  same<typeof run, RunHandle<{ paid: Receipt; left: number }>>(true);
  const result = await run.result();
  same<typeof result.paid.id, string>(true);

  const hourly = await agent.schedule({
    ...{ cron: '0 * * * *', workflow: checkout, missed: 'skip', overlap: 'buffer-one' },
    input: { sku: 'a', cents: 1 },
  });
  same<typeof hourly, ScheduleHandle<{ paid: Receipt; left: number }>>(true);
  await agent.schedule({ cron: '@daily', workflow: 'by its name', input: 'anything' });

  // @ts-expect-error -- The input is an order.
  await agent.start(checkout, { sku: 'a' });
  // @ts-expect-error -- It has no third property.
  await agent.start(checkout, { sku: 'a', cents: 1, more: true });
  // @ts-expect-error -- The input is an order.
  await agent.schedule({ cron: '@daily', workflow: checkout, input: 'a' });
  // @ts-expect-error -- A schedule has an expression.
  await agent.schedule({ workflow: checkout, input: { sku: 'a', cents: 1 } });
  // @ts-expect-error -- What becomes of an overlap is one of six.
  await agent.schedule({ cron: '@daily', workflow: checkout, overlap: 'queue' });
  // @ts-expect-error -- Missed slots are skipped, made up for, or the latest of them is.
  await agent.schedule({ cron: '@daily', workflow: checkout, missed: 'sometimes' });
  // @ts-expect-error -- Workflows are made by `workflow`.
  await Agent.open({ dataDir: 'd', workflows: [async () => 1] });

  const { runs, next } = await agent.runs({ state: ['failed', 'stuck'], since: new Date(0) });
  same<typeof next, string | null>(true);
  same<(typeof runs)[number]['id'], string>(true);
  // @ts-expect-error -- There is no such state.
  await agent.runs({ state: 'asleep' });

  const total = agent.entity(counter, 'today');
  const before = await total.call('add', 5);
  same<typeof before, number>(true);
  await total.send('add', 5, { id: 'sale-1' });
  const cleared = await total.call('clear');
  same<typeof cleared, string>(true);
  // @ts-expect-error -- The command takes a number.
  await total.call('add', 'five');
  // @ts-expect-error -- It takes one.
  await total.call('add');
  // @ts-expect-error -- The command takes a number.
  await total.send('add', 'five');
  // @ts-expect-error -- There is no such command.
  await total.call('reset', 0);

  const error = new TerminalError('no');
  same<typeof error.name, 'TerminalError'>(true);
}

export async function tests(): Promise<void> {
  const device = await TestDevice.open({
    workflows: [checkout, parent],
    handlers: { 'stock.take': ({ sku }: { sku: string }) => sku.length },
  });
  const run = await device.start(checkout, { sku: 'a', cents: 1 });
  same<Awaited<ReturnType<typeof run.result>>, { paid: Receipt; left: number }>(true);
  await crashEverywhere(checkout, { input: { sku: 'a', cents: 1 } });

  // @ts-expect-error -- The input is an order.
  await device.start(checkout, 'a');
  // @ts-expect-error -- The input is an order.
  await crashEverywhere(checkout, { input: {} });
}

export const marked = workflow(
  'marked',
  async (ctx, order: Order) => {
    const options = { redact: ['id'] } as const;
    const paid = await ctx.step('pay', () => terminal.authorize(order, ''), options);
    same<typeof paid, Receipt>(true);
    const shown = await ctx.step('show', () => terminal.authorize(order, ''), {
      redact: (receipt) => {
        same<typeof receipt, Receipt>(true);
        return receipt.id.length;
      },
    });
    same<typeof shown, Receipt>(true);
    await ctx.step('keep', () => order.sku, { local: true, subject: 'customer-42' });
    await ctx.emit('sold', order, { subject: 'customer-42' });
    // @ts-expect-error A handler needs its input.
    await ctx.call('stock.take', order, { local: true });
    // @ts-expect-error An event is for elsewhere.
    await ctx.emit('sold', order, { redact: ['sku'] });
  },
  { marks: { input: { redact: ({ sku }: Order) => sku }, output: { local: true } } },
);
