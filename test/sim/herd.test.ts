import ava from 'ava';
import {
  SimDatabase,
  SimGateway,
  SimNetwork,
  VirtualTime,
  signerOf,
  verifySim,
} from '@holdfast/device-sim/internal';
import { SimChance } from '@holdfast/agent/testing';
import { ConnectGate, type Ledger } from '@holdfast/gateway/internal';
import { encodeValue, type Clock, type Dial, type Lane, type Link } from '@holdfast/protocol';
import { LightDevice } from '../support/light-device.ts';

const test = ava.serial;
const SECOND = 1_000;
const log = { error: () => {}, info: () => {}, debug: () => {} };

interface FleetOptions {
  readonly devices: number;
  /** How many may connect in a second. */
  readonly connectsPerS: number;
  /** What the gateway has to do for each batch, one after another. */
  readonly batchMs?: number;
}

/** Journals and uplinks, a broker that lets in at a pace, and a gateway, as they ship. */
class Fleet {
  readonly time = new VirtualTime();
  readonly network: SimNetwork;
  readonly gateway: SimGateway;
  readonly devices: LightDevice[] = [];
  /** When each connection was let in. */
  readonly letInAtMs: number[] = [];
  /** How long events had to wait, by lane. */
  readonly waits: Record<Lane, number[]> = { urgent: [], normal: [], bulk: [] };
  readonly #gate: ConnectGate<() => void>;

  static async open(options: FleetOptions): Promise<Fleet> {
    const fleet = new Fleet(options);
    await fleet.gateway.start();
    for (let at = 0; at < options.devices; at += 1) await fleet.#add(`light-${at}`);
    return fleet;
  }

  private constructor({ connectsPerS, batchMs = 0 }: FleetOptions) {
    const { time } = this;
    const toGateway = (device: string, bytes: Uint8Array) => this.gateway.receive(device, bytes);
    const told = { toGateway, onConnected: () => {} };
    this.network = new SimNetwork({ time, chance: new SimChance(1), ...told });
    const database = new SimDatabase({ time, chance: new SimChance(2), isShared: false });
    this.gateway = new SimGateway({
      ...{ time, log, connectsPerS, handlers: {}, reportEveryMs: 30 * SECOND, point: () => {} },
      ...{ name: 'gw', database, isShared: false, onIssued: () => {} },
      send: (device, bytes) => this.network.toDevice(device, bytes),
      ledgerOf: (ledger) => busy(ledger, time, batchMs),
    });
    database.disk.syncMs = 10;
    this.#gate = new ConnectGate({
      ...{ clock: time, perS: connectsPerS, lateMs: () => this.gateway.ledgerWaitMs },
      letIn: (begin) => {
        this.letInAtMs.push(time.monoMs());
        begin();
      },
      sendAway: () => {},
    });
  }

  /** Lets so much time pass, one event after another, each with all that it sets off. */
  async pass(ms: number): Promise<void> {
    const endMs = this.time.monoMs() + ms;
    for (let next = this.time.nextAtMs; next !== undefined && next <= endMs; ) {
      this.time.step();
      await new Promise<void>((resolve) => process.nextTick(resolve));
      next = this.time.nextAtMs;
    }
    this.time.passTo(endMs);
  }

  async until(what: string, isDone: () => boolean, patienceMs: number): Promise<void> {
    const endMs = this.time.monoMs() + patienceMs;
    while (!isDone()) {
      if (this.time.monoMs() > endMs) throw new Error(`${what}: not in time`);
      await this.pass(SECOND / 2);
    }
  }

  get connected(): number {
    return this.devices.filter((each) => each.uplink.state().state.startsWith('sync')).length;
  }

  async close(): Promise<void> {
    this.#gate.close();
    await Promise.all(this.devices.map((device) => device.close()));
  }

  async #add(name: string): Promise<void> {
    const device = await LightDevice.open({
      ...{ device: name, clock: this.time, log, verify: verifySim, signer: signerOf(name) },
      chance: new SimChance(this.devices.length + 10),
      dial: this.#gated(this.network.dialOf(name)),
      onAck: (lane, waitedMs) => this.waits[lane].push(waitedMs),
    });
    this.devices.push(device);
    device.uplink.start();
  }

  /** A connection that waits for its turn; until then it is silent. */
  #gated(dial: Dial): Dial {
    return (listen) => {
      let link: Link | undefined;
      const begin = (): void => void (link = dial(listen));
      this.#gate.come(begin);
      return {
        send: (channel, bytes) => link?.send(channel, bytes) ?? Promise.resolve(),
        close: () => {
          this.#gate.leave(begin);
          if (link !== undefined) link.close();
          else listen({ kind: 'down', reason: { code: 'HF_LINK_LOST', message: 'closed' } });
        },
      };
    };
  }
}

