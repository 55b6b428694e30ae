import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { join } from 'node:path';
import { Agent } from '@holdfast/agent';
import { enrollDevice, openDeviceKey, openGatewayPin } from '@holdfast/agent/internal';
import { askApi, getFromApi, until, type GatewayApi } from '@holdfast/device-sim';
import { Gateway } from '@holdfast/gateway';
import {
  BrokerRefusals,
  Door,
  startBroker,
  systemClock,
  type DeviceDetailView,
  type EnrolmentMadeView,
} from '@holdfast/gateway/internal';
import { connectStatement, seal, topicOf, writeConnectProof } from '@holdfast/protocol';
import test, { type ExecutionContext } from 'ava';
import { connectAsync, type MqttClient } from 'mqtt';
import { HandDevice } from '../support/hand-device.ts';
import { HandJournal } from '../support/hand-journal.ts';
import { PATIENCE_MS } from '../support/patience.ts';
import { tempDir } from '../support/temp-dir.ts';
import { connackOf } from '../support/tls-gateway.ts';

/** What somebody does who is no friend, against a gateway that takes enrolled devices only. */

interface Target extends GatewayApi {
  readonly gateway: Gateway;
  /** Enrols a device. @returns Its directory. */
  readonly enroll: (device: string) => Promise<string>;
  readonly refused: (reason: string, at?: 'broker' | 'http') => Promise<number>;
}

async function openTarget(t: ExecutionContext): Promise<Target> {
  const dir = await tempDir(t);
  const ports = { mqttPort: 0, httpPort: 0, enrollment: 'required' } as const;
  const gateway = await Gateway.open({ dataDir: join(dir, 'gateway'), ...ports });
  t.teardown(() => gateway.close());
  const api = { http: gateway.httpUrl, tokenFile: gateway.tokenFile };
  const post = { method: 'POST', headers: { 'content-type': 'application/json' } };
  return {
    ...api,
    gateway,
    async enroll(device) {
      const body = JSON.stringify({ device, tags: {} });
      const answer = await askApi(api, '/api/enrolments', { ...post, body });
      const { token } = (await answer.json()) as EnrolmentMadeView;
      await enrollDevice(join(dir, device), token);
      return join(dir, device);
    },
    async refused(reason, at = 'broker') {
      const text = await (await askApi(api, '/metrics')).text();
      const name = `holdfast_gateway_${at}_refused_total`;
      const line = new RegExp(`${name}\\{reason="${reason}"\\} (\\d+)`);
      return Number(line.exec(text)?.[1]);
    },
  };
}

function proofOf(dir: string, device: string): string {
  const signer = openDeviceKey(dir);
  const gatewayKey = openGatewayPin(dir).load() ?? signer.publicKey;
  const signature = signer.sign(connectStatement(device, gatewayKey));
  return writeConnectProof({ publicKey: signer.publicKey, signature });
}

async function connectAs(url: string, device: string, password: string): Promise<MqttClient> {
  const client = await connectAsync(url, {
    ...{ clientId: `hf-${device}`, username: device, password },
    ...{ protocolVersion: 4, reconnectPeriod: 0 },
  });
  client.on('error', () => {});
  return client;
}

/** Publishes, and waits until the broker has hung up. */
async function publishAndFall(client: MqttClient, topic: string, qos: 0 | 1 = 1): Promise<void> {
  client.publish(topic, 'forged', { qos }, () => {});
  await until(`an end after ${topic}`, async () => !client.connected).finally(() => {
    client.end(true);
  });
}

const uplink = { retryMsMin: 20, retryMsMax: 200 };

async function openAgent(t: ExecutionContext, dataDir: string): Promise<Agent> {
  const agent = await Agent.open({ dataDir, workflows: [], uplink });
  t.teardown(() => agent.close());
  return agent;
}

