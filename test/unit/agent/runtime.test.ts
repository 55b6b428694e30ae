import test from 'ava';
import { encodeValue, type HoldfastError } from '@holdfast/protocol';
import { workflow, type Context } from '@holdfast/agent/internal';
import { SimDevice } from '../../support/sim-device.ts';

/** A workflow that uses most of the vocabulary; `effects` counts what its steps really did. */
function busy(effects: Map<string, number>) {
  const did = (name: string): void => void effects.set(name, (effects.get(name) ?? 0) + 1);
  return workflow('busy', async (ctx, input: { base: number }) => {
    const first = await ctx.step('first', () => {
      did('first');
      return input.base + 1;
    });
    await ctx.setStatus({ at: 'first' });
    const [left, right] = await Promise.all([
      ctx.step('left', async () => {
        did('left');
        return first * 2;
      }),
      ctx.step('right', () => {
        did('right');
        return first * 3;
      }),
    ]);
    await ctx.emit('half', { left, right }, { lane: 'bulk' });
    await ctx.sleep('10s');
    const last = await ctx.step('last', () => {
      did('last');
      return left + right;
    });
    return { first, left, right, last, random: ctx.random(), uuid: ctx.uuid() };
  });
}

test('a run ends with what its code returns, and its history says how', async (t) => {
  const device = new SimDevice();
  const effects = new Map<string, number>();
  await device.start(busy(effects));

  await device.begin(busy(effects), { base: 1 });
  await device.advance(10_000);

  t.like(await device.result(), { first: 2, left: 4, right: 6, last: 10 });
  t.deepEqual(await device.history(), [
    'run.started',
    'step.completed first',
    'run.status status',
    // In the order in which they ended: a body that gives no promise has nothing to wait for.
    'step.completed right',
    'step.completed left',
    'event.emitted half',
    'timer.set sleep',
    'timer.fired sleep',
    'step.completed last',
    'run.completed',
  ]);
  t.deepEqual([...effects.values()], [1, 1, 1, 1]);
});

test('B1 killed at any commit, a run ends as ever, and no resolved step ran again', async (t) => {
  const undisturbed = new SimDevice();
  await undisturbed.start(busy(new Map()));
  await undisturbed.begin(busy(new Map()), { base: 1 });
  await undisturbed.advance(10_000);
  const expected = (await undisturbed.result()) as { last: number };
  const commits = undisturbed.store.writes;
  t.true(commits >= 8, 'the run takes several commits');

  for (let kill = 1; kill <= commits; kill += 1) {
    for (const outcome of ['lost', 'kept'] as const) {
      const device = new SimDevice();
      const effects = new Map<string, number>();
      await device.start(busy(effects));
      device.store.failWriteNumber(kill, outcome);
      await device.begin(busy(effects), { base: 1 }).catch(() => undefined);
      await device.advance(10_000);
      const durable = new Set(await device.history().catch(() => []));
      const before = new Map(effects);
      await device.restart(busy(effects));
      await device.begin(busy(effects), { base: 1 });
      await device.advance(10_000);

      const label = `killed at commit ${kill}, ${outcome}`;
      const result = (await device.result()) as { last: number };
      t.is(result.last, expected.last, label);
      for (const [name, count] of before) {
        if (durable.has(`step.completed ${name}`)) t.is(effects.get(name), count, label);
      }
    }
  }
});

test('failed attempts are journaled: neither their number nor the pause starts over', async (t) => {
  const device = new SimDevice();
  const attempts: number[] = [];
  const stubborn = workflow('stubborn', (ctx) =>
    ctx.step(
      'try',
      ({ attempt }) => {
        attempts.push(attempt);
        throw new TypeError(`attempt ${attempt}`);
      },
      { retry: { attempts: 4, minDelay: '4s', factor: 2 } },
    ),
  );
  await device.start(stubborn);
  await device.begin(stubborn, null);
  t.deepEqual(attempts, [1]);

  await device.advance(3_000);
  await device.restart(stubborn);
  t.deepEqual(attempts, [1], 'the pause goes on');
  await device.advance(1_000);
  t.deepEqual(attempts, [1, 2]);
  await device.advance(8_000);
  await device.restart(stubborn);
  t.deepEqual(attempts, [1, 2, 3]);
  t.is(await device.state(), 'retrying');
  await device.advance(60_000);

  t.deepEqual(attempts, [1, 2, 3, 4]);
  const error = await t.throwsAsync(device.result(), { code: 'HF_RUN_FAILED' });
  const failed = error?.cause as HoldfastError;
  t.is(failed.code, 'HF_STEP_FAILED');
  t.true(failed.cause instanceof TypeError);
});

