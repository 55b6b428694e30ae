import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  createAttempts,
  endpointExecutor,
  functionExecutor,
  HandlerRunner,
  parseEndpoint,
  readRetryAfter,
  sha256,
  type CallExecutor,
  type Handler,
  type HandlerInfo,
  type HandlerPolicy,
} from '@holdfast/gateway/internal';
import { encodeValue, type Clock, type Log } from '@holdfast/protocol';
import test, { type ExecutionContext } from 'ava';
import { Calls, gate, poll, until } from '../../support/calls.ts';

/** Pauses short enough for tests; the rest as in production. */
const quick = { minDelayMs: 10, maxDelayMs: 40 };

const silent: Log = { error: () => undefined, info: () => undefined, debug: () => undefined };
const clock: Clock = {
  nowMs: () => Date.now(),
  monoMs: () => performance.now(),
  wakeIn(delayMs, wake) {
    const timer = setTimeout(wake, delayMs);
    return () => clearTimeout(timer);
  },
};

interface Setup {
  readonly ledger: Calls;
  readonly policy?: Partial<HandlerPolicy>;
}

function runnerOf(t: ExecutionContext, setup: Setup) {
  const made = openRunner(setup);
  t.teardown(() => made.runner.close(0));
  return made;
}

function openRunner({ ledger, policy }: Setup) {
  const issued: string[] = [];
  const runner = new HandlerRunner({
    ledger,
    sha256,
    attempts: createAttempts(),
    clock,
    log: silent,
    issued: (device) => issued.push(device),
    policy: { ...quick, ...policy },
  });
  return { runner, issued };
}

interface Asked {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly atMs: number;
  readonly closed: Promise<unknown>;
}