test('a device publishes nothing under other names, nor reads what is for others', async (t) => {
  const target = await openTarget(t);
  const [pump, other] = [await target.enroll('pump-1'), await target.enroll('pump-2')];
  const agent = await openAgent(t, pump);
  const url = target.gateway.mqttUrl;
  const enter = () => connectAs(url, 'pump-2', proofOf(other, 'pump-2'));

  const forbidden = [
    ...['up', 'state', 'down'].map((channel) => `holdfast/1/pump-1/${channel}`),
    ...['holdfast/1/pump-2/down', 'holdfast/1/pump-2/up/', 'holdfast/2/pump-2/up'],
    ...['holdfast/1/pump-2/../pump-1/up', 'holdfast/1//up', '$SYS/broker/uptime', 'other'],
  ];
  for (const topic of forbidden) await publishAndFall(await enter(), topic);
  await publishAndFall(await enter(), 'holdfast/1/pump-2/up', 0);
  t.is(await target.refused('publish'), forbidden.length + 1);

  const reader = await enter();
  t.teardown(() => void reader.end(true));
  const heard: string[] = [];
  reader.on('message', (topic) => heard.push(topic));
  const patterns = [
    ...['#', '+/+/+/+', 'holdfast/#', 'holdfast/1/+/down', 'holdfast/1/pump-1/down'],
    ...['holdfast/1/pump-1/up', '$share/all/holdfast/1/pump-1/down', '$SYS/#'],
  ];
  for (const pattern of patterns) {
    const [granted] = await reader.subscribeAsync(pattern, { qos: 1 }).catch(() => []);
    t.not(granted?.qos, 1, pattern);
  }
  await agent.emit('fact', 1);
  await agent.synced();
  t.deepEqual(heard, []);
  t.is(await target.refused('subscribe'), patterns.length);
  const known = await getFromApi<DeviceDetailView>(target, '/api/devices/pump-1');
  t.like(known, { entries: 1, refusals: 0 }, 'nothing of it has arrived');
});

test('who is no device, or not that one, is not let in, and counted', async (t) => {
  const target = await openTarget(t);
  const pump = await target.enroll('pump-1');
  const url = target.gateway.mqttUrl;
  const proof = proofOf(pump, 'pump-1');
  const enter = (clientId: string, password: string) =>
    connackOf(url, { clientId, username: 'pump-1', password });

  t.is(await enter('', proof), 2);
  t.is(await enter('hf-pump-1/../pump-2', proof), 2);
  t.is(await enter('hf-gateway', proof), 5);
  t.is(await enter('hf-pump-1', `${proof.slice(0, -2)}00`), 5);
  t.is(await target.refused('client-id'), 2);
  t.is(await target.refused('unknown'), 1);
  t.is(await target.refused('credentials'), 1);
  t.is(await enter('hf-pump-1', proof), 0);

  // Another broker that asks is told the same.
  const who = { clientid: 'hf-pump-1', username: 'pump-1' };
  const ask = async (question: string, more: object): Promise<unknown> => {
    const headers = { 'content-type': 'application/json' };
    const body = JSON.stringify({ ...who, ...more });
    const answer = await askApi(target, `/api/mqtt/${question}`, { method: 'POST', headers, body });
    return [answer.status, ((await answer.json()) as { result: string }).result];
  };
  const from = { peerhost: '192.0.2.7' };
  t.deepEqual(await ask('authenticate', { ...from, password: proof }), [200, 'allow']);
  t.deepEqual(await ask('authenticate', { ...from, password: 'x' }), [200, 'deny']);
  const at = { action: 'publish', qos: '1' };
  t.deepEqual(await ask('authorize', { ...at, topic: 'holdfast/1/pump-1/up' }), [200, 'allow']);
  t.deepEqual(await ask('authorize', { ...at, topic: 'holdfast/1/pump-2/up' }), [200, 'deny']);
  t.is(await target.refused('credentials'), 2);
});

