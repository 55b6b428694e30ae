import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import ava, { type ExecutionContext } from 'ava';
import { connect } from 'mqtt';
import { Agent, type AgentOptions } from '@holdfast/agent';
import { createTcpProxy, until, type TcpProxy } from '@holdfast/device-sim';
import { Gateway, type GatewayOptions } from '@holdfast/gateway';
import { sha256, wholeValue } from '@holdfast/gateway/internal';
import { VALUE_BYTES_MAX, decodeValue, equalBytes, lanes, valueIn } from '@holdfast/protocol';
import { startMosquitto } from '../support/brokers.ts';
import { hasNamespaces, hasNetem, type NetNamespace } from '../support/net-namespace.ts';
import { NetnsPlace } from '../support/netns-place.ts';
import { hasProgram } from '../support/program.ts';
import { SimChance } from '../support/sim-chance.ts';
import { tempDir } from '../support/temp-dir.ts';

const test = ava.serial;
const withMosquitto = hasProgram('mosquitto') ? test : test.skip;
const device = 'till-1';
/** A third of the real ones: no shorter, so that a busy machine does not look like a bad link. */
const uplink = {
  ...{ retryMsMin: 50, retryMsMax: 300, connectMs: 8_000, welcomeMs: 4_000 },
  ...{ resendMs: 2_000, ackDeadlineMs: 5_000 },
};

/** A device, a wire that can be spoiled, and a gateway. */
class Link {
  readonly agent: Agent;
  readonly wire: TcpProxy;
  readonly gateway: Gateway;
  /** Batches that came although the ledger had all of them. */
  doubled = 0;

  private constructor(agent: Agent, wire: TcpProxy, gateway: Gateway) {
    this.agent = agent;
    this.wire = wire;
    this.gateway = gateway;
    const { ledger } = gateway;
    const ingest = ledger.ingest.bind(ledger);
    ledger.ingest = async (batch) => {
      const outcome = await ingest(batch);
      if (outcome.kind === 'committed' && outcome.fresh === 0) this.doubled += 1;
      return outcome;
    };
  }

  static async open(
    t: ExecutionContext,
    options: Partial<AgentOptions> = {},
    gatewayOptions: Partial<GatewayOptions> = {},
  ): Promise<Link> {
    const dataDir = await tempDir(t);
    const gateway = await Gateway.open({ dataDir, mqttPort: 0, ...gatewayOptions });
    t.teardown(() => gateway.close());
    const port = Number(new URL(gateway.mqttUrl).port);
    const wire = await createTcpProxy({ host: '127.0.0.1', port });
    t.teardown(() => wire.close());
    const agent = await Agent.open({
      ...{ dataDir: await tempDir(t), device, workflows: [], uplink },
      ...{ gateway: `mqtt://127.0.0.1:${wire.port}`, ...options },
    });
    t.teardown(() => agent.close());
    return new Link(agent, wire, gateway);
  }

  /** Facts of noise, so that nothing is gained by deflating them. */
  async emit(count: number, bytes = 200): Promise<void> {
    const chance = new SimChance(count);
    const payloads = Array.from({ length: count }, () => chance.bytes(bytes));
    await Promise.all(payloads.map((each) => this.agent.emit('fact', each, { lane: 'bulk' })));
  }

  async acked(): Promise<number> {
    return (await this.agent.status()).backlog.lanes[2]?.acked ?? 0;
  }

  async resends(): Promise<number> {
    return (await this.agent.status()).link.resends;
  }

  async untilAcked(above: number): Promise<void> {
    await until(`more than ${above}`, async () => (await this.acked()) > above);
  }

  /** The code of the problem that the status shows, once it matches. */
  async untilProblem(code: string, words = /./): Promise<string> {
    let seen = 'none';
    const look = async (): Promise<string | undefined> => {
      const { problem } = (await this.agent.status()).link;
      seen = problem?.message ?? seen;
      return problem?.code === code && words.test(problem.message) ? problem.code : undefined;
    };
    return until(code, look).catch(() => `${code} did not come, but: ${seen}`);
  }

