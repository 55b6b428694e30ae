import { once } from 'node:events';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import {
  createServer,
  isIP,
  type AddressInfo,
  type LookupFunction,
  type Server,
  type Socket,
} from 'node:net';
import { join } from 'node:path';
import { Aedes } from 'aedes';
import test, { type ExecutionContext } from 'ava';
import {
  createMqttDial,
  createUplink,
  deflate,
  openDeviceKey,
  openGatewayPin,
  systemChance,
  systemClock,
  verify,
  type MqttDialOptions,
  type Uplink,
  type UplinkLimits,
} from '@holdfast/agent/internal';
import { until as poll } from '@holdfast/device-sim';
import { lanes, parseTopic, topicOf, type Lane } from '@holdfast/protocol';
import { NaiveGateway } from '../support/naive-gateway.ts';
import { PATIENCE_MS } from '../support/patience.ts';
import { SimChance } from '../support/sim-chance.ts';
import { SimJournal, SimRuntime } from '../support/sim-journal.ts';
import { tempDir } from '../support/temp-dir.ts';

const device = 'truck-7';
const log = { error: () => {}, info: () => {}, debug: () => {} };
/** Short pauses; deadlines as they are, since a busy machine must not look like a bad link. */
const limits: Partial<UplinkLimits> = { retryMsMin: 20, retryMsMax: 100 };
/** For what ends by a deadline only. */
const hasty = { dial: { connectMs: 500 }, limits: { ...limits, welcomeMs: 500 } };

interface BrokerRules {
  /** What happens instead of a CONNACK with 0. */
  readonly connect?: 'refused' | 'unavailable' | 'silent';
  readonly isSubscribeDenied?: boolean;
  /** MQTT 3.1.1 has no way to say so but to hang up. */
  readonly isPublishDenied?: boolean;
}

/** A broker in this process, which can be killed and started again on its port. */
class Broker {
  rules: BrokerRules = {};
  connections = 0;
  readonly #onPublish: (payload: Uint8Array, publish: (bytes: Uint8Array) => void) => void;
  readonly #sockets = new Set<Socket>();
  #port = 0;
  #server: Server | undefined;
  #aedes: Aedes | undefined;

  constructor(onPublish: (payload: Uint8Array, publish: (bytes: Uint8Array) => void) => void) {
    this.#onPublish = onPublish;
  }

  get url(): string {
    return `mqtt://127.0.0.1:${this.#port}`;
  }