test('bytes of another device, and those of yesterday, change nothing', async (t) => {
  const target = await openTarget(t);
  const [pump, other] = [await target.enroll('pump-1'), await target.enroll('pump-2')];
  const url = target.gateway.mqttUrl;
  const enter = async (dir: string, device: string) => {
    const hand = await HandDevice.connect(url, device, openDeviceKey(dir), proofOf(dir, device));
    t.teardown(() => hand.close());
    return hand;
  };
  const hand = await enter(pump, 'pump-1');
  const journal = new HandJournal('pump-1').facts('normal', 3);
  const hello = seal('pump-1', journal.hello(hand.signer), hand.signer);
  const batch = seal('pump-1', journal.batch('normal', 1, 3), hand.signer);
  await hand.sendBytes(hello);
  await hand.next('welcome');
  await hand.sendBytes(batch);
  t.is((await hand.next('ack')).watermark, 3);

  const thief = await enter(other, 'pump-2');
  const own = new HandJournal('pump-2');
  await thief.send(own.hello(thief.signer));
  await thief.next('welcome');
  await thief.sendBytes(batch);
  t.is((await thief.next('refusal')).code, 'HF_SIGNATURE_INVALID', 'under another name');
  const claimed = new HandJournal('pump-1').facts('normal', 3);
  await thief.sendBytes(seal('pump-2', claimed.hello(thief.signer), thief.signer));
  t.is((await thief.next('refusal')).code, 'HF_MESSAGE_INVALID', 'a name in the message');
  await hand.sendBytes(batch);
  t.like(await hand.next('ack'), { watermark: 3, missingFrom: 0 }, 'again');
  // Another session has begun: what began the one before is old.
  const session = new Uint8Array(8).fill(2);
  await hand.send(journal.hello(hand.signer, { session }));
  await hand.next('welcome');
  await hand.sendBytes(hello);
  await hand.sendBytes(batch);
  await hand.next('ack');
  const known = await getFromApi<DeviceDetailView>(target, '/api/devices/pump-1');
  t.like(known, { entries: 3, epoch: 1 });
  const stolen = await getFromApi<DeviceDetailView>(target, '/api/devices/pump-2');
  t.like(stolen, { entries: 0, refusals: 2 });
  const metrics = await (await askApi(target, '/metrics')).text();
  for (const counted of [
    'refused_messages_total{code="HF_SIGNATURE_INVALID"} 1',
    'refused_messages_total{code="HF_MESSAGE_INVALID"} 1',
    'refused_messages_total{code="stale"} 1',
    'batches_total{outcome="duplicate"} 2',
  ]) {
    t.true(metrics.includes(counted), `${counted} in ${metrics}`);
  }

  // Of one that sends nothing else the connection is ended; others do not notice.
  const isClosed = new Promise<boolean>((resolve) => {
    thief.client.once('close', () => resolve(true));
    setTimeout(() => resolve(false), PATIENCE_MS).unref();
  });
  for (let noise = 0; noise < 70; noise += 1) {
    void thief.sendBytes(new Uint8Array(noise)).catch(() => {});
  }
  t.true(await isClosed);
  await hand.sendBytes(batch);
  t.is((await hand.next('ack')).watermark, 3);
});

