import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { askApi, until, type GatewayApi } from '@holdfast/device-sim';
import { Gateway, type GatewayOptions } from '@holdfast/gateway';
import {
  CaStore,
  Certifier,
  Enroller,
  EventFeed,
  Pairings,
  Renewal,
  Rotation,
  caDeskOf,
  createDoors,
  createFleet,
  createVerify,
  createAccess,
  openAccessStore,
  openIdentity,
  openLevelLedger,
  sha256,
  startHttpApi,
  systemClock,
  type Access,
  type AuditPageView,
  type TokenMadeView,
} from '@holdfast/gateway/internal';
import ava, { type ExecutionContext } from 'ava';
import { runGateway, runGatewayWith } from '../support/gateway-process.ts';
import { hasProgram } from '../support/program.ts';
import { noWebhooks } from '../support/no-webhooks.ts';
import { tempDir } from '../support/temp-dir.ts';
import { TestCa } from '../support/test-ca.ts';

const test = ava;
const withOpenssl = hasProgram('openssl') ? ava : ava.skip;
const PASSWORD = 'correct horse battery';

interface Served extends GatewayApi {
  readonly gateway: Gateway;
  readonly dataDir: string;
}

async function serve(t: ExecutionContext, options: Partial<GatewayOptions> = {}): Promise<Served> {
  const dataDir = join(await tempDir(t), 'gateway');
  const gateway = await Gateway.open({ dataDir, mqttPort: 0, httpPort: 0, ...options });
  t.teardown(() => gateway.close());
  return { gateway, dataDir, http: gateway.httpUrl, tokenFile: gateway.tokenFile };
}

function post(api: GatewayApi, path: string, body: unknown): Promise<Response> {
  const headers = { 'content-type': 'application/json' };
  return askApi(api, path, { method: 'POST', headers, body: JSON.stringify(body) });
}

/** A file with a token of that role. */
async function tokenOf(api: Served, role: string): Promise<GatewayApi & TokenMadeView> {
  const order = { name: role, role, expiresInSeconds: 3_600 };
  const made = (await (await post(api, '/api/tokens', order)).json()) as TokenMadeView;
  const tokenFile = join(api.dataDir, `${role}.token`);
  await writeFile(tokenFile, `${made.token}\n`);
  return { ...made, http: api.http, tokenFile };
}

async function metric(api: GatewayApi, reason: string): Promise<number> {
  const text = await (await askApi(api, '/metrics')).text();
  const [, count] = new RegExp(`reason="${reason}"\\} (\\d+)`).exec(text) ?? [];
  return Number(count);
}

const reads = [
  ...[
    '/api/devices',
    '/api/devices/pump-1',
    '/api/devices/pump-1/runs',
    '/api/runs',
    '/metrics',
    '/api/events',
  ],
  ...['/api/devices/pump-1/entries', '/api/ledger/erasures', '/api/session'],
];
const admins: readonly (readonly [method: string, path: string, action?: string])[] = [
  ['GET', '/api/users'],
  ['GET', '/api/tokens'],
  ['GET', '/api/audit'],
  ['GET', '/api/enrolments'],
  ['POST', '/api/users', 'user.add'],
  ['PATCH', '/api/users/ola', 'user.set'],
  ['DELETE', '/api/users/ola', 'user.rm'],
  ['POST', '/api/tokens', 'token.create'],
  ['DELETE', '/api/tokens/0123456789abcdef', 'token.revoke'],
  ['POST', '/api/enrolments', 'enrolment.create'],
  ['DELETE', '/api/enrolments/0123456789abcdef', 'enrolment.revoke'],
  ['POST', '/api/devices/pump-1/key', 'device.rekey'],
  ['POST', '/api/ledger/erase', 'ledger.erase'],
];