/** A real HTTP service; its nth answer is `answers[n]`, the last one for all that follow. */
async function serve(
  t: ExecutionContext,
  ...answers: readonly ((response: ServerResponse) => void)[]
): Promise<{ readonly executor: CallExecutor; readonly asked: Asked[]; readonly url: string }> {
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    const closed = once(response, 'close');
    let body = '';
    request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
    request.on('end', () => {
      asked.push({ headers: request.headers, body, atMs: performance.now(), closed });
      answers[Math.min(asked.length, answers.length) - 1]?.(response);
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/work?token=secret`;
  return { executor: endpointExecutor(parseEndpoint(url)), asked, url };
}

const answer =
  (status: number, body = '', headers: Record<string, string> = {}) =>
  (response: ServerResponse) =>
    void response.writeHead(status, headers).end(body);

test('an endpoint is given JSON, the key and who calls; its answer is the result', async (t) => {
  const ledger = new Calls();
  const { executor, asked } = await serve(t, answer(200, '{"left":4}'));
  const { runner, issued } = runnerOf(t, { ledger });
  runner.register('inventory.update', executor);
  const input = { sku: 'A-1', since: new Date(0), tags: new Set(['x']) };

  const call = ledger.add('inventory.update', input, { run: 'order ½', key: '100%/order ½/1' });
  runner.wake();

  t.deepEqual(await ledger.outcome(call), { kind: 'call.completed', value: { left: 4 } });
  t.deepEqual(JSON.parse(asked[0]?.body ?? ''), {
    sku: 'A-1',
    since: '1970-01-01T00:00:00.000Z',
    tags: ['x'],
  });
  const headers = asked[0]?.headers ?? {};
  t.is(headers['content-type'], 'application/json');
  t.is(decodeURIComponent(String(headers['idempotency-key'])), call.key);
  t.is(headers['x-holdfast-device'], 'pump-1');
  t.is(decodeURIComponent(String(headers['x-holdfast-run'])), 'order ½');
  await runner.close();
  t.deepEqual(issued, ['pump-1']);
});

test('O8 a call brings its place in a trace, if it is one, to endpoint and function', async (t) => {
  const ledger = new Calls();
  const { executor, asked } = await serve(t, answer(200), answer(200));
  const { runner } = runnerOf(t, { ledger });
  const seen: (string | undefined)[] = [];
  runner.register('endpoint', executor);
  runner.register(
    'function',
    functionExecutor((_, info) => void seen.push(info.traceparent)),
  );
  const traceparent = '00-0123456789abcdef0123456789abcdef-0123456789abcdef-01';
  const forged = 'a header that\r\nnobody-should: send';

  for (const each of [traceparent, forged]) {
    for (const service of ['endpoint', 'function']) {
      const call = ledger.add(service, null, { traceparent: each });
      runner.wake();
      await ledger.outcome(call);
    }
  }

  t.deepEqual(
    asked.map(({ headers }) => headers['traceparent']),
    [traceparent, undefined],
  );
  t.deepEqual(seen, [traceparent, undefined]);
});

test('an empty answer is null', async (t) => {
  const ledger = new Calls();
  const { executor } = await serve(t, answer(204));
  const { runner } = runnerOf(t, { ledger });
  runner.register('note', executor);

  t.deepEqual(await ledger.outcome(ledger.add('note')), { kind: 'call.completed', value: null });
});

test('unavailable services are tried again with the same key until they answer', async (t) => {
  const ledger = new Calls();
  const broken = (response: ServerResponse) => void response.destroy();
  const { executor, asked } = await serve(
    t,
    answer(503),
    answer(408),
    broken,
    answer(425),
    answer(200, '"ok"'),
  );
  const { runner } = runnerOf(t, { ledger });
  runner.register('flaky', executor);

  const call = ledger.add('flaky');

  t.deepEqual(await ledger.outcome(call), { kind: 'call.completed', value: 'ok' });
  t.deepEqual(
    asked.map(({ headers }) => headers['idempotency-key']),
    Array(5).fill(call.key),
  );
  t.deepEqual(
    asked.map(({ headers }) => headers['x-holdfast-attempt']),
    ['1', '2', '3', '4', '5'],
  );
});

test('a service that nobody runs fails the call after the last attempt', async (t) => {
  const ledger = new Calls();
  const { url } = await serve(t);
  const server = createServer();
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  const { runner } = runnerOf(t, { ledger, policy: { attempts: 2, exhausted: 'fail' } });
  const nobody = new URL(url);
  nobody.port = String(port);
  runner.register('gone', endpointExecutor(nobody));

  const error = await ledger.failure(ledger.add('gone'));

  t.is(error.code, 'HF_HANDLER_UNAVAILABLE');
  t.regex(error.message, /ECONNREFUSED/);
  t.notRegex(error.message, /secret/);
});

test('Retry-After is waited for', async (t) => {
  const ledger = new Calls();
  const { executor, asked } = await serve(t, answer(429, '', { 'retry-after': '1' }), answer(200));
  const { runner } = runnerOf(t, { ledger });
  runner.register('busy', executor);

  await ledger.outcome(ledger.add('busy'));

  const [first, second] = asked;
  t.true((second?.atMs ?? 0) - (first?.atMs ?? 0) >= 990);
});

test('Retry-After is read as seconds or as a date, and as nothing else', (t) => {
  const nowMs = Date.parse('2026-03-01T12:00:00Z');

  t.is(readRetryAfter('120', nowMs), 120_000);
  t.is(readRetryAfter('Sun, 01 Mar 2026 12:00:30 GMT', nowMs), 30_000);
  t.is(readRetryAfter('Sun, 01 Mar 2026 11:00:00 GMT', nowMs), 0);
  for (const nothing of [null, '', '-5', 'soon', '1e9']) t.is(readRetryAfter(nothing, nowMs), 0);
});

test('a refusal fails the call at once, with its status and how its body begins', async (t) => {
  const ledger = new Calls();
  const { executor, asked } = await serve(t, answer(422, `no such sku ${'z'.repeat(900)}END`));
  const { runner } = runnerOf(t, { ledger });
  runner.register('refusing', executor);

  const error = await ledger.failure(ledger.add('refusing'));

  t.is(error.code, 'HF_HANDLER_REFUSED');
  t.regex(error.message, /422: no such sku z+ /);
  t.notRegex(error.message, /END/);
  t.is(asked.length, 1);
});

test('redirects are not followed', async (t) => {
  const ledger = new Calls();
  const elsewhere = await serve(t, answer(200, '"stolen"'));
  const { executor } = await serve(t, answer(307, '', { location: elsewhere.url }));
  const { runner } = runnerOf(t, { ledger });
  runner.register('moved', executor);

  const error = await ledger.failure(ledger.add('moved'));

  t.regex(error.message, /307: redirects are not followed/);
  t.is(elsewhere.asked.length, 0);
});

test('an answer that is too large or no JSON fails the call for good', async (t) => {
  const ledger = new Calls();
  const large = await serve(t, answer(200, JSON.stringify('x'.repeat(49 * 1024))));
  const torn = await serve(t, answer(200, '{"left":'));
  const { runner } = runnerOf(t, { ledger });
  runner.register('large', large.executor);
  runner.register('torn', torn.executor);

  const errors = await Promise.all([
    ledger.failure(ledger.add('large')),
    ledger.failure(ledger.add('torn')),
  ]);

  t.deepEqual(
    errors.map(({ code }) => code),
    ['HF_HANDLER_ANSWER', 'HF_HANDLER_ANSWER'],
  );
  t.regex(errors[0]?.message ?? '', /larger than 49152 bytes/);
  t.deepEqual([large.asked.length, torn.asked.length], [1, 1]);
});

test('an attempt that takes too long is cut off and repeated', async (t) => {
  const ledger = new Calls();
  const { executor, asked } = await serve(t, () => undefined, answer(200, '"late"'));
  const { runner } = runnerOf(t, { ledger, policy: { timeoutMs: 500 } });
  runner.register('slow', executor);

  t.deepEqual(await ledger.outcome(ledger.add('slow')), { kind: 'call.completed', value: 'late' });

  t.true(asked.length >= 2);
  await asked[0]?.closed;
});

test('a function that ignores its signal is cut off all the same', async (t) => {
  const ledger = new Calls();
  const policy = { timeoutMs: 20, attempts: 2, exhausted: 'fail' } as const;
  const { runner } = runnerOf(t, { ledger, policy });
  const late = gate<string>();
  const signals: AbortSignal[] = [];
  runner.register(
    'deaf',
    functionExecutor((_input: unknown, { signal }) => {
      signals.push(signal);
      return late.opened;
    }),
  );

  const error = await ledger.failure(ledger.add('deaf'));
  late.open('too late');

  t.is(error.code, 'HF_HANDLER_TIMEOUT');
  t.deepEqual(
    signals.map(({ aborted }) => aborted),
    [true, true],
  );
});

test('a function is given what the workflow passed and may return any value', async (t) => {
  const ledger = new Calls();
  const { runner } = runnerOf(t, { ledger });
  const seen: { input: unknown; info: HandlerInfo }[] = [];
  const handler: Handler<Map<string, Date>, Set<bigint>> = (input, info) => {
    seen.push({ input, info });
    return new Set([7n]);
  };
  runner.register('typed', functionExecutor(handler));
  const input = new Map([['since', new Date(5)]]);

  const call = ledger.add('typed', input);

  t.deepEqual(await ledger.outcome(call), { kind: 'call.completed', value: new Set([7n]) });
  t.deepEqual(seen[0]?.input, input);
  const { idempotencyKey, device, run, attempt } = seen[0]?.info ?? {};
  t.deepEqual(
    { idempotencyKey, device, run, attempt },
    {
      idempotencyKey: call.key,
      device: 'pump-1',
      run: call.run,
      attempt: 1,
    },
  );
});

test('what a function throws is repeated unless it says retryable: false', async (t) => {
  const ledger = new Calls();
  const { runner } = runnerOf(t, { ledger, policy: { attempts: 3, exhausted: 'fail' } });
  const attempts = { typed: 0, final: 0, unstorable: 0 };
  runner.register(
    'typed',
    functionExecutor(() => {
      attempts.typed += 1;
      throw new TypeError('null has no properties');
    }),
  );
  runner.register(
    'final',
    functionExecutor(() => {
      attempts.final += 1;
      throw Object.assign(new Error('closed account'), { retryable: false, code: 'E_CLOSED' });
    }),
  );
  runner.register(
    'unstorable',
    functionExecutor(() => {
      attempts.unstorable += 1;
      return () => 1;
    }),
  );

  const typed = await ledger.failure(ledger.add('typed'));
  runner.wake();
  const final = await ledger.failure(ledger.add('final'));
  runner.wake();
  const unstorable = await ledger.failure(ledger.add('unstorable'));

  t.true(typed instanceof TypeError);
  t.deepEqual([final.message, final.code], ['closed account', 'E_CLOSED']);
  t.is(unstorable.code, 'HF_VALUE_UNSUPPORTED');
  t.deepEqual(attempts, { typed: 3, final: 1, unstorable: 1 });
});

test('calls that keep failing do not hold up others of the same service', async (t) => {
  const ledger = new Calls();
  const policy = { concurrency: 1, minDelayMs: 60_000, maxDelayMs: 60_000 };
  const { runner } = runnerOf(t, { ledger, policy });
  runner.register(
    'mixed',
    functionExecutor((input: string) => {
      if (input === 'poison') throw new Error('never works');
      return input;
    }),
  );

  for (let count = 0; count < 20; count += 1) ledger.add('mixed', 'poison');
  const good = ledger.add('mixed', 'good');

  t.deepEqual(await ledger.outcome(good), { kind: 'call.completed', value: 'good' });
  t.is(ledger.pendingKeys.length, 20);
});

test('at most `concurrency` attempts of each service are under way', async (t) => {
  const ledger = new Calls();
  const { runner } = runnerOf(t, { ledger, policy: { concurrency: 3 } });
  const released = gate();
  const under = { now: 0, most: 0 };
  runner.register(
    'narrow',
    functionExecutor(async () => {
      under.now += 1;
      under.most = Math.max(under.most, under.now);
      await released.opened;
      under.now -= 1;
    }),
  );
  runner.register(
    'other',
    functionExecutor(() => 'at once'),
  );

  const narrow = Array.from({ length: 10 }, () => ledger.add('narrow'));
  const other = ledger.add('other');

  await ledger.outcome(other);
  t.is(under.now, 3);
  released.open();
  await Promise.all(narrow.map((call) => ledger.outcome(call)));
  t.is(under.most, 3);
});

test('a call without a handler waits, is reported, and runs when one appears', async (t) => {
  const ledger = new Calls();
  const { runner } = runnerOf(t, { ledger });
  runner.register(
    'known',
    functionExecutor(() => 'done'),
  );
  // More than one look takes in: those behind them must not starve.
  const waiting = Array.from({ length: 600 }, () => ledger.add('unknown'));
  const behind = ledger.add('known');

  await ledger.outcome(behind);

  t.deepEqual(runner.unhandled(), [
    { service: 'unknown', calls: 600, oldestAtMs: waiting[0]?.requested.atMs ?? 0 },
  ]);
  t.is(ledger.results.size, 1);
  runner.register(
    'unknown',
    functionExecutor(() => 'late'),
  );
  await Promise.all(waiting.map((call) => ledger.outcome(call)));
  runner.wake();
  await runner.close();
  t.deepEqual(ledger.pendingKeys, []);
});

test('a call that expired more than a minute ago fails without being executed', async (t) => {
  const ledger = new Calls();
  const { runner } = runnerOf(t, { ledger });
  let executed = 0;
  runner.register(
    'old',
    functionExecutor(() => {
      executed += 1;
      return 'done';
    }),
  );

  const expired = ledger.add('old', null, { expiresAtMs: Date.now() - 61_000 });
  const justSo = ledger.add('old', null, { expiresAtMs: Date.now() - 50_000 });

  t.is((await ledger.failure(expired)).code, 'HF_CALL_TIMEOUT');
  t.is((await ledger.outcome(justSo)).kind, 'call.completed');
  t.is(executed, 1);
});

test('a call whose result a crash swallowed is executed again with the same key', async (t) => {
  const ledger = new Calls();
  const { executor, asked } = await serve(t, answer(200, '1'));
  const dying = openRunner({
    ledger: Object.assign(new Calls(), {
      callServices: () => ledger.callServices(),
      pendingCalls: (limit: number) => ledger.pendingCalls(limit),
      // The process ends between the effect and its record.
      completeCall: () => new Promise<undefined>(() => undefined),
    }),
  });
  const call = ledger.add('charge');
  dying.runner.register('charge', executor);
  await until(() => asked.length === 1, poll);

  const { runner } = runnerOf(t, { ledger });
  runner.register('charge', executor);

  t.is((await ledger.outcome(call)).kind, 'call.completed');
  t.deepEqual(
    asked.map(({ headers }) => headers['idempotency-key']),
    [call.key, call.key],
  );
});

test('a result that the ledger takes only later is kept, not made again', async (t) => {
  const ledger = new Calls();
  const { runner } = runnerOf(t, { ledger });
  let executed = 0;
  runner.register(
    'once',
    functionExecutor(() => (executed += 1)),
  );
  ledger.failures = 1;

  const call = ledger.add('once');

  t.deepEqual(await ledger.outcome(call), { kind: 'call.completed', value: 1 });
  t.is(executed, 1);
});

test('no call is executed twice however often the runner is woken', async (t) => {
  const ledger = new Calls();
  const { runner } = runnerOf(t, { ledger });
  const executed = new Map<string, number>();
  runner.register('once', async (call) => {
    executed.set(call.key, (executed.get(call.key) ?? 0) + 1);
    await new Promise((resolve) => setImmediate(resolve));
    return encodeValue(null);
  });

  const calls = Array.from({ length: 200 }, () => ledger.add('once'));
  const waking = setInterval(() => runner.wake(), 0);
  t.teardown(() => clearInterval(waking));
  await Promise.all(calls.map((call) => ledger.outcome(call)));

  t.deepEqual([...executed.values()], Array(200).fill(1));
});

test('closing waits for what is under way, and leaves the rest pending', async (t) => {
  const ledger = new Calls();
  const { runner, issued } = runnerOf(t, { ledger });
  const begun = { quick: gate(), hung: gate() };
  const finish = gate();
  runner.register(
    'quick',
    functionExecutor(async () => {
      begun.quick.open();
      await finish.opened;
      return 'made it';
    }),
  );
  runner.register(
    'hung',
    functionExecutor(() => {
      begun.hung.open();
      return new Promise(() => undefined);
    }),
  );
  const made = ledger.add('quick');
  const hung = ledger.add('hung');
  await Promise.all([begun.quick.opened, begun.hung.opened]);

  const closed = runner.close(200);
  finish.open();
  await closed;

  t.is((await ledger.outcome(made)).value, 'made it');
  t.deepEqual(ledger.pendingKeys, [hung.key]);
  t.deepEqual(issued, ['pump-1']);
});

test('an endpoint is an http or https URL without a password', (t) => {
  for (const text of ['nonsense', 'ftp://host/', 'mqtt://host', 'http://user:pass@host/']) {
    t.throws(() => parseEndpoint(text), { code: 'HF_USAGE' });
  }
});
