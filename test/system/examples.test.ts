import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { apiOf, askApi } from '@holdfast/device-sim';
import test, { type ExecutionContext } from 'ava';
import type { Update } from '@holdfast/examples/checkout/inventory-service';
import type { Charge } from '@holdfast/examples/checkout/payment-service';
import { PATIENCE_MS } from '../support/patience.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const orderFile = join(root, 'examples/checkout/orders.ndjson');
const shortly = 'Your order will be confirmed shortly.';

interface Run {
  readonly id: string;
  readonly state: string;
  readonly status: unknown;
  readonly output?: Readonly<Record<string, unknown>>;
}

interface Program {
  readonly child: ChildProcess;
  /** The line of JSON that it printed when it was ready. */
  readonly ready: Readonly<Record<string, string>>;
  stop(signal: NodeJS.Signals): Promise<void>;
}

/** Starts a program of ours and waits for its line of JSON. */
async function start(
  t: ExecutionContext,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Program> {
  const child = spawn(process.execPath, args, {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  let complaints = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complaints += text));
  const ended = once(child, 'close');
  const line = await Promise.race([
    once(createInterface({ input: child.stdout }), 'line').then(([text]: string[]) => text),
    ended.then(() => undefined),
  ]);
  if (line === undefined) throw new Error(`${args.join(' ')} ended:\n${complaints}`);
  return {
    child,
    ready: JSON.parse(line) as Program['ready'],
    async stop(signal) {
      child.kill(signal);
      await ended;
    },
  };
}

/** A directory of one test with a device, the cloud behind it and the two services. */
class Kiosk {
  readonly #t: ExecutionContext;
  readonly directory: string;
  readonly services: Program;

  static async open(t: ExecutionContext, serviceArgs: readonly string[]): Promise<Kiosk> {
    const directory = await mkdtemp(join(tmpdir(), 'hf-kiosk-'));
    t.teardown(() => rm(directory, { recursive: true, force: true }));
    const program = 'examples/dist/checkout/services.js';
    const ports = ['--payment-port', '0', '--inventory-port', '0'];
    return new Kiosk(t, directory, await start(t, [program, ...ports, ...serviceArgs]));
  }

  constructor(t: ExecutionContext, directory: string, services: Program) {
    this.#t = t;
    this.directory = directory;
    this.services = services;
  }

  /** @param mqttPort 0: choose. */
  gateway(mqttPort: number): Promise<Program> {
    const handler = `inventory.update=${this.services.ready['handlerUrl'] ?? ''}`;
    const args = ['serve', '--data-dir', join(this.directory, 'cloud'), '--handler', handler];
    const ports = ['--mqtt-port', String(mqttPort), '--http-port', '0'];
    return start(this.#t, ['gateway/bin/holdfast-gateway.js', ...args, ...ports, '-o', 'json']);
  }

  agent(
    gatewayUrl: string,
    { code = 'checkout', env = {} }: { code?: string; env?: Readonly<Record<string, string>> } = {},
  ): Promise<Program> {
    const args = ['run', '--data-dir', this.#dataDir, '--device', 'kiosk-7', '-o', 'json'];
    const more = ['--gateway', gatewayUrl, '--code', `examples/dist/${code}/workflow.js`];
    return start(this.#t, ['agent/bin/holdfast.js', ...args, ...more], {
      KIOSK_DIR: join(this.directory, 'kiosk'),
      PAYMENT_URL: this.services.ready['paymentUrl'] ?? '',
      ...env,
    });
  }

  get #dataDir(): string {
    return join(this.directory, 'device');
  }

  /** Runs a command of the device, and returns its exit code and what it printed. */
  async holdfast(...args: readonly string[]): Promise<{ code: number | null; out: string }> {
    const child = spawn(
      process.execPath,
      ['agent/bin/holdfast.js', ...args, '--data-dir', this.#dataDir],
      { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] },
    );
    this.#t.teardown(() => child.kill('SIGKILL'));
    let out = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (out += text));
    const [code] = (await once(child, 'close')) as [number | null];
    return { code, out };
  }

  async runs(): Promise<readonly Run[]> {
    const { runs } = await this.#ask<{ readonly runs: readonly Run[] }>('runs?all=1&limit=1000');
    return runs;
  }

  run(id: string): Promise<Run> {
    return this.#ask(`runs/${id}`);
  }

  async #ask<T>(what: string): Promise<T> {
    const socketPath = join(this.#dataDir, 'agent.sock');
    return JSON.parse(await getOverSocket(socketPath, `/v1/${what}`)) as T;
  }

  charges(): Promise<readonly Charge[]> {
    return getJson(`${this.services.ready['paymentUrl'] ?? ''}/charges`);
  }

  updates(): Promise<readonly Update[]> {
    return getJson(`${this.services.ready['inventoryUrl'] ?? ''}/updates`);
  }
}

