import test from 'ava';
import { workflow, type StepOptions } from '@holdfast/agent';
import { encodeValue } from '@holdfast/protocol';
import { SimDevice } from '../../support/sim-device.ts';

/** Steps `first`, `second`, `third`; `second` fails for as long as it is told to. */
function chain(retry: StepOptions['retry'] = false) {
  const done: string[] = [];
  const world = { isBroken: true };
  const flow = workflow('chain', async (ctx) => {
    const step = (name: string) =>
      ctx.step(
        name,
        () => {
          if (name === 'second' && world.isBroken) throw new Error('no paper');
          done.push(name);
          return name;
        },
        { retry },
      );
    return [await step('first'), await step('second'), await step('third')];
  });
  return { flow, done, world };
}

test('a failed run goes on from the step it failed at, also after a restart', async (t) => {
  const device = new SimDevice();
  const { flow, done, world } = chain();
  await device.start(flow);
  await device.begin(flow, null);
  t.is(await device.state(), 'failed');
  const failed = await device.inspector.run('run-1');
  t.like(failed.lastError, { step: 'second', attempt: 1, name: 'Error', message: 'no paper' });

  await device.restart(flow);
  world.isBroken = false;
  await device.runtime.retry('run-1', 'paper is in');
  await device.settle();
  await device.restart(flow);

  t.deepEqual(await device.result(), ['first', 'second', 'third']);
  t.deepEqual(done, ['first', 'second', 'third'], 'what was done is not done again');
  const { history, lastError } = await device.inspector.run('run-1');
  t.is(lastError, null);
  t.deepEqual(
    history.filter(({ kind }) => kind === 'run.retried').map(({ value, op }) => [value, op]),
    [['paper is in', 2]],
  );
});

test('a run that is retried in vain fails again, and can be retried again', async (t) => {
  const device = new SimDevice();
  const { flow, done, world } = chain();
  await device.start(flow);
  await device.begin(flow, null);

  for (let times = 0; times < 3; times += 1) {
    await device.runtime.retry('run-1', '');
    await device.settle();
    t.is(await device.state(), 'failed');
  }
  world.isBroken = false;
  await device.runtime.retry('run-1', '');
  await device.settle();

  t.deepEqual(await device.result(), done);
  const again = device.runtime.retry('run-1', '');
  await t.throwsAsync(again, { code: 'HF_RUN_STATE' }, 'it has completed');
});

test('a pause between attempts ends at once when somebody retries', async (t) => {
  const device = new SimDevice();
  const { flow, world } = chain({ minDelay: '1h', maxDelay: '1h' });
  await device.start(flow);
  await device.begin(flow, null);
  const waiting = await device.inspector.run('run-1');
  t.like(waiting, { state: 'retrying', waitsFor: 'the next attempt of second', attempt: 1 });

  world.isBroken = false;
  await device.runtime.retry('run-1', '');
  await device.settle();

  t.is(await device.state(), 'completed');
});

test('a stuck run tries its code again, and the ledger is told who wished it', async (t) => {
  const device = new SimDevice();
  const make = (name: string) =>
    workflow('flow', async (ctx) => {
      await ctx.step(name, () => name);
      await ctx.waitFor('go');
    });
  await device.start(make('old'));
  await device.begin(make('old'), null);
  await device.restart(make('new'));
  t.like(await device.inspector.run('run-1'), { state: 'stuck', waitsFor: 'a person' });

  const skipped = device.runtime.skip({ run: 'run-1', step: 'old', result: encodeValue(1) });
  await t.throwsAsync(skipped, { code: 'HF_RUN_STATE' }, 'told at once');
  await device.runtime.retry('run-1', 'try');
  await device.settle();

  t.is(await device.state(), 'stuck', 'the code is still another');
  await device.restart(make('old'));
  t.is(await device.state(), 'waiting-signal');
  await device.signal('go');
  t.is(await device.state(), 'completed');
  const kinds = await device.history();
  t.deepEqual(kinds.slice(2, 5), ['run.stuck', 'run.retried', 'run.stuck']);
});

test('a skipped step resolves with what was given, in this life and the next', async (t) => {
  const device = new SimDevice();
  const { flow, done } = chain({ minDelay: '1h' });
  await device.start(flow);
  await device.begin(flow, null);

  const third = device.runtime.skip({ run: 'run-1', step: 'third', result: encodeValue(0) });
  await t.throwsAsync(third, { code: 'HF_RUN_STATE' });
  await device.runtime.skip({ run: 'run-1', step: 'second', result: encodeValue('by hand') });
  await device.settle();
  await device.restart(flow);

  t.deepEqual(await device.result(), ['first', 'by hand', 'third']);
  t.deepEqual(done, ['first', 'third']);
});

