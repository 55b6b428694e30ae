import { randomBytes } from 'node:crypto';
import {
  createAttempts,
  functionExecutor,
  HandlerRunner,
  HandlerTracing,
  sha256,
  systemClock,
  type HandlerPolicy,
} from '@holdfast/gateway/internal';
import { HoldfastError, type Log, type TraceSpan } from '@holdfast/protocol';
import test, { type ExecutionContext } from 'ava';
import { Calls, gate, poll, until } from '../../support/calls.ts';

const silent: Log = { error: () => undefined, info: () => undefined, debug: () => undefined };
const breaker = { failures: 3, minPauseMs: 40, maxPauseMs: 80 };
const quick = { minDelayMs: 5, maxDelayMs: 20, breaker };

function runnerOf(t: ExecutionContext, ledger: Calls, policy: Partial<HandlerPolicy> = {}) {
  const runner = new HandlerRunner({
    ...{ ledger, sha256, attempts: createAttempts(), clock: systemClock, log: silent },
    issued: () => undefined,
    policy: { ...quick, ...policy },
  });
  t.teardown(() => runner.close(0));
  return runner;
}

const gone = () => new HoldfastError('HF_HANDLER_UNAVAILABLE', { why: 'nobody is there' });

test('a call whose attempts are used up is parked, with why, and is not answered', async (t) => {
  const ledger = new Calls();
  const runner = runnerOf(t, ledger, { attempts: 3 });
  runner.register(
    'mail',
    functionExecutor(() => {
      throw Object.assign(new Error('no such mailbox'), { code: 'E_BOX' });
    }),
  );

  const parking = await ledger.parking(ledger.add('mail'));

  t.like(parking, { attempts: 3, code: '', why: 'no such mailbox' });
  t.is(ledger.results.size, 0);
});

test('a parked call about somebody does not say what its handler said', async (t) => {
  const ledger = new Calls();
  const runner = runnerOf(t, ledger, { attempts: 1 });
  runner.register(
    'mail',
    functionExecutor(() => {
      throw new Error('cannot mail ola@example.org');
    }),
  );

  t.is((await ledger.parking(ledger.add('mail', null, { isPrivate: true })))?.why, 'withheld');
});

test('what cannot help is not parked: the call fails at once', async (t) => {
  const ledger = new Calls();
  const runner = runnerOf(t, ledger);
  runner.register(
    'mail',
    functionExecutor(() => {
      throw Object.assign(new Error('no such customer'), { retryable: false });
    }),
  );

  t.is((await ledger.failure(ledger.add('mail'))).message, 'no such customer');
  t.is(ledger.parkings.size, 0);
});

test('a service that is gone is left alone but for one attempt now and then', async (t) => {
  const ledger = new Calls();
  const runner = runnerOf(t, ledger, { attempts: 1_000 });
  let isThere = false;
  let attempts = 0;
  runner.register(
    'mail',
    functionExecutor(() => {
      attempts += 1;
      if (!isThere) throw gone();
    }),
  );
  const calls = Array.from({ length: 200 }, () => ledger.add('mail'));
  runner.wake();
  await until(() => attempts >= 6, poll);

  const [state] = runner.services();
  t.like(state, { service: 'mail', held: 200 });
  t.true(attempts < 20, `${attempts} attempts at a service that was gone`);
  isThere = true;
  await Promise.all(calls.map((call) => ledger.outcome(call)));
  t.is(runner.services()[0]?.breaker, 'closed');
});

test('a service that asks for a pause is left alone by all its calls', async (t) => {
  const ledger = new Calls();
  const runner = runnerOf(t, ledger, { concurrency: 1 });
  const startedAt = performance.now();
  const attempts: number[] = [];
  runner.register(
    'mail',
    functionExecutor(() => {
      attempts.push(performance.now() - startedAt);
      if (attempts.length === 1) throw Object.assign(new Error('busy'), { retryAfterMs: 300 });
    }),
  );
  const calls = Array.from({ length: 5 }, () => ledger.add('mail'));
  runner.wake();
  await Promise.all(calls.map((call) => ledger.outcome(call)));

  t.true((attempts[1] ?? 0) - (attempts[0] ?? 0) >= 295, attempts.join(' '));
});

test('a service that hangs with all it may have holds up no other one', async (t) => {
  const ledger = new Calls();
  const runner = runnerOf(t, ledger);
  const never = gate();
  runner.register(
    'hangs',
    functionExecutor(() => never.opened),
  );
  runner.register(
    'works',
    functionExecutor(() => 'done'),
  );
  for (let count = 0; count < 3_000; count += 1) ledger.add('hangs');
  const works = ledger.add('works');
  runner.wake();

  t.deepEqual(await ledger.outcome(works), { kind: 'call.completed', value: 'done' });
  t.like(runner.services()[0], { service: 'hangs', held: 1_024, running: 8 });
});

test('no more attempts begin in a time than the rate has', async (t) => {
  const ledger = new Calls();
  const runner = runnerOf(t, ledger, { rate: { attempts: 2, perMs: 200 } });
  const startedAt = performance.now();
  runner.register(
    'mail',
    functionExecutor(() => null),
  );
  const calls = Array.from({ length: 6 }, () => ledger.add('mail'));
  runner.wake();
  await Promise.all(calls.map((call) => ledger.outcome(call)));

  t.true(performance.now() - startedAt >= 395, 'two at once, then one each 100 ms');
});

test('closing ends what waits for its turn, and it stays pending', async (t) => {
  const ledger = new Calls();
  const runner = runnerOf(t, ledger, { rate: { attempts: 1, perMs: 3_600_000 } });
  runner.register(
    'mail',
    functionExecutor(() => null),
  );
  const [first] = Array.from({ length: 5 }, () => ledger.add('mail'));
  runner.wake();
  if (first !== undefined) await ledger.outcome(first);
  await runner.close(0);

  t.is(ledger.pendingKeys.length, 4);
});

test('O8 a span is made of each attempt that is recorded, and tells nothing private', async (t) => {
  const ledger = new Calls();
  const spans: TraceSpan[] = [];
  const tracer = {
    ended(span: TraceSpan): void {
      spans.push(span);
      throw new Error('the exporter is away');
    },
  };
  const tracing = new HandlerTracing({ tracer, randomBytes, clock: systemClock, log: silent });
  const runner = new HandlerRunner({
    ...{ ledger, sha256, attempts: createAttempts(), clock: systemClock, log: silent, tracing },
    issued: () => undefined,
    policy: { ...quick, attempts: 1 },
  });
  t.teardown(() => runner.close(0));
  const seen: (string | undefined)[] = [];
  runner.register(
    'mail',
    functionExecutor((input: unknown, { traceparent }) => {
      seen.push(traceparent);
      if (input === 'fail') throw new Error('cannot mail ola@example.org');
    }),
  );
  const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-00`;
  await ledger.outcome(ledger.add('mail', null, { traceparent }));
  t.deepEqual([seen, spans], [[traceparent], []], 'whoever began the trace records none of it');

  runner.wake();
  await ledger.outcome(ledger.add('mail', null));
  const [own] = spans;
  t.like(own, { name: 'handler mail', kind: 'server', parentSpanId: undefined, error: undefined });
  t.is(seen[1], `00-${own?.traceId}-${own?.spanId}-01`, 'it begins a trace of its own');

  runner.wake();
  await ledger.parking(ledger.add('mail', 'fail', { isPrivate: true }));
  t.is(spans[1]?.error, 'withheld');
});