test('a retry that came due while the device was off is made at once, and once', async (t) => {
  const device = new SimDevice();
  let calls = 0;
  const patient = workflow('patient', (ctx) =>
    ctx.step(
      'try',
      () => {
        calls += 1;
        if (calls === 1) throw new Error('not yet');
        return calls;
      },
      { retry: { minDelay: '1h' } },
    ),
  );
  await device.start(patient);
  await device.begin(patient, null);
  await device.advance(2_000);
  device.crash();
  await device.clock.advance(7_200_000);

  await device.start(patient);
  await device.advance(0);

  t.is(calls, 2);
  t.is(await device.result(), 2);
});

test('the idempotency key is the same in every attempt and after a restart', async (t) => {
  const device = new SimDevice();
  const keys: string[] = [];
  const keyed = workflow('keyed', async (ctx) => {
    await ctx.step('a', ({ idempotencyKey }) => keys.push(idempotencyKey));
    await ctx.step('b', ({ idempotencyKey }) => {
      keys.push(idempotencyKey);
      if (keys.length < 4) throw new Error('again');
    });
  });
  await device.start(keyed);
  await device.begin(keyed, null);
  await device.restart(keyed);
  await device.advance(60_000);

  const [a, ...b] = keys;
  t.is(await device.state(), 'completed');
  t.is(new Set(b).size, 1);
  t.false(b.includes(a ?? ''));
});

test('an attempt that takes too long is aborted, repeated, and ignored from then on', async (t) => {
  const device = new SimDevice();
  const reasons: unknown[] = [];
  const slow = workflow('slow', (ctx) =>
    ctx.step(
      'wait',
      ({ attempt, signal }) => {
        if (attempt === 2) return 'second';
        return new Promise((resolve) => {
          signal.addEventListener('abort', () => {
            reasons.push((signal.reason as HoldfastError).code);
            resolve('late');
          });
        });
      },
      { timeout: '5s' },
    ),
  );
  await device.start(slow);
  await device.begin(slow, null);
  await device.advance(10_000);

  t.is(await device.result(), 'second');
  t.deepEqual(reasons, ['HF_STEP_TIMEOUT']);
});

test('a step gives back its stored form: changing it later changes no replay', async (t) => {
  const device = new SimDevice();
  const source = { list: [1], when: new Date(5), big: 7n, nothing: undefined };
  const stored = workflow('stored', async (ctx) => {
    const got = await ctx.step('make', () => source);
    source.list.push(2);
    await ctx.waitFor('go');
    return got;
  });
  await device.start(stored);
  await device.begin(stored, null);
  await device.restart(stored);
  await device.signal('go');

  t.deepEqual(await device.result(), { list: [1], when: new Date(5), big: 7n, nothing: undefined });
});

test('a value that cannot be stored fails the step once, and the code can catch it', async (t) => {
  const device = new SimDevice();
  let made = 0;
  const odd = workflow('odd', async (ctx) => {
    try {
      await ctx.step('make', () => {
        made += 1;
        return () => 1;
      });
      return 'stored';
    } catch (error) {
      return ((error as HoldfastError).cause as HoldfastError).code;
    }
  });
  await device.start(odd);
  await device.begin(odd, null);

  t.is(await device.result(), 'HF_VALUE_UNSUPPORTED');
  t.is(made, 1);
});