test('packets that are too long, broken or never come end the connection', async (t) => {
  const refusals = new BrokerRefusals();
  const log = { error: () => {}, info: () => {}, debug: () => {} };
  const door = new Door({ admit: undefined, refusals, clock: systemClock, log });
  const place = { host: '127.0.0.1', port: 0, clock: systemClock, connectsPerS: 500 };
  const broker = await startBroker({ ...place, door, refusals, log, connectMsMax: 300 });
  t.teardown(() => broker.close());
  const { hostname: host, port } = new URL(broker.url);
  const send = async (...bytes: readonly number[]): Promise<void> => {
    const socket = connectTcp({ host, port: Number(port) });
    socket.on('error', () => {});
    socket.write(Uint8Array.from(bytes));
    await once(socket.resume(), 'close');
  };

  await send(0x10, 0xff, 0xff, 0xff, 0x7f);
  await send(0x10, 0xff, 0xff, 0xff, 0xff, 0x01);
  t.is(refusals.count('size'), 2);
  await send(...Buffer.from('GET / HTTP/1.1\r\n\r\n'));
  await send(0x10, 0x04, 0x00, 0x04, 0x48, 0x54);
  t.is(refusals.count('malformed'), 2);
  const asks = 'Connection: Upgrade\r\nUpgrade: websocket\r\nHost: gateway\r\n';
  const form = 'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n';
  await send(...Buffer.from(`GET /mqtt HTTP/1.1\r\n${asks}${form}Origin: http://page\r\n\r\n`));
  t.is(refusals.count('malformed'), 3, 'a page of another site, in a browser');
  const long = [0x82, 0x85, 0, 0, 0, 0, 0x10, 0xff, 0xff, 0xff, 0x7f];
  await send(...Buffer.from(`GET /mqtt HTTP/1.1\r\n${asks}${form}\r\n`), ...long);
  t.is(refusals.count('size'), 3, 'by WebSocket, too');
  await send(0x10);
  await send();
  await send(...Buffer.from('GET /mqtt HTTP/1.1\r\n'));
  t.is(refusals.count('slow'), 3);
  const client = await connectAs(broker.url, 'pump-1', '');
  t.teardown(() => void client.end(true));
  t.true(client.connected, 'others go on');
});

test('tokens and codes are not found by trying, and paths lead nowhere', async (t) => {
  const target = await openTarget(t);
  const json = { method: 'POST', headers: { 'content-type': 'application/json' } };
  const guess = async (number: number): Promise<number> => {
    const secret = `${'0'.repeat(16)}_${number.toString(16).padStart(40, '0')}`;
    const keys = { publicKey: '00'.repeat(91), signature: '00'.repeat(64) };
    const body = JSON.stringify({ secret, device: 'pump-1', ...keys });
    return (await fetch(`${target.http}/api/enroll`, { ...json, body })).status;
  };
  const answers: number[] = [];
  for (let number = 1; number <= 24; number += 1) answers.push(await guess(number));
  t.deepEqual([...new Set(answers.slice(0, 20))], [403]);
  t.deepEqual([...new Set(answers.slice(20))], [429]);
  t.is(await target.refused('limit', 'http'), 4);

  const tricks = [
    ...['/api/devices/%2e%2e%2f%2e%2e%2fetc%2fpasswd', '/api/devices/pump-1%00', '/..%2f..%2fetc'],
    ...['/assets/..%2f..%2fpackage.json', '//etc/passwd', '/api/devices/__proto__'],
  ];
  const untried = await target.refused('request', 'http');
  for (const path of tricks) {
    const { status } = await askApi(target, path);
    t.true(status === 400 || status === 404, `${path}: ${status}`);
  }
  t.is((await target.refused('request', 'http')) - untried, tricks.length);
  const before = await target.refused('request', 'http');
  const inside = ['https://169.254.169.254/latest', 'https://[::ffff:a00:1]/', 'http://a.example/'];
  for (const url of inside) {
    const asking = { ...json, body: JSON.stringify({ url }) };
    const answer = await askApi(target, '/api/webhooks', asking);
    t.like(await answer.json(), { code: 'HF_WEBHOOK_TARGET' }, url);
  }
  t.is((await target.refused('request', 'http')) - before, inside.length);
  const down = topicOf('pump-1', 'down');
  const asked = { ...json, body: JSON.stringify({ clientid: 'hf-pump-1', topic: down }) };
  t.is((await fetch(`${target.http}/api/mqtt/authorize`, asked)).status, 401, 'without a token');
  t.is((await askApi(target, '/readyz')).status, 200);
  await until('nobody', async () => (await askApi(target, '/api/devices/pump-1')).status === 404);
});
