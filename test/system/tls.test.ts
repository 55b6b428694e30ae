import { once } from 'node:events';
import { access, readFile, writeFile } from 'node:fs/promises';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import ava, { type ExecutionContext } from 'ava';
import { Agent, type AgentOptions } from '@holdfast/agent';
import { enrollDevice } from '@holdfast/agent/internal';
import { askApi, getFromApi, until } from '@holdfast/device-sim';
import { Gateway, type GatewayOptions } from '@holdfast/gateway';
import type { EnrolmentMadeView, RevocationsView } from '@holdfast/gateway/internal';
import { connectAsync } from 'mqtt';
import { freePort, startMosquitto } from '../support/brokers.ts';
import { runGateway } from '../support/gateway-process.ts';
import { hasProgram } from '../support/program.ts';
import { tempDir } from '../support/temp-dir.ts';
import { TestCa, type Issued } from '../support/test-ca.ts';

/** The test chooses its own. */
const isNoListener = (line: string): boolean => !line.startsWith('listener ');

const needs = '(needs openssl)';
const test = hasProgram('openssl') ? ava : ava.skip;
const withMosquitto = hasProgram('mosquitto') ? ava : ava.skip;
const uplink = { retryMsMin: 20, retryMsMax: 200 };
const host = 'DNS:localhost,IP:127.0.0.1';

async function openGateway(
  t: ExecutionContext,
  options: Partial<GatewayOptions>,
): Promise<Gateway> {
  const gateway = await Gateway.open({ dataDir: await tempDir(t), mqttPort: 0, ...options });
  t.teardown(() => gateway.close());
  return gateway;
}

async function openAgent(t: ExecutionContext, options: Partial<AgentOptions>): Promise<Agent> {
  const fresh = { dataDir: await tempDir(t), device: 'till-1' };
  const place = options.dataDir === undefined ? fresh : {};
  const agent = await Agent.open({ workflows: [], uplink, ...place, ...options } as AgentOptions);
  t.teardown(() => agent.close());
  return agent;
}

/** What the status says is wrong, once it says something. */
async function problemOf(t: ExecutionContext, options: Partial<AgentOptions>) {
  const agent = await openAgent(t, options);
  const look = async () => (await agent.status()).link.problem ?? undefined;
  const { code, message } = await until('a problem', look);
  t.regex((await agent.status()).link.state, /^(offline|connecting)$/, 'it tries again');
  return { code, message };
}

/** A server that keeps what comes to it, on a port that the system chooses. */
async function listening(t: ExecutionContext, server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  return (server.address() as AddressInfo).port;
}

function tlsServer(t: ExecutionContext, cert: Buffer, key: Buffer): Promise<number> {
  const server = createTlsServer({ cert, key });
  server.on('tlsClientError', () => {});
  return listening(t, server);
}

/** What a command prints. @throws When it fails. */
async function command(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runGateway(...args);
  if (code !== 0) throw new Error(stderr);
  return stdout.trim();
}

/** What a device shows that was enrolled in this directory. */
async function identityOf(dir: string) {
  const text = await readFile(join(dir, 'identity/enrolment.json'), 'utf8');
  const { ca, certificate: cert } = JSON.parse(text) as { ca: string; certificate: string };
  return { ca, cert, key: await readFile(join(dir, 'identity/device.key'), 'utf8') };
}

const readPair = async ({ cert, key }: Issued) =>
  [await readFile(cert), await readFile(key)] as const;

test(`devices reach the embedded broker by TLS ${needs}`, async (t) => {
  const ca = await TestCa.make(await tempDir(t), 'ca');
  const gateway = await openGateway(t, { tls: await ca.issue('gateway', host) });
  const agent = await openAgent(t, { gateway: gateway.mqttUrl, tls: { ca: await ca.read() } });
  await agent.emit('fact', 1);

  await agent.synced();

  t.regex(gateway.mqttUrl, /^mqtts:/);
  t.is((await agent.status()).link.problem, null);
});