test('signals are kept in order, count once by their id, and survive a restart', async (t) => {
  const device = new SimDevice();
  const listener = workflow('listener', async (ctx) => {
    await ctx.sleep('1m');
    return [await ctx.waitFor('item'), await ctx.waitFor('item'), await ctx.waitFor('other')];
  });
  await device.start(listener);
  await device.begin(listener, null);
  await device.signal('item', 1, { id: 'one' });
  await device.signal('item', 1, { id: 'one' });
  await device.signal('other', 'x');
  await device.restart(listener);
  await device.signal('item', 1, { id: 'one' });
  await device.signal('item', 2, { id: 'two' });
  await device.advance(60_000);

  t.deepEqual(await device.result(), [1, 2, 'x']);
});

test('a wait that has timed out stays so: the next one gets the late signal', async (t) => {
  const device = new SimDevice();
  const waiter = workflow('waiter', async (ctx) => {
    const first = await ctx.waitFor('s', { timeout: '5s' }).catch((e: HoldfastError) => e.code);
    const second = await ctx.waitFor('s');
    return [first, second];
  });
  await device.start(waiter);
  await device.begin(waiter, null);
  await device.advance(5_000);
  await device.signal('s', 'late');
  await device.restart(waiter);

  t.deepEqual(await device.result(), ['HF_WAIT_TIMEOUT', 'late']);
});

test('a race has the same winner in every replay, and its loser is ignored', async (t) => {
  const device = new SimDevice();
  const racer = workflow('racer', async (ctx) => {
    const winner = await Promise.race([
      ctx.sleep('5s').then(() => 'timer'),
      ctx.waitFor('go').then(() => 'signal'),
    ]);
    await ctx.waitFor('end');
    return winner;
  });
  await device.start(racer);
  await device.begin(racer, null);
  await device.advance(5_000);
  await device.signal('go');
  await device.restart(racer);
  await device.signal('end');

  t.is(await device.result(), 'timer');
});

test('two chains that interleave are bound to the same outcomes in every replay', async (t) => {
  const device = new SimDevice();
  const chains = (log: string[]) =>
    workflow('chains', async (ctx) => {
      const chain = async (name: string, pause: string) => {
        for (let i = 0; i < 3; i += 1) {
          await ctx.sleep(pause);
          log.push(await ctx.step(`${name}${i}`, () => `${name}${i}`));
        }
      };
      await Promise.all([chain('a', '2s'), chain('b', '3s')]);
      await ctx.waitFor('end');
      return log;
    });
  const live: string[] = [];
  await device.start(chains(live));
  await device.begin(chains(live), null);
  for (let second = 0; second < 12; second += 1) await device.advance(1_000);
  const replayed: string[] = [];
  await device.restart(chains(replayed));
  await device.signal('end');

  t.is(live.length, 6);
  t.deepEqual(await device.result(), live);
});

test('code that does not match parks the run, and it goes on when the code is back', async (t) => {
  const device = new SimDevice();
  const make = (name: string) =>
    workflow('changing', async (ctx) => {
      const value = await ctx.step(name, () => name);
      await ctx.waitFor('go');
      return value;
    });
  await device.start(make('old'));
  await device.begin(make('old'), null);

  for (let restarts = 0; restarts < 3; restarts += 1) await device.restart(make('new'));
  const stuck = await device.inspector.run('run-1');
  t.is(stuck.state, 'stuck');
  t.is(stuck.error?.code, 'HF_CODE_MISMATCH');
  t.regex(stuck.error?.message ?? '', /step "old".*step "new"/);
  const times = stuck.history.filter(({ kind }) => kind === 'run.stuck').length;
  t.is(times, 1, 'the journal does not grow');

  await device.restart(make('old'));
  await device.signal('go');
  t.is(await device.result(), 'old');
});

test('a run whose workflow is not there waits for it', async (t) => {
  const device = new SimDevice();
  const flow = workflow('flow', (ctx) => ctx.waitFor('go'));
  const other = workflow('other', async () => 1);
  await device.start(flow);
  await device.begin(flow, null);
  await device.restart(other);
  await device.signal('go', 'kept');
  t.is(await device.state(), 'stuck');

  await device.restart(flow, other);

  t.is(await device.result(), 'kept');
});