  async start(): Promise<void> {
    const aedes = await Aedes.createBroker();
    aedes.authenticate = (_client, _user, _password, done) => {
      const { connect } = this.rules;
      if (connect !== 'refused' && connect !== 'unavailable') return done(null, true);
      const returnCode = connect === 'refused' ? 5 : 3;
      done(Object.assign(new Error(connect), { returnCode } as const), false);
    };
    aedes.authorizePublish = (_client, _packet, done) => {
      done(this.rules.isPublishDenied === true ? new Error('denied') : null);
    };
    aedes.authorizeSubscribe = (_client, subscription, done) => {
      done(null, this.rules.isSubscribeDenied === true ? null : subscription);
    };
    aedes.on('publish', (packet, client) => {
      if (client === null || parseTopic(packet.topic) === undefined) return;
      this.#onPublish(Buffer.from(packet.payload), (bytes) => publish(aedes, bytes));
    });
    aedes.on('clientError', () => {});
    aedes.on('connectionError', () => {});
    this.#aedes = aedes;
    const server = createServer((socket) => {
      socket.setNoDelay(true);
      this.connections += 1;
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
      socket.on('error', () => {});
      if (this.rules.connect !== 'silent') aedes.handle(socket);
    });
    this.#server = server;
    server.listen(this.#port, '127.0.0.1');
    await once(server, 'listening');
    this.#port = (server.address() as AddressInfo).port;
  }

  /** A message from elsewhere. */
  send(bytes: Uint8Array): void {
    if (this.#aedes !== undefined) publish(this.#aedes, bytes);
  }

  async stop(): Promise<void> {
    const { promise, end } = ended(this.#server);
    for (const socket of this.#sockets) socket.destroy();
    end();
    await promise;
    await new Promise<void>((resolve) => {
      if (this.#aedes === undefined) resolve();
      else this.#aedes.close(resolve);
    });
    this.#aedes = undefined;
  }
}

function ended(server: Server | undefined): { promise: Promise<unknown>; end: () => void } {
  if (server === undefined) return { promise: Promise.resolve(), end: () => {} };
  return { promise: once(server, 'close'), end: () => server.close() };
}

function publish(aedes: Aedes, bytes: Uint8Array): void {
  const packet = {
    cmd: 'publish' as const,
    topic: topicOf(device, 'down'),
    payload: Buffer.from(bytes),
    qos: 1 as const,
    retain: false,
    dup: false,
  };
  aedes.publish(packet, () => {});
}

interface World {
  readonly broker: Broker;
  readonly gateway: NaiveGateway;
  readonly journal: SimJournal;
  readonly runtime: SimRuntime;
  readonly uplink: Uplink;
}

/** A device with its real edges, a real broker, and a gateway that keeps to the rules. */
async function makeWorld(
  t: ExecutionContext,
  options: {
    readonly dial?: Partial<MqttDialOptions>;
    readonly limits?: Partial<UplinkLimits>;
    /** By which the broker is dialled. */
    readonly host?: string;
  } = {},
): Promise<World> {
  const dir = await tempDir(t);
  const journal = new SimJournal(device);
  const runtime = new SimRuntime(journal);
  const signer = openDeviceKey(await tempDir(t));
  const gateway = new NaiveGateway({ device, signer });
  const broker = new Broker((payload, down) => {
    for (const answer of gateway.receive(payload)) down(answer);
  });
  await broker.start();
  const url = broker.url.replace('127.0.0.1', options.host ?? '127.0.0.1');
  const dial = createMqttDial({ url, ...options.dial });
  const uplink = createUplink(
    {
      journal,
      runtime,
      log,
      verify,
      deflate,
      onOutlived: () => {},
      onTime: () => {},
      clock: systemClock,
      chance: systemChance,
      dial: dial(device),
      signer: openDeviceKey(dir),
      pin: openGatewayPin(dir),
    },
    { device, agentVersion: '0.0.0', limits: options.limits ?? limits },
  );
  t.teardown(async () => {
    await uplink.close();
    await broker.stop();
  });
  return { broker, gateway, journal, runtime, uplink };
}

function append(journal: SimJournal, lane: Lane, count: number): void {
  const chance = new SimChance(count);
  journal.append(
    lane,
    Array.from({ length: count }, () => chance.bytes(300)),
  );
}

/** Resolves once it holds after some change of the uplink; rejects when it does not. */
function until(uplink: Uplink, what: string, holds: () => boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => {
      stop();
      reject(new Error(`not in time: ${what}; ${JSON.stringify(uplink.state())}`));
    }, PATIENCE_MS);
    const look = () => {
      if (!holds()) return;
      clearTimeout(late);
      stop();
      resolve();
    };
    const stop = uplink.onChange(look);
    look();
  });
}

function checkComplete(t: ExecutionContext, { gateway, journal }: World): void {
  t.deepEqual(gateway.faults, []);
  for (const lane of lanes) {
    t.deepEqual(gateway.lane(lane).entries.length, journal.lane(lane).entries.length);
    t.deepEqual(gateway.lane(lane).hashes.at(-1), journal.lane(lane).hashes.at(-1));
  }
}

test('entries of all lanes arrive through a real broker, and a command comes down', async (t) => {
  const world = await makeWorld(t);
  const { broker, gateway, journal, runtime, uplink } = world;
  for (const lane of lanes) append(journal, lane, 500);
  uplink.start();
  await until(uplink, 'synced', () => uplink.state().state === 'synced');

  append(journal, 'urgent', 1);
  await until(uplink, 'synced again', () => journal.isSynced);

  // A broker may lose what nobody repeats here; another command shows then that one is missing.
  for (let tries = 0; tries < 5 && runtime.applied.length === 0; tries += 1) {
    broker.send(gateway.issue());
    await poll('a command', async () => runtime.applied.length > 0, 2_000).catch(() => undefined);
  }

  checkComplete(t, world);
  t.true(runtime.applied.length > 0);
});

test('a broker that is restarted in mid-batch costs no entry and doubles none', async (t) => {
  const world = await makeWorld(t);
  const { broker, gateway, journal, uplink } = world;
  append(journal, 'normal', 20_000);
  uplink.start();
  for (const share of [0.2, 0.4, 0.6]) {
    await until(uplink, 'some', () => gateway.lane('normal').entries.length > 20_000 * share);
    await broker.stop();
    await until(uplink, 'offline', () => uplink.state().state === 'offline');
    t.regex(String(uplink.state().problem?.code), /^HF_(LINK_LOST|GATEWAY_UNREACHABLE)$/);
    await broker.start();
  }

  await until(uplink, 'synced', () => journal.isSynced);

  checkComplete(t, world);
  t.true(gateway.hellos.length >= 4);
});

test('a gateway that is restarted is greeted again on the same connection', async (t) => {
  const world = await makeWorld(t);
  const { broker, gateway, journal, uplink } = world;
  append(journal, 'normal', 2_000);
  uplink.start();
  await until(uplink, 'some', () => gateway.lane('normal').entries.length > 100);

  gateway.restart();
  append(journal, 'normal', 10);
  await until(uplink, 'synced', () => journal.isSynced);

  checkComplete(t, world);
  t.deepEqual([gateway.hellos.length, broker.connections], [2, 1]);
});

test('each way to be without a gateway is told by its code, and ends by itself', async (t) => {
  const world = await makeWorld(t, hasty);
  const { broker, gateway, journal, uplink } = world;
  append(journal, 'normal', 10);
  const problem = (code: string) => () => uplink.state().problem?.code === code;
  const nudge = () => until(uplink, 'a pause', () => uplink.state().state === 'offline');
  await broker.stop();
  uplink.start();
  await until(uplink, 'nobody listens', problem('HF_GATEWAY_UNREACHABLE'));
  t.regex(String(uplink.state().problem?.message), /ECONNREFUSED/);

  broker.rules = { connect: 'silent' };
  await broker.start();
  await nudge();
  await until(uplink, 'no CONNACK', () =>
    /no MQTT broker answered/.test(uplink.state().problem?.message ?? ''),
  );
  broker.rules = { connect: 'refused' };
  await until(uplink, 'CONNACK 5', problem('HF_BROKER_REFUSED'));
  t.regex(String(uplink.state().problem?.message), /not authorized/);

  broker.rules = { connect: 'unavailable' };
  await until(uplink, 'CONNACK 3', () =>
    /not available now/.test(uplink.state().problem?.message ?? ''),
  );

  broker.rules = { isPublishDenied: true };
  await until(uplink, 'hung up', () =>
    /may this device publish/.test(uplink.state().problem?.message ?? ''),
  );
  t.is(uplink.state().problem?.code, 'HF_BROKER_REFUSED');

  broker.rules = { isSubscribeDenied: true };
  await until(uplink, 'SUBACK 128', () => /subscribe/.test(uplink.state().problem?.message ?? ''));
  gateway.answer = () => [];
  broker.rules = {};
  await until(uplink, 'no welcome', problem('HF_GATEWAY_SILENT'));

  gateway.answer = undefined;
  await until(uplink, 'synced', () => journal.isSynced);
  t.is(uplink.state().problem, null);
  checkComplete(t, world);
});

test('a name is looked up at each attempt: wrong, stale, dead addresses pass', async (t) => {
  const unknown = Object.assign(new Error('unknown'), { code: 'ENOTFOUND' });
  /** What the name stands for; the last one is dead, and has another one beside it. */
  let addresses: readonly string[] = [];
  const asked: string[] = [];
  const lookup: LookupFunction = (host, _options, done) => {
    asked.push(host);
    const found = addresses.map((address) => ({ address, family: isIP(address) }));
    if (found.length === 0) return done(unknown, found);
    done(null, found);
  };
  const world = await makeWorld(t, { host: 'gateway.test', dial: { lookup } });
  const { broker, journal, uplink } = world;
  const port = Number(new URL(broker.url).port);
  const portal = createHttpServer().listen(port, '127.0.0.2');
  t.teardown(() => portal.close());
  await once(portal, 'listening');
  append(journal, 'normal', 10);
  const says = (words: RegExp) => () => words.test(uplink.state().problem?.message ?? '');
  uplink.start();
  await until(uplink, 'no such name', says(/no such name/));
  addresses = ['127.0.0.2'];
  await until(uplink, 'a portal', says(/does not speak MQTT|closed before MQTT/));
  addresses = ['127.0.0.3'];
  await until(uplink, 'an address of before', says(/nothing listens/));
  addresses = ['2001:db8::1', '127.0.0.1'];
  await until(uplink, 'the broker', () => journal.isSynced);

  // It moves: the link ends, and the name leads elsewhere.
  const before = asked.length;
  addresses = ['127.0.0.1'];
  await broker.stop();
  await until(uplink, 'down', says(/./));
  await broker.start();
  append(journal, 'normal', 10);
  await until(uplink, 'the broker again', () => journal.isSynced);
  t.true(asked.length > before);
  checkComplete(t, world);
});

test('an address that is no broker is refused before anything is dialled', (t) => {
  for (const url of ['gateway.example', 'http://gateway.example', 'mqtt://', 'mqtt//x']) {
    t.throws(() => createMqttDial({ url }), { code: 'HF_GATEWAY_ADDRESS' }, url);
  }
});

test('the key of the device is made once, and signs what it verifies', async (t) => {
  const dir = await tempDir(t);
  const path = join(dir, 'identity', 'device.key');
  const bytes = Uint8Array.of(1, 2, 3);

  const first = openDeviceKey(dir);
  const again = openDeviceKey(dir);

  t.deepEqual(first.publicKey, again.publicKey);
  t.is(statSync(path).mode & 0o777, 0o600);
  t.is(first.sign(bytes).byteLength, 64);
  t.true(verify(again.publicKey, bytes, first.sign(bytes)));
  t.false(verify(again.publicKey, Uint8Array.of(1, 2, 4), first.sign(bytes)));
  t.false(verify(Uint8Array.of(1), bytes, first.sign(bytes)));

  const pem = readFileSync(path);
  writeFileSync(path, pem.subarray(0, 40));
  t.throws(() => openDeviceKey(dir), { code: 'HF_KEY_UNUSABLE' });
  t.is(readFileSync(path).byteLength, 40, 'a damaged key is left for a person');
});

test('the key of the gateway is remembered across restarts', async (t) => {
  const dir = await tempDir(t);
  const { publicKey } = openDeviceKey(await tempDir(t));
  t.is(openGatewayPin(dir).load(), undefined);

  openGatewayPin(dir).save(publicKey);

  t.true(existsSync(join(dir, 'identity', 'gateway.pub')));
  t.deepEqual(openGatewayPin(dir).load(), publicKey);
});
