import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ava, { type ExecutionContext } from 'ava';
import { Agent, workflow } from '@holdfast/agent';
import {
  apiOf,
  askApi,
  type Child,
  createTcpProxy,
  type GatewayApi,
  getFromApi,
  startChild,
  until,
} from '@holdfast/device-sim';
import type { MqttVersion } from '@holdfast/protocol';
import { freePort, startMosquitto, startNats, type TestBroker } from '../support/brokers.ts';
import { HandDevice } from '../support/hand-device.ts';
import { HandJournal } from '../support/hand-journal.ts';
import { hasProgram } from '../support/program.ts';
import { tempDir } from '../support/temp-dir.ts';

const file = (path: string): string => fileURLToPath(new URL(`../../../${path}`, import.meta.url));

interface Place {
  readonly dir: string;
  readonly broker: TestBroker | undefined;
  readonly port: number;
  readonly mqttVersion: MqttVersion;
}

/** A gateway in a process of its own, with the broker that devices use. */
class Site {
  readonly port: number;
  readonly #place: Place;
  readonly #broker: TestBroker | undefined;
  #gateway: Child | undefined;

  constructor(place: Place) {
    this.#place = place;
    this.#broker = place.broker;
    this.port = place.port;
  }

  get api(): GatewayApi {
    return apiOf({ ready: this.#gateway?.ready ?? {} });
  }

  async startGateway(): Promise<void> {
    const { dir, mqttVersion } = this.#place;
    const way =
      this.#broker === undefined
        ? ['--mqtt-port', String(this.port)]
        : ['--broker', this.#broker.url, '--mqtt-version', mqttVersion];
    this.#gateway = await startChild({
      name: 'gateway',
      args: [
        ...[file('gateway/bin/holdfast-gateway.js'), 'serve', '-o', 'json', '--http-port', '0'],
        ...['--data-dir', join(dir, 'gateway'), ...way],
        ...['--handlers', file('test/dist/support/storm-handlers.js')],
      ],
    });
    // A broker of its own is connected to when it is there, which may be later.
    await until('the gateway to be ready', async () => (await askApi(this.api, '/readyz')).ok);
  }

  async killGateway(): Promise<void> {
    await this.#gateway?.end('SIGKILL');
  }

  /** The embedded broker goes with its gateway. */
  async restartBroker(): Promise<void> {
    if (this.#broker === undefined) {
      await this.killGateway();
      return this.startGateway();
    }
    await this.#broker.kill();
    await this.#broker.start();
  }

  /** Every seq that the ledger has of a lane, in its order. */
  async seqs(device: string, lane: string): Promise<number[]> {
    const seqs: number[] = [];
    for (;;) {
      const query = `lane=${lane}&after=${seqs.at(-1) ?? 0}&limit=500`;
      const path = `/api/devices/${device}/entries?${query}`;
      const { entries } = await getFromApi<{ readonly entries: { seq: number }[] }>(
        this.api,
        path,
      );
      seqs.push(...entries.map(({ seq }) => seq));
      if (entries.length < 500) return seqs;
    }
  }
}

type Start = ((t: ExecutionContext) => Promise<TestBroker>) | undefined;

interface Kind {
  readonly name: string;
  readonly program: string;
  readonly start: Start;
  readonly mqttVersion: MqttVersion;
}

/** It gives a PUBACK for what it drops, as all brokers do. */
const startForgetful: Start = (t) =>
  startMosquitto(t, [
    ...['allow_anonymous true', 'max_inflight_messages 1', 'max_queued_messages 2'],
    'max_packet_size 65536',
  ]);

const kinds: readonly Kind[] = [
  { name: 'the embedded broker', program: '', start: undefined, mqttVersion: '3.1.1' },
  { name: 'Mosquitto', program: 'mosquitto', start: startMosquitto, mqttVersion: '3.1.1' },
  {
    name: 'MQTT 5 and a Mosquitto that drops what it cannot keep',
    ...{ program: 'mosquitto', start: startForgetful, mqttVersion: '5' },
  },
  { name: 'NATS', program: 'nats-server', start: startNats, mqttVersion: '3.1.1' },
];

async function openSite(t: ExecutionContext, { start, mqttVersion }: Kind): Promise<Site> {
  const broker = await start?.(t);
  const dir = await tempDir(t);
  const port = broker?.port ?? (await freePort());
  const site = new Site({ dir, broker, port, mqttVersion });
  await site.startGateway();
  t.teardown(() => site.killGateway());
  return site;
}

const checkout = workflow('checkout', async (ctx, quantity: number) => {
  const accepted = await ctx.step('order-intake', () => quantity);
  const doubled = await ctx.call<number>('double', accepted, { timeout: '1d' });
  await ctx.step('order-confirmation', () => doubled, { when: 'online' });
  return doubled;
});

/** Pauses that a test can wait for; deadlines as they are, since the machine may be busy. */
const uplink = { retryMsMin: 20, retryMsMax: 200 };

async function openAgent(
  t: ExecutionContext,
  { port, mqttVersion }: Pick<Place, 'port' | 'mqttVersion'>,
): Promise<Agent> {
  const agent = await Agent.open({
    ...{ dataDir: await tempDir(t), device: 'till-1', workflows: [checkout], uplink },
    ...{ gateway: `mqtt://127.0.0.1:${port}`, mqttVersion },
  });
  t.teardown(() => agent.close());
  return agent;
}

async function checkWhole(t: ExecutionContext, site: Site, agent: Agent): Promise<void> {
  const { backlog } = await agent.status();
  for (const { lane, head } of backlog.lanes) {
    const all = Array.from({ length: head }, (_, index) => index + 1);
    t.deepEqual(await site.seqs('till-1', lane), all, `the ledger of ${lane}`);
  }
}

for (const kind of kinds) {
  const { name, program, mqttVersion } = kind;
  const isThere = program === '' || hasProgram(program);
  const test = isThere ? ava.serial : ava.serial.skip;
  const over = program === '' ? `over ${name}` : `over ${name} (needs ${program})`;

  test(`a checkout goes on through an outage, and its call is answered: ${over}`, async (t) => {
    const site = await openSite(t, kind);
    const wire = await createTcpProxy({ host: '127.0.0.1', port: site.port });
    t.teardown(() => wire.close());
    const agent = await openAgent(t, { port: wire.port, mqttVersion });
    await agent.synced();

    wire.setMode('cut');
    const runs = await Promise.all([1, 2, 3].map((n) => agent.start(checkout, n)));
    await until('offline', async () => (await agent.status()).link.state === 'offline');
    t.false(agent.isSynced);
    wire.setMode('up');

    t.deepEqual(await Promise.all(runs.map((run) => run.result())), [2, 4, 6]);
    await agent.synced();
    await checkWhole(t, site, agent);
  });

  test(`a broker and a gateway that die in mid-batch cost no entry: ${over}`, async (t) => {
    const site = await openSite(t, kind);
    const agent = await openAgent(t, { port: site.port, mqttVersion });
    await agent.synced();
    const payload = 'x'.repeat(200);
    const emit = async (count: number): Promise<void> => {
      const facts = Array.from({ length: count }, (_, n) => ({ n, payload }));
      await Promise.all(facts.map((fact) => agent.emit('fact', fact, { lane: 'bulk' })));
    };
    const someArrived = async (above: number) =>
      until('some', async () => {
        const { backlog } = await agent.status();
        return (backlog.lanes[2]?.acked ?? 0) > above;
      });

    await emit(4_000);
    await someArrived(0);
    await site.restartBroker();
    await emit(4_000);
    await someArrived(1_000);
    await site.killGateway();
    const run = await agent.start(checkout, 21);
    await emit(4_000);
    await site.startGateway();

    t.is(await run.result(), 42);
    await agent.synced({ timeout: '60s' });
    await checkWhole(t, site, agent);
  });

  test(`batches in any order, and twice, get into the ledger once: ${over}`, async (t) => {
    const site = await openSite(t, kind);
    const hand = await HandDevice.connect(`mqtt://127.0.0.1:${site.port}`, 'till-1');
    t.teardown(() => hand.close());
    const journal = new HandJournal('till-1').facts('normal', 9);
    await hand.send(journal.hello(hand.signer));
    await hand.next('welcome');

    await hand.send(journal.batch('normal', 4, 6));
    const { watermark, missingFrom, kept } = await hand.next('ack');
    t.deepEqual([watermark, missingFrom, kept], [0, 1, [{ seqFirst: 4, seqLast: 6 }]]);
    for (const [first, last, through] of [
      [1, 3, 6],
      [7, 9, 9],
      [2, 5, 9],
      [7, 9, 9],
      [1, 9, 9],
    ] as const) {
      await hand.send(journal.batch('normal', first, last));
      // What was kept is answered for itself.
      let answer = await hand.next('ack');
      while (answer.watermark < through) answer = await hand.next('ack');
      t.deepEqual([answer.watermark, answer.missingFrom, answer.kept], [through, 0, []]);
    }

    t.deepEqual(await site.seqs('till-1', 'normal'), [1, 2, 3, 4, 5, 6, 7, 8, 9]);
    t.is(hand.forged, 0);
  });
}
