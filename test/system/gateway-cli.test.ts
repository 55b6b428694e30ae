import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { access, readFile, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { askApi, until as eventually, type GatewayApi } from '@holdfast/device-sim';
import { simOutputs } from '@holdfast/device-sim/internal';
import { Gateway } from '@holdfast/gateway';
import { gatewayOutputs } from '@holdfast/gateway/internal';
import type { DevicesView, EntriesView, RunsView, VerifyView } from '@holdfast/gateway/internal';
import type { Entry } from '@holdfast/protocol';
import test, { type ExecutionContext } from 'ava';
import { poll, until } from '../support/calls.ts';
import {
  gatewayBinary,
  runGateway,
  runGatewayIn,
  serveGateway,
} from '../support/gateway-process.ts';
import { checkoutEntries, ingestAll } from '../support/journaled.ts';
import { checkOutput } from '../support/output-schemas.ts';
import { tempDir } from '../support/temp-dir.ts';

const simBinary = fileURLToPath(
  new URL('../../../device-sim/bin/holdfast-sim.js', import.meta.url),
);

/** A data directory whose ledger has a checkout of `pump-1`, which waits for its call; and more. */
async function seeded(t: ExecutionContext, normal: readonly Entry[] = []): Promise<string> {
  const dataDir = join(await tempDir(t), 'gateway');
  const gateway = await Gateway.open({ dataDir, mqttPort: 0 });
  try {
    const entries = checkoutEntries('order-1');
    const more = { ...entries, normal: [...entries.normal, ...normal] };
    await ingestAll(gateway.ledger, 'pump-1', more);
  } finally {
    await gateway.close();
  }
  return dataDir;
}

/** A real service on a port of its own; `onRequest` is told how often it was asked. */
async function service(
  t: ExecutionContext,
  onRequest: (times: number, request: IncomingMessage, response: ServerResponse) => void,
): Promise<string> {
  let times = 0;
  const server = createServer((request, response) => {
    times += 1;
    onRequest(times, request.resume(), response);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/inventory`;
}

async function getJson(
  api: GatewayApi,
  path: string,
): Promise<{ status: number; type: string; body: unknown }> {
  const response = await askApi(api, path);
  const type = response.headers.get('content-type') ?? '';
  return { status: response.status, type, body: await response.json() };
}

async function json<V>(...args: readonly string[]): Promise<V> {
  const { code, stdout, stderr } = await runGateway(...args, '-o', 'json');
  if (code !== 0) throw new Error(`${args.join(' ')} ended with ${code}: ${stderr}`);
  return JSON.parse(stdout) as V;
}

test('serve says in one line of JSON where it listens, and ends at SIGTERM', async (t) => {
  const dataDir = join(await tempDir(t), 'new', 'gateway');

  const serving = await serveGateway(t, dataDir);

  t.is(serving.schema, 'holdfast.listening/1');
  t.regex(serving.mqtt, /^mqtt:\/\/127\.0\.0\.1:\d+$/);
  t.deepEqual((await getJson(serving, '/livez')).body, {
    schema: 'holdfast.live/1',
    live: true,
  });
  t.deepEqual((await getJson(serving, '/readyz')).body, {
    schema: 'holdfast.readiness/1',
    ready: true,
    reasons: [],
  });
  const file: unknown = JSON.parse(await readFile(join(dataDir, 'gateway.json'), 'utf8'));
  t.like(file, { pid: serving.pid, http: serving.http, mqtt: serving.mqtt });
  t.is(await serving.end('SIGTERM'), 0);
  t.is(serving.output().stdout.trim().split('\n').length, 1);
  await t.throwsAsync(access(join(dataDir, 'gateway.json')), { code: 'ENOENT' });
});

test('a gateway whose broker is not there lives, and says why it is not ready', async (t) => {
  const nobody = createServer();
  await once(nobody.listen(0, '127.0.0.1'), 'listening');
  const { port } = nobody.address() as AddressInfo;
  await new Promise((resolve) => nobody.close(resolve));
  const broker = ['--broker', `mqtt://127.0.0.1:${port}`];
  const serving = await serveGateway(t, await tempDir(t), ...broker);

  const [live, ready] = await Promise.all([
    getJson(serving, '/livez'),
    getJson(serving, '/readyz'),
  ]);

  t.is(live.status, 200);
  t.is(ready.status, 503);
  t.like(ready.body, { ready: false, reasons: { length: 1 } });
  t.is(await serving.end('SIGINT'), 0);
});

test('reading commands say the same of a running and of a stopped gateway', async (t) => {
  const dataDir = await seeded(t);
  const commands = [
    ['devices'],
    ['runs'],
    ['runs', '--device', 'pump-1'],
    ['ledger', 'entries', '--device', 'pump-1'],
    ['ledger', 'entries', '--device', 'pump-1', '--lane', 'normal', '--limit', '1'],
    ['ledger', 'verify'],
  ];
  // What only a running gateway can know, and when it was asked.
  const timeless = ({ devices, summary, ...view }: Record<string, unknown>) => ({
    ...view,
    at: '',
    problems: [],
    devices: (devices as readonly object[] | undefined)?.map((each) => ({ ...each, state: '' })),
    summary: summary === undefined ? undefined : { ...summary, states: {} },
  });

  const stopped = [];
  for (const args of commands) {
    stopped.push(timeless(await json(...args, '--data-dir', dataDir)));
  }
  const { http, tokenFile } = await serveGateway(t, dataDir);

  for (const [index, args] of commands.entries()) {
    const running = timeless(await json(...args, '--data-dir', dataDir));
    t.deepEqual(running, stopped[index], args.join(' '));
  }
  const at = ['--url', http, '--token-file', tokenFile];
  t.like(await json('devices', ...at), { schema: 'holdfast.devices/1' });
});

test('the views have what the device journaled, in readable form', async (t) => {
  const dataDir = await seeded(t);
  const at = ['--data-dir', dataDir];

  const devices = await json<DevicesView>('devices', ...at);
  const runs = await json<RunsView>('runs', ...at);
  const entries = await json<EntriesView>('ledger', 'entries', '--device', 'pump-1', ...at);
  const after = ['--device', 'pump-1', '--lane', 'normal', '--after', '1'];
  const later = await json<EntriesView>('ledger', 'entries', ...after, ...at);
  const first = ['--device', 'pump-1', '--lane', 'normal', '--limit', '1'];
  const cut = await json<EntriesView>('ledger', 'entries', ...first, ...at);
  const verify = await json<VerifyView>('ledger', 'verify', ...at);

  t.like(devices.devices[0], { device: 'pump-1', state: 'unknown', epoch: 1, entries: 3 });
  t.is(devices.devices[0]?.backlog, null);
  t.like(runs.runs[0], { id: 'order-1', device: 'pump-1', workflow: 'checkout', entries: 3 });
  t.deepEqual(
    entries.entries.map(({ lane, seq, kind }) => [lane, seq, kind]),
    [
      ['urgent', 1, 'call.requested'],
      ['normal', 1, 'run.started'],
      ['normal', 2, 'step.completed'],
    ],
  );
  t.like(entries.entries[1], { at: '2026-03-01T12:00:00.000Z', input: { order: 'order-1' } });
  t.is(entries.entries[0]?.['expiresAt'], null);
  t.deepEqual(
    later.entries.map(({ seq }) => seq),
    [2],
  );
  t.deepEqual([cut.next, entries.next], [[{ lane: 'normal', after: 1 }], []]);
  t.like(verify, { schema: 'holdfast.verify/1', whole: true, entries: 3, faults: [] });
});

test('text for people has tables with headers and no colours in a pipe', async (t) => {
  const dataDir = await seeded(t);
  const at = ['--data-dir', dataDir];

  const devices = await runGateway('devices', ...at);
  const runs = await runGateway('runs', ...at);
  const entries = await runGateway('ledger', 'entries', '--device', 'pump-1', ...at);
  const verify = await runGateway('ledger', 'verify', ...at);

  t.regex(devices.stdout, /^DEVICE +STATE +BACKLOG +AS OF .*\npump-1 +unknown +\? +not reported/);
  t.regex(runs.stdout, /^RUN +DEVICE +WORKFLOW +STATE .*\norder-1 +pump-1 +checkout/);
  const row = /normal +2 +2026-03-01 12:00:00 \? +step.completed +order-1 +order-intake/;
  t.regex(entries.stdout, row);
  t.is(verify.stdout, '✓ 3 entries in 3 lanes: every chain is whole.\n');
  for (const { code, stdout, stderr } of [devices, runs, entries, verify]) {
    t.is(code, 0);
    t.is(stderr, '');
    t.false(stdout.includes('\u001b'));
  }
});

test('a gateway that was killed leaves a ledger that the commands read', async (t) => {
  const dataDir = await seeded(t);
  const serving = await serveGateway(t, dataDir);
  await serving.end('SIGKILL');
  await access(join(dataDir, 'gateway.json'));

  t.is((await json<VerifyView>('ledger', 'verify', '--data-dir', dataDir)).entries, 3);
});

test('a call whose answer a SIGKILL swallowed goes out again with the same key', async (t) => {
  const dataDir = await seeded(t);
  const keys: unknown[] = [];
  const url = await service(t, (times, request, response) => {
    keys.push(request.headers['idempotency-key']);
    // The first request has its effect, and its answer never comes.
    if (times > 1) response.end('{"left":3}');
  });
  const handler = ['--handler', `inventory.update=${url}`];
  const killed = await serveGateway(t, dataDir, ...handler);
  await until(() => keys.length > 0, poll);
  await killed.end('SIGKILL');

  const serving = await serveGateway(t, dataDir, ...handler);
  await answered(serving);
  await serving.end('SIGTERM');
  const again = await serveGateway(t, dataDir, ...handler);
  await again.end('SIGTERM');

  t.deepEqual(keys, ['pump-1/order-1/1', 'pump-1/order-1/1']);
});

/** Resolves once the result of the call is in the ledger, as a command for the device. */
async function answered(api: GatewayApi): Promise<void> {
  await eventually('a command to be issued', async () => {
    const { body } = await getJson(api, '/api/devices/pump-1');
    return (body as { lastCommand: number }).lastCommand === 1;
  });
}

test('a call without a handler is shown and waits for one in a file of functions', async (t) => {
  const dataDir = await seeded(t);
  const serving = await serveGateway(t, dataDir);
  const shown = await runGateway('devices', '--data-dir', dataDir);
  await serving.end('SIGTERM');
  const file = join(dataDir, 'handlers.mjs');
  const done = join(dataDir, 'done');
  await writeFile(
    file,
    `import { appendFile } from 'node:fs/promises';
     export const handlers = {
       'inventory.update': async (input, { idempotencyKey, device, run, attempt, signal }) => {
         const seen = { input, idempotencyKey, device, run, attempt, aborted: signal.aborted };
         await appendFile(${JSON.stringify(done)}, JSON.stringify(seen));
       },
     };`,
  );
  const handled = await serveGateway(t, dataDir, '--handlers', file);
  await answered(handled);

  t.regex(shown.stdout, /# Problems\n#   - HF_CALL_UNHANDLED .*1 call waits for inventory.update/);
  t.deepEqual(JSON.parse(await readFile(done, 'utf8')), {
    input: { sku: 'A-1', quantity: 2 },
    idempotencyKey: 'pump-1/order-1/1',
    device: 'pump-1',
    run: 'order-1',
    attempt: 1,
    aborted: false,
  });
});

test('the API refuses what it does not know with problem details and no stack', async (t) => {
  const serving = await serveGateway(t, await seeded(t));
  const cases: readonly (readonly [string, number, string, RegExp])[] = [
    ['/api/devices/pump-9', 404, 'HF_DEVICE_UNKNOWN', /pump-9/],
    ['/api/devices/pump%2F9/runs', 404, 'HF_DEVICE_UNKNOWN', /letters/],
    ['/api/devices/pump-9/entries', 404, 'HF_DEVICE_UNKNOWN', /pump-9/],
    ['/api/nothing', 404, 'HF_REQUEST_INVALID', /\/api\/nothing/],
    ['/api/devices/%zz', 400, 'HF_REQUEST_INVALID', /./],
    ['/api/devices?all=1', 400, 'HF_REQUEST_INVALID', /no parameter all/],
    ['/api/devices/pump-1/entries?lane=fast', 400, 'HF_REQUEST_INVALID', /urgent, normal, bulk/],
    ['/api/devices/pump-1/entries?after=5', 400, 'HF_REQUEST_INVALID', /needs lane/],
    ['/api/devices/pump-1/entries?lane=bulk&after=-1', 400, 'HF_REQUEST_INVALID', /from 0 to/],
    ['/api/devices/pump-1/runs?limit=0', 400, 'HF_REQUEST_INVALID', /from 1 to 1000/],
    ['/api/devices/pump-1/runs?limit=1&limit=2', 400, 'HF_REQUEST_INVALID', /more than once/],
  ];

  for (const [path, status, code, detail] of cases) {
    const answer = await getJson(serving, path);
    const problem = answer.body as Record<string, unknown>;
    t.is(answer.status, status, path);
    t.regex(answer.type, /^application\/problem\+json/, path);
    t.like(problem, { type: `urn:holdfast:error:${code}`, status, code }, path);
    t.regex(String(problem['detail']), detail, path);
    t.truthy(problem['title'] && problem['hint'], path);
    t.false(JSON.stringify(problem).includes('    at '), path);
  }
});

test('what is wrong with a command line or its surroundings is said in three lines', async (t) => {
  const dir = await tempDir(t);
  const file = join(dir, 'file');
  const broken = join(dir, 'broken.mjs');
  await writeFile(file, '');
  await writeFile(broken, 'export const handlers = {');
  const busy = await serveGateway(t, join(dir, 'busy'));
  const { port } = new URL(busy.http);
  const at = ['--data-dir', join(dir, 'fresh'), '--mqtt-port', '0', '--http-port'];
  const serve = ['serve', ...at, '0'];
  const asked = ['--url', busy.http, '--token-file', busy.tokenFile];
  const unanswered = ['--url', 'http://127.0.0.1:9'];
  const cases: readonly (readonly [number, string, readonly string[]])[] = [
    [2, 'HF_USAGE', []],
    [2, 'HF_USAGE', ['frobnicate']],
    [2, 'HF_USAGE', ['ledger']],
    [2, 'HF_USAGE', ['serve']],
    [2, 'HF_USAGE', [...serve, '--frob']],
    [2, 'HF_USAGE', [...serve, 'extra']],
    [2, 'HF_USAGE', ['serve', ...at, '70000']],
    [2, 'HF_USAGE', [...serve, '-o', 'yaml']],
    [2, 'HF_USAGE', [...serve, '--handler', 'nourl']],
    [2, 'HF_USAGE', [...serve, '--handler', 'a=ftp://127.0.0.1/']],
    [2, 'HF_USAGE', [...serve, '--handler', 'a=http://h/', '--handler', 'a=http://h/']],
    [2, 'HF_USAGE', [...serve, '--broker', 'mqtt://127.0.0.1:9']],
    [78, 'HF_CONFIG_INVALID', [...serve, '--report-every', '10ms']],
    [2, 'HF_DURATION_INVALID', [...serve, '--report-every', 'soon']],
    [2, 'HF_USAGE', [...serve, '--connects-per-s', '0']],
    [2, 'HF_GATEWAY_ADDRESS', ['serve', '--data-dir', dir, '--broker', 'nonsense']],
    [78, 'HF_HANDLERS_UNREADABLE', [...serve, '--handlers', join(dir, 'missing.mjs')]],
    [78, 'HF_HANDLERS_UNREADABLE', [...serve, '--handlers', broken]],
    [78, 'HF_DATA_DIR_UNUSABLE', ['serve', '--data-dir', file, '--http-port', '0']],
    [78, 'HF_DATA_DIR_UNUSABLE', ['serve', '--data-dir', join(file, 'in'), '--http-port', '0']],
    [78, 'HF_DATA_DIR_UNUSABLE', ['serve', '--data-dir', '/proc/x/y', '--http-port', '0']],
    [6, 'HF_PORT_TAKEN', ['serve', ...at, port]],
    [6, 'HF_STORE_LOCKED', ['serve', '--data-dir', join(dir, 'busy'), '--http-port', '0']],
    [2, 'HF_USAGE', ['devices']],
    [2, 'HF_USAGE', ['devices', '--url', busy.http, '--data-dir', dir]],
    [2, 'HF_USAGE', ['devices', '--url', 'nonsense']],
    [2, 'HF_USAGE', ['runs', '--url', busy.http, '--limit', '0']],
    [2, 'HF_USAGE', ['ledger', 'entries', '--url', busy.http]],
    [2, 'HF_USAGE', ['devices', '--url', busy.http, '--token-file', join(dir, 'missing')]],
    [5, 'HF_ACCESS_UNKNOWN', ['devices', '--url', busy.http]],
    [2, 'HF_USAGE', ['ledger', 'entries', '--url', busy.http, '--device', 'a b']],
    [2, 'HF_USAGE', ['ledger', 'entries', '--url', busy.http, '--device', 'a', '--after', '1']],
    [3, 'HF_DEVICE_UNKNOWN', ['ledger', 'entries', ...asked, '--device', 'a']],
    [3, 'HF_DATA_DIR_MISSING', ['devices', '--data-dir', join(dir, 'missing')]],
    [4, 'HF_GATEWAY_UNREACHABLE', ['devices', ...unanswered]],
  ];

  for (const [code, name, args] of cases) {
    const ended = await runGateway(...args);
    const said = `${args.join(' ')} → ${ended.code}\n${ended.stderr}`;
    t.is(ended.code, code, said);
    t.regex(ended.stderr, /(^|Z .*\n)error: .+\n {2}cause: .+\n {2}hint: .+\n$/, said);
    t.true(ended.stderr.includes(`(${name})`), said);
    t.is(ended.stdout, '', said);
  }
});

test('a gateway goes on when nobody reads its output any more', async (t) => {
  const dataDir = await tempDir(t);
  const ports = ['--mqtt-port', '0', '--http-port', '0', '--log-level', 'error'];
  const args = [gatewayBinary, 'serve', '--data-dir', dataDir, ...ports];
  const child = spawn(process.execPath, args);
  t.teardown(() => child.kill('SIGKILL'));
  const closed = once(child, 'close');
  child.stdout.destroy();
  let said = '';
  child.stderr.on('data', (text: Buffer) => (said += text.toString()));

  const file = join(dataDir, 'gateway.json');
  await until(() => existsSync(file), poll);
  const { http } = JSON.parse(await readFile(file, 'utf8')) as { http: string };
  t.is((await fetch(`${http}/readyz`)).status, 200);
  child.kill('SIGTERM');

  t.deepEqual(await closed, [0, null]);
  t.is(said, '');
});

test('help and version end with 0; --debug adds the stack to an error', async (t) => {
  const [help, version, debug] = [
    await runGateway('serve', '--help'),
    await runGateway('--version'),
    await runGateway('devices', '--url', 'http://127.0.0.1:9', '--debug'),
  ];

  t.is(help.code, 0);
  t.regex(help.stdout, /Usage: holdfast-gateway serve\|run [^]*Examples:/);
  t.is(version.code, 0);
  t.regex(version.stdout, /^\d+\.\d+\.\d+\n$/);
  t.regex(debug.stderr, /\n {4}at /);
});

test('a list that is watched prints a document each look into a pipe', async (t) => {
  const dataDir = await seeded(t);
  const serving = await serveGateway(t, dataDir);
  const at = ['--url', serving.http, '--token-file', serving.tokenFile];
  const watching = spawn(process.execPath, [gatewayBinary, 'runs', '--watch=100ms', ...at]);
  const ended = once(watching, 'close');
  t.teardown(() => watching.kill('SIGKILL'));
  const lines = createInterface({ input: watching.stdout })[Symbol.asyncIterator]();

  for (let look = 0; look < 3; look += 1) {
    const { value = '' } = (await lines.next()) as IteratorResult<string, undefined>;
    checkOutput(gatewayOutputs, value);
    t.like(JSON.parse(value), { schema: 'holdfast.fleet-runs/1', runs: [{ id: 'order-1' }] });
  }
  watching.kill('SIGINT');
  t.deepEqual(await ended, [130, null]);
  const wrong = await runGateway('runs', '--watch=1ms', ...at);
  t.deepEqual([wrong.code, wrong.stdout], [2, '']);
});

test('tables are written for spreadsheets, and for documents', async (t) => {
  const at = ['--data-dir', await seeded(t)];
  const entries = ['ledger', 'entries', '--device', 'pump-1'];

  const devices = await runGateway('devices', '-o', 'csv', ...at);
  const runs = await runGateway('runs', '-o', 'md', '--columns', 'run,entries', ...at);
  const rows = await runGateway(...entries, '-o', 'csv', '--columns', 'seq,time,size', ...at);
  const lines = await runGateway('runs', '-o', 'jsonl', ...at);

  t.regex(devices.stdout, /^device,state,backlog,as-of,.*\npump-1,unknown,,not reported,.*\n$/);
  t.is(runs.stdout, '| run | entries |\n| --- | ---: |\n| order-1 | 3 |\n');
  t.regex(rows.stdout, /^seq,time,size\n1,2026-03-01T12:00:00\.000Z,\d+\n/);
  t.like(JSON.parse(lines.stdout), { schema: 'holdfast.fleet-runs/1' });
});

test('a fleet is checked, asked for by a question, and named by a context', async (t) => {
  const dataDir = await seeded(t);
  const env = { XDG_CONFIG_HOME: await tempDir(t) };
  const named = (...args: readonly string[]) => runGatewayIn({ env }, ...args);
  const fits = await json<DevicesView>('devices', '-q', 'entries>2', '--data-dir', dataDir);
  const none = await runGateway('devices', '-q', 'device=x*', '--data-dir', dataDir);
  const wrong = await runGateway('devices', '-q', 'x=1', '--data-dir', dataDir);

  t.deepEqual(
    fits.devices.map(({ device }) => device),
    ['pump-1'],
  );
  t.is(none.stdout, 'None of 1 devices fits.\n');
  t.regex(wrong.stderr, /HF_QUERY_INVALID\)\n {2}cause: there is no field x, only device, state/);
  t.is((await named('context', 'set', 'here', '--data-dir', dataDir, '--use')).code, 0);
  const stopped = await named('check', 'fleet', '--json');
  t.is(stopped.code, 2);
  t.like(JSON.parse(stopped.stdout), { level: 'CRITICAL', text: 'no gateway runs' });
  const serving = await serveGateway(t, dataDir);
  const running = await named('check', '--max-entries', '1', '--late-after', '1d');
  t.regex(running.stdout, /^HOLDFAST OK - 1 device, 1 offline; 0 entries .*\|devices=1 offline=1 /);
  t.is(running.code, 0);
  const course = await named('backlog');
  t.regex(course.stdout, /pending.*; 0\.0 a second arrive\.\n(?:Its course is kept|[^]*┤)/);
  t.is((await named('stuck')).stdout, 'Nothing is stuck.\n');
  t.like(JSON.parse((await named('stuck', '--json')).stdout), { devices: [], runs: [], calls: [] });
  await serving.end('SIGTERM');
  const nobody = await named('check', '--url', 'http://127.0.0.1:9');
  const bad = await named('check', '--max-lag', 'soon');
  for (const { code, stdout } of [nobody, bad]) {
    t.is(code, 3);
    t.regex(stdout, /^HOLDFAST UNKNOWN - /);
  }
});

test('of a run that is stuck, why and where is told', async (t) => {
  const stamp = { atMs: Date.UTC(2026, 2, 1, 12), boot: 1, monoMs: 1, run: 'order-1' };
  const code = 'HF_RUN_QUARANTINED';
  const dataDir = await seeded(t, [{ kind: 'run.stuck', ...stamp, n: 3, code, reason: 'it is' }]);
  const at = ['--data-dir', dataDir];

  const table = await runGateway('runs', '-o', 'csv', '--columns', 'state,reason', ...at);
  const view = await json<RunsView>('runs', ...at);
  const stuck = await runGateway('stuck', ...at);
  t.regex(stuck.stdout, /order-1 +pump-1 +\S+ +.* HF_RUN_QUARANTINED/);

  t.is(table.stdout, `state,reason\nstuck,${code} at inventory.update\n`);
  t.deepEqual(view.runs[0]?.reason, { code, step: 'inventory.update' });
});

test('each program tells its versions, and explains what went wrong', async (t) => {
  const explained = await runGateway('explain', 'store_locked');
  const versions = await json('version');
  const sim = (...args: readonly string[]) =>
    execFileSync(process.execPath, [simBinary, ...args], { encoding: 'utf8' });

  t.regex(explained.stdout, /^HF_STORE_LOCKED: .+\.\n\n {2}.+\n {2}.+\n$/);
  t.like(versions, { schema: 'holdfast.version/1', protocol: { max: 1 } });
  t.is(sim('explain', 'HF_STORE_LOCKED'), explained.stdout);
  checkOutput(simOutputs, sim('version', '-o', 'json'));
  t.regex(sim('version'), /^holdfast-sim \d+\.\d+\.\d+, protocol \d+, node \d/);
  t.regex(sim('explain'), /^CODE +MEANING\n/);
  t.is((await runGateway('explain', 'nothing')).code, 2);
});