test('ctx is refused inside a step, and outside what the run is awaiting', async (t) => {
  const device = new SimDevice();
  let kept: Context | undefined;
  const nested = workflow('nested', async (ctx) => {
    kept = ctx;
    const inner = await ctx
      .step('outer', () => ctx.step('inner', () => 1), { retry: false })
      .catch((error: HoldfastError) => (error.cause as HoldfastError).code);
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    const foreign = await ctx.step('after', () => 1).catch((error: HoldfastError) => error.code);
    return [inner, foreign];
  });
  await device.start(nested);
  await device.begin(nested, null);

  t.deepEqual(await device.result(), ['HF_STEP_NESTED', 'HF_CONTEXT_CLOSED']);
  await t.throwsAsync(async () => kept?.sleep(1), { code: 'HF_CONTEXT_CLOSED' });
});

test('a step that is not awaited is finished before its run ends', async (t) => {
  const device = new SimDevice();
  let done = false;
  const careless = workflow('careless', async (ctx) => {
    void ctx.step('background', async () => {
      await new Promise((resolve) => setImmediate(resolve));
      done = true;
    });
    return 'returned';
  });
  await device.start(careless);
  await device.begin(careless, null);

  t.true(done);
  const kinds = ['run.started', 'step.completed background', 'run.completed'];
  t.deepEqual(await device.history(), kinds);
});

test('an id is one run: the same input attaches, another is a conflict, at any time', async (t) => {
  const device = new SimDevice();
  const once = workflow('once', async (_ctx, input: number) => input);
  await device.start(once);
  const twice = await Promise.all([device.begin(once, 1), device.begin(once, 1)]);
  t.deepEqual(twice, ['run-1', 'run-1']);
  await device.restart(once);

  await device.begin(once, 1);
  await t.throwsAsync(device.begin(once, 2), { code: 'HF_RUN_CONFLICT' });
  t.deepEqual(device.runtime.counts(), { completed: 1 });
});

test('cancelling ends a run wherever it is, once, and survives a restart', async (t) => {
  const device = new SimDevice();
  let aborted = false;
  const long = workflow('long', async (ctx) => {
    await ctx.step('work', ({ signal }) => {
      return new Promise((_, reject) => {
        signal.addEventListener('abort', () => {
          aborted = true;
          reject(new Error('aborted'));
        });
      });
    });
  });
  await device.start(long);
  await device.begin(long, null);
  const request = { run: 'run-1', reason: 'not wanted' };
  await device.runtime.cancel(request);
  await device.runtime.cancel(request);
  await device.settle();
  t.true(aborted);
  await device.restart(long);

  t.is(await device.state(), 'cancelled');
  await t.throwsAsync(device.result(), { code: 'HF_RUN_CANCELLED', message: /not wanted/ });
  await t.throwsAsync(device.signal('x'), { code: 'HF_RUN_FINISHED' });
  await t.throwsAsync(device.runtime.cancel({ run: 'nobody', reason: '' }), {
    code: 'HF_RUN_UNKNOWN',
  });
});

const caller = workflow('caller', async (ctx) => {
  const given = await ctx
    .call('stock.take', { sku: 'x' }, { timeout: '1d' })
    .catch((error: HoldfastError) => error.code);
  await ctx.waitFor('end');
  return given;
});

async function keyOf(device: SimDevice): Promise<string> {
  const history = await device.runs.history(await device.runtime.numberOf('run-1'));
  const entry = history.find((each) => each.kind === 'call.requested');
  return entry?.kind === 'call.requested' ? entry.key : '';
}

test('L6 the result of a call is applied once, its receipt in the same commit', async (t) => {
  const device = new SimDevice();
  await device.start(caller);
  await device.begin(caller, null);
  t.is(await device.state(), 'waiting-call');
  const key = await keyOf(device);

  await device.command({ number: 2, key });
  t.is(device.runtime.lastCommand(), 0, 'a gap is not jumped over');
  await device.command({ number: 1, key });
  await device.restart(caller);
  t.is(device.runtime.lastCommand(), 1);
  // What was applied comes again, with the next.
  const payload = encodeValue('again');
  const common = { kind: 'call.completed', run: 'run-1', op: 1, key, name: '', payload } as const;
  const numbers = [1, 2].map((number) => ({ ...common, number, expiresAtMs: 0 }));
  await device.runtime.applyCommands(numbers);
  t.is(device.runtime.lastCommand(), 2);
  await device.signal('end');

  t.is(await device.result(), 'done');
  const { rows } = await device.inspector.journal({ lane: 'urgent', limit: 10 });
  t.deepEqual(
    rows.map((row) => row.kind),
    ['call.requested', 'call.completed', 'command.receipt'],
  );
  t.is(rows[2]?.value, 'its call is not waited for any more');
});