withMosquitto(
  'Mosquitto knows devices by certificates, until they are revoked (needs mosquitto)',
  async (t) => {
    const dir = await tempDir(t);
    const dataDir = join(dir, 'gateway');
    const own = ['--data-dir', dataDir];
    await command('ca', 'init', ...own);
    const issue = ['ca', 'issue', '--out', dir, ...own];
    await command(...issue, 'mosquitto', '--host', 'localhost', '--host', '127.0.0.1');
    await command(...issue, 'gateway');
    const [ca, acl, crl] = ['ca.crt', 'acl', 'crl.pem'].map((name) => join(dir, name));
    await writeFile(crl ?? '', await command('ca', 'crl', ...own));
    const [cert, key] = [join(dir, 'mosquitto.crt'), join(dir, 'mosquitto.key')];
    const files = ['--ca', ca, '--cert', cert, '--key', key, '--acl-file', acl, '--crl', crl];
    const made = (file: string) => command('broker-config', file, ...files.map(String));
    await writeFile(acl ?? '', await made('mosquitto.acl'));
    const lines = (await made('mosquitto.conf')).split('\n').filter(isNoListener);
    const mosquitto = await startMosquitto(t, lines);
    const url = `mqtts://localhost:${mosquitto.port}`;
    const tls = { cert: join(dir, 'gateway.crt'), key: join(dir, 'gateway.key'), ca };
    const ports = { httpPort: 0, enrollment: 'required' } as const;
    const gateway = await openGateway(t, { dataDir, broker: url, tls, ...ports });
    await gateway.ready();
    const api = { http: gateway.httpUrl, tokenFile: gateway.tokenFile };
    const post = (path: string, body: object) => {
      const headers = { 'content-type': 'application/json' };
      return askApi(api, path, { method: 'POST', headers, body: JSON.stringify(body) });
    };
    const enroll = async (device: string) => {
      const answer = await post('/api/enrolments', { device, tags: {} });
      const { token } = (await answer.json()) as EnrolmentMadeView;
      await enrollDevice(join(dir, device), token);
      return join(dir, device);
    };
    const [one, two] = [await enroll('till-1'), await enroll('till-2')];

    const trust = { ca: await readFile(ca ?? '', 'utf8') };
    const bare = await problemOf(t, { gateway: url, tls: trust });
    t.is(bare.code, 'HF_GATEWAY_UNTRUSTED', 'without a certificate');
    const agent = await openAgent(t, { dataDir: one });
    await agent.emit('fact', 1);
    await agent.synced();

    // Somebody else with a certificate of the same authority, under the name of the first.
    const shown = { ...(await identityOf(two)), rejectUnauthorized: true };
    const other = await connectAsync(url, { ...shown, clientId: 'hf-till-1', protocolVersion: 4 });
    const asked = ['holdfast/1/till-1/down', 'holdfast/#', '#', 'holdfast/1/till-2/down'];
    const heard: string[] = [];
    other.on('message', (topic) => heard.push(topic));
    for (const topic of asked) await other.subscribeAsync(topic).catch(() => undefined);
    await other.publishAsync('holdfast/1/till-1/up', 'forged', { qos: 1 });
    await agent.emit('fact', 2);
    await agent.synced();
    await other.endAsync(true);
    t.deepEqual(heard, [], 'it reads nothing of its neighbour');
    const { lanes = [] } = (await gateway.ledger.device('till-1')) ?? {};
    t.is(lanes.reduce((sum, { watermark }) => sum + watermark, 0), 2);
    t.is(gateway.live().find(({ device }) => device === 'till-1')?.refusals, 0, 'nor writes');

    await askApi(api, '/api/devices/till-2/revoke', { method: 'POST' });
    const list = await getFromApi<RevocationsView>(api, '/api/ca/revocations');
    await writeFile(crl ?? '', list.crl);
    await mosquitto.kill();
    await mosquitto.start();
    const revoked = connectAsync(url, { ...shown, clientId: 'hf-till-2', reconnectPeriod: 0 });
    await t.throwsAsync(revoked);
    await agent.emit('fact', 3);
    await agent.synced();
  },
);

test(`what is not trusted is told by its cause, and tried again ${needs}`, async (t) => {
  const dir = await tempDir(t);
  const ca = await TestCa.make(dir, 'ca');
  const other = await TestCa.make(dir, 'other');
  const servers = {
    strange: await other.issue('strange', host),
    late: await ca.issue('late', host, -1),
    elsewhere: await ca.issue('elsewhere', 'DNS:elsewhere.example'),
  };
  const tls = { ca: await ca.read() };
  const problem = async (issued: Issued) => {
    const [cert, key] = await readPair(issued);
    return problemOf(t, { gateway: `mqtts://localhost:${await tlsServer(t, cert, key)}`, tls });
  };

  const [strange, late, elsewhere] = await Promise.all([
    problem(servers.strange),
    problem(servers.late),
    problem(servers.elsewhere),
  ]);

  for (const { code } of [strange, late, elsewhere]) t.is(code, 'HF_GATEWAY_UNTRUSTED');
  t.regex(strange.message, /not of a CA that is trusted/);
  t.regex(late.message, /has expired, or the clock/);
  t.regex(elsewhere.message, /for another name/);
});

