import { workflow, type Context, type Duration } from '@holdfast/agent';
import { outageOf, recoveryOf } from './outage.ts';

export interface Watch {
  /** What has to answer a GET with a status in the 200s. */
  readonly url: string;
  /** Pause between two looks. Default 10 s. */
  readonly every?: Duration;
  /** Pause between two reminders while it is down. Default 15 min. */
  readonly remindEvery?: Duration;
  /** Outages so far; the run counts them from one history to the next. */
  readonly outages?: number;
}

/**
 * Watches an endpoint for ever, and raises an alarm on the urgent lane when it goes down and when
 * it comes back: each once, however often the agent dies meanwhile.
 *
 * Looks that find nothing new are not journaled, so a month of silence costs no disk. After each
 * outage the run goes on in a new history: what it has to replay never grows.
 */
export const watchEndpoint = workflow('watch-endpoint', async (ctx, watch: Watch) => {
  const { url, every = '10s', remindEvery = '15m', outages = 0 } = watch;
  await ctx.setStatus({ endpoint: 'up', outages });
  const outage = await ctx.until('look-for-outage', ({ signal }) => outageOf(url, signal), {
    every,
  });

  await ctx.emit('endpoint.down', { url, ...outage }, { lane: 'urgent' });
  await ctx.setStatus({ endpoint: 'down', why: outage.why, outages: outages + 1 });
  // A scope is a part of the run that can be cancelled by itself.
  const reminders = ctx.scope((inner) => remind(inner, url, remindEvery));
  const upAt = await ctx.until('look-for-recovery', ({ signal }) => recoveryOf(url, signal), {
    every,
  });
  reminders.cancel('it is up again');

  await ctx.emit('endpoint.up', { url, downSince: outage.seenAt, upAt }, { lane: 'urgent' });
  return ctx.continueAsNew({ ...watch, outages: outages + 1 });
});

async function remind(ctx: Context, url: string, every: Duration): Promise<never> {
  for (let reminder = 1; ; reminder += 1) {
    await ctx.sleep(every);
    await ctx.emit('endpoint.still-down', { url, reminder }, { lane: 'urgent' });
  }
}