  /** The ledger has all of it, once and in order. */
  async checkWhole(t: ExecutionContext): Promise<void> {
    await this.agent.synced({ timeout: '60s' });
    const { backlog } = await this.agent.status();
    for (const lane of lanes) {
      const head = backlog.lanes.find((each) => each.lane === lane)?.head ?? 0;
      const at = { device, lane, after: 0, limit: 100_000 };
      const seqs = (await this.gateway.ledger.entries(at)).map(({ seq }) => seq);
      t.deepEqual(
        seqs,
        Array.from({ length: head }, (_, index) => index + 1),
        lane,
      );
    }
  }
}

/** Batches that may be on their way, and so are sent again after each fault, at most. */
const IN_FLIGHT = 8;

for (const [mode, what] of [
  ['hold', 'a link that is dead both ways'],
  ['hold-up', 'a link that is dead on the way up'],
  ['hold-down', 'a link that is dead on the way down'],
  ['stale', 'a connection that is dead while new ones work'],
] as const) {
  test(`${what}, and does not say so, is noticed by its silence`, async (t) => {
    const link = await Link.open(t);
    await link.emit(3_000);
    await link.untilAcked(0);
    await link.emit(300);
    link.wire.setMode(mode);
    await link.emit(300);

    t.is(await link.untilProblem('HF_GATEWAY_SILENT'), 'HF_GATEWAY_SILENT');
    const before = await link.resends();
    t.true(before <= 1, `${before} batches sent into it again`);
    link.wire.setMode(mode === 'stale' ? 'stale' : 'up');

    await link.checkWhole(t);
    t.true((await link.resends()) - before <= 2 * IN_FLIGHT);
    t.true(link.doubled <= 1, `${link.doubled} batches had been there`);
    t.is((await link.agent.status()).link.problem, null);
  });
}

test('a port that says nothing is told from one that is closed', async (t) => {
  const link = await Link.open(t);
  await link.agent.synced();
  link.wire.setMode('cut');
  t.is(await link.untilProblem('HF_GATEWAY_UNREACHABLE'), 'HF_GATEWAY_UNREACHABLE');

  link.wire.setMode('silent');
  const words = /no MQTT broker answered/;
  t.is(await link.untilProblem('HF_GATEWAY_UNREACHABLE', words), 'HF_GATEWAY_UNREACHABLE');
  link.wire.setMode('up');

  await link.emit(10);
  await link.checkWhole(t);
});

test('a packet that is cut in the middle is sent again, and nothing before it', async (t) => {
  const link = await Link.open(t);
  await link.agent.synced();
  let before = 0;
  for (let cut = 0; cut < 4; cut += 1) {
    await link.emit(1_500);
    const { connections } = link.wire;
    link.wire.cutAfter(100_000 + cut * 7_777);
    await until('cut, and made anew', async () => link.wire.connections > connections);
    await link.untilAcked(before);
    before = await link.acked();
  }

  await link.checkWhole(t);
  const resends = await link.resends();
  t.true(resends <= 4 * IN_FLIGHT, `${resends} batches were sent again`);
  t.true(link.doubled <= 4, `${link.doubled} batches had been there`);
  t.true(link.wire.connections >= 4);
});

