import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Agent, workflow, type Tracer, type TraceSpan } from '@holdfast/agent';
import { askApi, getFromApi, until } from '@holdfast/device-sim';
import { Gateway } from '@holdfast/gateway';
import type { CallsView, ServicesView } from '@holdfast/gateway/internal';
import test, { type ExecutionContext } from 'ava';
import { runGateway } from '../support/gateway-process.ts';
import { tempDir } from '../support/temp-dir.ts';

/** Calls a service, and says how that ended. */
const ask = workflow('ask', async (ctx, service: string) => {
  const timeout = service === 'gone' ? '1s' : '2m';
  return ctx.call(service, null, { timeout });
});

type Answer = (response: ServerResponse, times: number) => void;

interface Asked {
  readonly service: string;
  readonly key: string;
  readonly traceparent: string;
  readonly atMs: number;
}

const say = (response: ServerResponse, status: number, body = '', headers = {}): void =>
  void response.writeHead(status, headers).end(body);

/** An endpoint for each service, and who asked it. */
async function endpointsOf(t: ExecutionContext, answers: Readonly<Record<string, Answer>>) {
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    const service = (request.url ?? '').slice(1);
    const key = String(request.headers['idempotency-key']);
    const traceparent = String(request.headers['traceparent']);
    asked.push({ service, key, traceparent, atMs: performance.now() });
    const times = asked.filter((each) => each.service === service).length;
    request.resume().on('end', () => answers[service]?.(response, times));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const of = (service: string) => asked.filter((each) => each.service === service);
  const services = Object.keys(answers);
  const url = (service: string) => [service, `http://127.0.0.1:${port}/${service}`] as const;
  return { of, endpoints: new Map(services.map(url)) };
}

interface Spans {
  readonly device: TraceSpan[];
  readonly gateway: TraceSpan[];
}

/** Each attempt is a span below the call on the device, and the endpoint's place is below it. */
function checkSpans(t: ExecutionContext, spans: Spans, asked: readonly Asked[]): void {
  const call = spans.device.find(({ name }) => name === 'call fails');
  const attempts = spans.gateway.filter(({ name }) => name === 'handler fails');
  for (const { traceId, parentSpanId, kind } of attempts) {
    t.deepEqual([traceId, parentSpanId, kind], [call?.traceId, call?.spanId, 'server']);
  }
  t.deepEqual(
    asked.map(({ traceparent }) => traceparent),
    attempts.map(({ traceId, spanId }) => `00-${traceId}-${spanId}-01`),
  );
  t.deepEqual(
    attempts.map(({ error, attributes }) => [error === undefined, attributes['holdfast.attempt']]),
    [
      [false, 1],
      [false, 2],
      [true, 3],
    ],
  );
}

/** A gateway with these endpoints and an agent, and their spans. */
async function fleetOf(t: ExecutionContext, endpoints: ReadonlyMap<string, string>) {
  const dataDir = join(await tempDir(t), 'gateway');
  const spans: Spans = { device: [], gateway: [] };
  const tracerOf = (place: 'device' | 'gateway'): Tracer => {
    return { ended: (span) => void spans[place].push(span) };
  };
  const handlerPolicy = { attempts: 3, minDelayMs: 20, maxDelayMs: 50 };
  const gateway = await Gateway.open({
    ...{ dataDir, mqttPort: 0, httpPort: 0, endpoints, handlerPolicy },
    tracer: tracerOf('gateway'),
    handlerPolicies: new Map([
      ['gone', { attempts: 1_000 }],
      ['hangs', { timeoutMs: 600, attempts: 100 }],
    ]),
  });
  t.teardown(() => gateway.close());
  const api = { http: gateway.httpUrl, tokenFile: gateway.tokenFile };
  const agent = await Agent.open({
    ...{ dataDir: await tempDir(t), device: 'd1', gateway: gateway.mqttUrl, workflows: [ask] },
    tracer: tracerOf('device'),
  });
  t.teardown(() => agent.close());
  return { dataDir, gateway, agent, api, spans };
}

/** Through a real agent, broker and gateway: what an endpoint does, and what a run gets of it. */
test('a call ends once, whatever its endpoint does, and holds up nothing', async (t) => {
  const late: ServerResponse[] = [];
  let isMended = false;
  const { of, endpoints } = await endpointsOf(t, {
    works: (response) => say(response, 200, '"works"'),
    fails: (response, times) => say(response, times < 3 ? 500 : 200, '"mended"'),
    hangs: (response, times) =>
      times === 1 ? late.push(response) : say(response, 200, '"second"'),
    busy: (response, times) =>
      times === 1 ? say(response, 429, '', { 'retry-after': '1' }) : say(response, 200, '"free"'),
    refuses: (response) => say(response, 422, 'no such customer'),
    poison: (response) => (isMended ? say(response, 200, '"at last"') : say(response, 500)),
    gone: (response) => void response.destroy(),
  });
  const { dataDir, gateway, agent, api, spans } = await fleetOf(t, endpoints);
  const runs = new Map(
    await Promise.all(
      [...endpoints.keys()].map(async (service) => {
        return [service, await agent.start(ask, service, { id: service })] as const;
      }),
    ),
  );
  const outcome = (service: string) => runs.get(service)?.result();
  const parked = async () => (await getFromApi<CallsView>(api, '/api/calls')).calls;

  t.is(await outcome('works'), 'works');
  t.deepEqual([await outcome('fails'), of('fails').length], ['mended', 3]);
  t.is(await outcome('hangs'), 'second');
  for (const response of late) say(response, 200, '"first, too late"');
  t.is(await outcome('busy'), 'free');
  const [first, second] = of('busy');
  t.true((second?.atMs ?? 0) - (first?.atMs ?? 0) >= 990, 'Retry-After is waited for');
  const refusal = await t.throwsAsync(Promise.resolve(outcome('refuses')));
  t.regex(refusal?.message ?? '', /no such customer/);
  const expiry = await t.throwsAsync(Promise.resolve(outcome('gone')));
  t.regex(expiry?.message ?? '', /HF_CALL_TIMEOUT/);

  await until('the poison call is parked', async () => (await parked()).length === 1);
  t.like((await parked())[0], { service: 'poison', device: 'd1', run: 'poison' });
  t.is((await parked())[0]?.key, of('poison')[0]?.key);
  t.like((await parked())[0]?.parked, { attempts: 3, code: 'HF_HANDLER_UNAVAILABLE' });
  const { services } = await getFromApi<ServicesView>(api, '/api/services');
  t.like(services.find(({ service }) => service === 'poison'), { pending: 0, parked: 1 });
  t.is((await askApi(api, '/api/calls/requeue', post({ service: 'works' }))).status, 404);

  isMended = true;
  const said = await runGateway('call', 'requeue', 'poison', '--all', '--data-dir', dataDir);
  t.regex(said.stdout, /✓ requeued 1 call of poison/);
  t.is(await outcome('poison'), 'at last');
  t.deepEqual(await parked(), []);
  // One command a call: the call that expired was given up by its device.
  const commands = await gateway.ledger.commands({ device: 'd1', after: 0, limit: 99 });
  t.is(new Set(commands.map(({ key }) => key)).size, commands.length);
  checkSpans(t, spans, of('fails'));
  for (const service of ['fails', 'poison', 'hangs']) {
    t.is(new Set(of(service).map(({ key }) => key)).size, 1, 'every attempt has the same key');
  }
});

const post = (body: object) => ({
  ...{ method: 'POST', headers: { 'content-type': 'application/json' } },
  body: JSON.stringify(body),
});
