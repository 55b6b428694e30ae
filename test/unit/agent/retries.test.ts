import test from 'ava';
import type { HoldfastError } from '@holdfast/protocol';
import {
  RetryableError,
  delayAfter,
  workflow,
  type StepOptions,
  type Workflow,
} from '@holdfast/agent/internal';
import { SimDevice } from '../../support/sim-device.ts';

async function begun(code: Workflow<never, unknown>): Promise<SimDevice> {
  const device = new SimDevice();
  await device.start(code);
  await device.begin(code, null);
  return device;
}

/** When the attempts of a step that always fails are made, in seconds since the first. */
async function attemptTimes(options: StepOptions, forMs = 86_400_000): Promise<number[]> {
  const times: number[] = [];
  const device = new SimDevice();
  const code = workflow('trying', (ctx) =>
    ctx.step(
      'try',
      () => {
        times.push(device.clock.nowMs());
        throw new Error('no');
      },
      options,
    ),
  );
  await device.start(code);
  await device.begin(code, null);
  await device.advance(forMs);
  return times.map((atMs) => (atMs - (times[0] ?? 0)) / 1_000);
}

test('D1 pauses are fixed or grow to a cap; attempts end by number or time', async (t) => {
  const fixed = { attempts: 4, minDelay: '2s', factor: 1 };
  t.deepEqual(await attemptTimes({ retry: fixed }), [0, 2, 4, 6]);
  const growing = { attempts: 6, minDelay: '1s', factor: 3, maxDelay: '10s' };
  t.deepEqual(await attemptTimes({ retry: growing }), [0, 1, 4, 13, 23, 33]);
  const limited = { attempts: 100, minDelay: '20s', factor: 1, maxElapsed: '1m' };
  t.deepEqual(await attemptTimes({ retry: limited }), [0, 20, 40, 60]);
});

test('D1 jitter takes a part of the pause away, and never more', async (t) => {
  const retry = { attempts: 30, minDelay: '100s', factor: 1, jitter: 0.5 };
  const times = await attemptTimes({ retry });
  const pauses = times.slice(1).map((at, index) => at - (times[index] ?? 0));
  t.is(pauses.length, 29);
  t.true(pauses.every((pause) => pause >= 50 && pause <= 100));
  t.true(new Set(pauses).size > 20);
});

test('D2 D3 D4 number and pause survive restarts; what came due is made once', async (t) => {
  const times: number[] = [];
  const device = new SimDevice();
  const code = workflow('patient', (ctx) =>
    ctx.step(
      'try',
      ({ attempt }) => {
        times.push(attempt);
        throw new Error('no');
      },
      { retry: { attempts: 4, minDelay: '1h', factor: 1 } },
    ),
  );
  await device.start(code);
  await device.begin(code, null);
  for (let half = 0; half < 3; half += 1) {
    await device.advance(1_200_000);
    t.is(times.length, half < 2 ? 1 : 2, 'the pause goes on, it does not begin again');
    await device.restart(code);
  }
  device.crash();
  await device.clock.advance(86_400_000);
  await device.start(code);
  await device.advance(0);
  t.deepEqual(times, [1, 2, 3]);
  await device.restart(code);
  t.deepEqual(times, [1, 2, 3]);
  await device.advance(3_600_000);
  t.deepEqual(times, [1, 2, 3, 4]);
});

test('D1 D2 a limit counts from the first failure, over restarts too', async (t) => {
  let attempts = 0;
  const limited = { attempts: 100, minDelay: '20m', factor: 1, maxElapsed: '1h' } as const;
  const code = workflow('limited', (ctx) =>
    ctx.step('try', () => {
      attempts += 1;
      throw new Error('no');
    }, { retry: limited }),
  );
  const device = await begun(code);
  for (let half = 0; half < 8; half += 1) {
    await device.advance(600_000);
    await device.restart(code);
  }
  t.is(attempts, 4);
  t.is(await device.state(), 'failed');
});

test('D3 F4 a clock that is years behind delays an attempt by its own pause at most', async (t) => {
  for (const pause of ['8s', '1h']) {
    let attempts = 0;
    const code = workflow('patient', (ctx) =>
      ctx.step('try', () => {
        attempts += 1;
        if (attempts === 1) throw new Error('no');
      }, { retry: { minDelay: pause } }),
    );
    const device = await begun(code);
    device.crash();
    device.clock.setWall(0);
    await device.start(code);
    await device.advance(3_600_000);
    t.is(attempts, 2, pause);
  }
});

test('D5 what an attempt does after its timeout is ignored, a late rejection too', async (t) => {
  const ends: ((how: 'resolve' | 'reject') => void)[] = [];
  const slow = workflow('slow', (ctx) =>
    ctx.step(
      'slow',
      ({ attempt }) =>
        attempt === 3
          ? 'third'
          : new Promise((resolve, reject) => {
              ends.push((how) => (how === 'resolve' ? resolve('late') : reject(new Error('late'))));
            }),
      { timeout: '5s', retry: { minDelay: '1s', factor: 1 } },
    ),
  );
  const device = await begun(slow);
  await device.advance(6_000);
  ends[0]?.('resolve');
  await device.settle();
  t.is(await device.state(), 'running', 'the second attempt is at work');
  await device.advance(6_000);
  ends[1]?.('reject');
  await device.settle();

  t.is(await device.result(), 'third');
});