test('a fork does anew what is behind the place, and nothing that is before it', async (t) => {
  const device = new SimDevice();
  const { flow, done, world } = chain();
  world.isBroken = false;
  await device.start(flow);
  await device.begin(flow, null);

  const byName = await device.runtime.fork({ run: 'run-1', step: 'second', id: 'run-2' });
  await device.settle();
  const byNumber = await device.runtime.fork({ run: 'run-1', step: '3' });
  await device.settle();
  await device.restart(flow);

  t.is(byName, 'run-2');
  t.deepEqual(await device.result(byName), ['first', 'second', 'third']);
  t.deepEqual(await device.result(byNumber), ['first', 'second', 'third']);
  t.deepEqual(done, ['first', 'second', 'third', 'second', 'third', 'third']);
  t.is(await device.state(), 'completed', 'the first run is as it was');
  const taken = device.runtime.fork({ run: 'run-1', step: '1', id: 'run-2' });
  await t.throwsAsync(taken, { code: 'HF_RUN_CONFLICT' });
  const nowhere = device.runtime.fork({ run: 'run-1', step: 'fourth' });
  await t.throwsAsync(nowhere, { code: 'HF_RUN_STATE' });
});

test('a paused run begins nothing, across restarts, until it is resumed', async (t) => {
  const device = new SimDevice();
  const { flow, done, world } = chain({ minDelay: '1m', maxDelay: '1m' });
  await device.start(flow);
  await device.begin(flow, null);

  await device.runtime.pause('run-1', 'stock-taking');
  await device.runtime.pause('run-1', 'again');
  world.isBroken = false;
  await device.restart(flow);
  await device.advance(600_000);
  const held = await device.inspector.run('run-1');
  t.like(held, { state: 'paused', waitsFor: 'somebody to resume it' });
  t.deepEqual(done, ['first']);

  await device.runtime.resume('run-1');
  await device.runtime.resume('run-1');
  await device.settle();

  t.deepEqual(await device.result(), ['first', 'second', 'third']);
  const kinds = await device.history();
  const held2 = kinds.filter((kind) => kind === 'run.paused' || kind === 'run.resumed');
  t.deepEqual(held2, ['run.paused', 'run.resumed'], 'a wish that is fulfilled is not journaled');
});

test('a token completes or fails its step days later, once', async (t) => {
  const device = new SimDevice();
  const tokens: string[] = [];
  const flow = workflow('approval', async (ctx) => {
    const ask = (name: string) =>
      ctx.step(name, ({ token }) => void tokens.push(token), { external: true });
    const answer = await ask('ask');
    const second = await ask('ask-again').catch((error: Error) => (error.cause as Error).name);
    return { answer, second };
  });
  await device.start(flow);
  await device.begin(flow, null);
  const waiting = await device.inspector.run('run-1');
  t.is(waiting.waitsFor, 'somebody to complete ask by its token');

  await device.advance(3 * 86_400_000);
  await device.restart(flow);
  const [first = ''] = tokens;
  await device.runtime.complete(first, { result: encodeValue('yes') });
  await device.settle();
  const twice = device.runtime.complete(first, { result: encodeValue('no') });
  await t.throwsAsync(twice, { code: 'HF_TOKEN_INVALID' });
  const forged = device.runtime.complete(`${first.slice(0, -1)}_`, { error: new Error('x') });
  await t.throwsAsync(forged, { code: 'HF_TOKEN_INVALID' });
  t.is(tokens.length, 2, 'a body that has ended is not run again');
  await device.runtime.complete(tokens[1] ?? '', { error: new RangeError('late') });
  await device.restart(flow);

  t.deepEqual(await device.result(), { answer: 'yes', second: 'RangeError' });
});

test('what a run waits for is told in words', async (t) => {
  const device = new SimDevice();
  const child = workflow('child', (ctx) => ctx.waitFor('never'));
  const flow = workflow('flow', async (ctx) => {
    await ctx.sleep('1h');
    await ctx.waitFor('go', { timeout: '1d' });
    await ctx.step('print', () => 1, { when: 'online' });
    await ctx.until('look', () => false, { every: '1h', timeout: '3h' }).catch(() => undefined);
    await ctx.call('tax.rate').catch(() => undefined);
  });
  const parent = workflow('parent', (ctx) => ctx.child(child, null, { id: 'kid' }));
  await device.start(flow, parent, child);
  device.conditions.set('online', false);
  await device.begin(parent, null, 'run-0');
  await device.begin(flow, null);
  const waits = async (id = 'run-1') => (await device.inspector.run(id)).waitsFor;

  t.is(await waits('run-0'), 'child run kid');
  t.is(await waits(), 'the end of its sleep');
  await device.advance(3_600_000);
  t.is(await waits(), 'signal go');
  await device.signal('go');
  t.is(await waits(), 'online, for print');
  device.conditions.set('online', true);
  await device.advance(10_000);
  t.is(await waits(), 'the next look of look');
  await device.advance(4 * 3_600_000);
  t.is(await waits(), 'the result of call tax.rate from the gateway');
});