/** A ledger that takes batches one after another, each for so long. */
function busy(ledger: Ledger, clock: Clock, batchMs: number): Ledger {
  let freeAtMs = 0;
  const ingest: Ledger['ingest'] = async (batch) => {
    const nowMs = clock.monoMs();
    freeAtMs = Math.max(nowMs, freeAtMs) + batchMs;
    await new Promise<void>((resolve) => clock.wakeIn(freeAtMs - nowMs, resolve));
    return ledger.ingest(batch);
  };
  return new Proxy(ledger, {
    get: (target, property) => {
      if (property === 'ingest' && batchMs > 0) return ingest;
      const value: unknown = Reflect.get(target, property, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

/** The most that there are within any second. */
function busiest(atMs: readonly number[]): number {
  let [most, first] = [0, 0];
  atMs.forEach((at, last) => {
    while (at - (atMs[first] ?? at) >= SECOND) first += 1;
    most = Math.max(most, last - first + 1);
  });
  return most;
}

function quantile(values: readonly number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.floor(share * (values.length - 1))] ?? 0;
}

/** More: `HERD=10000 npm test -- sim/herd`. */
const DEVICES = Number(process.env['HERD'] ?? 60);

test('a herd comes back at its pace, and live entries pass all that drain', async (t) => {
  t.timeout(3_600_000);
  const connectsPerS = Math.max(10, DEVICES / 20);
  // If all who drain had two batches before the ledger, these were 8 s of work.
  const fleet = await Fleet.open({ devices: DEVICES, connectsPerS, batchMs: 4_000 / DEVICES });
  t.teardown(() => fleet.close());
  await fleet.until('a first herd', () => fleet.connected === DEVICES, 240 * SECOND);
  t.true(busiest(fleet.letInAtMs) <= connectsPerS, 'when nobody knows of a spread, too');

  const noise = new SimChance(3);
  fleet.network.setBroker(false);
  for (const device of fleet.devices) {
    fleet.network.airOf(device.device).bytesPerMs = 125; // 1 Mbit/s
    for (let entry = 0; entry < 20; entry += 1) await device.emit('bulk', noise.bytes(1_000));
  }
  await fleet.pass(30 * SECOND);
  fleet.letInAtMs.length = 0;
  fleet.network.setBroker(true);
  const backAtMs = fleet.time.monoMs();
  const isDrained = (): boolean => fleet.devices.every(({ backlog }) => backlog === 0);
  for (let turn = 0; !isDrained() && turn < 300; turn += 1) {
    for (const [index, device] of fleet.devices.entries()) {
      const isThere = device.uplink.state().state.startsWith('sync');
      if (isThere && index % 5 === turn % 5) await device.emit('normal', 'live');
    }
    await fleet.pass(2 * SECOND);
  }

  t.true(isDrained(), 'nobody is left out');
  t.true(busiest(fleet.letInAtMs) <= connectsPerS, `${busiest(fleet.letInAtMs)}`);
  const p99 = quantile(fleet.waits.normal, 0.99);
  const resends = fleet.devices.reduce((sum, { uplink }) => sum + uplink.state().resends, 0);
  t.log(`${DEVICES} devices in ${(fleet.time.monoMs() - backAtMs) / SECOND} s, live entries:`);
  t.log(`${fleet.waits.normal.length}, p99 ${Math.round(p99)} ms; ${resends} batches sent again`);
  t.true(fleet.waits.normal.length > DEVICES);
  t.true(p99 < 5 * SECOND, `live entries waited ${p99} ms`);
});

/** `COMMANDS=10000` for the whole storm. */
const COMMANDS = Number(process.env['COMMANDS'] ?? 600);

test('a storm of commands on 9.6 kbit/s does not starve what goes up', async (t) => {
  t.timeout(3_600_000);
  const fleet = await Fleet.open({ devices: 1, connectsPerS: 10 });
  t.teardown(() => fleet.close());
  const [device] = fleet.devices;
  await fleet.until('the device', () => fleet.connected === 1, 60 * SECOND);
  const slow = { bytesPerMs: 1.2, downBytesPerMs: 1.2, latencyMs: 300 };
  Object.assign(fleet.network.airOf('light-0'), slow);

  let issued = 0;
  for (let number = 1; number <= COMMANDS; number += 1) {
    const content = { kind: 'config.set', name: 'n', run: '' } as const;
    const of = { id: `c-${number}`, ...content, payload: encodeValue(number), expiresAtMs: 0 };
    const told = { ...of, issuedAtMs: 1, by: 'ola', to: 'all' };
    void fleet.gateway.issue(told, 'light-0').then(() => (issued += 1));
  }
  await fleet.until('all commands', () => issued === COMMANDS, 60 * SECOND);
  const beganAtMs = fleet.time.monoMs();
  let emitted = 0;
  while ((device?.applied.length ?? 0) < COMMANDS && fleet.time.monoMs() < beganAtMs + 3_600_000) {
    await device?.emit('normal', emitted);
    emitted += 1;
    await fleet.pass(2 * SECOND);
  }
  await fleet.until('the rest', () => device?.backlog === 0, 120 * SECOND);

  t.deepEqual(
    device?.applied,
    Array.from({ length: COMMANDS }, (_, index) => index + 1),
  );
  const [p50, most] = [0.5, 1].map((share) => Math.round(quantile(fleet.waits.normal, share)));
  t.log(`${emitted} entries beside ${COMMANDS} commands: half within ${p50} ms, all ${most} ms`);
  t.true(emitted > COMMANDS / 100, 'it was a storm');
  t.is(fleet.waits.normal.length, emitted);
  t.true((most ?? 0) < 10 * SECOND, `${most} ms`);
});
