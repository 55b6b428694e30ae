import { setTimeout as pause } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { Agent, signal, workflow, type RunHandle, type RunState } from '@holdfast/agent';
import { PATIENCE_MS } from '../../support/patience.ts';
import { tempDir } from '../../support/temp-dir.ts';

const go = signal<string>('go');

/** An agent with a workflow whose second step fails for as long as it is told to. */
async function opened(t: ExecutionContext, retry: { readonly minDelay: '1h' } | false = false) {
  const world = { isBroken: true };
  const print = (name: string): string => {
    if (world.isBroken) throw new Error('no paper');
    return `${name}-2`;
  };
  const chain = workflow('chain', async (ctx, name: string) => {
    const first = await ctx.step('first', () => `${name}-1`);
    const second = await ctx.step('second', () => print(name), { retry });
    return [first, second, await ctx.waitFor(go)];
  });
  const dataDir = await tempDir(t);
  const agent = await Agent.open({ dataDir, device: 'd-1', workflows: [chain] });
  t.teardown(() => agent.close());
  return { agent, chain, world, run: await agent.start(chain, 'a', { id: 'a' }) };
}

async function until(run: RunHandle, state: RunState): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  while ((await run.status()).state !== state) {
    if (performance.now() > deadline) throw new Error(`${run.id} is not ${state}`);
    await pause(5);
  }
}

async function kindsOf(run: RunHandle): Promise<readonly string[]> {
  return (await run.status()).history.map(({ kind }) => kind);
}

test('O4 a program lets a failed run go on from its step, once', async (t) => {
  const { run, world } = await opened(t);
  await t.throwsAsync(run.result(), { code: 'HF_RUN_FAILED' });
  world.isBroken = false;
  await run.retry('paper is in');
  await run.signal(go, 'on');

  t.deepEqual(await run.result(), ['a-1', 'a-2', 'on']);
  t.is((await kindsOf(run)).filter((kind) => kind === 'run.retried').length, 1);
  await t.throwsAsync(run.retry(), { code: 'HF_RUN_STATE' });
});

test('a program holds a run and lets it go on, and twice is once', async (t) => {
  const { run, world } = await opened(t, { minDelay: '1h' });
  await until(run, 'retrying');
  await run.pause('look at it');
  await run.pause('once more');
  await run.signal(go, 'on');
  t.is((await run.status()).state, 'paused');
  world.isBroken = false;
  await run.resume();
  await run.resume();
  await run.retry('at once');

  t.deepEqual(await run.result(), ['a-1', 'a-2', 'on']);
  const noted = (await kindsOf(run)).filter((kind) => /paused|resumed/.test(kind));
  t.deepEqual(noted, ['run.paused', 'run.resumed']);
  await t.throwsAsync(run.pause(), { code: 'HF_RUN_FINISHED' });
});

test('a program gives an open step its outcome, and no other', async (t) => {
  const { run } = await opened(t, { minDelay: '1h' });
  await until(run, 'retrying');
  await t.throwsAsync(run.skip('first', 'x'), { code: 'HF_RUN_STATE' });
  await t.throwsAsync(run.skip('second', () => 1), { code: 'HF_VALUE_UNSUPPORTED' });
  await run.skip('second', 'by hand');
  await run.signal(go, 'on');

  t.deepEqual(await run.result(), ['a-1', 'by hand', 'on']);
});

test('O3 a program forks a run: what was done before stays done, also in the first', async (t) => {
  const { agent, run, world } = await opened(t);
  await t.throwsAsync(run.result(), { code: 'HF_RUN_FAILED' });
  world.isBroken = false;
  const fork = await run.fork('second', { id: 'b' });
  await fork.signal(go, 'on');

  t.is(fork.id, 'b');
  t.deepEqual(await fork.result(), ['a-1', 'a-2', 'on']);
  t.is((await run.status()).state, 'failed');
  const whole = await fork.fork('second');
  t.deepEqual(await whole.result(), ['a-1', 'a-2', 'on'], 'signals come along');
  t.not((await run.fork('second')).id, run.id);
  await t.throwsAsync(run.fork('nothing'), { code: 'HF_RUN_STATE' });
  await t.throwsAsync(run.fork('second', { id: 'b' }), { code: 'HF_RUN_CONFLICT' });
  await t.throwsAsync(agent.run('nobody'), { code: 'HF_RUN_UNKNOWN' });
});

test('H5 who waits for a run that goes on in new histories gets what the last gives', async (t) => {
  const rounds = workflow('rounds', async (ctx, round: number) => {
    await ctx.waitFor(go);
    return round === 3 ? `round ${round}` : ctx.continueAsNew(round + 1);
  });
  const dataDir = await tempDir(t);
  const agent = await Agent.open({ dataDir, device: 'd-1', workflows: [rounds] });
  t.teardown(() => agent.close());
  const run = await agent.start(rounds, 1);
  const result = run.result();
  for (let round = 1; round <= 3; round += 1) await run.signal(go, 'on');

  t.is(await result, 'round 3');
});

test('a program cancels a run, with its code and without it', async (t) => {
  const { agent, chain, run, world } = await opened(t, { minDelay: '1h' });
  await until(run, 'retrying');
  await run.cancel('not wanted', { force: true });
  await t.throwsAsync(run.result(), { code: 'HF_RUN_CANCELLED', message: /not wanted/ });
  t.deepEqual((await kindsOf(run)).slice(-1), ['run.cancelled']);
  t.false((await kindsOf(run)).includes('cancel.requested'), 'its code was not asked');

  world.isBroken = false;
  const other = await agent.start(chain, 'b', { id: 'b' });
  await until(other, 'waiting-signal');
  await other.cancel();
  await t.throwsAsync(other.result(), { code: 'HF_RUN_CANCELLED' });
  t.deepEqual((await kindsOf(other)).slice(-2), ['cancel.requested', 'run.cancelled']);
});
