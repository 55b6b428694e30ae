import test from 'ava';
import { encodeThrown, encodeValue, type HoldfastError } from '@holdfast/protocol';
import {
  RetryableError,
  TerminalError,
  workflow,
  type Context,
  type RetryPolicy,
  type StepOptions,
  type Workflow,
} from '@holdfast/agent/internal';
import { SimDevice } from '../../support/sim-device.ts';

type AnyWorkflow = Workflow<never, unknown>;

async function begun(code: AnyWorkflow, input: unknown = null): Promise<SimDevice> {
  const device = new SimDevice();
  await device.start(code);
  await device.begin(code, input);
  return device;
}

/** What the code made of one step that throws. */
async function failureOf(body: () => unknown, options: StepOptions = { retry: false }) {
  const attempts: number[] = [];
  const code = workflow('failing', async (ctx) => {
    const error: unknown = await ctx.step(
      'bad',
      ({ attempt }) => {
        attempts.push(attempt);
        return body();
      },
      options,
    ).catch((each: unknown) => each);
    await ctx.waitFor('end');
    return error;
  });
  const device = await begun(code);
  await device.advance(3_600_000);
  await device.restart(code);
  await device.signal('end');
  const error = (await device.result()) as HoldfastError;
  return { error, cause: error.cause as Error & { code?: unknown }, attempts };
}

test('A17 a result that is too large is refused by name, once, and slows no later step', async (t) => {
  let effects = 0;
  const large = workflow('large', async (ctx) => {
    const failed = await ctx.step('large', () => {
      effects += 1;
      return 'x'.repeat(1_000_000);
    }).catch((error: HoldfastError) => (error.cause as HoldfastError).code);
    return [failed, await ctx.step('small', () => 'after')];
  });
  const device = await begun(large);
  await device.restart(large);

  t.deepEqual(await device.result(), ['HF_VALUE_TOO_LARGE', 'after']);
  t.is(effects, 1);
});

test('A18 what a step gives is its stored form: changing it later changes no replay', async (t) => {
  const source = { list: [1] };
  const stored = workflow('stored', async (ctx) => {
    const got = await ctx.step('make', () => source);
    const isOther = got !== source;
    source.list.push(2);
    const seen = [...got.list];
    await ctx.waitFor('end');
    return [isOther, seen];
  });
  const device = await begun(stored);
  await device.restart(stored);
  await device.signal('end');

  t.deepEqual(await device.result(), [true, [1]]);
});

test('A21 inputs and outputs are treated as the results of steps are', async (t) => {
  const value = { when: new Date(5), big: 7n, map: new Map([[1, undefined]]), nan: Number.NaN };
  const echo = workflow('echo', async (_ctx, input: unknown) => input);
  const device = await begun(echo, value);
  t.deepEqual(await device.result(), value);
  await device.restart(echo);
  t.deepEqual(await device.result(), value);

  const odd = workflow('odd', async () => () => 1);
  await device.restart(odd);
  await device.begin(odd, null, 'odd');
  const error = await t.throwsAsync(device.result('odd'), { code: 'HF_RUN_FAILED' });
  t.is((error?.cause as HoldfastError).code, 'HF_VALUE_UNSUPPORTED');
  t.throws(() => encodeValue(() => 1, 'input'), { code: 'HF_VALUE_UNSUPPORTED' });
});

test('B2 the same name twice is two steps, by the order of the calls, in every replay', async (t) => {
  const bodies: string[] = [];
  const twice = workflow('twice', async (ctx) => {
    const step = (name: string, value: string) =>
      ctx.step(name, () => {
        bodies.push(value);
        return value;
      });
    const values = [await step('x', 'one'), await step('x:1', 'other'), await step('x', 'two')];
    await ctx.waitFor('end');
    return values;
  });
  const device = await begun(twice);
  await device.restart(twice);
  await device.signal('end');

  t.deepEqual(await device.result(), ['one', 'other', 'two']);
  t.deepEqual(bodies, ['one', 'other', 'two']);
});

