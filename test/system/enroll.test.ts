import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Agent } from '@holdfast/agent';
import { enrollDevice, openDeviceKey, openGatewayPin, tryGateway } from '@holdfast/agent/internal';
import { askApi, getFromApi, until, type GatewayApi } from '@holdfast/device-sim';
import { Gateway, type GatewayOptions } from '@holdfast/gateway';
import type { DeviceDetailView, EnrolmentMadeView } from '@holdfast/gateway/internal';
import {
  connectStatement,
  enrolStatement,
  hex,
  readEnrolToken,
  writeConnectProof,
  writeEnrolToken,
  type EnrolToken,
} from '@holdfast/protocol';
import test, { type ExecutionContext } from 'ava';
import { connect } from 'mqtt';
import { runGateway } from '../support/gateway-process.ts';
import { holdfast } from '../support/holdfast-cli.ts';
import { hasProgram } from '../support/program.ts';
import { tempDir } from '../support/temp-dir.ts';
import { TestCa } from '../support/test-ca.ts';

const withOpenssl = hasProgram('openssl') ? test : test.skip;
const uplink = { retryMsMin: 20, retryMsMax: 200 };

interface Served extends GatewayApi {
  readonly gateway: Gateway;
}

async function serve(t: ExecutionContext, options: Partial<GatewayOptions> = {}): Promise<Served> {
  const dataDir = join(await tempDir(t), 'gateway');
  const fixed = { dataDir, mqttPort: 0, httpPort: 0, enrollment: 'required' } as const;
  const gateway = await Gateway.open({ ...fixed, ...options });
  t.teardown(() => gateway.close());
  return { gateway, http: gateway.httpUrl, tokenFile: gateway.tokenFile };
}

async function tokenOf(api: GatewayApi, order: object = {}): Promise<EnrolmentMadeView> {
  const answer = await askApi(api, '/api/enrolments', {
    ...{ method: 'POST', headers: { 'content-type': 'application/json' } },
    body: JSON.stringify({ device: null, tags: {}, ...order }),
  });
  return (await answer.json()) as EnrolmentMadeView;
}

function read(token: string): EnrolToken {
  const found = readEnrolToken(token);
  if (found === undefined) throw new Error(`no token: ${token}`);
  return found;
}

async function openAgent(t: ExecutionContext, dataDir: string, options: object = {}) {
  const agent = await Agent.open({ dataDir, workflows: [], uplink, ...options });
  t.teardown(() => agent.close().catch(() => undefined));
  return agent;
}

const problemOf = (agent: Agent) =>
  until('a problem', async () => (await agent.status()).link.problem ?? undefined);

/** Connects as a device, by hand. @returns The code of the CONNACK. */
function connectAs(api: Served, device: string, password: string): Promise<number | undefined> {
  const client = connect(api.gateway.mqttUrl, {
    ...{ clientId: `hf-${device}`, username: device, password, protocolVersion: 4 },
    reconnectPeriod: 0,
  });
  client.on('error', () => {});
  return new Promise((resolve) => {
    client.on('packetreceive', (packet) => {
      if (packet.cmd !== 'connack') return;
      client.end(true);
      resolve(packet.returnCode);
    });
  });
}

test('who was enrolled is served; strangers, neighbours and replays are not', async (t) => {
  const api = await serve(t);
  const [pump, other] = [join(await tempDir(t), 'pump'), join(await tempDir(t), 'other')];
  const { token } = await tokenOf(api, { uses: 2, tags: { site: 'oslo' } });

  t.like(await enrollDevice(pump, token, 'pump-1'), {
    ...{ device: 'pump-1', gateway: api.gateway.mqttUrl },
  });
  await enrollDevice(other, token, 'pump-2');
  const seen = async () => {
    const view = await getFromApi<DeviceDetailView>(api, '/api/devices/pump-1');
    return { ...view, at: '', state: '' };
  };
  const untouched = await seen();
  const tried = await tryGateway(pump);
  t.true('roundTripMs' in tried, JSON.stringify(tried));
  t.deepEqual(await seen(), untouched, 'nothing is kept of a trial');
  const agent = await openAgent(t, pump);
  t.deepEqual(await tryGateway(pump), { untested: 'an agent runs here, which connects itself' });
  await agent.emit('fact', 1);
  await agent.synced();

  const known = await getFromApi<DeviceDetailView>(api, '/api/devices/pump-1');
  t.like(known, { epoch: 1, entries: 1, tags: { site: 'oslo' }, refusals: 0 });
  const stranger = { device: 'pump-9', gateway: api.gateway.mqttUrl };
  const { code } = await problemOf(await openAgent(t, await tempDir(t), stranger));
  t.is(code, 'HF_BROKER_REFUSED');
  t.is((await askApi(api, '/api/devices/pump-9')).status, 404);

  const key = openDeviceKey(other);
  const gatewayKey = openGatewayPin(other).load() ?? key.publicKey;
  const proof = (device: string, of: Uint8Array) =>
    writeConnectProof({
      publicKey: key.publicKey,
      signature: key.sign(connectStatement(device, of)),
    });
  t.is(await connectAs(api, 'pump-2', proof('pump-2', gatewayKey)), 0);
  const notAuthorized = 5;
  t.is(await connectAs(api, 'pump-1', proof('pump-1', gatewayKey)), notAuthorized, 'a neighbour');
  t.is(await connectAs(api, 'pump-1', ''), notAuthorized);
  t.is(await connectAs(api, 'pump-2', proof('pump-2', key.publicKey)), notAuthorized, 'elsewhere');
  t.is(await connectAs(api, 'pump-2', 'x'.repeat(4_000)), notAuthorized);
});

