import { appendFileSync } from 'node:fs';
import { workflow } from '@holdfast/agent';

/** Says which body ran, outside of anything that Holdfast keeps. */
function ran(name: string, key: string): string {
  appendFileSync(process.env['LIVES_LOG'] ?? '', `${name} ${key}\n`);
  return name;
}

/** A step, maybe a wait for the signal `go`, and another step. */
export const errand = workflow('errand', async (ctx, input: { readonly waits: boolean }) => {
  const step = (name: string): Promise<string> =>
    ctx.step(name, ({ idempotencyKey }) => ran(name, idempotencyKey));
  const first = await step('first');
  if (input.waits) await ctx.waitFor('go');
  return [first, await step('second')];
});

/** Asks the gateway, and says what it was told. */
export const question = workflow('question', (ctx, input: string) =>
  ctx.call<string>('answer', input, { timeout: '1h' }),
);
