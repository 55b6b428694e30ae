import { entity, services, signal, workflow, type Agent } from '@holdfast/agent';
import type { Handlers } from '@holdfast/gateway';

interface Order {
  readonly sku: string;
  readonly quantity: number;
}
interface Decision {
  readonly approved: boolean;
  readonly by: string;
}

/** What the gateway does for devices: each service takes one value, and gives one. */
export type Shop = {
  readonly 'stock.take': (order: Order) => { readonly left: number };
};

/** At the gateway, in the module of `serve --handlers`: none is missing, and each fits. */
export const handlers: Handlers<Shop> = {
  'stock.take': async ({ quantity }, { idempotencyKey }) => ({
    left: await takeOnce(idempotencyKey, quantity),
  }),
};

/** A signal, once for those who wait and those who send. */
export const decision = signal<Decision>('decision');

/** The device: the input is declared, and everything else follows from it. */
export const purchase = workflow('purchase', async (ctx, order: Order) => {
  const { approved, by } = await ctx.waitFor(decision, { timeout: '3d' });
  if (!approved) return { outcome: 'refused', by } as const;
  const { left } = await services<Shop>(ctx)('stock.take', order);
  return { outcome: 'bought', left } as const;
});

/** Keyed state: a command takes the state and its argument, and gives the next state. */
export const till = entity('till', {
  initial: () => ({ cents: 0 }),
  commands: {
    sell: ({ cents }, by: number) => ({ state: { cents: cents + by }, result: cents + by }),
    close: ({ cents }) => ({ state: { cents: 0 }, result: cents }),
  },
});

export async function sell(agent: Agent, order: Order): Promise<number> {
  const run = await agent.start(purchase, order);
  await run.signal(decision, { approved: true, by: 'ada' });
  const result = await run.result();
  if (result.outcome === 'refused') return agent.entity(till, 'front').call('close');
  return agent.entity(till, 'front').call('sell', 1_290);
}

declare function takeOnce(key: string, quantity: number): Promise<number>;