async function getJson<T>(url: string): Promise<T> {
  return (await (await fetch(url)).json()) as T;
}

function getOverSocket(socketPath: string, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const asking = request({ socketPath, path }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => (text += part));
      response.on('end', () => resolve(text));
      response.on('error', reject);
    });
    asking.on('error', reject).end();
  });
}

/** Looks again and again until `read` gives something that is enough, or throws what there was. */
async function until<T>(
  read: () => Promise<T>,
  enough: (value: T) => boolean,
  deadlineMs = PATIENCE_MS,
): Promise<T> {
  const endMs = performance.now() + deadlineMs;
  for (;;) {
    const value = await read();
    if (enough(value)) return value;
    if (performance.now() > endMs) throw new Error(`not in time: ${JSON.stringify(value)}`);
    await pause(50);
  }
}

test.serial('each order is charged once through an outage, lost answers and a kill', async (t) => {
  t.timeout(180_000);
  const kiosk = await Kiosk.open(t, ['--fail-rate', '0.3', '--seed', '5', '--delay-ms', '40']);
  const firstGateway = await kiosk.gateway(0);
  const { mqtt = '' } = firstGateway.ready;
  await firstGateway.stop('SIGTERM');

  // Offline from the start. The power goes while cards are being charged.
  const firstAgent = await kiosk.agent(mqtt);
  const fromFile = ['--input-lines', orderFile, '--id-field', 'id'];
  const started = await kiosk.holdfast('start', 'checkout', ...fromFile);
  t.is(started.code, 0, started.out);
  await until(() => kiosk.charges(), (rows) => rows.length >= 5);
  await firstAgent.stop('SIGKILL');
  await kiosk.agent(mqtt);
  const offline = await until(
    () => kiosk.runs(),
    (runs) => runs.length === 25 && runs.every(({ state }) => state === 'waiting-call'),
  );
  t.deepEqual([...new Set(offline.map(({ status }) => status))], [shortly]);
  t.deepEqual(await kiosk.updates(), []);

  await kiosk.gateway(Number(new URL(mqtt).port));
  const done = await until(
    () => kiosk.runs(),
    (runs) => runs.every(({ state }) => state === 'completed'),
    120_000, // The next attempt to connect may be a minute away.
  );

  t.deepEqual([...new Set(done.map(({ status }) => status))], ['Your order is confirmed.']);
  const [charges, updates] = [await kiosk.charges(), await kiosk.updates()];
  const ids = (await readFile(orderFile, 'utf8'))
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as { readonly id: string }).id);
  t.deepEqual(charges.map(({ orderId }) => orderId).toSorted(), ids);
  t.deepEqual(updates.map(({ orderId }) => orderId).toSorted(), ids);
  t.true(charges.some(({ requests }) => requests > 1), 'some charges needed their key');
  const receipts = await readdir(join(kiosk.directory, 'kiosk', 'receipts'));
  t.deepEqual(receipts.toSorted(), ids.map((id) => `${id}.txt`));
});

