import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { workflow, type HoldfastError } from '@holdfast/agent';
import { TestDevice } from '@holdfast/agent/testing';

/** From `test/dist/support`. Recorded once; what is there is never written again. */
export const recordedHistoryUrl = new URL('../../compat/histories-1/rich.json', import.meta.url);

export const recordedChild = workflow('recorded-child', async (ctx, input: number) => {
  await ctx.step('in child', () => undefined);
  return input + 1;
});

/**
 * Uses what a workflow can, as it was when its history was recorded: every later runtime must take
 * it the same way. It is therefore never changed.
 */
export const recordedFlow = workflow('recorded', async (ctx, input: { readonly base: number }) => {
  const [left, right] = await Promise.all([
    ctx.step('left', () => new Map([[input.base, 1n]])),
    ctx.step('right', async () => 'right'),
  ]);
  const caught = await ctx
    .step('bad', () => Promise.reject(withoutPaths('no')), { retry: { attempts: 2, minDelay: 1 } })
    .catch((error: HoldfastError) => error.code);
  const items = await ctx.map([1, 2, 3], (item, part) => part.step('item', () => item * 2), {
    minSuccessful: 2,
  });
  const grown = await ctx.child(recordedChild, 41);
  await ctx.step('once', () => 'poured', { atMostOnce: true });
  const found = await ctx.until('look', ({ attempt }) => attempt, { timeout: '1h' });
  const isNew = ctx.patched('way');
  await ctx.emit('fact', { grown }, { lane: 'bulk' });
  await ctx.setStatus('waiting');
  const part = ctx.scope((inner) => inner.waitFor('never', { timeout: '1d' }));
  const winner = await Promise.race([part.result, ctx.sleep('10s').then(() => 'timer')]);
  part.cancel();
  const first = await ctx.waitFor<string>('go');
  const late = await ctx.waitFor('late', { timeout: '5s' }).catch((e: HoldfastError) => e.code);
  const drawn = [ctx.now(), ctx.random(), ctx.uuid()];
  return { left, right, caught, items, grown, found, isNew, winner, first, late, drawn };
});

/** A stack would name files of the machine it was recorded on. */
function withoutPaths(message: string): RangeError {
  return Object.assign(new RangeError(message), { stack: `RangeError: ${message}` });
}

async function record(): Promise<void> {
  const path = fileURLToPath(recordedHistoryUrl);
  if (existsSync(path)) return;
  const device = await TestDevice.open({ workflows: [recordedFlow, recordedChild] });
  const run = await device.start(recordedFlow, { base: 1 }, { id: 'recorded-1' });
  await device.advance('1m');
  await run.signal('go', 'went');
  await device.advance('1m');
  await run.result();
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${JSON.stringify(await run.export(), null, 1)}\n`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await record();