test('a command that has expired leaves a receipt and does nothing', async (t) => {
  const device = new SimDevice();
  await device.start(caller);
  await device.begin(caller, null);
  const key = await keyOf(device);
  const expired = { number: 1, key, expiresAtMs: device.clock.nowMs() - 1 };
  await device.command(expired);
  t.is(device.runtime.lastCommand(), 0, 'who knows what time it is?');
  device.time.heard(device.clock.nowMs(), 10);
  await device.command(expired);

  t.is(await device.state(), 'waiting-call');
  t.is(device.runtime.lastCommand(), 1);
});

test('a call that gets no result in time fails, offline or not', async (t) => {
  const device = new SimDevice();
  await device.start(caller);
  await device.begin(caller, null);
  device.crash();
  await device.clock.advance(2 * 86_400_000);
  await device.start(caller);
  await device.advance(0);
  await device.signal('end');

  t.is(await device.result(), 'HF_CALL_TIMEOUT');
});

test('M4 a thousand runs that sleep cost an index, not memory, and all wake in time', async (t) => {
  const device = new SimDevice();
  const sleeper = workflow('sleeper', async (ctx, input: number) => {
    await ctx.sleep('2d');
    return input;
  });
  await device.start(sleeper);
  for (let i = 0; i < 1_000; i += 1) {
    await device.runtime.start({ workflow: 'sleeper', input: encodeValue(i), id: `r${i}` });
  }
  await device.settle();
  await device.advance(5_000);
  t.true(device.runtime.residentCount <= 256, `${device.runtime.residentCount} are in memory`);
  t.deepEqual(device.runtime.counts(), { sleeping: 1_000 });

  await device.restart(sleeper);
  t.is(device.runtime.residentCount, 0);
  t.deepEqual(device.runtime.counts(), { sleeping: 1_000 });
  await device.advance(2 * 86_400_000);
  for (let i = 0; i < 50; i += 1) await device.settle();

  t.deepEqual(device.runtime.counts(), { completed: 1_000 });
  t.is(await device.result('r999'), 999);
});

test('a sleep goes on over restarts, and setting the clock does not hurry it', async (t) => {
  const device = new SimDevice();
  const sleeper = workflow('sleeper', async (ctx) => {
    await ctx.sleep('1h');
    return 'awake';
  });
  await device.start(sleeper);
  await device.begin(sleeper, null);
  await device.advance(1_800_000);
  await device.restart(sleeper);
  device.clock.setWall(device.clock.nowMs() + 7_200_000);
  await device.advance(1_000);
  t.is(await device.state(), 'sleeping');
  await device.advance(1_800_000);

  t.is(await device.result(), 'awake');
});

test('a run that fails outside of steps fails once', async (t) => {
  const device = new SimDevice();
  let times = 0;
  const broken = workflow('broken', async () => {
    times += 1;
    throw Object.assign(new RangeError('no good'), { extra: 1 });
  });
  await device.start(broken);
  await device.begin(broken, null);
  await device.restart(broken);

  const error = await t.throwsAsync(device.result(), { code: 'HF_RUN_FAILED' });
  t.true(error?.cause instanceof RangeError);
  t.is(times, 1);
});

test('replay writes nothing', async (t) => {
  const device = new SimDevice();
  const quiet = workflow('quiet', async (ctx) => {
    for (let i = 0; i < 20; i += 1) await ctx.step(`s${i}`, () => i);
    await ctx.waitFor('go');
  });
  await device.start(quiet);
  await device.begin(quiet, null);
  await device.advance(3_000);
  await device.restart(quiet);
  const { writes } = device.store;
  await device.runtime.signal({ run: 'run-1', name: 'nothing', payload: new Uint8Array([0xf6]) });
  await device.settle();

  t.is(device.store.writes, writes + 1, 'the signal and nothing else');
});
