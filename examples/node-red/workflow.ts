import { workflow } from '@holdfast/agent';

export interface Weighing {
  readonly article: string;
  /** Where Node-RED takes what is to be weighed, such as `http://127.0.0.1:1880/weigh`. */
  readonly askAt: string;
}

/** Has Node-RED weigh an article, whenever it comes to it. Gives grams. */
export const weighing = workflow('weighing', async (ctx, { article, askAt }: Weighing) => {
  const grams = await ctx.step<number>(
    'weigh',
    async ({ token, signal }) => {
      const response = await fetch(askAt, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ article, token }),
        signal,
      });
      await response.body?.cancel();
      if (!response.ok) throw new Error(`Node-RED answered ${response.status}`);
    },
    // Node-RED may be away for as long as it likes.
    { external: true, timeout: '10s', retry: { attempts: Infinity, maxDelay: '1m' } },
  );
  await ctx.emit('article.weighed', { article, grams });
  return grams;
});