test('D6 a step as a whole is limited by a race with a timer', async (t) => {
  const limited = workflow('limited', async (ctx) => {
    const work = ctx.scope((part) =>
      part.step('work', () => Promise.reject(new Error('no')), {
        retry: { attempts: Number.POSITIVE_INFINITY, minDelay: '1m', factor: 1 },
      }),
    );
    const end = ctx.sleep('10m').then(() => 'too late');
    const winner = await Promise.race([work.result, end]);
    work.cancel();
    await ctx.waitFor('end');
    return winner;
  });
  const device = await begun(limited);
  await device.advance(600_000);
  const { length } = await device.history();
  await device.advance(3_600_000);
  await device.restart(limited);
  await device.advance(3_600_000);
  t.is((await device.history()).length, length, 'no further attempt is made');
  await device.signal('end');
  t.is(await device.result(), 'too late');
});

test('D7 an error says when to try again: after a time, or at a moment', async (t) => {
  const device = new SimDevice();
  const times: number[] = [];
  const code = workflow('polite', (ctx) =>
    ctx.step('ask', ({ attempt }) => {
      const nowMs = device.clock.nowMs();
      times.push(nowMs);
      if (attempt === 1) throw new RetryableError('busy', { retryAfter: '90s' });
      const moment = new Date(nowMs + 3_600_000);
      if (attempt === 2) throw new RetryableError('closed', { retryAfter: moment });
      if (attempt === 3) throw new RetryableError('now', { retryAfter: new Date(0) });
      return 'done';
    }),
  );
  await device.start(code);
  await device.begin(code, null);
  await device.advance(4_000_000);

  t.is(await device.result(), 'done');
  const pauses = times.slice(1).map((at, index) => at - (times[index] ?? 0));
  t.deepEqual(pauses, [90_000, 3_600_000, 0]);
});

test('D8 waiting for a condition uses no attempt, also between two', async (t) => {
  const attempts: number[] = [];
  const device = new SimDevice();
  device.conditions.set('online', false);
  const code = workflow('careful', (ctx) =>
    ctx.step(
      'send',
      ({ attempt }) => {
        attempts.push(attempt);
        if (attempt === 1) {
          device.conditions.set('online', false);
          throw new Error('the link went away');
        }
        return 'sent';
      },
      { when: 'online', retry: { attempts: 2, minDelay: '1s' } },
    ),
  );
  await device.start(code);
  await device.begin(code, null);
  await device.advance(3_600_000);
  t.is(await device.state(), 'waiting-condition');
  await device.restart(code);
  device.conditions.set('online', true);
  await device.advance(10_000);
  t.deepEqual(attempts, [1]);
  await device.advance(86_400_000);
  t.deepEqual(attempts, [1]);
  device.conditions.set('online', true);
  await device.advance(10_000);

  t.deepEqual(attempts, [1, 2]);
  t.is(await device.result(), 'sent');
});

test('D9 at most once: the intent is durable first, and doubt is an error', async (t) => {
  let effects = 0;
  const pour = workflow('pour', async (ctx) => {
    const poured = ctx.step(
      'pour',
      () => {
        effects += 1;
        return new Promise(() => {});
      },
      { atMostOnce: true },
    );
    return poured.catch((error: HoldfastError) => error.code);
  });
  const device = await begun(pour);
  t.is(effects, 1);
  t.true((await device.history()).includes('step.started pour'));
  await device.restart(pour);

  t.is(await device.result(), 'HF_STEP_INTERRUPTED');
  t.is(effects, 1);

  const early = new SimDevice();
  await early.start(pour);
  early.store.failWriteNumber(early.store.writes + 2, 'lost');
  await early.begin(pour, null);
  t.is(effects, 1, 'without the intent there is no effect');
  await early.restart(pour);
  t.is(effects, 2);
});

test('D10 a step whose outcome was not durable runs again under the same key', async (t) => {
  for (const outcome of ['lost', 'kept'] as const) {
    const keys: string[] = [];
    const keyed = workflow('keyed', (ctx) =>
      ctx.step('charge', ({ idempotencyKey }) => void keys.push(idempotencyKey)),
    );
    const device = new SimDevice();
    await device.start(keyed);
    device.store.failWriteNumber(device.store.writes + 2, outcome);
    await device.begin(keyed, null);
    await device.restart(keyed);

    t.is(await device.state(), 'completed');
    t.is(keys.length, outcome === 'lost' ? 2 : 1);
    t.is(new Set(keys).size, 1);
  }
});

test('D11 after many attempts the pause is still the longest one, not an overflow', async (t) => {
  const times = await attemptTimes(
    { retry: { attempts: 1_200, minDelay: 1, factor: 100, maxDelay: '60d' } },
    0,
  );
  t.is(times.length, 1);
  t.is(delayAfter({ minDelayMs: 0, maxDelayMs: 1_000, factor: 2 }, 5_000), 0);
  const device = new SimDevice();
  let attempts = 0;
  const stubborn = workflow('stubborn', (ctx) =>
    ctx.step(
      'try',
      () => {
        attempts += 1;
        throw new Error('no');
      },
      { retry: { attempts: Number.POSITIVE_INFINITY, minDelay: '1s', maxDelay: '60d' } },
    ),
  );
  await device.start(stubborn);
  await device.begin(stubborn, null);
  for (let i = 0; i < 200; i += 1) await device.advance(60 * 86_400_000);
  t.true(attempts > 200 && attempts < 250, `${attempts}`);
  t.is(await device.state(), 'retrying');
});
