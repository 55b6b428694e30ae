// A backlog of readings that was gathered without a link, until the other side has all of it; also
// with the sender killed in the middle. Counted there: what is missing, and what came twice.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect as connectNats } from '@nats-io/transport-node';
import mqtt from 'mqtt';
import { orWhy } from './or-why.mjs';
import { reading } from './reading.mjs';
import { sentBytes } from '../dist/socket-bytes.js';
import { freePort, startServer, until } from './servers.mjs';

const TOPIC = 'readings';
/** Nothing more comes after so long without anything. */
const QUIET_MS = 5_000;
/** A bridge that found nobody comes again when it likes. */
const CONNECT_MS = 60_000;

/** Counts what arrives, by the number that it begins with. */
class Counter {
  #seen;
  #count = 0;
  #doubled = 0;
  #firstAt = 0;
  #lastAt = performance.now();

  constructor(count) {
    this.#seen = new Uint8Array(count);
  }

  add(text) {
    const index = Number(text.slice(0, 8));
    if (this.#seen[index]) this.#doubled += 1;
    else this.#count += 1;
    this.#seen[index] = 1;
    this.#lastAt = performance.now();
    this.#firstAt ||= this.#lastAt;
  }

  get isHalf() {
    return this.#count >= this.#seen.length / 2;
  }

  /** Resolves when nothing has come for a while, which is longer before the first one. */
  async result() {
    const quietMs = () => (this.#firstAt === 0 ? CONNECT_MS : QUIET_MS);
    await until(() => performance.now() - this.#lastAt > quietMs(), 'the end of a drain', 300_000);
    const seconds = (this.#lastAt - this.#firstAt) / 1_000;
    const lost = this.#seen.length - this.#count;
    return { perSecond: this.#count / seconds, lost, doubled: this.#doubled };
  }
}

/** The numbers of all readings, a thousand at a time: MQTT has names for 65,535 on their way. */
function* slices(count) {
  for (let from = 0; from < count; from += 1_000)
    yield Array.from({ length: Math.min(1_000, count - from) }, (_, at) => from + at);
}

async function startMosquitto(dir, port, ...lines) {
  await mkdir(dir, { recursive: true });
  const file = join(dir, 'mosquitto.conf');
  const own = process.getuid() === 0 ? ['user root'] : [];
  const kept = ['persistence true', `persistence_location ${dir}/`, 'max_queued_messages 0'];
  const all = [...own, `listener ${port} 127.0.0.1`, 'allow_anonymous true', ...kept, ...lines];
  await writeFile(file, `${all.join('\n')}\n`);
  const server = startServer('mosquitto', ['-c', file]);
  await until(() => canConnect(port), `Mosquitto: ${server.words()}`);
  return server;
}

async function canConnect(port) {
  const client = mqtt.connect({ port, host: '127.0.0.1', reconnectPeriod: 0 });
  client.on('error', () => undefined);
  const isThere = await Promise.race([once(client, 'connect').then(() => true), pause(500)]);
  client.end(true);
  return isThere === true;
}

/** Whoever wants the readings, with a session that the broker keeps. */
async function subscribe(port, counter) {
  const client = mqtt.connect({ port, host: '127.0.0.1', clientId: 'reader', clean: false });
  client.on('message', (_topic, payload) => counter.add(payload.toString()));
  await once(client, 'connect');
  await new Promise((resolve) => client.subscribe(TOPIC, { qos: 1 }, resolve));
  return client;
}

const clientFile = fileURLToPath(new URL('level-store-client.mjs', import.meta.url));

/** mqtt.js with its store in LevelDB, published to while there is no broker. */
async function mqttLevelStore(dir, count, isKilled) {
  await mkdir(dir, { recursive: true });
  const port = await freePort();
  const start = (fill) =>
    spawn(process.execPath, [clientFile, join(dir, 'store'), String(port), String(fill)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
  let client = start(count);
  await once(client.stdout, 'data');
  const counter = new Counter(count);
  const broker = await startMosquitto(join(dir, 'broker'), port);
  const reader = await subscribe(port, counter);
  if (isKilled) {
    await until(() => counter.isHalf, 'half of it');
    client.kill('SIGKILL');
    await once(client, 'close');
    client = start(0);
  }
  const result = await counter.result();
  const sent = await sentBytes(client.pid, port);
  client.kill('SIGKILL');
  reader.end(true);
  await broker.close();
  return { ...result, sent };
}

/** Two brokers; the near one keeps what is published while the far one is away. */
async function mosquittoBridge(dir, count, isKilled) {
  const [near, far] = [await freePort(), await freePort()];
  const bridge = ['connection far', `address 127.0.0.1:${far}`, `topic ${TOPIC} out 1`];
  const more = ['cleansession false', 'restart_timeout 1', 'autosave_interval 1'];
  const startNear = () => startMosquitto(join(dir, 'near'), near, ...bridge, ...more);
  let nearBroker = await startNear();
  const publisher = mqtt.connect({ port: near, host: '127.0.0.1' });
  await once(publisher, 'connect');
  const publish = (index) =>
    new Promise((resolve) => publisher.publish(TOPIC, reading(index), { qos: 1 }, resolve));
  for (const some of slices(count)) await Promise.all(some.map(publish));
  publisher.end(true);
  await pause(2_000); // It saves once a second.
  const counter = new Counter(count);
  const farBroker = await startMosquitto(join(dir, 'far'), far);
  const reader = await subscribe(far, counter);
  if (isKilled) {
    await until(() => counter.isHalf, 'half of it');
    await nearBroker.close('SIGKILL');
    nearBroker = await startNear();
  }
  const result = await counter.result();
  const sent = await sentBytes(nearBroker.pid, far);
  reader.end(true);
  await nearBroker.close('SIGKILL');
  await farBroker.close('SIGKILL');
  return { ...result, sent };
}

async function startNats(dir, { port, name, leaf }) {
  await mkdir(dir, { recursive: true });
  const file = join(dir, 'nats.conf');
  const kept = `jetstream { store_dir: "${dir}/js", domain: ${name} }`;
  await writeFile(file, `port: ${port}\nhost: 127.0.0.1\nserver_name: ${name}\n${kept}\n${leaf}\n`);
  const server = startServer('nats-server', ['-c', file]);
  const servers = `127.0.0.1:${port}`;
  const client = await until(() => connectNats({ servers }), `NATS: ${server.words()}`);
  return { ...server, client };
}

/** A stream on a leaf node, and one at the hub that takes everything from it. */
async function natsLeaf(dir, count, isKilled) {
  const [leafPort, hubPort, link] = [await freePort(), await freePort(), await freePort()];
  const remote = `leafnodes { remotes = [{ url: "nats://127.0.0.1:${link}" }] }`;
  const startLeaf = () =>
    startNats(join(dir, 'leaf'), { port: leafPort, name: 'leaf', leaf: remote });
  let leaf = await startLeaf();
  const manager = await jetstreamManager(leaf.client, { domain: 'leaf' });
  await manager.streams.add({ name: 'NEAR', subjects: [TOPIC], storage: 'file' });
  const publisher = jetstream(leaf.client, { domain: 'leaf' });
  const publish = (index) => publisher.publish(TOPIC, reading(index));
  for (const some of slices(count)) await Promise.all(some.map(publish));
  const listen = `leafnodes { port: ${link}, host: 127.0.0.1 }`;
  const hub = await startNats(join(dir, 'hub'), { port: hubPort, name: 'hub', leaf: listen });
  const hubManager = await jetstreamManager(hub.client, { domain: 'hub' });
  const source = { name: 'NEAR', external: { api: '$JS.leaf.API', deliver: '' } };
  await hubManager.streams.add({ name: 'FAR', storage: 'file', sources: [source] });
  const held = async () => (await hubManager.streams.info('FAR')).state.messages;
  // The leaf takes its time to connect, which is no part of the rate.
  let first = 0;
  while (first === 0) first = await held();
  const startedAt = performance.now();
  if (isKilled) {
    await until(async () => (await held()) >= count / 2, 'half of it');
    await leaf.close('SIGKILL');
    leaf = await startLeaf();
  }
  let [last, lastAt] = [0, performance.now()];
  while (performance.now() - lastAt < QUIET_MS) {
    const now = await held();
    if (now !== last) [last, lastAt] = [now, performance.now()];
    await pause(20);
  }
  const sent = await sentBytes(leaf.pid, link);
  const counter = new Counter(count);
  const reader = await jetstream(hub.client, { domain: 'hub' }).consumers.get('FAR');
  const messages = await reader.consume({ max_messages: 1_000 });
  let left = last;
  for await (const message of messages) {
    counter.add(message.string());
    left -= 1;
    if (left === 0) break;
  }
  const { lost, doubled } = await counter.result();
  await leaf.close('SIGKILL');
  await hub.close('SIGKILL');
  const perSecond = ((last - first) * 1_000) / (lastAt - startedAt);
  return { perSecond, lost, doubled, sent };
}

const contestants = [
  ['NATS leaf with JetStream', natsLeaf],
  ['Mosquitto bridge', mosquittoBridge],
  ['mqtt.js with mqtt-level-store', mqttLevelStore],
];

/** Calls `show` with rows `{ work, name, value, unit, lost, doubled }`. */
export async function measureDrain(dir, count, show) {
  for (const isKilled of [false, true]) {
    for (const [name, drain] of contestants) {
      const own = join(dir, `${name.split(' ')[0]}-${isKilled}`);
      const work = `draining ${count} readings${isKilled ? ', sender killed in the middle' : ''}`;
      await orWhy({ work, name }, async () => {
        const { perSecond: value, lost, doubled, sent } = await drain(own, count, isKilled);
        show({ work, name, value, unit: 'entries/s', lost, doubled });
        // What was sent by the one that was killed is not known.
        if (isKilled || !sent) return;
        show({ work: 'the same, on the wire', name, value: sent / count, unit: 'B/entry' });
      });
    }
  }
}