test.serial('an order that cannot be sold ends clearly, and nobody pays for it', async (t) => {
  t.timeout(90_000);
  const kiosk = await Kiosk.open(t, []);
  const { mqtt = '' } = (await kiosk.gateway(0)).ready;
  await kiosk.agent(mqtt);
  const order = { id: 'B-1', sku: 'mug', quantity: 1, amount: 1290, currency: 'EUR' };
  const inputs: Readonly<Record<string, unknown>> = {
    sold: order,
    twice: order,
    poor: { ...order, id: 'B-2', amount: 100_001 },
    greedy: { ...order, id: 'B-3', quantity: 5_000 },
    evil: { ...order, id: '../../evil' },
  };

  const sell = async (id: string): Promise<unknown> => {
    const input = JSON.stringify(inputs[id]);
    const begun = await kiosk.holdfast('start', 'checkout', '--input', input, '--id', id);
    t.is(begun.code, 0, begun.out);
    const waited = await kiosk.holdfast('wait', '--run', id, '--timeout', '30s');
    t.is(waited.code, 0, waited.out);
    const { output, status } = await kiosk.run(id);
    return [output?.['status'], status];
  };

  const sold = await sell('sold');
  const others = ['twice', 'poor', 'greedy', 'evil'].map(async (id) => [id, await sell(id)]);
  const ends: unknown = { sold, ...Object.fromEntries(await Promise.all(others)) };

  t.deepEqual(ends, {
    sold: ['confirmed', 'Your order is confirmed.'],
    twice: ['duplicate', 'This order has been placed already.'],
    poor: ['declined', 'Your card was declined. Nothing was charged.'],
    greedy: ['refunded', 'We are sorry: this is sold out. Your money is on its way back.'],
    evil: ['refused', 'This order cannot be placed.'],
  });
  t.like(await kiosk.charges(), [
    { orderId: 'B-1', requests: 1, refunded: false },
    { orderId: 'B-3', requests: 1, refunded: true },
  ]);
  t.like(await kiosk.updates(), [{ orderId: 'B-1', quantity: 1, requests: 1 }]);
});

interface Row {
  readonly kind: string;
  readonly name: string | null;
}

test.serial('health by cron reaches the ledger, alarms on a lane of their own', async (t) => {
  t.timeout(60_000);
  const kiosk = await Kiosk.open(t, []);
  const gateway = await kiosk.gateway(0);
  const { mqtt = '' } = gateway.ready;
  await kiosk.agent(mqtt, {
    code: 'host-health',
    env: { HEALTH_CRON: '* * * * * *', HEALTH_MEMORY_PERCENT_MAX: '0' },
  });

  const events = (lane: string, name: string) => async () => {
    const path = `/api/devices/kiosk-7/entries?lane=${lane}&limit=100`;
    const answer = await askApi(apiOf(gateway), path);
    // It is not known to the gateway before its first hello.
    const { entries = [] } = (await answer.json()) as { readonly entries?: readonly Row[] };
    return entries.filter((row) => row.name === name);
  };
  const readings = await until(events('bulk', 'host.health'), (rows) => rows.length >= 3);
  const alarms = await until(events('urgent', 'host.alarm'), (rows) => rows.length >= 3);

  t.true(readings.length >= 3 && alarms.length >= 3);
  t.like((await kiosk.runs()).at(-1), { state: 'completed' });
});

test.serial('a limit of host-health that is no number keeps the agent from starting', async (t) => {
  const kiosk = await Kiosk.open(t, []);

  const starting = kiosk.agent('mqtt://127.0.0.1:1', {
    code: 'host-health',
    env: { HEALTH_LOAD_MAX: 'much' },
  });

  await t.throwsAsync(starting, { message: /HEALTH_LOAD_MAX is 'much'/ });
});
