import test from 'ava';
import { HoldfastError, encodeThrown, encodeValue } from '@holdfast/protocol';
import {
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

test('A17 a result that is too large is refused by name, once', async (t) => {
  let effects = 0;
  const large = workflow('large', async (ctx) => {
    const failed = await ctx.step('large', () => {
      effects += 1;
      return 'x'.repeat(9_000_000);
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
  const echo = workflow('echo', async (ctx, input: unknown) => {
    await ctx.waitFor('end');
    return input;
  });
  const values = [value, undefined, null, 0, '', false, [], {}];
  const device = new SimDevice();
  await device.start(echo);
  for (const [index, each] of values.entries()) await device.begin(echo, each, `echo-${index}`);
  await device.restart(echo);
  for (const [index, each] of values.entries()) {
    await device.signal('end', null, { run: `echo-${index}` });
    t.deepEqual(await device.result(`echo-${index}`), each);
  }

  const odd = workflow('odd', async () => () => 1);
  await device.restart(odd);
  await device.begin(odd, null, 'odd');
  const error = await t.throwsAsync(device.result('odd'), { code: 'HF_RUN_FAILED' });
  t.is((error?.cause as HoldfastError | undefined)?.code, 'HF_VALUE_UNSUPPORTED');
  t.throws(() => encodeValue(() => 1, 'input'), { code: 'HF_VALUE_UNSUPPORTED' });
});

test('B2 the same name twice is two steps, by the order of the calls', async (t) => {
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
  const { history } = await device.inspector.run('run-1');
  const steps = history.filter(({ kind }) => kind === 'step.completed');
  t.deepEqual(steps.map(({ op, name }) => [op, name]), [[1, 'x'], [2, 'x:1'], [3, 'x']]);
});

test('B3 B17 one name two thousand times in a loop is two thousand steps', async (t) => {
  const count = { bodies: 0 };
  const loop = workflow('loop', async (ctx) => {
    let sum = 0;
    for (let i = 0; i < 2_000; i += 1) {
      sum += await ctx.step('same', () => {
        count.bodies += 1;
        return i;
      });
    }
    await ctx.waitFor('end');
    return sum;
  });
  const device = await begun(loop);
  for (let i = 0; i < 1_000 && count.bodies < 2_000; i += 1) await device.settle();
  await device.settle();
  await device.restart(loop);
  for (let i = 0; i < 100; i += 1) await device.settle();
  await device.signal('end');

  t.is(await device.result(), 1_999_000);
  t.is(count.bodies, 2_000);
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

test('B4 B7 what comes from outside is not the code, though its run is at work', async (t) => {
  const busy = workflow('busy', async (ctx) => {
    const all = Array.from({ length: 60 }, (_, index) =>
      ctx.step(`step ${index}`, async () => {
        for (let i = 0; i < index; i += 1) await new Promise((end) => setImmediate(end));
        return ctx.step('inner', () => 1);
      }).catch((error: HoldfastError) => (error.cause as HoldfastError).code),
    );
    return Promise.all(all);
  });
  const device = await begun(busy);
  for (let i = 0; i < 10; i += 1) await device.settle();
  const codes = new Set((await device.result()) as string[]);

  // Which of several steps it is inside cannot always be told.
  t.deepEqual([...codes].toSorted(), ['HF_CONTEXT_CLOSED', 'HF_STEP_NESTED']);
  t.false((await device.history()).includes('step.completed inner'));
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
  t.is((error?.cause as HoldfastError | undefined)?.code, 'HF_CONTEXT_CLOSED');
});

test('B6 what was begun and not awaited is finished, or ends with the run', async (t) => {
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

test('B7 an operation after the end, or behind a foreign await, is refused', async (t) => {
  let left: Context | undefined;
  const ended = workflow('ended', async (ctx) => void (left = ctx));
  const device = await begun(ended);
  await t.throwsAsync(left?.step('late', () => 1) ?? Promise.resolve(), {
    code: 'HF_CONTEXT_CLOSED',
  });

  let goOn = (): void => undefined;
  const elsewhere = new Promise<void>((resolve) => (goOn = resolve));
  const foreign = workflow('foreign', async (ctx) => {
    await elsewhere;
    await ctx.step('after', () => 1);
  });
  await device.restart(foreign);
  await device.begin(foreign, null, 'run-2');
  goOn();
  for (let i = 0; i < 500 && (await device.state('run-2')) === 'running'; i += 1) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  const error = await t.throwsAsync(device.result('run-2'), { code: 'HF_RUN_FAILED' });
  t.is((error?.cause as HoldfastError | undefined)?.code, 'HF_CONTEXT_CLOSED');
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

  const code = workflow('at once', (ctx) => ctx.step('x', () => 'now', { timeout: '1s' }));
  t.is(await (await begun(code)).result(), 'now');
});

test('B11 a body sees its attempt, its key, its deadline and a signal that aborts', async (t) => {
  interface Seen {
    readonly attempt: number;
    readonly key: string;
    readonly deadline: number | undefined;
    aborted: boolean;
  }
  const seen: Seen[] = [];
  const told = workflow('told', (ctx) =>
    ctx.step(
      'look',
      async ({ attempt, idempotencyKey, deadlineAtMs, signal }) => {
        const at: Seen = { attempt, key: idempotencyKey, deadline: deadlineAtMs, aborted: false };
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
  // A program in JavaScript may give anything.
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

test('C6 C7 errors are final by class or by predicate, wrapped or empty', async (t) => {
  class Broken extends TerminalError {}
  class Renamed extends TerminalError {
    override readonly name = 'Renamed' as never;
  }
  const foreign = Object.assign(new Error('of another copy'), { name: 'TerminalError' });
  const finals: [() => unknown, StepOptions?][] = [
    [() => Promise.reject(new TerminalError('no'))],
    [() => Promise.reject(new Broken(''))],
    [() => Promise.reject(new Renamed('no'))],
    [() => Promise.reject(foreign)],
    [() => Promise.reject(new HoldfastError('HF_NAME_INVALID'))],
    [() => Promise.reject(new TerminalError('outer', { cause: new Error('inner') }))],
    [
      () => Promise.reject(new TypeError('no')),
      { retry: { retryIf: (error) => !(error instanceof TypeError) } },
    ],
  ];
  for (const [body, options = {}] of finals) {
    const { error, attempts } = await failureOf(body, options);
    t.is(error.code, 'HF_STEP_FAILED', 'the code can catch it');
    t.deepEqual(attempts, [1]);
  }
  // A predicate that says nothing has nothing against it.
  const silent = { retry: { attempts: 2, minDelay: 1, retryIf: () => undefined as never } };
  const { attempts } = await failureOf(() => Promise.reject(new Error('no')), silent);
  t.deepEqual(attempts, [1, 2]);
});

test('C8 when attempts are used up, the last error is the cause, with their number', async (t) => {
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

test('C9 a failure that was caught is thrown again in every replay', async (t) => {
  const { error, attempts } = await failureOf(() => Promise.reject(new Error('no')));
  t.is(error.code, 'HF_STEP_FAILED');
  t.deepEqual(attempts, [1]);
});

test('C10 C11 a retry policy that goes wrong fails its step, not the agent', async (t) => {
  const refuse = (): never => {
    throw new Error('the policy is wrong');
  };
  const wrong: RetryPolicy[] = [
    { retryIf: refuse },
    { delay: refuse },
    ...[Number.NaN, Number.POSITIVE_INFINITY, -1, 'soon'].map((each) => ({ delay: () => each })),
  ];
  for (const retry of wrong) {
    const body = (): Promise<never> => Promise.reject(new Error('itself'));
    const { cause, attempts } = await failureOf(body, { retry });
    t.is(cause.code, 'HF_RETRY_POLICY');
    const both = cause.cause as AggregateError;
    t.is((both.errors[0] as Error).message, 'itself', 'neither failure is lost');
    t.deepEqual(attempts, [1]);
  }
  const fine: RetryPolicy[] = [
    { attempts: 2, delay: () => undefined },
    { attempts: 2, delay: () => 0 },
    // A program in JavaScript may give anything.
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

test('C12 the failure of a step that is looked at later, or never, is no stray', async (t) => {
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

test('C12 a stray behind the return fails the run, and what it did is undone', async (t) => {
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
  t.is((error?.cause as HoldfastError | undefined)?.code, 'HF_BRANCH_FAILED');
  t.deepEqual(undone, ['seat']);
});

test('C13 code that throws fails its run once; the stack ends where it does', async (t) => {
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
  t.regex((error?.cause as Error | undefined)?.stack ?? '', /alsoTheirs/);
  t.notRegex((error?.cause as Error | undefined)?.stack ?? '', /#runCode|#outcomeOf/);
});

test('C14 a disk that fails is no failure of the code: it goes on at the next start', async (t) => {
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