test('B3 B17 one name two thousand times in a loop is two thousand steps', async (t) => {
  let bodies = 0;
  const loop = workflow('loop', async (ctx) => {
    let sum = 0;
    for (let i = 0; i < 2_000; i += 1) {
      sum += await ctx.step('same', () => {
        bodies += 1;
        return i;
      });
    }
    await ctx.waitFor('end');
    return sum;
  });
  const device = await begun(loop);
  while (bodies < 2_000) await device.settle();
  await device.settle();
  await device.restart(loop);
  for (let i = 0; i < 100; i += 1) await device.settle();
  await device.signal('end');

  t.is(await device.result(), 1_999_000);
  t.is(bodies, 2_000);
});

test('B4 an operation inside a step is refused, and the error names both', async (t) => {
  const nested = (when: (ctx: Context) => unknown) =>
    workflow('nested', async (ctx) => {
      await ctx.step('outer', () => when(ctx));
    });
  const variants: ((ctx: Context) => unknown)[] = [
    (ctx) => ctx.step('inner', () => 1),
    async (ctx) => {
      await new Promise((resolve) => setImmediate(resolve));
      await new Promise((resolve) => setImmediate(resolve));
      await ctx.step('inner', () => 1);
    },
  ];
  for (const variant of variants) {
    const device = await begun(nested(variant));
    await device.settle();
    const error = await t.throwsAsync(device.result(), { message: /inner.*outer/s });
    const failed = error?.cause as HoldfastError;
    t.is((failed.cause as HoldfastError).code, 'HF_STEP_NESTED');
    t.is(failed.details?.['attempts'], 1, 'no repetition mends it');
  }
});

test('B5 the context of another run is refused', async (t) => {
  let other: Context | undefined;
  const lender = workflow('lender', async (ctx) => {
    other = ctx;
    await ctx.waitFor('never');
  });
  const device = await begun(lender);
  const borrower = workflow('borrower', async (ctx) => {
    await ctx.sleep('1s');
    await other?.step('borrowed', () => 1);
  });
  await device.restart(lender, borrower);
  await device.begin(borrower, null, 'run-2');
  await device.advance(1_000);

  const error = await t.throwsAsync(device.result('run-2'), { code: 'HF_RUN_FAILED' });
  t.is((error?.cause as HoldfastError).code, 'HF_CONTEXT_CLOSED');
});

test('B6 what was begun and not awaited is finished, or ends with the run; nothing is torn', async (t) => {
  const done: string[] = [];
  const child = workflow('child', async () => void done.push('child'));
  const hasty = workflow('hasty', async (ctx) => {
    void ctx.step('flaky', ({ attempt }) => {
      if (attempt === 1) throw new Error('again');
      done.push('step');
    });
    void ctx.emit('fact');
    void ctx.detach(child, undefined);
    void ctx.sleep('1d');
    void ctx.waitFor('never');
    return 'returned';
  });
  const device = new SimDevice();
  await device.start(hasty, child);
  await device.begin(hasty, null);
  t.not(await device.state(), 'completed');
  await device.restart(hasty, child);
  await device.advance(1_000);

  t.is(await device.result(), 'returned');
  t.deepEqual(done.toSorted(), ['child', 'step']);
  t.true((await device.history()).includes('event.emitted fact'));
});

test('B7 an operation after the run has ended, or behind a foreign await, is refused loudly', async (t) => {
  let left: Context | undefined;
  const ended = workflow('ended', async (ctx) => void (left = ctx));
  const device = await begun(ended);
  await t.throwsAsync(left?.step('late', () => 1) ?? Promise.resolve(), {
    code: 'HF_CONTEXT_CLOSED',
  });

  const foreign = workflow('foreign', async (ctx) => {
    await new Promise((resolve) => setTimeout(resolve, 5));
    await ctx.step('after', () => 1);
  });
  await device.restart(foreign);
  await device.begin(foreign, null, 'run-2');
  for (let i = 0; i < 500 && (await device.state('run-2')) === 'running'; i += 1) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  const error = await t.throwsAsync(device.result('run-2'), { code: 'HF_RUN_FAILED' });
  t.is((error?.cause as HoldfastError).code, 'HF_CONTEXT_CLOSED');
});