test('a token enrols as many as it may, until it expires or is revoked', async (t) => {
  const api = await serve(t);
  const dir = await tempDir(t);
  const enroll = (name: string, token: string) => enrollDevice(join(dir, name), token, name);
  const refused = { code: 'HF_ENROLL_REFUSED' };

  const one = await tokenOf(api);
  await enroll('pump-1', one.token);
  await enroll('pump-1', one.token);
  await t.throwsAsync(enroll('pump-2', one.token), { ...refused, message: /was used/ });
  const revoked = await tokenOf(api);
  await askApi(api, `/api/enrolments/${revoked.id}`, { method: 'DELETE' });
  await t.throwsAsync(enroll('pump-2', revoked.token), { ...refused, message: /is revoked/ });
  const named = await tokenOf(api, { device: 'pump-3' });
  await t.throwsAsync(enroll('pump-2', named.token), { ...refused, message: /is for pump-3/ });
  const made = read(one.token);
  const forged = writeEnrolToken({
    ...made,
    secret: made.secret.replace(/.$/, (d) => (d === '0' ? '1' : '0')),
  });
  await t.throwsAsync(enroll('pump-2', forged), { ...refused, message: /not one of this gateway/ });
  await t.throwsAsync(enroll('pump-2', 'hf1.nonsense'), refused);
  t.is((await askApi(api, '/api/devices/pump-2')).status, 404);
});

test('a device takes only the gateway of its token for its own', async (t) => {
  const [api, rogue] = [await serve(t), await serve(t)];
  const dir = join(await tempDir(t), 'pump');
  const { token } = await tokenOf(api);
  const { secret } = read((await tokenOf(rogue)).token);

  // Somebody between them sends the device to another gateway.
  const diverted = writeEnrolToken({ ...read(token), secret, url: rogue.http });
  await t.throwsAsync(enrollDevice(dir, diverted, 'pump-1'), { code: 'HF_GATEWAY_UNTRUSTED' });
  await t.throwsAsync(readFile(join(dir, 'identity/gateway.pub')), { code: 'ENOENT' });
  await enrollDevice(dir, token, 'pump-1');
  const elsewhere = (await tokenOf(rogue)).token;
  await t.throwsAsync(enrollDevice(dir, elsewhere, 'pump-1'), { code: 'HF_ENROLL_REFUSED' });
});

test('a known device gets another key by a token for just it, and by its proof', async (t) => {
  const api = await serve(t);
  const dir = await tempDir(t);
  await enrollDevice(join(dir, 'old'), (await tokenOf(api)).token, 'pump-1');
  const again = join(dir, 'new');

  const general = await tokenOf(api);
  await t.throwsAsync(enrollDevice(again, general.token, 'pump-1'), { message: /by another key/ });
  const { token } = await tokenOf(api, { device: 'pump-1' });
  const key = openDeviceKey(again);
  const stolen = await askApi(api, '/api/enroll', {
    ...{ method: 'POST', headers: { 'content-type': 'application/json' } },
    body: JSON.stringify({
      ...{ secret: read(token).secret, publicKey: hex(key.publicKey), device: 'pump-1' },
      signature: hex(key.sign(enrolStatement('pump-1', new Uint8Array(32)))),
    }),
  });
  t.is(stolen.status, 403, 'what was signed is for another token');
  const { key: name } = await enrollDevice(again, token);

  const { keys } = await getFromApi<DeviceDetailView>(api, '/api/devices/pump-1');
  t.truthy(keys.find((each) => each.key === name)?.acceptedAt);
  const agent = await openAgent(t, again);
  await agent.emit('fact', 1);
  await agent.synced();
  const { records } = await getFromApi<{ records: { action: string; outcome: string }[] }>(
    api,
    '/api/audit',
  );
  const enrolled = records.filter(({ action }) => action === 'device.enroll');
  t.deepEqual(
    enrolled.map(({ outcome }) => outcome),
    ['done', 'failed', 'done'],
  );
});

withOpenssl('by TLS, a token pins the certificate and brings the CA (needs openssl)', async (t) => {
  const dir = await tempDir(t);
  const ca = await TestCa.make(dir, 'ca');
  const pair = await ca.issue('gateway', 'DNS:localhost,IP:127.0.0.1');
  const dataDir = join(dir, 'gateway');
  const { gateway } = await serve(t, { dataDir, tls: { ...pair, ca: ca.path } });
  const device = join(dir, 'device');
  const made = await runGateway('enroll', 'create', '--device', 'pump-1', '--data-dir', dataDir);
  t.is(made.code, 0, made.stderr);
  const token = made.stdout.trim();
  t.regex(token, /^hf1\.\S+\.[0-9a-f]{64}\.pump-1\.https:\/\/127\.0\.0\.1:\d+$/);

  const wrong = writeEnrolToken({ ...read(token), certificate: '0'.repeat(64) });
  await t.throwsAsync(enrollDevice(device, wrong), { code: 'HF_GATEWAY_UNTRUSTED' });
  const enrolled = await holdfast(['enroll', '--data-dir', device], { stdin: made.stdout });
  t.regex(enrolled.stdout, /^pump-1 is enrolled, with key [0-9a-f]{32}\./, enrolled.stderr);
  const renewed = await holdfast(['enroll', '--renew', '--data-dir', device]);
  t.regex(renewed.stdout, /has a new certificate.*\nIts .* valid until 20/, renewed.stderr);
  const again = await holdfast(['enroll', '--data-dir', device, '--device', 'x'], { stdin: token });
  t.is(again.code, 5, again.stderr);
  const agent = await openAgent(t, device);
  await agent.emit('fact', 1);
  await agent.synced();

  t.regex(gateway.mqttUrl, /^mqtts:/);
  t.regex((await runGateway('enroll', 'ls', '--data-dir', dataDir)).stdout, /pump-1 +used +1\/1/);
});