test(`a portal or a wrong port is told, and nothing goes in clear ${needs}`, async (t) => {
  const ca = await TestCa.make(await tempDir(t), 'ca');
  const tls = { ca: await ca.read() };
  const heard: Buffer[] = [];
  const portal = createHttpServer((_request, response) => response.end('log in'));
  portal.on('connection', (socket) => socket.on('data', (chunk: Buffer) => heard.push(chunk)));
  const portalPort = await listening(t, portal);
  const plain = await openGateway(t, {});
  const secure = await openGateway(t, { tls: await ca.issue('gateway', host) });
  const deaf = await listening(
    t,
    createServer((socket) => socket.end()),
  );
  const at = (url: string, port: number | string) => `${url}://127.0.0.1:${port}`;

  const byTls = await problemOf(t, { gateway: at('mqtts', portalPort), tls });
  t.is(byTls.code, 'HF_GATEWAY_UNTRUSTED');
  t.regex(byTls.message, /does not speak TLS/);
  t.true(heard.length > 0);
  for (const chunk of heard) t.is(chunk[0], 0x16, 'a handshake and nothing else');

  const bare = await problemOf(t, { gateway: at('mqtt', portalPort) });
  t.is(bare.code, 'HF_GATEWAY_UNREACHABLE');
  t.regex(bare.message, /does not speak MQTT/);

  const plainPort = new URL(plain.mqttUrl).port;
  const toPlain = await problemOf(t, { gateway: at('mqtts', plainPort), tls });
  t.is(toPlain.code, 'HF_GATEWAY_UNTRUSTED');
  const toDeaf = await problemOf(t, { gateway: at('mqtts', deaf), tls });
  t.is(toDeaf.code, 'HF_GATEWAY_UNTRUSTED');
  t.regex(toDeaf.message, /port for TLS/);

  const toSecure = await problemOf(t, { gateway: at('mqtt', new URL(secure.mqttUrl).port) });
  t.is(toSecure.code, 'HF_GATEWAY_UNREACHABLE');
});

test(`wrong TLS settings are refused before anything is opened ${needs}`, async (t) => {
  const dir = await tempDir(t);
  const ca = await TestCa.make(dir, 'ca');
  const pair = await ca.issue('gateway', host);
  const trust = await ca.read();
  const dataDir = `${dir}/device`;
  const agent = (options: Partial<AgentOptions>) =>
    Agent.open({ dataDir, device: 'till-1', workflows: [], ...options });
  const gateway = (options: Partial<GatewayOptions>) =>
    Gateway.open({ dataDir: `${dir}/gateway`, mqttPort: 0, ...options });
  const mqtts = 'mqtts://localhost:1';

  const invalid = { code: 'HF_CONFIG_INVALID' };
  await t.throwsAsync(agent({ gateway: 'mqtt://localhost:1', tls: { ca: trust } }), invalid);
  await t.throwsAsync(agent({ gateway: mqtts, tls: { ca: 'nothing' } }), invalid);
  await t.throwsAsync(agent({ gateway: mqtts, tls: { cert: trust } }), invalid);
  const address = { code: 'HF_GATEWAY_ADDRESS' };
  await t.throwsAsync(agent({ gateway: 'mqtts://till-1:secret@localhost:1' }), address);
  await t.throwsAsync(gateway({ tls: { cert: pair.cert } }), invalid);
  await t.throwsAsync(gateway({ tls: { cert: pair.key, key: pair.cert } }), invalid);
  await t.throwsAsync(gateway({ tls: { ca: ca.path } }), invalid);
  await t.throwsAsync(gateway({ tls: { ca: ca.path }, broker: 'mqtt://localhost:1' }), invalid);
  await t.throwsAsync(readFile(`${dataDir}/device.json`), { code: 'ENOENT' });
  await t.throwsAsync(access(`${dir}/gateway`), { code: 'ENOENT' });
});

test(`to other machines a gateway speaks TLS, or is told not to ${needs}`, async (t) => {
  const dir = await tempDir(t);
  const everywhere = { mqttHost: '0.0.0.0', httpHost: '0.0.0.0', httpPort: 0 };
  const ca = await TestCa.make(dir, 'ca');
  const files = await openGateway(t, { ...everywhere, tls: await ca.issue('gateway', host) });
  const own = await openGateway(t, everywhere);
  const clear = await openGateway(t, { ...everywhere, insecure: true });
  const loopback = await openGateway(t, { httpPort: 0 });

  for (const secure of [files, own]) {
    t.regex(secure.mqttUrl, /^mqtts:/);
    t.regex(secure.httpUrl, /^https:/);
  }
  for (const plain of [clear, loopback]) {
    t.regex(plain.mqttUrl, /^mqtt:/);
    t.regex(plain.httpUrl, /^http:/);
  }
});

withMosquitto(
  'user and password for a broker are given to it and to nobody else (needs mosquitto)',
  async (t) => {
    const port = await freePort();
    const broker = `mqtt://cloud:secret@127.0.0.1:${port}`;
    const gateway = await openGateway(t, { broker });

    t.is(gateway.mqttUrl, `mqtt://127.0.0.1:${port}`);
    t.false(JSON.stringify(gateway.unready()).includes('secret'));
  },
);
