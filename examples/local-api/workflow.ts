import { writeFile } from 'node:fs/promises';
import { workflow } from '@holdfast/agent';

export interface Weighing {
  readonly article: string;
  /** Path of the file that gets the token: whoever has it may say what the article weighs. */
  readonly ticket: string;
}

/** Has an article weighed by another program, whenever that comes to it. Gives grams. */
export const weighing = workflow('weighing', async (ctx, { article, ticket }: Weighing) => {
  const grams = await ctx.step<number>('weigh', ({ token }) => writeFile(ticket, token), {
    external: true,
  });
  await ctx.emit('article.weighed', { article, grams });
  return grams;
});
