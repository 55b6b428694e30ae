import { appendFileSync } from 'node:fs';
import { workflow } from '@holdfast/agent';
import { SECRET } from '../virtual/secret.ts';
import type { Order } from '../virtual/workload.ts';

/** Where what has happened outside is written down, one line an effect. */
const DEEDS = process.env['HOLDFAST_FLEET_DEEDS'] ?? '/dev/null';
/** A service that comes back: the pauses end before anybody's patience does. */
const persistent = { retry: { attempts: 40, minDelay: '100ms', maxDelay: '2s' } } as const;
const FAILING = 0.1;

/** The workflows of a device in a fleet of real processes: those of the virtual one, by name. */
export const checkout = workflow('checkout', async (ctx, order: Order) => {
  await ctx.step('order-intake', () => undefined);
  const charged = await ctx.step(
    'authorize-payment',
    ({ idempotencyKey }) => {
      appendFileSync(DEEDS, `${JSON.stringify({ order: order.id, key: idempotencyKey })}\n`);
      // It has had its effect, and nobody is told.
      if (Math.random() < FAILING) throw new Error('the line is busy');
      return order.quantity * 100;
    },
    persistent,
  );
  const { left } = await ctx.call<{ left: number }>('inventory.update', order);
  await ctx.step('order-confirmation', () => 'printed');
  return { order: order.id, charged, left };
});

export const nap = workflow('nap', async (ctx, order: Order) => {
  const from = await ctx.step('lie-down', () => Date.now());
  await ctx.sleep(order.napMs);
  await ctx.step('get-up', () => ({ from, at: Date.now() }));
  return { woke: order.id };
});

export const secret = workflow('secret', async (ctx, order: Order) => {
  const told = await ctx.step('tell', () => `${SECRET}${order.id}`, { local: true });
  const card = { number: `${SECRET}${order.id}`, last: order.quantity };
  await ctx.step('show', () => card, { redact: ['number'] });
  return { kept: order.id, letters: told.length };
});
