import { readFile, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import ava, { type ExecutionContext } from 'ava';
import { Agent, workflow } from '@holdfast/agent';
import { startChild, until, type Child } from '@holdfast/device-sim';
import { PostgresServer, postgresIsMissing } from '@holdfast/device-sim/internal';
import {
  exportKeys,
  importKeys,
  openPostgresLedger,
  sha256,
  systemClock,
} from '@holdfast/gateway/internal';
import { HoldfastError, codeOf } from '@holdfast/protocol';
import { startMosquitto, startNats, type TestBroker } from '../support/brokers.ts';
import { runGateway } from '../support/gateway-process.ts';
import { newSigner } from '../support/hand-journal.ts';
import { hasProgram } from '../support/program.ts';
import { tempDir } from '../support/temp-dir.ts';

const file = (path: string): string => fileURLToPath(new URL(`../../../${path}`, import.meta.url));

const passphrase = 'correct horse battery';
const [TURNS, TURN_MS] = [8, 200];
/** `GATEWAY_KILLS=50 npm test -- many-gateways` has as many gateways killed while all sell. */
const KILLS = Number(process.env['GATEWAY_KILLS'] ?? 1);
const KILL_MS_MAX = 400;

const checkout = workflow('checkout', async (ctx, quantity: number) => {
  const accepted = await ctx.step('order-intake', () => quantity);
  const doubled = await ctx.call<number>('double', accepted, { timeout: '1d' });
  await ctx.step('order-confirmation', () => doubled);
  return doubled;
});

/** Gateways on one ledger behind one broker, each a process of its own. */
class Instances {
  readonly #dir: string;
  readonly #broker: TestBroker;
  readonly #ledger: string;
  readonly #keys: string;
  readonly #children = new Map<number, Child>();

  constructor(dir: string, broker: TestBroker, ledger: URL) {
    this.#dir = dir;
    this.#broker = broker;
    this.#ledger = ledger.href;
    this.#keys = join(dir, 'gateway.keys');
  }

  /** At their first start, the second and all later ones are given the keys of the first. */
  async start(index: number): Promise<void> {
    const dataDir = this.#dirOf(index);
    const isFirst = !this.#children.has(index);
    if (isFirst && index > 0) {
      await importKeys(dataDir, { text: await readFile(this.#keys, 'utf8'), passphrase });
    }
    const child = await startChild({
      name: `gateway ${index}`,
      args: [
        ...[file('gateway/bin/holdfast-gateway.js'), 'serve', '-o', 'json', '--http-port', '0'],
        ...['--data-dir', dataDir, '--broker', this.#broker.url, '--report-every', '1s'],
        ...['--handlers', file('test/dist/support/storm-handlers.js')],
      ],
      env: { HOLDFAST_LEDGER: this.#ledger },
    });
    this.#children.set(index, child);
    if (isFirst && index === 0) await exportKeys(dataDir, { out: this.#keys, passphrase });
    const url = `${String(child.ready['http'])}/readyz`;
    await until(`gateway ${index} to be ready`, async () => (await fetch(url)).ok);
  }

  /** Why it is not ready; empty: it is. */
  async reasons(index: number): Promise<readonly string[]> {
    const answer = await fetch(`${String(this.#of(index).ready['http'])}/readyz`);
    return ((await answer.json()) as { readonly reasons: readonly string[] }).reasons;
  }

  /** What a gateway answers somebody with this token. */
  async statusFor(index: number, token: string): Promise<number> {
    const url = `${String(this.#of(index).ready['http'])}/api/devices`;
    return (await fetch(url, { headers: { authorization: `Bearer ${token}` } })).status;
  }

  signal(index: number, signal: NodeJS.Signals): void {
    process.kill(this.#of(index).pid, signal);
  }

  async end(index: number, signal: NodeJS.Signals): Promise<void> {
    await this.#of(index).end(signal);
  }

  async endAll(): Promise<void> {
    await Promise.all(Array.from(this.#children.values(), (child) => child.end('SIGKILL')));
  }

  #of(index: number): Child {
    const child = this.#children.get(index);
    if (child === undefined) throw new HoldfastError('HF_PROCESS_FAILED', { why: `no ${index}` });
    return child;
  }

  #dirOf(index: number): string {
    return join(this.#dir, `gateway-${index}`);
  }
}

async function openAgent(t: ExecutionContext, port: number, device: string): Promise<Agent> {
  const agent = await Agent.open({
    ...{ dataDir: await tempDir(t), device, workflows: [checkout] },
    uplink: { retryMsMin: 20, retryMsMax: 200 },
    gateway: `mqtt://127.0.0.1:${port}`,
  });
  t.teardown(() => agent.close());
  return agent;
}

/** One with a broker of its own. */
async function startGateway(t: ExecutionContext, ledger: URL) {
  const child = await startChild({
    name: 'gateway',
    args: [
      ...[file('gateway/bin/holdfast-gateway.js'), 'serve', '-o', 'json', '--http-port', '0'],
      ...['--data-dir', await tempDir(t), '--mqtt-port', '0'],
    ],
    env: { HOLDFAST_LEDGER: ledger.href },
  });
  t.teardown(() => child.end('SIGKILL'));
  const port = Number(new URL(String(child.ready['mqtt'])).port);
  return { port, http: String(child.ready['http']) };
}

async function openLedger(t: ExecutionContext, url: URL) {
  const log = { error: () => {}, info: () => {}, debug: () => {} };
  const parts = { address: url.href, sha256, clock: systemClock, log, isNew: false };
  const { ledger } = await openPostgresLedger(parts);
  t.teardown(() => ledger.close());
  return ledger;
}

/** Each has something to tell again and again; how long the ledger's answer to it takes at most. */
async function slowestAckMs(agents: readonly Agent[]): Promise<number> {
  const waits = agents.map(async (agent) => {
    let slowestMs = 0;
    for (let turn = 0; turn < TURNS; turn += 1) {
      const startedAt = performance.now();
      await agent.emit('turn', turn);
      await agent.synced();
      slowestMs = Math.max(slowestMs, performance.now() - startedAt);
      await pause(TURN_MS);
    }
    return slowestMs;
  });
  return Math.round(Math.max(...(await Promise.all(waits))));
}

/** Kills some at any moment, and restarts others in turn, while everybody sells. */
async function replaceUnderLoad(
  gateways: Instances,
  sell: (during: string) => Promise<void>,
): Promise<void> {
  for (let kill = 0; kill < KILLS; kill += 1) {
    const victim = (kill + 2) % 3;
    const atMs = Math.round(Math.random() * KILL_MS_MAX);
    const selling = sell(`gateway ${victim} is killed after ${atMs} ms`);
    await pause(atMs);
    await gateways.end(victim, 'SIGKILL');
    await selling;
    await gateways.start(victim);
  }
  for (const index of [0, 1]) {
    const selling = sell(`gateway ${index} is restarted`);
    await gateways.end(index, 'SIGTERM');
    await gateways.start(index);
    await selling;
  }
}

let running: Promise<PostgresServer> | undefined;
const server = (): Promise<PostgresServer> => (running ??= PostgresServer.start());
ava.after.always(async () => (await running)?.stop());

const missing = [postgresIsMissing, hasProgram('mosquitto') ? '' : 'needs mosquitto'];
const needs = missing.filter((each) => each !== '').join(', ');
const test = needs === '' ? ava.serial : ava.serial.skip;
const title = needs === '' ? '' : ` (${needs})`;

test(`gateways that are killed, stopped and replaced take each entry once${title}`, async (t) => {
  const postgres = await server();
  const [url, broker] = [await postgres.empty(), await startMosquitto(t)];
  const gateways = new Instances(await tempDir(t), broker, url);
  t.teardown(() => gateways.endAll());
  await gateways.start(0);
  await Promise.all([gateways.start(1), gateways.start(2)]);
  const names = ['till-1', 'till-2', 'till-3'];
  const agents = await Promise.all(names.map((name) => openAgent(t, broker.port, name)));

  let quantity = 0;
  /** Everybody sells something, and all of it reaches the ledger, whoever is there. */
  const sell = async (during: string): Promise<void> => {
    const sold = agents.flatMap((agent) =>
      Array.from({ length: 5 }, async () => {
        const run = await agent.start(checkout, (quantity += 1));
        return run.result();
      }),
    );
    const results = await Promise.all(sold);
    t.deepEqual(
      results.toSorted((a, b) => a - b),
      Array.from(results, (_, index) => 2 * (quantity - results.length + index + 1)),
      during,
    );
    await Promise.all(agents.map((agent) => agent.synced()));
  };

  await sell('all are there');
  const at = ['--ledger', url.href];
  const made = await runGateway('token', 'create', 'ci', '--role', 'viewer', '-o', 'json', ...at);
  const { id, token } = JSON.parse(made.stdout) as { readonly id: string; readonly token: string };
  const statuses = () => Promise.all([0, 1, 2].map((index) => gateways.statusFor(index, token)));
  t.deepEqual(await statuses(), [200, 200, 200], 'a token that none of them has made');
  t.is((await runGateway('token', 'revoke', id, ...at)).code, 0);
  t.deepEqual(await statuses(), [401, 401, 401]);
  gateways.signal(1, 'SIGSTOP');
  const slowestMs = await slowestAckMs(agents);
  t.log(`the slowest ack took ${slowestMs} ms`);
  // What was given to the one that hangs is sent again after 5 s, and after 10 s.
  t.true(slowestMs < 13_000, `${slowestMs} ms`);
  await sell('one is stopped');
  gateways.signal(1, 'SIGCONT');
  await replaceUnderLoad(gateways, sell);

  const ledger = await openLedger(t, url);
  const { faults } = await ledger.verify();
  t.deepEqual(faults, []);
  for (const [index, agent] of agents.entries()) {
    const device = names[index] ?? '';
    for (const { lane, head } of (await agent.status()).backlog.lanes) {
      const entries = await ledger.entries({ device, lane, after: 0, limit: 100_000 });
      const all = Array.from({ length: head }, (_, seq) => seq + 1);
      t.deepEqual(
        entries.map(({ seq }) => seq),
        all,
        `${device} ${lane}`,
      );
    }
    const runs = await ledger.runs({ device, limit: 1_000 });
    t.deepEqual([...new Set(runs.map(({ state }) => state))], ['completed']);
  }
});

test(`a database that is away, at start or later, is waited for${title}`, async (t) => {
  const postgres = await server();
  const url = await postgres.empty();
  await postgres.crash();
  const gateway = await startGateway(t, url);
  const agent = await openAgent(t, gateway.port, 'till-9');
  const emit = async (count: number): Promise<void> => {
    for (let index = 0; index < count; index += 1) await agent.emit('sold', index);
  };
  const ready = async () => (await fetch(`${gateway.http}/readyz`)).status;
  const isReady = async () => (await ready()) === 200;

  t.is(await ready(), 503);
  await emit(20);
  await postgres.up();
  await agent.synced();
  t.true(await isReady());
  // The connections end under what is on its way, as with a failover.
  const away = `select pg_terminate_backend(pid) from pg_stat_activity
    where application_name = 'holdfast-gateway' and pid <> pg_backend_pid()`;
  await Promise.all([emit(50), postgres.ask(url, away)]);
  await agent.synced();
  await postgres.crash();
  await emit(20);
  await until('the gateway to say so', async () => (await ready()) === 503);
  await postgres.up();
  await agent.synced();

  const ledger = await openLedger(t, url);
  t.deepEqual((await ledger.verify()).faults, []);
  const entries = await ledger.entries({ device: 'till-9', lane: 'normal', after: 0, limit: 500 });
  t.deepEqual(
    entries.map(({ seq }) => seq),
    Array.from({ length: 90 }, (_, index) => index + 1),
  );
});

test(`a standby takes the place of a database that is lost${title}`, async (t) => {
  const primary = await PostgresServer.start();
  t.teardown(() => primary.stop());
  const url = await primary.empty();
  const standby = await primary.standby();
  t.teardown(() => standby.stop());
  // The gateway knows one name, which is moved when somebody fails over.
  const name = await tempDir(t);
  const link = join(name, '.s.PGSQL.5432');
  await symlink(primary.socket, link);
  const named = new URL(url);
  named.searchParams.set('host', name);
  const gateway = await startGateway(t, named);
  const agent = await openAgent(t, gateway.port, 'till-8');
  const emit = async (count: number): Promise<void> => {
    for (let index = 0; index < count; index += 1) await agent.emit('sold', index);
  };
  await emit(30);
  await agent.synced();

  const selling = emit(60);
  await agent.emit('acknowledged', 1);
  await primary.crash();
  await selling;
  const { lanes } = (await agent.status()).backlog;
  await rm(link);
  await standby.promote();
  const ledger = await openLedger(t, standby.url(url.pathname.slice(1)));
  const kept = (await ledger.device('till-8'))?.lanes[1].watermark ?? 0;
  const acked = lanes.find(({ lane }) => lane === 'normal')?.acked ?? 0;
  t.true(kept >= acked && acked >= 30, `${kept} of ${acked} that were acknowledged`);
  await symlink(standby.socket, link);
  await agent.synced();

  t.deepEqual((await ledger.verify()).faults, []);
  const entries = await ledger.entries({ device: 'till-8', lane: 'normal', after: 0, limit: 500 });
  t.deepEqual(
    entries.map(({ seq }) => seq),
    Array.from({ length: 91 }, (_, index) => index + 1),
  );
});

const withNats = needs === '' && hasProgram('nats-server') ? ava.serial : ava.serial.skip;
const natsTitle = hasProgram('nats-server') ? title : ' (needs nats-server)';

withNats(`a broker without shared subscriptions ends the start${natsTitle}`, async (t) => {
  const [url, broker] = [await (await server()).empty(), await startNats(t)];
  const args = ['--broker', broker.url, '--http-port', '0', '--ledger', url.href];

  const { code, stderr } = await runGateway('serve', '--data-dir', await tempDir(t), ...args);

  t.is(code, 78);
  t.regex(stderr, /HF_CONFIG_INVALID/);
  t.regex(stderr, /shared subscriptions/);
});

test(`a gateway with a key of its own has no place at the ledger of others${title}`, async (t) => {
  const url = await (await server()).empty();
  const log = { error: () => {}, info: () => {}, debug: () => {} };
  const parts = { address: url.href, sha256, clock: systemClock, log, isNew: true };
  const open = (identity: Uint8Array) => openPostgresLedger({ ...parts, identity });
  const [mine, other] = [newSigner().publicKey, newSigner().publicKey];
  for (const identity of [mine, mine]) await (await open(identity)).ledger.close();

  const refused = await t.throwsAsync(open(other));

  t.is(codeOf(refused), 'HF_CONFIG_INVALID');
});