test('B8 B9 steps may be awaited in another order, twice, and from two branches', async (t) => {
  const orders = workflow('orders', async (ctx) => {
    const a = ctx.step('a', () => 'a');
    const b = ctx.step('b', () => 'b');
    const first = [await b, await a, await a];
    const branches = await Promise.all([a.then((x) => `${x}1`), (async () => `${await a}2`)()]);
    await ctx.waitFor('end');
    return [...first, ...branches];
  });
  const device = await begun(orders);
  await device.restart(orders);
  await device.signal('end');

  t.deepEqual(await device.result(), ['b', 'a', 'a', 'a1', 'a2']);
});

test('B10 the body of a step may be synchronous, and may throw so', async (t) => {
  const { error, cause, attempts } = await failureOf(() => {
    throw new RangeError('at once');
  });
  t.is(error.code, 'HF_STEP_FAILED');
  t.true(cause instanceof RangeError);
  t.deepEqual(attempts, [1]);
});

test('B11 a body sees its attempt, its key, its deadline and a signal that aborts', async (t) => {
  const seen: { attempt: number; key: string; deadline: number | undefined; aborted: boolean }[] = [];
  const told = workflow('told', (ctx) =>
    ctx.step(
      'look',
      async ({ attempt, idempotencyKey, deadlineAtMs, signal }) => {
        const at = { attempt, key: idempotencyKey, deadline: deadlineAtMs, aborted: false };
        seen.push(at);
        signal.addEventListener('abort', () => (at.aborted = true));
        if (attempt < 3) await new Promise(() => {});
        return 'done';
      },
      { timeout: '10s', retry: { minDelay: '20s', factor: 1 } },
    ),
  );
  const device = await begun(told);
  const startMs = device.clock.nowMs();
  await device.advance(15_000);
  await device.restart(told);
  await device.advance(60_000);

  t.is(await device.result(), 'done');
  t.deepEqual(
    seen.map(({ attempt, aborted }) => [attempt, aborted]),
    [[1, true], [2, true], [3, false]],
  );
  t.is(new Set(seen.map(({ key }) => key)).size, 1);
  t.deepEqual(
    seen.map(({ deadline }) => (deadline ?? 0) - startMs),
    [10_000, 40_000, 70_000],
  );
});

test('B12 what a body changes outside itself is not replayed; only its result is', async (t) => {
  const closure = workflow('closure', async (ctx) => {
    let changed = 0;
    const result = await ctx.step('change', () => (changed += 1));
    await ctx.waitFor('end');
    return [changed, result];
  });
  const device = await begun(closure);
  await device.restart(closure);
  await device.signal('end');

  t.deepEqual(await device.result(), [0, 1]);
});

test('B13 a body that changes the input of the run does not change the journal', async (t) => {
  const greedy = workflow('greedy', async (ctx, input: { list: number[] }) => {
    await ctx.step('take', () => input.list.splice(0));
    await ctx.waitFor('end');
    return input.list;
  });
  const device = await begun(greedy, { list: [1, 2] });
  await device.restart(greedy);
  await device.signal('end');

  t.deepEqual(await device.result(), [1, 2], 'each replay begins with the input as it came');
});

test('B14 B16 a run without a step, and one that awaits nothing, complete', async (t) => {
  const plain = workflow('plain', async (_ctx, input: number) => input * 2);
  const device = await begun(plain, 21);
  t.is(await device.result(), 42);
  t.deepEqual(await device.history(), ['run.started', 'run.completed']);
});

test('B18 names are checked where they are given, and can be caught', async (t) => {
  const bad = ['', 'x'.repeat(129), 'new\nline', '\ud800', 5 as unknown as string];
  const named = workflow('named', async (ctx) => {
    const codes: unknown[] = [];
    for (const name of bad) {
      const code = (error: HoldfastError): string => error.code;
      codes.push(await ctx.step(name, () => 1).catch(code));
      codes.push(await ctx.waitFor(name).catch(code));
      codes.push(await ctx.emit(name).catch(code));
      codes.push(await ctx.call(name).catch(code));
    }
    return codes;
  });
  const device = await begun(named);
  const codes = (await device.result()) as unknown[];
  t.deepEqual(new Set(codes), new Set(['HF_NAME_INVALID']));
  t.deepEqual(await device.history(), ['run.started', 'run.completed'], 'before any effect');
});