test('a link that is up for a moment and down for a moment makes progress each time', async (t) => {
  const link = await Link.open(t);
  await link.agent.synced();
  await link.emit(3_000);
  link.wire.setShape({ bytesPerS: 200_000 });
  const seen: number[] = [await link.acked()];
  for (let round = 0; round < 5; round += 1) {
    const before = await link.acked();
    link.wire.setMode('up');
    await link.untilAcked(before);
    link.wire.setMode('cut');
    await until('down', async () => (await link.agent.status()).link.state !== 'syncing');
    const { problem } = (await link.agent.status()).link;
    t.regex(problem?.code ?? 'none', /^HF_(LINK_LOST|GATEWAY_UNREACHABLE)$/);
    seen.push(await link.acked());
  }
  link.wire.setShape({ bytesPerS: Number.POSITIVE_INFINITY });
  link.wire.setMode('up');

  t.deepEqual(
    seen,
    seen.toSorted((a, b) => a - b),
    'never backwards',
  );
  t.is(new Set(seen).size, seen.length, 'each time forwards');
  await link.checkWhole(t);
  const resends = await link.resends();
  t.true(resends <= 8 * IN_FLIGHT, `${resends} batches were sent again`);
  t.true(link.doubled <= 6, `${link.doubled} batches had been there`);
});

test('8 MiB go on where the link was cut, and an alarm passes them', async (t) => {
  const link = await Link.open(t);
  await link.agent.synced();
  link.wire.setShape({ bytesPerS: 4_000_000 });
  const picture = new SimChance(8).bytes(VALUE_BYTES_MAX - 5);
  await link.agent.emit('picture', picture, { lane: 'bulk' });
  const { head } = (await link.agent.status()).backlog.lanes[2] ?? { head: 0 };

  await link.untilAcked(head / 4);
  link.wire.cutAfter(100_000);
  await link.agent.emit('alarm', 'smoke', { lane: 'urgent' });
  await until('the alarm', async () => (await link.agent.status()).backlog.lanes[0]?.pending === 0);
  const passed = await link.acked();
  await link.untilAcked(head / 2);
  link.wire.cutAfter(100_000);
  await link.checkWhole(t);

  t.true(passed < head, `${passed} of ${head} were there when the alarm was`);
  t.true(head > 500, `${head}`);
  const resends = await link.resends();
  t.true(resends <= 2 * IN_FLIGHT, `${resends} batches were sent again`);
  t.true(link.doubled <= 2, `${link.doubled} batches had been there`);
  const place = { device, epoch: 1, lane: 'bulk', seq: head } as const;
  const [last] = await link.gateway.ledger.entries({ ...place, after: head - 1, limit: 1 });
  const value = valueIn(last?.entry ?? {});
  const { ledger } = link.gateway;
  const whole = decodeValue(await wholeValue({ ledger, sha256 }, place, value));
  t.true(whole instanceof Uint8Array && equalBytes(whole, picture));
});

test('9.6 kbit/s carry a backlog without a batch sent twice', async (t) => {
  const link = await Link.open(t);
  await link.agent.synced();
  link.wire.setShape({ bytesPerS: 1_200 });
  await link.emit(60, 100);

  await link.checkWhole(t);

  t.is(await link.resends(), 0);
  t.is(link.wire.connections, 1);
});

test('a satellite that is 600 ms away, with gaps, carries a backlog', async (t) => {
  const link = await Link.open(t);
  link.wire.setShape({ delayMs: 300 });
  await link.emit(2_000);
  await link.untilAcked(0);
  const wait = (what: string, ms: number) => {
    const end = performance.now() + ms;
    return until(what, async () => performance.now() >= end);
  };
  for (let gap = 0; gap < 2; gap += 1) {
    link.wire.setMode('hold');
    await wait('the gap', 1_000);
    link.wire.setMode('up');
    await link.emit(500);
    await wait('the sky', 500);
  }

  await link.checkWhole(t);
  t.is(link.wire.connections, 1, 'a gap of a second costs no connection');
});

test('who takes over the session of a device costs no entry', async (t) => {
  const link = await Link.open(t);
  await link.emit(500);
  await link.agent.synced();
  const connections = (): number => link.wire.connections;
  const rogue = connect(link.gateway.mqttUrl, {
    ...{ clientId: `hf-${device}`, protocolVersion: 4, reconnectPeriod: 250 },
  });
  rogue.on('error', () => {});
  t.teardown(() => rogue.endAsync(true));

  await until('taken over again and again', async () => connections() >= 4);
  t.is(await link.untilProblem('HF_LINK_LOST'), 'HF_LINK_LOST');
  await rogue.endAsync(true);

  await link.emit(500);
  await link.checkWhole(t);
});