test('the API tells nothing to whom it does not know, and to each what its role may', async (t) => {
  const api = await serve(t);
  const viewer = await tokenOf(api, 'viewer');
  const asked = async (path: string, method = 'GET', headers = {}) => {
    const answer = await fetch(`${api.http}${path}`, { method, headers });
    return { status: answer.status, ...((await answer.json()) as { code?: string }) };
  };

  for (const path of reads) {
    for (const headers of [{}, { authorization: 'Bearer hft_0' }, { authorization: 'Basic a' }]) {
      t.like(await asked(path, 'GET', headers), { status: 401, code: 'HF_ACCESS_UNKNOWN' }, path);
    }
  }
  for (const [method, path] of admins) {
    t.like(await asked(path, method), { status: 401 }, path);
    const denied = await askApi(viewer, path, { method });
    t.is(denied.status, 403, path);
    t.like(await denied.json(), { code: 'HF_ACCESS_DENIED' }, path);
  }
  t.is((await askApi(viewer, '/api/devices')).status, 200);
  t.is((await asked('/livez')).status, 200);
  t.is((await asked('/readyz')).status, 200);

  const { records } = (await (await askApi(api, '/api/audit')).json()) as AuditPageView;
  t.deepEqual(
    records.filter(({ outcome }) => outcome === 'denied').map(({ who, action }) => [who, action]),
    admins
      .flatMap(([, , action]) => (action === undefined ? [] : [['token:viewer', action]]))
      .toReversed(),
  );
  t.is(await metric(api, 'role'), admins.length);
  t.is(await metric(api, 'credentials'), 3 * reads.length + admins.length);
});

test('the token of this machine is in a file that nobody else reads, and ends', async (t) => {
  const api = await serve(t);
  const { mode } = await stat(api.tokenFile);
  t.is(mode & 0o777, 0o600);
  t.is((await askApi(api, '/api/users')).status, 200);

  await api.gateway.close();
  await t.throwsAsync(stat(api.tokenFile), { code: 'ENOENT' });
});

test('a session is a cookie that only pages of ours can change something with', async (t) => {
  const api = await serve(t);
  await post(api, '/api/users', { name: 'ola', role: 'admin', password: PASSWORD });
  const { host, origin } = new URL(api.http);
  const json = { 'content-type': 'application/json' };
  const login = (headers: Record<string, string>, password = PASSWORD) =>
    fetch(`${api.http}/api/session`, {
      ...{ method: 'POST', headers: { ...json, ...headers } },
      body: JSON.stringify({ user: 'ola', password }),
    });

  t.is((await login({}, 'a wrong password')).status, 401);
  t.is((await login({ origin: 'http://evil.example' })).status, 403, 'a login from elsewhere');
  const opened = await login({ 'sec-fetch-site': 'same-origin' });
  t.like(await opened.json(), { schema: 'holdfast.session/1', who: 'user:ola', role: 'admin' });
  const cookie = opened.headers.get('set-cookie') ?? '';
  t.regex(cookie, /^holdfast_session=[0-9a-f]{64}; Path=\/; HttpOnly; SameSite=Strict; Max-Age=/);

  const session = { cookie: cookie.split(';')[0] ?? '' };
  const change = (headers: Record<string, string>) =>
    fetch(`${api.http}/api/users/kari`, { method: 'DELETE', headers: { ...session, ...headers } });
  t.is((await fetch(`${api.http}/api/devices`, { headers: session })).status, 200);
  const foreign = [
    ...[{}, { origin: 'http://evil.example' }, { origin: 'null' }, { origin: `http://${host}.x` }],
    ...[{ 'sec-fetch-site': 'cross-site', origin }, { 'sec-fetch-site': 'same-site' }],
  ];
  for (const headers of foreign) {
    t.is((await change(headers)).status, 403, JSON.stringify(headers));
  }
  t.is((await change({ origin })).status, 404, 'it was let in: there is no such user');
  t.is((await change({ 'sec-fetch-site': 'same-origin' })).status, 404);
  t.is(await metric(api, 'origin'), 1 + foreign.length);

  const own = { ...session, origin };
  const closed = await fetch(`${api.http}/api/session`, { method: 'DELETE', headers: own });
  t.is(closed.status, 204);
  t.is((await fetch(`${api.http}/api/devices`, { headers: session })).status, 401);
});

