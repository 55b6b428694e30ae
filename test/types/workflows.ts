import {
  Agent,
  TerminalError,
  entity,
  services,
  workflow,
  type Context,
  type RunHandle,
  type ScheduleHandle,
} from '@holdfast/agent';
import { TestDevice, crashEverywhere } from '@holdfast/agent/testing';

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
    ({ idempotencyKey, signal, attempt }) => {
      same<typeof signal, AbortSignal>(true);
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
  // @ts-expect-error -- The command takes a number.
  await total.call('add', 'five');
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
