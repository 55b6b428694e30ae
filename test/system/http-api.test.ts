import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Agent } from '@holdfast/agent';
import { askApi, getFromApi, type GatewayApi } from '@holdfast/device-sim';
import { Gateway } from '@holdfast/gateway';
import type { DevicesView, RunsView } from '@holdfast/gateway/internal';
import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv2020 } from 'ajv/dist/2020.js';
import test, { type ExecutionContext } from 'ava';
import { apiDocumentUrl, readApiDocument } from '../support/api-document.ts';
import { checkoutEntries, ingestAll } from '../support/journaled.ts';
import { tempDir } from '../support/temp-dir.ts';

const WELL = '[+] ledger: ok\n[+] broker: ok\n[+] process: ok\n';
const DEVICES = ['pump-1', 'pump-2', 'pump-3'];

/** A gateway whose ledger has one checkout of each of three pumps. */
async function serve(t: ExecutionContext): Promise<GatewayApi> {
  const dataDir = join(await tempDir(t), 'gateway');
  const gateway = await Gateway.open({ dataDir, mqttPort: 0, httpPort: 0 });
  t.teardown(() => gateway.close());
  for (const device of DEVICES) {
    await ingestAll(gateway.ledger, device, checkoutEntries(`of-${device}`));
  }
  return { http: gateway.httpUrl, tokenFile: gateway.tokenFile };
}

interface Operation {
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { readonly schema: object }>> }>
  >;
}
interface Document {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

test('the API is described by a valid OpenAPI document, which is the published one', async (t) => {
  const { http } = await serve(t);
  const text = await readApiDocument(http);

  t.is(text, await readFile(apiDocumentUrl, 'utf8'), 'node test/dist/support/api-document.js');
  const document = JSON.parse(text) as Document;
  t.is(document.openapi, '3.1.0');
  const { valid, errors } = await new Validator().validate({ ...document });
  t.true(valid, JSON.stringify(errors));
  for (const [path, operations] of Object.entries(document.paths)) {
    for (const [method, { responses, ...operation }] of Object.entries(operations)) {
      t.truthy('summary' in operation && operation.summary, `${method} ${path}`);
      if (path.startsWith('/api/')) t.true('default' in responses, `${method} ${path}`);
    }
  }
});

test('answers are as the document says they are', async (t) => {
  const api = await serve(t);
  const document = JSON.parse(await readFile(apiDocumentUrl, 'utf8')) as Document;
  const ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true });
  const check = async (path: string, init: RequestInit & { at?: string } = {}) => {
    const { at = path.split('?')[0] ?? '', method = 'GET' } = init;
    const response = await askApi(api, path, init);
    const operation = document.paths[at]?.[method.toLowerCase()];
    const described =
      operation?.responses[String(response.status)] ?? operation?.responses['default'];
    const [[type, { schema }] = ['', { schema: {} }]] = Object.entries(described?.content ?? {});
    t.is(response.headers.get('content-type')?.split(';')[0], type.split(';')[0], path);
    const body: unknown = await response.json();
    const isValid = ajv.compile(schema);
    t.true(isValid(body), `${path}: ${JSON.stringify(isValid.errors)}`);
    return response.status;
  };
  const post = (body: object) => ({
    ...{ method: 'POST', headers: { 'content-type': 'application/json' } },
    body: JSON.stringify(body),
  });
  const one = '/api/devices/{id}';

  t.is(await check('/livez'), 200);
  t.is(await check('/readyz'), 200);
  t.is(await (await fetch(`${api.http}/healthz?verbose`)).text(), WELL);
  t.is(await check('/api/devices'), 200);
  t.is(await check('/api/devices/pump-1', { at: one }), 200);
  t.is(await check('/api/devices/pump-9', { at: one }), 404);
  t.is(await check('/api/devices/pump-1/entries', { at: `${one}/entries` }), 200);
  t.is(await check('/api/devices/pump-1/runs', { at: `${one}/runs` }), 200);
  const value = '/api/devices/pump-1/value?lane=normal&seq=1';
  t.is(await check(value, { at: `${one}/value` }), 200);
  t.is(await check('/api/runs?state=running'), 200);
  t.is(await check('/api/runs?state=running&updatedSince=yesterday'), 400);
  t.is(await check('/api/ledger/verify', { method: 'POST' }), 200);
  t.is(await check('/api/ledger/held', post({ subject: 'a' })), 200);
  t.is(await check('/api/ledger/erase', post({ subject: 'a', by: 'b' })), 200);
  t.is(await check('/api/ledger/erasures'), 200);
  const user = { name: 'ola', role: 'viewer', password: 'correct horse battery' };
  t.is(await check('/api/users', post(user)), 200);
  t.is(await check('/api/users', post(user)), 409);
  t.is(await check('/api/users'), 200);
  t.is(await check('/api/session'), 200);
  t.is(await check('/api/session', post({ user: 'ola', password: user.password })), 200);
  t.is(
    await check('/api/tokens', post({ name: 'a', role: 'viewer', expiresInSeconds: null })),
    200,
  );
  t.is(await check('/api/tokens'), 200);
  t.is(await check('/api/audit?limit=3'), 200);