test('guessing passwords is slowed down, told when to come again, and counted', async (t) => {
  const api = await serve(t);
  const guess = async () => {
    const answer = await fetch(`${api.http}/api/session`, {
      ...{ method: 'POST', headers: { 'content-type': 'application/json' } },
      body: JSON.stringify({ user: 'root', password: 'let me in' }),
    });
    return [answer.status, Number(answer.headers.get('retry-after'))];
  };

  const answers = await Promise.all(Array.from({ length: 14 }, guess));

  const limited = answers.filter(([status]) => status === 429);
  t.is(answers.filter(([status]) => status === 401).length, 10);
  t.is(limited.length, 4);
  for (const [, after = 0] of limited) t.true(after > 0 && after <= 300);
  t.is(await metric(api, 'limit'), 4);
});

/** An API by itself, with limits that a test can reach. */
async function serveLimited(
  t: ExecutionContext,
): Promise<GatewayApi & { readonly feed: EventFeed; readonly access: Access }> {
  const dir = await tempDir(t);
  const ledger = await openLevelLedger(join(dir, 'ledger'), { sha256, isNew: true });
  const access = createAccess(await openAccessStore(join(dir, 'access')), systemClock);
  const tokenFile = join(dir, 'token');
  await writeFile(tokenFile, access.localToken);
  const fleet = createFleet({ sha256, ledger, clock: systemClock, webhooks: noWebhooks });
  const silent = { error: () => {}, info: () => {}, debug: () => {} };
  const limits = { requestMsMax: 400, connectionsMax: 6, heartbeatMs: 100 };
  const version = '0.0.0';
  const feed = new EventFeed('test');
  const clock = systemClock;
  const verify = createVerify();
  const signer = await openIdentity(dir);
  const store = await CaStore.open(dir, clock);
  const known = { ledger, verify, sha256, publicKey: signer.publicKey };
  const doors = createDoors(known, { takesStrangers: true, clock, log: silent });
  const issue = (name: string, publicKey: Uint8Array) =>
    store.authority.issue({ name, publicKey, use: 'client', lifeMs: 3_600_000 });
  const certifier = new Certifier({ issue, ledger, sha256, clock });
  const { audit, book } = access;
  const keys = { certifier, audit, book, ledger, sha256, verify, signer, clock, ca: () => null };
  const renewal = new Renewal(keys);
  const rotation = new Rotation({ ...keys, rekeyed: () => {} });
  const ca = caDeskOf({ store, rotate: (isTrusted) => store.rotate(isTrusted), ledger });
  const pairings = new Pairings({
    ...{ book, ledger, sha256, verify, clock, certifier, randomBytes },
    publicKey: signer.publicKey,
    ...{ rekeyed: () => {}, certificate: () => '' },
    told: () => ({ publicKey: '', mqtt: '', ca: null }),
  });
  const enroller = new Enroller({
    ...{ book, ledger, sha256, audit, enrolments: access.enrolments },
    ...{ verify, clock, rekeyed: () => {} },
    told: () => ({ publicKey: '', mqtt: '', ca: null }),
    certifier,
  });
  const own = {
    ...{ hook: doors.hook, turned: doors.refusals },
    pairings,
    ...{ enroller, renewal, rotation, key: '', feed, look: () => {}, pin: () => '', ca },
    fleet,
    access,
    version,
    clock: systemClock,
    checks: () => [],
    metrics: () => [],
    log: silent,
    limits,
  };
  const server = await startHttpApi({ host: '127.0.0.1', port: 0, ...own });
  t.teardown(async () => {
    await server.close();
    await access.close();
    await ledger.close();
  });
  return { http: server.url, tokenFile, feed, access };
}

