import test from 'ava';
import { InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { encodeValue, parseTraceparent } from '@holdfast/protocol';
import { workflow, type Tracer, type TraceSpan } from '@holdfast/agent';
import type { Outcome } from '@holdfast/agent/testing';
import { otelTracer } from '../../support/otel-tracer.ts';
import { SimDevice } from '../../support/sim-device.ts';

class Recording implements Tracer {
  readonly spans: TraceSpan[] = [];

  ended(span: TraceSpan): void {
    this.spans.push(span);
  }
  named(name: string): TraceSpan {
    const found = this.spans.filter((span) => span.name === name);
    if (found[0] === undefined || found.length > 1) throw new Error(`${found.length} of ${name}`);
    return found[0];
  }
}

const GIVEN = '00-0123456789abcdef0123456789abcdef-0123456789abcdef-01';

const grandchild = workflow('grandchild', (ctx) => ctx.step('deep', () => 1));
/** Does one of everything that leaves a span. */
const traced = workflow('traced', async (ctx, fails: boolean) => {
  await ctx.step('first', () => 'done');
  const flaky = await ctx.step(
    'flaky',
    ({ attempt }) => {
      if (attempt < 3) throw new Error(`no ${attempt}`);
      return attempt;
    },
    { retry: { minDelay: '1m', factor: 1 } },
  );
  await ctx.call('stock', 1);
  await ctx.child(grandchild, null);
  await ctx.waitFor('go');
  if (fails) await ctx.step('bad', () => Promise.reject(new Error('at last')), { retry: false });
  return flaky;
});

async function opened(tracer: Tracer | undefined): Promise<SimDevice> {
  const device = new SimDevice();
  device.tracer = tracer;
  await device.start(traced, grandchild);
  return device;
}

async function begin(device: SimDevice, traceparent?: string, fails = false): Promise<void> {
  const request = { workflow: 'traced', input: encodeValue(fails), id: 'run-1', traceparent };
  await device.runtime.start(request);
  await device.settle();
}

/** Key of the call of a run, which its answer has to name. */
async function callOf(device: SimDevice) {
  const history = await device.runs.history(await device.runtime.numberOf('run-1'));
  const entry = history.find(({ kind }) => kind === 'call.requested');
  if (entry?.kind !== 'call.requested') throw new Error('it has not called');
  return entry;
}

/** Brings the run from wherever it is to its end. */
async function finish(device: SimDevice): Promise<void> {
  for (let round = 0; round < 12; round += 1) {
    await device.advance(60_000);
    const { state } = await device.inspector.run('run-1');
    if (state === 'waiting-call') {
      const { op, key } = await callOf(device);
      await device.command({ number: device.runtime.lastCommand() + 1, op, key });
    }
    if (state === 'waiting-signal') await device.signal('go', null, { id: 'g' });
    if (state === 'completed' || state === 'failed') return;
  }
  throw new Error(`it is ${await device.state()}`);
}

const all = [
  ...['call stock', 'run grandchild', 'run traced', 'signal go'],
  ...['step deep', 'step first', 'step flaky', 'step flaky', 'step flaky'],
];

test('O8 M6 a run, each attempt, call and signal is a span; a replay makes none', async (t) => {
  const tracer = new Recording();
  const device = await opened(tracer);
  await begin(device);
  for (let i = 0; i < 3; i += 1) await device.restart(traced, grandchild);
  await finish(device);
  for (let i = 0; i < 3; i += 1) await device.restart(traced, grandchild);

  t.deepEqual(tracer.spans.map(({ name }) => name).toSorted(), all);
  const run = tracer.named('run traced');
  t.is(run.parentSpanId, undefined);
  t.like(run.attributes, { 'holdfast.run': 'run-1', 'holdfast.state': 'completed' });
  t.true(run.endAtMs - run.startAtMs >= 120_000, 'from its begin, three lives ago');
  const ofRun = tracer.spans.filter(({ traceId }) => traceId === run.traceId);
  t.is(ofRun.length, all.length, 'one trace');
  for (const name of ['step first', 'call stock', 'signal go', 'run grandchild']) {
    t.is(tracer.named(name).parentSpanId, run.spanId, name);
  }
  t.is(tracer.named('step deep').parentSpanId, tracer.named('run grandchild').spanId);
  const flaky = tracer.spans.filter(({ name }) => name === 'step flaky');
  t.deepEqual(
    flaky.map(({ error }) => error),
    ['no 1', 'no 2', undefined],
  );
  t.deepEqual(
    flaky.map(({ attributes }) => attributes['holdfast.attempt']),
    [1, 2, 3],
  );
  const call = tracer.named('call stock');
  t.is(call.kind, 'client');
  t.is((await callOf(device)).traceparent, `00-${call.traceId}-${call.spanId}-01`);
});

test('O8 whichever commit a crash takes, no span comes twice, each in its place', async (t) => {
  const whole = await opened(undefined);
  await begin(whole);
  await finish(whole);
  for (let cut = 2; cut <= whole.store.writes; cut += 1) {
    for (const outcome of ['lost', 'kept'] satisfies Outcome[]) {
      const tracer = new Recording();
      const device = await opened(tracer);
      device.store.failWriteNumber(cut, outcome);
      await begin(device).catch(() => undefined);
      await finish(device).catch(() => undefined);
      await device.restart(traced, grandchild);
      await begin(device);
      await finish(device);

      const names = tracer.spans.map(({ name }) => name).toSorted();
      const ids = new Set(tracer.spans.map(({ spanId }) => spanId));
      const label = `${cut} ${outcome}: ${names.join()}`;
      t.is(ids.size, tracer.spans.length, label);
      t.true(names.length >= all.length - 2 && names.length <= all.length, label);
      const known = new Set([...ids, undefined]);
      const lost = tracer.spans.filter(({ parentSpanId }) => !known.has(parentSpanId));
      t.true(lost.length === 0 || outcome === 'kept', label);
    }
  }
});

test('O8 context comes in by start and signal, and goes on to steps and children', async (t) => {
  const seen: (string | undefined)[] = [];
  const asking = workflow('asking', async (ctx) => {
    await ctx.step('ask', ({ traceparent }) => void seen.push(traceparent));
    await ctx.waitFor('go');
  });
  const tracer = new Recording();
  const device = new SimDevice();
  device.tracer = tracer;
  await device.start(asking);
  const request = { workflow: 'asking', input: encodeValue(null), id: 'run-1' };
  await device.runtime.start({ ...request, traceparent: GIVEN });
  const sender = '00-11111111111111111111111111111111-2222222222222222-01';
  const signal = { run: 'run-1', name: 'go', payload: encodeValue(null), traceparent: sender };
  await device.restart(asking);
  await device.runtime.signal(signal);
  await device.settle();

  const run = tracer.named('run asking');
  t.like(run, { traceId: GIVEN.slice(3, 35), parentSpanId: GIVEN.slice(36, 52) });
  const { traceId, spanId } = tracer.named('step ask');
  t.deepEqual(new Set(seen), new Set([`00-${traceId}-${spanId}-01`]), 'also in the life before');
  const links = [{ traceId: '1'.repeat(32), spanId: '2'.repeat(16) }];
  t.deepEqual(tracer.named('signal go').links, links);
});

test('O8 without a tracer, what came in is passed on; what is no context is none', async (t) => {
  const device = await opened(undefined);
  await begin(device, GIVEN);
  await device.advance(120_000);
  t.is((await callOf(device)).traceparent, GIVEN);

  const odd = await opened(undefined);
  await begin(odd, `${GIVEN}-and more`);
  await odd.advance(120_000);
  t.is((await callOf(odd)).traceparent, '');
});

test('O8 a trace that is not sampled makes no spans, and is passed on as such', async (t) => {
  const tracer = new Recording();
  const device = await opened(tracer);
  await begin(device, `${GIVEN.slice(0, -2)}00`);
  await device.advance(120_000);
  t.regex((await callOf(device)).traceparent, /^00-0123456789abcdef0123456789abcdef-.{16}-00$/);
  await finish(device);
  t.deepEqual(tracer.spans, []);
});

test('O8 a run that failed and is retried has two spans, the second in the first', async (t) => {
  const tracer = new Recording();
  const device = await opened(tracer);
  await begin(device, undefined, true);
  await finish(device);
  const first = tracer.named('run traced');
  t.regex(first.error ?? '', /bad, attempt 1: at last/);

  await device.runtime.retry('run-1', 'once more');
  await device.settle();

  const [, second] = tracer.spans.filter(({ name }) => name === 'run traced');
  t.is(second?.parentSpanId, first.spanId);
  const bad = tracer.spans.filter(({ name }) => name === 'step bad');
  t.deepEqual(
    bad.map(({ parentSpanId }) => parentSpanId),
    [first.spanId, second?.spanId],
  );
  t.is(new Set(tracer.spans.map(({ spanId }) => spanId)).size, tracer.spans.length);
});

test('O8 a tracer that throws is logged, and harms no run', async (t) => {
  const device = await opened({
    ended() {
      throw new Error('the collector is away');
    },
  });
  await begin(device);
  await finish(device);
  t.is(await device.state(), 'completed');
  t.true(device.errors.some((line) => line.includes('the collector is away')));
});

test('O8 the adapter of the guide gives OpenTelemetry the spans as they are', async (t) => {
  const exporter = new InMemorySpanExporter();
  const tracer = otelTracer(new SimpleSpanProcessor(exporter), 'kiosk');
  let within = 0;
  const device = await opened({
    ended: (span) => tracer.ended(span),
    within: (attempt, body) => {
      within += 1;
      return tracer.within?.(attempt, body) ?? body();
    },
  });
  await begin(device, GIVEN);
  await finish(device);

  const spans = exporter.getFinishedSpans();
  t.deepEqual(spans.map(({ name }) => name).toSorted(), all);
  const run = spans.find(({ name }) => name === 'run traced');
  t.is(run?.spanContext().traceId, parseTraceparent(GIVEN)?.traceId);
  t.is(run?.parentSpanContext?.spanId, parseTraceparent(GIVEN)?.spanId);
  t.true(within >= 5);
});