  const to = { device: 'pump-1' };
  const pause = { id: 'c-1', kind: 'run.pause', run: 'of-pump-1', to, expiresAt: null };
  t.is(await check('/api/commands', post(pause)), 200);
  t.is(await check('/api/commands/c-1', { at: '/api/commands/{id}' }), 200);
  t.is(await check('/api/commands/c-1/devices', { at: '/api/commands/{id}/devices' }), 200);
  for (const list of ['quarantine', 'backlog']) {
    t.is(await check(`/api/devices/pump-1/${list}`, { at: `${one}/${list}` }), 200);
  }
  const lists = Object.keys(document.paths).filter((path) => {
    const content = document.paths[path]?.['get']?.responses['200']?.content ?? {};
    return 'application/json' in content && !path.includes('{');
  });
  t.true(lists.length > 18, `${lists.length}`);
  for (const path of lists) t.is(await check(path), 200, path);
});

test('lists are read page by page, and only what is asked for', async (t) => {
  const api = await serve(t);
  const runs = (query: string) => getFromApi<RunsView>(api, `/api/runs?${query}`);
  const ids = ({ runs: found }: RunsView) => found.map(({ id }) => id);
  const newest = DEVICES.map((device) => `of-${device}`).toReversed();

  const first = await runs('limit=2');
  t.deepEqual(ids(first), newest.slice(0, 2));
  const rest = await runs(`limit=2&before=${first.next}`);
  t.deepEqual([ids(rest), rest.next], [newest.slice(2), null]);
  t.deepEqual(ids(await runs('limit=3')), newest);
  t.is((await runs('limit=3')).next, null, 'the last page says so');

  const { state, updatedAt } = first.runs[0] ?? { state: '', updatedAt: '' };
  t.deepEqual(ids(await runs(`state=${state}&state=failed`)), newest);
  t.deepEqual(ids(await runs('state=failed')), []);
  t.deepEqual(ids(await runs('workflow=checkout&device=pump-2')), ['of-pump-2']);
  t.deepEqual(ids(await runs('workflow=other')), []);
  t.deepEqual(ids(await runs(`updatedSince=${updatedAt}`)), newest);
  t.deepEqual(ids(await runs(`updatedBefore=${updatedAt}`)), []);

  const devices = (query: string) => getFromApi<DevicesView>(api, `/api/devices?${query}`);
  const page = await devices('limit=2');
  t.deepEqual(
    page.devices.map(({ device }) => device),
    DEVICES.slice(0, 2),
  );
  const last = await devices(`limit=2&after=${page.next}`);
  t.deepEqual([last.devices.map(({ device }) => device), last.next], [DEVICES.slice(2), null]);
  t.is((await devices(`state=${page.devices[0]?.state}`)).devices.length, 3);
  t.deepEqual((await devices('state=stuck&state=conflict')).devices, []);

  const tags = { site: 'oslo', line: '2' };
  const json = { 'content-type': 'application/json' };
  const body = JSON.stringify({ tags });
  await askApi(api, '/api/devices/pump-2/tags', { method: 'POST', headers: json, body });
  const tagged = (await devices('tag=site%3Doslo&tag=line%3D2')).devices;
  t.deepEqual(
    tagged.map(({ device }) => device),
    ['pump-2'],
  );
  t.deepEqual((await devices('tag=site%3Doslo&tag=line%3D3')).devices, []);
  t.deepEqual(ids(await runs('tag=site%3Doslo')), ['of-pump-2']);
  t.is((await askApi(api, '/api/runs?tag=oslo')).status, 400);
});

/** Reads a stream of events until one has this kind. @returns Its id and its data. */
async function eventOf(api: GatewayApi, kind: string, headers: Record<string, string> = {}) {
  const ended = new AbortController();
  const response = await askApi(api, '/api/events', { headers, signal: ended.signal });
  const reader = (response.body ?? new ReadableStream()).pipeThrough(new TextDecoderStream());
  let text = '';
  for await (const chunk of reader) {
    text += chunk;
    const found = new RegExp(`id: (\\S+)\nevent: ${kind}\ndata: (.*)\n\n`).exec(text);
    if (found === null) continue;
    ended.abort();
    return { id: found[1] ?? '', data: JSON.parse(found[2] ?? '{}') as object };
  }
  throw new Error(`the stream ended: ${text}`);
}

test('who looks on is told what changes, and goes on where it was', async (t) => {
  const dataDir = join(await tempDir(t), 'gateway');
  const gateway = await Gateway.open({ dataDir, mqttPort: 0, httpPort: 0 });
  const api = { http: gateway.httpUrl, tokenFile: gateway.tokenFile };
  t.teardown(() => gateway.close());
  const { id: start } = await eventOf(api, 'ready');
  const looking = eventOf(api, 'entries');
  const agent = await Agent.open({
    ...{ dataDir: join(await tempDir(t), 'pump'), device: 'pump-1', workflows: [] },
    gateway: gateway.mqttUrl,
  });
  t.teardown(() => agent.close());
  await agent.emit('fact', 1);

  t.like((await looking).data, { device: 'pump-1', epoch: 1, watermark: 1, fresh: 1 });
  const missed = await eventOf(api, 'entries', { 'last-event-id': start });
  t.like(missed.data, { device: 'pump-1', watermark: 1 }, 'it was away');
  await eventOf(api, 'reset', { 'last-event-id': 'another-life-9' });

  await agent.synced({ timeout: '60s' });
  const metrics = await (await askApi(api, '/metrics?devices=5')).text();
  t.regex(metrics, /^holdfast_gateway_ingested_entries_total 1$/m);
  t.regex(metrics, /^holdfast_gateway_batches_total{outcome="committed"} 1$/m);
  t.regex(metrics, /^holdfast_gateway_ledger_commit_seconds_count [1-9]/m);
  t.regex(metrics, /^holdfast_gateway_arrival_delay_seconds_bucket{le="300"} 1$/m);
  t.regex(metrics, /^holdfast_gateway_device_backlog_entries{device="pump-1"} \d+$/m);
});