test('C2 an error is the same live and in every replay, to the byte', async (t) => {
  const seen: Uint8Array[] = [];
  const failing = workflow('failing', async (ctx) => {
    const cause = Object.assign(new TypeError('beneath'), { extra: [1n] });
    await ctx
      .step('bad', () => Promise.reject(new RangeError('above', { cause })), { retry: false })
      .catch((error: unknown) => seen.push(encodeThrown(error)));
    await ctx.waitFor('end');
  });
  const device = await begun(failing);
  await device.restart(failing);
  await device.restart(failing);

  t.is(seen.length, 3);
  t.deepEqual(seen[1], seen[0]);
  t.deepEqual(seen[2], seen[0]);
});

test('C6 C7 some errors are final: by class, by predicate, wrapped, without a message', async (t) => {
  class Broken extends TerminalError {}
  const finals: [() => unknown, StepOptions?][] = [
    [() => Promise.reject(new TerminalError('no'))],
    [() => Promise.reject(new Broken(''))],
    [() => Promise.reject(new TerminalError('outer', { cause: new Error('inner') }))],
    [() => Promise.reject(new TypeError('no')), { retry: { retryIf: (e) => !(e instanceof TypeError) } }],
  ];
  for (const [body, options = {}] of finals) {
    const { error, attempts } = await failureOf(body, options);
    t.is(error.code, 'HF_STEP_FAILED', 'the code can catch it');
    t.deepEqual(attempts, [1]);
  }
});

test('C8 when the attempts are used up, the last error is the cause, beside their number', async (t) => {
  let count = 0;
  const { error, cause } = await failureOf(
    () => {
      count += 1;
      throw Object.assign(new Error(`number ${count}`), { code: 'EBUSY' });
    },
    { retry: { attempts: 3, minDelay: 1 } },
  );
  t.is(error.details?.['attempts'], 3);
  t.is(cause.message, 'number 3');
  t.is(cause.code, 'EBUSY');
});

test('C9 a failure that was caught is thrown again in every replay, without running again', async (t) => {
  const { error, attempts } = await failureOf(() => Promise.reject(new Error('no')));
  t.is(error.code, 'HF_STEP_FAILED');
  t.deepEqual(attempts, [1]);
});

test('C10 C11 a retry policy that throws or gives no duration fails its step, not the agent', async (t) => {
  const refuse = (): never => {
    throw new Error('the policy is wrong');
  };
  const wrong: RetryPolicy[] = [
    { retryIf: refuse },
    { delay: refuse },
    ...[Number.NaN, Number.POSITIVE_INFINITY, -1, 'soon'].map((each) => ({ delay: () => each })),
  ];
  for (const retry of wrong) {
    const { cause, attempts } = await failureOf(() => Promise.reject(new Error('itself')), { retry });
    t.is(cause.code, 'HF_RETRY_POLICY');
    const both = cause.cause as AggregateError;
    t.is((both.errors[0] as Error).message, 'itself', 'neither failure is lost');
    t.deepEqual(attempts, [1]);
  }
  const fine: RetryPolicy[] = [
    { attempts: 2, delay: () => undefined },
    { attempts: 2, delay: () => 0 },
    { attempts: 2, retryIf: () => undefined as unknown as boolean },
  ];
  for (const retry of fine) {
    const { attempts } = await failureOf(() => Promise.reject(new Error('itself')), { retry });
    t.deepEqual(attempts, [1, 2]);
  }
});

