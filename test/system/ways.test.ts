import { once } from 'node:events';
import { readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { connect, createServer as createTcpServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import ava, { type ExecutionContext } from 'ava';
import { Agent, type AgentOptions } from '@holdfast/agent';
import { enrollDevice, examine, renewCertificate } from '@holdfast/agent/internal';
import { askApi, until } from '@holdfast/device-sim';
import { Gateway, type GatewayOptions } from '@holdfast/gateway';
import type { EnrolmentMadeView } from '@holdfast/gateway/internal';
import { freePort, startMosquitto } from '../support/brokers.ts';
import { startConnectProxy } from '../support/connect-proxy.ts';
import { hasProgram } from '../support/program.ts';
import { tempDir } from '../support/temp-dir.ts';
import { TestCa } from '../support/test-ca.ts';

const test = ava;
const withOpenssl = hasProgram('openssl') ? ava : ava.skip;
const withMosquitto = hasProgram('mosquitto') ? ava : ava.skip;
const uplink = { retryMsMin: 20, retryMsMax: 200 };

async function openGateway(
  t: ExecutionContext,
  options: Partial<GatewayOptions> = {},
): Promise<Gateway> {
  const gateway = await Gateway.open({ dataDir: await tempDir(t), mqttPort: 0, ...options });
  t.teardown(() => gateway.close());
  return gateway;
}

async function openAgent(t: ExecutionContext, options: Partial<AgentOptions>): Promise<Agent> {
  const place = { dataDir: await tempDir(t), device: 'till-1' };
  const agent = await Agent.open({ workflows: [], uplink, ...place, ...options });
  t.teardown(() => agent.close());
  return agent;
}

/** The address of a gateway, by WebSocket. */
const byWebSocket = ({ mqttUrl }: Gateway) => `${mqttUrl.replace(/^mqtt/, 'ws')}/mqtt`;

/** Delivers more than a message holds. */
async function delivers(t: ExecutionContext, agent: Agent): Promise<void> {
  for (let n = 0; n < 40; n += 1) await agent.emit('fact', 'x'.repeat(8_000));
  await agent.synced();
  t.is((await agent.status()).link.problem, null);
}

test('a device reaches the built-in broker by WebSocket, on the port of MQTT', async (t) => {
  const gateway = await openGateway(t);
  const agent = await openAgent(t, { gateway: byWebSocket(gateway) });

  await delivers(t, agent);
});

withOpenssl('by wss, TLS is that of mqtts, and so are its causes (needs openssl)', async (t) => {
  const ca = await TestCa.make(await tempDir(t), 'ca');
  const other = await TestCa.make(await tempDir(t), 'other');
  const gateway = await openGateway(t, { tls: await ca.issue('gateway', 'IP:127.0.0.1') });
  const url = byWebSocket(gateway);
  const agent = await openAgent(t, { gateway: url, tls: { ca: await ca.read() } });

  await delivers(t, agent);

  t.regex(url, /^wss:/);
  const stranger = await openAgent(t, { gateway: url, tls: { ca: await other.read() } });
  const look = async () => (await stranger.status()).link.problem ?? undefined;
  t.is((await until('a problem', look)).code, 'HF_GATEWAY_UNTRUSTED');
});

withMosquitto('a device reaches Mosquitto by WebSocket (needs mosquitto)', async (t) => {
  const port = await freePort();
  const webSocket = [`listener ${port} 127.0.0.1`, 'protocol websockets'];
  const mosquitto = await startMosquitto(t, ['allow_anonymous true', ...webSocket]);
  const gateway = await openGateway(t, { broker: mosquitto.url });
  await gateway.ready();
  const agent = await openAgent(t, { gateway: `ws://127.0.0.1:${port}/mqtt` });

  await delivers(t, agent);
});

test('what takes no WebSocket is told, with what it answered', async (t) => {
  const server = createServer((_request, response) => response.writeHead(404).end());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const { port } = server.address() as AddressInfo;
  const agent = await openAgent(t, { gateway: `ws://127.0.0.1:${port}/elsewhere` });

  const look = async () => (await agent.status()).link.problem ?? undefined;
  const { code, message } = await until('a problem', look);

  t.is(code, 'HF_GATEWAY_UNREACHABLE');
  t.regex(message, /HTTP 404/);
});

test('behind a proxy a device is enrolled, renewed, and connects both ways', async (t) => {
  const gateway = await openGateway(t, { httpPort: 0, enrollment: 'required' });
  const api = { http: gateway.httpUrl, tokenFile: gateway.tokenFile };
  const headers = { 'content-type': 'application/json' };
  const asked = { method: 'POST', headers, body: JSON.stringify({ device: 'till-1', tags: {} }) };
  const made = await askApi(api, '/api/enrolments', asked);
  const { token } = (await made.json()) as EnrolmentMadeView;
  const { url, ways } = await startConnectProxy(t, 'shop:s3cret');
  const proxy = { url: url.replace('//', '//shop@'), password: 's3cret' };
  const dataDir = await tempDir(t);
  const isToApi = (way: string) => gateway.httpUrl.endsWith(way);

  await enrollDevice(dataDir, token, undefined, proxy);
  const enrolled = ways.filter(isToApi).length;
  t.true(enrolled > 0);
  await renewCertificate(dataDir, proxy);
  t.true(ways.filter(isToApi).length > enrolled);

  for (const broker of [gateway.mqttUrl, byWebSocket(gateway)]) {
    const before = ways.length;
    const agent = await openAgent(t, { dataDir, gateway: broker, proxy });
    await agent.emit('fact', broker);
    await agent.synced();
    const status = await agent.status();
    t.is(status.link.problem, null);
    t.notRegex(JSON.stringify(status), /s3cret/);
    await agent.close();
    t.is(ways.length, before + 1);
  }
  t.notRegex(await readFile(join(dataDir, 'identity/enrolment.json'), 'utf8'), /s3cret/);
});

test('why a proxy makes no way is told by status and doctor, and ends by itself', async (t) => {
  const gateway = await openGateway(t);
  const proxy = await startConnectProxy(t, 'shop:s3cret');
  const url = proxy.url.replace('//', '//shop@');
  const options = { gateway: gateway.mqttUrl, uplink: { ...uplink, connectMs: 1_000 } };
  const shown: string[] = [];
  const told = async (agent: Agent, words: RegExp): Promise<void> => {
    const problem = await until(String(words), async () => {
      const found = (await agent.status()).link.problem;
      return found !== null && words.test(found.message) ? found : undefined;
    });
    t.is(problem.code, 'HF_PROXY_UNUSABLE');
    shown.push(JSON.stringify(await agent.status()));
  };
  const wrong = { url, password: 'guessed' };
  const stranger = await openAgent(t, { ...options, proxy: wrong });
  await told(stranger, /407/);
  await stranger.close();
  const nowMs = Date.now();
  const patient = { status: undefined, stuck: [], dataDir: undefined, storeKey: undefined, nowMs };
  const target = { url: gateway.mqttUrl, proxy: wrong };
  const isUplink = (check: string) => check === 'uplink';
  const findings = await examine({ ...patient, uplink: target }, isUplink);
  t.like(findings[0], { level: 'failure', code: 'HF_PROXY_UNUSABLE' });
  t.regex(findings[0]?.text ?? '', /^proxy: .*407/);
  shown.push(JSON.stringify(findings));

  proxy.mood = 'forbids';
  const waiting = await openAgent(t, { ...options, proxy: { url, password: 's3cret' } });
  await told(waiting, /403/);
  proxy.mood = 'garbage';
  await told(waiting, /is no HTTP proxy/);
  proxy.mood = 'silent';
  await told(waiting, /said nothing/);
  proxy.mood = 'open';
  await waiting.emit('fact', 1);
  await waiting.synced();

  t.notRegex(shown.join(''), /s3cret|guessed/);
  const options2 = { gateway: gateway.mqttUrl, proxy: { url: 'http://shop:s3cret@proxy:3128' } };
  const error = await t.throwsAsync(openAgent(t, options2), { code: 'HF_CONFIG_INVALID' });
  t.notRegex(error.message, /s3cret/);
});

withOpenssl('a way that swallows large packets is told (needs openssl)', async (t) => {
  const ca = await TestCa.make(await tempDir(t), 'ca');
  const gateway = await openGateway(t, { tls: await ca.issue('gateway', 'IP:127.0.0.1') });
  const target = Number(new URL(gateway.mqttUrl).port);
  let largest = 300;
  const hole = createTcpServer((near) => {
    const far = connect(target, '127.0.0.1');
    near.on('data', (chunk) => far.write(chunk)).on('close', () => far.destroy());
    far.on('data', (chunk) => chunk.byteLength <= largest && near.write(chunk));
    for (const end of [near, far]) end.on('error', () => {});
  }).listen(0, '127.0.0.1');
  await once(hole, 'listening');
  t.teardown(() => hole.close());
  const url = `mqtts://127.0.0.1:${(hole.address() as AddressInfo).port}`;
  const slow = { ...uplink, connectMs: 1_000 };
  const agent = await openAgent(t, { gateway: url, tls: { ca: await ca.read() }, uplink: slow });

  const look = async () => (await agent.status()).link.problem ?? undefined;
  const { code, message } = await until('a problem', look);
  t.is(code, 'HF_GATEWAY_UNREACHABLE');
  t.regex(message, /MTU to 1280/);

  largest = Number.POSITIVE_INFINITY;
  await agent.emit('fact', 1);
  await agent.synced();
});

test('a device moves to another gateway in mid-backlog, which gets all of it', async (t) => {
  const [one, two] = [await openGateway(t), await openGateway(t)];
  const dataDir = await tempDir(t);
  const watermarkAt = async (gateway: Gateway) =>
    (await gateway.ledger.device('till-1'))?.lanes[1]?.watermark;
  const first = await openAgent(t, { dataDir, gateway: one.mqttUrl });
  for (let n = 0; n < 20; n += 1) await first.emit('fact', n);
  await first.synced();
  await first.close();
  const away = await openAgent(t, { dataDir });
  for (let n = 0; n < 20; n += 1) await away.emit('fact', n);
  await away.close();

  // Nobody moves it by changing what its name leads to.
  const hasty = { uplink: { ...uplink, welcomeMs: 500 } };
  const diverted = await openAgent(t, { dataDir, gateway: two.mqttUrl, ...hasty });
  const look = async () => (await diverted.status()).link.problem ?? undefined;
  t.is((await until('a problem', look)).code, 'HF_SIGNATURE_INVALID');
  t.is((await diverted.status()).backlog.pending, 20);
  await diverted.close();

  await rm(join(dataDir, 'identity/gateway.pub'));
  const moved = await openAgent(t, { dataDir, gateway: two.mqttUrl });
  await moved.emit('fact', 0);
  await moved.synced();

  t.deepEqual([await watermarkAt(one), await watermarkAt(two)], [20, 41]);
});