test('requests that are too large, broken, slow or too many end, and are counted', async (t) => {
  const api = await serveLimited(t);
  const status = async (path: string, init: RequestInit = {}) =>
    (await askApi(api, path, init)).status;
  const json = { 'content-type': 'application/json' };
  const body = (text: string) => ({ method: 'POST', headers: json, body: text });

  t.is(await status('/api/tokens', body(`"${'x'.repeat(20_000)}"`)), 413);
  t.is(await status('/api/tokens', body('{"name":')), 400);
  t.is(await status('/api/tokens', body('{"__proto__":{"role":"admin"}}')), 400);
  t.is(
    await status('/api/tokens', { ...body('{}'), headers: { 'content-type': 'text/xml' } }),
    415,
  );
  t.is(await status('/api/devices', { headers: { 'x-long': 'x'.repeat(20_000) } }), 431);
  const paths = ['/api/devices/..%2f..%2faccess', '/api//devices', '/API/devices', '/api/%00'];
  for (const path of paths) t.true((await status(path)) >= 400, path);
  t.is(await status('/api/devices', { method: 'PUT' }), 404);
  t.is(await metric(api, 'size'), 2);

  const port = Number(new URL(api.http).port);
  const raw = async (text: string): Promise<string> => {
    const socket = connect(port, '127.0.0.1').setEncoding('utf8');
    let answer = '';
    socket.on('data', (chunk: string) => (answer += chunk));
    socket.on('error', () => {});
    socket.write(text);
    await once(socket, 'close');
    return answer;
  };
  t.regex(await raw('GET /api/devices HTTP/1.1\r\nHost: a\r\n'), /^HTTP\/1\.1 408 /, 'half a head');
  const half = 'POST /api/session HTTP/1.1\r\nHost: a\r\ncontent-type: application/json\r\n';
  t.regex(await raw(`${half}content-length: 99\r\n\r\n{"us`), /^HTTP\/1\.1 408 /, 'half a body');
  t.regex(await raw('\u0016\u0003\u0001 no HTTP at all\r\n\r\n'), /^HTTP\/1\.1 400 /);

  const many = Array.from({ length: 12 }, () => connect(port, '127.0.0.1').on('error', () => {}));
  await until('connections to be dropped', async () => {
    await pause(1);
    return many.filter(({ closed }) => closed).length >= 6;
  });
  for (const socket of many) socket.destroy();
  const seen = await until('an answer again', async () => {
    const count = await metric(api, 'slow').catch(() => undefined);
    return count === undefined ? false : { slow: count };
  });
  t.true(seen.slow >= 2);
  t.true((await metric(api, 'connections')) >= 6);
  t.true((await metric(api, 'request')) >= 6);
});

test('who looks on and does not read is cut off, and may come again', async (t) => {
  const { feed, ...api } = await serveLimited(t);
  const token = (await readFile(api.tokenFile, 'utf8')).trim();
  const socket = connect(Number(new URL(api.http).port), '127.0.0.1').on('error', () => {});
  const head = `GET /api/events HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${token}\r\n\r\n`;
  socket.write(head);
  await once(socket, 'readable');

  const slow = await until('it to be cut off', async () => {
    for (let n = 0; n < 20_000; n += 1) {
      const entries = { epoch: 1, lane: 'bulk', watermark: n, fresh: 1 } as const;
      feed.arrived({ device: `pump-${n}`, ...entries });
    }
    feed.look([]);
    return metric(api, 'slow');
  });

  t.is(slow, 1);
  socket.destroy();
});

test('who looks on with a token that is revoked is cut off', async (t) => {
  const { access, http } = await serveLimited(t);
  const order = { name: 'screen', role: 'viewer', lifeMs: null } as const;
  const { row, token } = await access.tokens.create(order, 'local');
  const headers = { authorization: `Bearer ${token}` };
  const response = await fetch(`${http}/api/events`, { headers });
  t.is(response.status, 200);

  const text = response.text();
  await access.tokens.revoke(row.id);

  t.regex(await text, /^retry: \d+\n\nid: [^\n]+\nevent: ready\n/);
});