test('C12 a branch that nobody awaits fails its run, by name, and no other run', async (t) => {
  const strayer = workflow('strayer', async (ctx) => {
    void (async () => {
      await ctx.step('one', () => 1);
      throw new RangeError('nobody looks');
    })();
    await ctx.waitFor('never');
  });
  const healthy = workflow('healthy', async (ctx) => {
    await ctx.step('one', () => 1);
    await ctx.waitFor('end');
    return 'fine';
  });
  const device = new SimDevice();
  await device.start(strayer, healthy);
  await Promise.all([
    device.begin(healthy, null, 'healthy-1'),
    device.begin(strayer, null),
    device.begin(healthy, null, 'healthy-2'),
  ]);
  await device.settle();
  const error = await t.throwsAsync(device.result(), { code: 'HF_RUN_FAILED' });
  const stray = error?.cause as HoldfastError;
  t.is(stray.code, 'HF_BRANCH_FAILED');
  t.true(stray.cause instanceof RangeError);
  for (const id of ['healthy-1', 'healthy-2']) {
    await device.signal('end', null, { run: id });
    t.is(await device.result(id), 'fine');
  }
});

test('C12 a failure that is looked at later, or never, is no stray: every replay goes the same way', async (t) => {
  const later = workflow('later', async (ctx) => {
    const failing = ctx.step('bad', () => Promise.reject(new Error('no')), { retry: false });
    void ctx.step('ignored', () => Promise.reject(new Error('no')), { retry: false });
    await ctx.sleep('1h');
    return failing.catch((error: HoldfastError) => error.code);
  });
  const device = await begun(later);
  await device.restart(later);
  await device.advance(3_600_000);

  t.is(await device.result(), 'HF_STEP_FAILED');
});

test('C12 a stray behind the return still fails the run, and what is to be undone is undone', async (t) => {
  const undone: unknown[] = [];
  const hasty = workflow('hasty', async (ctx) => {
    await ctx.step('book', () => 'seat', { compensate: (result) => void undone.push(result) });
    void (async () => {
      await ctx.step('bad', () => Promise.reject(new Error('no')), { retry: false });
    })();
    return 'returned';
  });
  const device = await begun(hasty);
  await device.settle();

  const error = await t.throwsAsync(device.result(), { code: 'HF_RUN_FAILED' });
  t.is((error?.cause as HoldfastError).code, 'HF_BRANCH_FAILED');
  t.deepEqual(undone, ['seat']);
});

test('C13 code that throws fails its run once; the stack ends where the code of the user does', async (t) => {
  const { cause } = await failureOf(async function theirs() {
    await undefined;
    throw new Error('here');
  });
  t.regex(cause.stack ?? '', /theirs/);
  t.notRegex(cause.stack ?? '', /makeAttempt|insideStep|node:internal/);

  let times = 0;
  const thrower = workflow('thrower', async function alsoTheirs() {
    times += 1;
    throw new Error('there');
  });
  const device = await begun(thrower);
  await device.restart(thrower);
  t.is(times, 1, 'what fails outside of steps fails once');
  const error = await t.throwsAsync(device.result(), { code: 'HF_RUN_FAILED' });
  t.regex((error?.cause as Error).stack ?? '', /alsoTheirs/);
  t.notRegex((error?.cause as Error).stack ?? '', /#runCode|#outcomeOf/);
});

test('C14 a disk that fails is no failure of the code: the step goes on at the next start', async (t) => {
  const caught: unknown[] = [];
  let effects = 0;
  const careful = workflow('careful', async (ctx) => {
    try {
      return await ctx.step('effect', () => (effects += 1));
    } catch (error) {
      caught.push(error);
      throw error;
    }
  });
  const device = new SimDevice();
  await device.start(careful);
  device.store.failWriteNumber(device.store.writes + 2, 'lost');
  await device.begin(careful, null);
  await device.advance(60_000);
  t.is(effects, 1);
  await device.restart(careful);

  t.deepEqual(caught, []);
  t.is(await device.result(), 2, 'at least once: its outcome was not durable');
});

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

test('D1 pauses are fixed or grow up to a cap, and attempts end by number or by time', async (t) => {
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

test('D2 D3 D4 number and pause survive restarts; what came due meanwhile is made once', async (t) => {
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

test('D6 a step as a whole is limited by a race with a timer, whose loser is cancelled', async (t) => {
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

test('D9 at most once: the intent is durable before the effect, and doubt is an error', async (t) => {
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