withMosquitto('what a broker refuses is named as far as it says (needs mosquitto)', async (t) => {
  const dir = await tempDir(t);
  const passwords = join(dir, 'passwords');
  await writeFile(passwords, `${device}:right\nhf-cloud:cloud\n`, { mode: 0o600 });
  await promisify(execFile)('mosquitto_passwd', ['-U', passwords]);
  const acl = join(dir, 'acl');
  const rules = ['user hf-cloud', 'topic readwrite holdfast/#', 'pattern read holdfast/1/%u/down'];
  await writeFile(acl, `${rules.join('\n')}\n`);
  const { port } = await startMosquitto(t, [`password_file ${passwords}`, `acl_file ${acl}`]);
  const gateway = `mqtt://127.0.0.1:${port}`;
  const broker = `mqtt://hf-cloud:cloud@127.0.0.1:${port}`;

  const wrong = await Link.open(t, { gateway, password: 'wrong' }, { broker });
  t.is(await wrong.untilProblem('HF_BROKER_REFUSED'), 'HF_BROKER_REFUSED');
  // By MQTT 3.1.1 Mosquitto takes what a device may not publish, and drops it.
  const mute = await Link.open(t, { gateway, password: 'right' }, { broker });
  t.is(await mute.untilProblem('HF_GATEWAY_SILENT'), 'HF_GATEWAY_SILENT');
  await mute.agent.close();

  const told = { gateway, mqttVersion: '5' } as const;
  const cloud = { broker, mqttVersion: '5' } as const;
  const refused = await Link.open(t, { ...told, password: 'right' }, cloud);
  const publish = await refused.untilProblem('HF_BROKER_REFUSED', /let this device publish/);
  t.is(publish, 'HF_BROKER_REFUSED');
  const stranger = await Link.open(t, { ...told, password: 'wrong' }, cloud);
  const who = await stranger.untilProblem('HF_BROKER_REFUSED', /password|authorized/);
  t.is(who, 'HF_BROKER_REFUSED');
});

test('a broker that does not speak MQTT 5 is told from one that is not there', async (t) => {
  const link = await Link.open(t, { mqttVersion: '5' });
  const words = /does not speak this version of MQTT/;
  t.is(await link.untilProblem('HF_BROKER_REFUSED', words), 'HF_BROKER_REFUSED');
});

/** Late, lost and out of order where the machine can do that, and slow in any case. */
function spoil(net: NetNamespace): void {
  if (hasNetem()) net.setNetem(['delay', '100ms', '30ms', 'loss', '1%', 'reorder', '5%']);
  else net.setRate(2_000);
}

/** The address is another one, and for a while nothing comes to it. */
function moveAway(net: NetNamespace): void {
  net.setDeaf(3, true);
  net.setAddress(3);
}

const hasNetworks = hasNamespaces();
// A runner that allows no skip may be one that is not let make networks.
const inNetwork = hasNetworks || process.env['CI'] !== undefined ? test : test.skip;

inNetwork('a cable that is out, and an address that changes (needs root, ip)', async (t) => {
  if (!hasNetworks) {
    t.pass();
    return;
  }
  const place = await NetnsPlace.open(t, spoil);
  const { net } = place;
  for (const [what, begin, end] of [
    ['the cable', () => net.setCable('down'), () => net.setCable('up')],
    ['the address', () => moveAway(net), () => net.setDeaf(3, false)],
  ] as const) {
    const { doubled } = place;
    begin();
    await place.untilSilent();
    end();
    await place.untilProgress();
    // The silence may cost one, and the end of the connection another.
    t.true(place.doubled - doubled <= 2, `${what}: ${place.doubled - doubled} had been there`);
  }
  await place.check(t);
});