test('users and tokens by command line, of a running and of a stopped gateway', async (t) => {
  const api = await serve(t);
  const at = ['--data-dir', api.dataDir];
  const file = join(api.dataDir, 'ci.token');
  const url = ['devices', '--url', api.http, '--token-file', file];

  const added = await runGatewayWith(
    `${PASSWORD}\n`,
    'user',
    'add',
    'ola',
    '--role',
    'admin',
    ...at,
  );
  t.is(added.stdout, 'ola may log in as admin.\n', added.stderr);
  const made = await runGateway('token', 'create', 'ci', '--role', 'viewer', ...at);
  t.regex(made.stdout, /^hft_[0-9a-f]{16}_[0-9a-f]{40}\n$/);
  t.regex(made.stderr, /not shown again/);
  await writeFile(file, made.stdout);
  t.is((await runGateway(...url)).code, 0);
  await api.gateway.close();

  const again = await Gateway.open({ dataDir: api.dataDir, mqttPort: 0, httpPort: 0 });
  t.teardown(() => again.close());
  const where = ['--url', again.httpUrl, '--token-file', file];
  t.is((await runGateway('devices', ...where)).code, 0, 'a token outlives the gateway');
  const held = await runGateway('ledger', 'erase', '--subject', 'a', '--yes', ...where);
  t.is(held.code, 5);
  t.regex(held.stderr, /HF_ACCESS_DENIED[^]*takes the role admin/);
  await again.close();

  const id = made.stdout.slice(4, 20);
  const revoked = await runGateway('token', 'revoke', id, ...at);
  t.is(revoked.stdout, `The token ci (${id}) lets nobody in any more.\n`);
  t.regex((await runGateway('token', 'ls', ...at)).stdout, /ci +viewer +revoked/);
  t.regex((await runGateway('user', 'ls', ...at)).stdout, /ola +admin/);
  const missing = await runGateway('user', 'rm', 'kari', ...at);
  t.is(missing.code, 3);
  const { stdout } = await runGateway('audit', '-o', 'json', ...at);
  const { records } = JSON.parse(stdout) as AuditPageView;
  t.deepEqual(
    records.map(({ who, action, target, outcome }) =>
      [who.replace(/^local:.*/, 'local:me'), action, target, outcome].join(' '),
    ),
    [
      'local:me user.rm kari failed',
      `local:me token.revoke ${id} done`,
      'token:ci ledger.erase /api/ledger/erase denied',
      'local token.create ci done',
      'local user.add ola done',
    ],
  );
  t.false(stdout.includes(PASSWORD) || stdout.includes(made.stdout.slice(21, 61)));
});

withOpenssl(
  'the API speaks TLS to other machines, with files of its own (needs openssl)',
  async (t) => {
    const dir = await tempDir(t);
    const ca = await TestCa.make(dir, 'ca');
    const tls = await ca.issue('gateway', 'DNS:localhost,IP:127.0.0.1');
    const open = (options: Partial<GatewayOptions>) =>
      Gateway.open({ dataDir: join(dir, 'never'), httpPort: 0, mqttPort: 0, ...options });

    const invalid = { code: 'HF_CONFIG_INVALID' };
    await t.throwsAsync(open({ httpHost: '0.0.0.0', httpTls: { cert: tls.cert } }), invalid);
    await t.throwsAsync(open({ tlsNames: ['no name'] }), invalid);
    await t.throwsAsync(stat(join(dir, 'never')), { code: 'ENOENT' });

    const api = await serve(t, { httpHost: '0.0.0.0', httpTls: tls });
    t.regex(api.http, /^https:/);
    const { port } = new URL(api.http);
    const at = ['devices', '--token-file', api.tokenFile, '--url', `https://localhost:${port}`];
    t.is((await runGateway(...at, '--tls-ca', ca.path)).code, 0);
    t.is((await runGateway(...at)).code, 4, 'a CA that nobody trusts');
    t.is((await runGateway('devices', '--data-dir', api.dataDir)).code, 0, 'it knows its own');

    // Somebody else listens where the gateway was.
    const file = join(api.dataDir, 'gateway.json');
    const state = JSON.parse(await readFile(file, 'utf8')) as object;
    await writeFile(file, JSON.stringify({ ...state, certificate: '0'.repeat(64) }));
    const other = await runGateway('devices', '--data-dir', api.dataDir);
    t.is(other.code, 6, 'it is not spoken to, and the gateway still has its directory');
  },
);
