import { workflow } from '@holdfast/agent';
import type { Handler } from '@holdfast/gateway';
import { HoldfastError, type Chance } from '@holdfast/protocol';
import type { Outside } from './outside.ts';
import type { AgentLife, AnyWorkflow } from './sim-agent.ts';
import { SECRET } from './secret.ts';

export interface WorkloadOptions {
  readonly outside: Outside;
  readonly chance: Chance;
  /** Chance that a body or a handler throws. */
  readonly failing: number;
  /** Chance that a handler does not answer. */
  readonly hanging: number;
  /** Only for a fault that is planted. */
  readonly keyOf?: ((key: string, attempt: number) => string) | undefined;
  /** The same: nothing is marked local. */
  readonly isOpen?: boolean | undefined;
}

export interface Order {
  readonly id: string;
  readonly quantity: number;
  readonly napMs: number;
}

/** What a run must come to, computed without any of it. */
export const oracle: Readonly<Record<string, (order: Order) => unknown>> = {
  checkout: ({ id, quantity }) => ({ order: id, charged: quantity * 100, left: 1_000 - quantity }),
  nap: ({ id }) => ({ woke: id }),
  sampling: ({ quantity }) => ({ samples: quantity }),
  family: ({ quantity }) => ({ sum: (quantity * (quantity + 1)) / 2 }),
  approval: ({ id }) => ({ approved: id }),
  secret: ({ id }) => ({ kept: id, letters: SECRET.length + id.length }),
  scan: ({ id, quantity }) => ({ scanned: id, bytes: pictureOf(id, quantity).length }),
};

/** Text that is too large for one entry, and different at each place of it. */
function pictureOf(id: string, quantity: number): string {
  return Array.from({ length: 2_500 + 500 * quantity }, (_, at) => `${id} ${at}\n`).join('');
}

export const workflowNames: readonly string[] = Object.keys(oracle);

/** The workflows of a device, as its process has them. */
export function workloadOf(life: AgentLife, options: WorkloadOptions): readonly AnyWorkflow[] {
  const body = bodyOf(life, options);
  const checkout = workflow('checkout', async (ctx, order: Order) => {
    await ctx.step(
      'order-intake',
      body(order, 'order-intake', () => undefined),
    );
    const charged = await ctx.step(
      'authorize-payment',
      body(order, 'authorize-payment', (key) => {
        options.outside.charge(order.id, key);
        return order.quantity * 100;
      }),
      persistent,
    );
    const { left } = await ctx.call<{ left: number }>('inventory.update', order);
    await ctx.step(
      'order-confirmation',
      body(order, 'order-confirmation', () => 'printed'),
    );
    return { order: order.id, charged, left };
  });
  const nap = workflow('nap', async (ctx, order: Order) => {
    const from = await ctx.step('lie-down', () => options.outside.time.monoMs());
    await ctx.sleep(order.napMs);
    await ctx.step('get-up', () => {
      if (!life.isAlive) return;
      const wokeMs = options.outside.time.monoMs();
      options.outside.naps.push({ run: order.id, dueMs: from + order.napMs, wokeMs });
    });
    return { woke: order.id };
  });
  const sampling = workflow('sampling', async (ctx, order: Order) => {
    for (let sample = 1; sample <= order.quantity; sample += 1) {
      await ctx.emit('sample', { sample }, { lane: 'bulk' });
      await ctx.sleep(1_000);
    }
    return { samples: order.quantity };
  });
  const member = workflow('member', async (ctx, age: number) => {
    await ctx.sleep(age * 500);
    return ctx.step('age', () => age);
  });
  const family = workflow('family', async (ctx, { quantity }: Order) => {
    const ages = Array.from({ length: quantity }, (_, index) => index + 1);
    const known = await ctx.map(ages, (age) => ctx.child(member, age), { concurrency: 3 });
    const sum = known.reduce((all, one) => all + (one.status === 'fulfilled' ? one.value : 0), 0);
    return { sum };
  });
  const approval = workflow('approval', async (ctx, order: Order) => {
    await ctx.setStatus('asked');
    await ctx.waitFor('decision');
    return { approved: order.id };
  });
  const scan = workflow('scan', async (ctx, order: Order) => {
    const picture = await ctx.step('take', () => pictureOf(order.id, order.quantity));
    await ctx.emit('taken', picture, { lane: 'bulk' });
    await ctx.sleep(order.napMs);
    return { scanned: order.id, bytes: picture.length };
  });
  const secret = workflow('secret', async (ctx, order: Order) => {
    const local = options.isOpen !== true;
    const told = await ctx.step('tell', () => `${SECRET}${order.id}`, { local });
    const card = { number: `${SECRET}${order.id}`, last: order.quantity };
    await ctx.step('show', () => card, local ? { redact: ['number'] } : {});
    await ctx.sleep(1_000);
    return { kept: order.id, letters: told.length };
  });
  return [checkout, nap, sampling, member, family, approval, scan, secret];
}

/** A service that comes back: the pauses end before anybody's patience does. */
const persistent = { retry: { attempts: 40, minDelay: '1s', maxDelay: '30s' } } as const;

type StepArguments = { readonly idempotencyKey: string; readonly attempt: number };

function bodyOf(life: AgentLife, options: WorkloadOptions) {
  const { outside, chance, failing, keyOf = (same) => same } = options;
  return <T>(order: Order, step: string, act: (key: string) => T) =>
    async ({ idempotencyKey, attempt }: StepArguments): Promise<T> => {
      const key = keyOf(idempotencyKey, attempt);
      outside.begins(life, { run: order.id, step, key });
      await new Promise<void>((resolve) => life.clock.wakeIn(5 + chance.next() * 200, resolve));
      const isFailing = step === 'authorize-payment' && chance.next() < failing;
      if (isFailing) outside.failed += 1;
      if (isFailing && chance.next() < 0.5) throw new HoldfastError('HF_LINK_LOST');
      const result = act(key);
      // It has had its effect, and nobody is told.
      if (isFailing) throw new HoldfastError('HF_LINK_LOST');
      return result;
    };
}

/** What the gateway executes. */
export function handlersOf({ outside, chance, failing, hanging }: WorkloadOptions) {
  const update: Handler<Order> = ({ quantity }, { idempotencyKey }) => {
    outside.calls.set(idempotencyKey, (outside.calls.get(idempotencyKey) ?? 0) + 1);
    if (chance.next() < failing / 4) {
      outside.failed += 1;
      throw new HoldfastError('HF_HANDLER_UNAVAILABLE');
    }
    // The effect is there, and nobody ever hears of it.
    if (hanging > 0 && chance.next() < hanging) {
      outside.hung += 1;
      return new Promise(() => {});
    }
    return { left: 1_000 - quantity };
  };
  // A handler takes what the call of its name sends.
  return { 'inventory.update': update as Handler };
}
