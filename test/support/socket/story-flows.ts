import { signal, TerminalError, workflow } from '@holdfast/agent';

const pickedUp = signal('picked-up', {
  parse(said) {
    const { by } = (said ?? {}) as { readonly by?: unknown };
    if (typeof by !== 'string') throw new TypeError('who has picked it up is not said');
    return { by };
  },
});

/** Waits for somebody to fetch what was ordered. */
const order = workflow(
  'order',
  async (ctx, { item }: { readonly item: string }) => {
    await ctx.step('print', () => `a ticket for ${item}`);
    await ctx.setStatus('Your order is ready.');
    const { by } = await ctx.waitFor(pickedUp);
    return { item, by };
  },
  { signals: [pickedUp] },
);

/** Fails for good. */
const refund = workflow('refund', (ctx) =>
  ctx.step('refund', () => {
    throw new TerminalError('the card is not known');
  }),
);

/** Fails, and tries again in an hour. */
const delivery = workflow('delivery', (ctx) =>
  ctx.step('ring', (): string => throwing('nobody is at home'), { retry: { minDelay: '1h' } }),
);

function throwing(why: string): never {
  throw new Error(why);
}

/** Workflows that have something to show over the socket; one gives away a token. */
export function storyFlows() {
  let hand: (token: string) => void = () => undefined;
  const token = new Promise<string>((resolve) => {
    hand = resolve;
  });
  const weighing = workflow('weighing', (ctx) =>
    ctx.step<number>('weigh', (step) => hand(step.token), { external: true }),
  );
  return { order, workflows: [order, refund, delivery, weighing], token };
}
