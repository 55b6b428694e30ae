import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { Faults } from '@holdfast/examples/stand-ins/faults';
import { type Service } from '@holdfast/examples/stand-ins/http-service';
import { serveInventory, type Update } from '@holdfast/examples/checkout/inventory-service';
import { problemOf } from '@holdfast/examples/checkout/order';
import { servePayment, type Charge } from '@holdfast/examples/checkout/payment-service';
import { alarmsOf, readLimits, unlimited } from '@holdfast/examples/host-health/limits';
import {
  readDisk,
  readLoad,
  readMemory,
  readTemperature,
} from '@holdfast/examples/host-health/readings';
import { readRegisters } from '@holdfast/examples/modbus/registers';

const order = { orderId: 'A-1', amount: 1290, currency: 'EUR' };
const goods = { orderId: 'A-1', sku: 'mug', quantity: 2 };

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

async function opened(t: ExecutionContext, starting: Promise<Service>): Promise<string> {
  const service = await starting;
  t.teardown(() => service.close());
  return service.url;
}

async function post(
  url: string,
  body: unknown,
  { key, waitMs = 5_000 }: { readonly key?: string; readonly waitMs?: number } = {},
): Promise<Answer> {
  const response = await fetch(url, {
    method: 'POST',
    headers: key === undefined ? {} : { 'idempotency-key': key },
    body: typeof body === 'string' ? body : JSON.stringify(body),
    signal: AbortSignal.timeout(waitMs),
  });
  return { status: response.status, body: await response.json() };
}

async function charges(url: string): Promise<readonly Charge[]> {
  return (await (await fetch(`${url}/charges`)).json()) as readonly Charge[];
}

/** Those that there are once there are any. */
async function firstCharges(url: string): Promise<readonly Charge[]> {
  for (;;) {
    const rows = await charges(url);
    if (rows.length > 0) return rows;
  }
}

/** A request for a payment whose client gives up when told to. */
function request(url: string, key: string) {
  const controller = new AbortController();
  const answer = fetch(`${url}/authorize`, {
    method: 'POST',
    headers: { 'idempotency-key': key },
    body: JSON.stringify(order),
    signal: controller.signal,
  });
  return { answer, stop: () => controller.abort() };
}

async function updates(url: string): Promise<readonly Update[]> {
  return (await (await fetch(`${url}/updates`)).json()) as readonly Update[];
}

test('a key is charged once, and every repeat gets the same authorization', async (t) => {
  const url = await opened(t, servePayment());

  const first = await post(`${url}/authorize`, order, { key: 'k1' });
  const repeats = await Promise.all(
    Array.from({ length: 5 }, () => post(`${url}/authorize`, order, { key: 'k1' })),
  );

  t.is(first.status, 200);
  for (const repeat of repeats) t.deepEqual(repeat, first);
  const [charge, ...more] = await charges(url);
  t.like(charge, { key: 'k1', orderId: 'A-1', amount: 1290, requests: 6, refunded: false });
  t.deepEqual(more, []);
});

test('another key is another charge', async (t) => {
  const url = await opened(t, servePayment());

  await post(`${url}/authorize`, order, { key: 'k1' });
  await post(`${url}/authorize`, order, { key: 'k2' });

  const rows = await charges(url);
  t.deepEqual(
    rows.map((row) => row.key),
    ['k1', 'k2'],
  );
  t.not(rows[0]?.authorization, rows[1]?.authorization);
});

test('a charge whose answer was lost is found again by its key', async (t) => {
  const url = await opened(t, servePayment());
  await post(`${url}/faults`, { fail: 2, kind: 'forget' });

  const statuses = [];
  for (let attempt = 1; attempt <= 3; attempt += 1) {
    statuses.push((await post(`${url}/authorize`, order, { key: 'k1' })).status);
  }

  t.deepEqual(statuses, [503, 503, 200]);
  const rows = await charges(url);
  t.is(rows.length, 1);
  t.is(rows[0]?.requests, 3);
});

test('a refused request charges nothing, a hanging one has charged', async (t) => {
  const url = await opened(t, servePayment());

  await post(`${url}/faults`, { fail: 1 });
  const refused = await post(`${url}/authorize`, order, { key: 'k1' });
  const chargesThen = await charges(url);
  await post(`${url}/faults`, { fail: 1, kind: 'hang' });
  const waiting = request(url, 'k1');
  const chargesNow = await firstCharges(url);
  waiting.stop();

  t.is(refused.status, 503);
  t.deepEqual(chargesThen, []);
  t.is(chargesNow.length, 1);
  await t.throwsAsync(waiting.answer, { any: true }, 'no answer ever came');
});

test('an answer comes after its delay, and the charge before it', async (t) => {
  const url = await opened(t, servePayment({ delayMs: 60_000 }));

  const waiting = request(url, 'k1');
  const rows = await firstCharges(url);
  waiting.stop();

  await t.throwsAsync(waiting.answer, { any: true }, 'no answer came yet');
  t.is(rows[0]?.key, 'k1');
});

test('the same seed fails the same requests in whatever order they come', (t) => {
  const ids = Array.from({ length: 200 }, (_, index) => `A-${index}`);
  const fates = (seed: number, sequence: readonly string[]) => {
    const faults = new Faults({ failRate: 0.5, seed });
    return Object.fromEntries(sequence.map((id) => [id, faults.next(id) ?? 'well']));
  };

  const first = fates(7, ids);

  t.deepEqual(fates(7, ids.toReversed()), first);
  t.notDeepEqual(fates(8, ids), first);
  const kinds = new Set(Object.values(first));
  t.deepEqual([...kinds].toSorted(), ['forget', 'hang', 'refuse', 'well']);
  const failed = Object.values(first).filter((fate) => fate !== 'well').length;
  t.true(failed > 60 && failed < 140, `${failed} of 200 failed at a rate of 0.5`);
});

test('a service with a fail rate fails, and an order gets through in the end', async (t) => {
  const url = await opened(t, servePayment({ failRate: 0.6, seed: 3 }));

  const statuses: number[] = [];
  while (statuses.at(-1) !== 200) {
    const answer = await post(`${url}/authorize`, order, { key: 'k1', waitMs: 1_000 }).catch(
      () => undefined, // It hangs; the next attempt follows.
    );
    statuses.push(answer?.status ?? 0);
  }

  t.true(statuses.length > 1, statuses.join(' '));
  t.like(await charges(url), [{ key: 'k1', requests: statuses.length }]);
});

test('a declined card stays declined for its key and is not charged', async (t) => {
  const url = await opened(t, servePayment());
  const dear = { ...order, amount: 100_001 };

  const first = await post(`${url}/authorize`, dear, { key: 'k1' });
  const again = await post(`${url}/authorize`, dear, { key: 'k1' });

  t.is(first.status, 402);
  t.deepEqual(again, first);
  t.deepEqual(await charges(url), []);
});

test('a refund marks the charge, once or more often', async (t) => {
  const url = await opened(t, servePayment());
  const { body } = await post(`${url}/authorize`, order, { key: 'k1' });

  const refunds = [
    await post(`${url}/refund`, body, { key: 'k2' }),
    await post(`${url}/refund`, body, { key: 'k2' }),
    await post(`${url}/refund`, { authorization: 'AUTH-9' }, { key: 'k3' }),
  ];

  t.deepEqual(
    refunds.map(({ status }) => status),
    [200, 200, 404],
  );
  t.like(await charges(url), [{ key: 'k1', refunded: true }]);
});

test('goods leave once for each key, and not when there are too few', async (t) => {
  const url = await opened(t, serveInventory({ stock: 3 }));
  await post(`${url}/faults`, { fail: 1, kind: 'forget' });

  const statuses = [
    (await post(`${url}/update`, goods, { key: 'k1' })).status,
    (await post(`${url}/update`, goods, { key: 'k1' })).status,
    (await post(`${url}/update`, { ...goods, orderId: 'A-2' }, { key: 'k2' })).status,
  ];

  t.deepEqual(statuses, [503, 200, 409]);
  t.like(await updates(url), [{ key: 'k1', orderId: 'A-1', quantity: 2, requests: 2 }]);
});

test('requests that make no sense are refused with what is wrong', async (t) => {
  const payment = await opened(t, servePayment());
  const inventory = await opened(t, serveInventory());
  await post(`${payment}/authorize`, order, { key: 'used' });

  const table: readonly (readonly [number, string, Promise<Answer>])[] = [
    [400, 'Idempotency-Key', post(`${payment}/authorize`, order)],
    [422, 'another', post(`${payment}/authorize`, { ...order, amount: 1 }, { key: 'used' })],
    [400, 'orderId', post(`${payment}/authorize`, {}, { key: 'k' })],
    [400, 'amount', post(`${payment}/authorize`, { orderId: 'A', amount: -1 }, { key: 'k' })],
    [400, 'currency', post(`${payment}/authorize`, { orderId: 'A', amount: 1 }, { key: 'k' })],
    [400, 'JSON', post(`${payment}/authorize`, '{', { key: 'k' })],
    [400, 'JSON', post(`${payment}/authorize`, 'null', { key: 'k' })],
    [400, '65536', post(`${payment}/authorize`, `"${'x'.repeat(70_000)}"`, { key: 'k' })],
    [400, 'kind', post(`${payment}/faults`, { fail: 1, kind: 'explode' })],
    [400, 'fail', post(`${payment}/faults`, { fail: -1 })],
    [400, 'quantity', post(`${inventory}/update`, { ...goods, quantity: 0.5 }, { key: 'k' })],
    [404, 'POST /nothing', post(`${inventory}/nothing`, {})],
  ];

  for (const [status, word, answering] of table) {
    const answer = await answering;
    t.is(answer.status, status, word);
    t.true(JSON.stringify(answer.body).includes(word), JSON.stringify(answer.body));
  }
});

const program = new URL('../../../../examples/dist/checkout/services.js', import.meta.url).pathname;

function run(t: ExecutionContext, args: readonly string[]) {
  const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  t.teardown(() => child.kill('SIGKILL'));
  const text = { out: '', error: '' };
  child.stdout.setEncoding('utf8').on('data', (part: string) => (text.out += part));
  child.stderr.setEncoding('utf8').on('data', (part: string) => (text.error += part));
  const ended = once(child, 'close').then(([code]: unknown[]) => ({ code, ...text }));
  return { child, ended };
}

test('the program prints its addresses when ready and ends on SIGTERM', async (t) => {
  const { child, ended } = run(t, ['--payment-port', '0', '--inventory-port', '0']);

  const [line] = (await once(child.stdout, 'data')) as [string];
  const ready = JSON.parse(line) as Record<'paymentUrl' | 'handlerUrl', string>;
  const paid = await post(`${ready.paymentUrl}/authorize`, order, { key: 'k1' });
  const updated = await post(ready.handlerUrl, goods, { key: 'k1' });
  child.kill('SIGTERM');

  t.is(paid.status, 200);
  t.is(updated.status, 200);
  t.like(await ended, { code: 0, error: '' });
});

test('what it cannot do it says in three lines', async (t) => {
  const taken = createServer().listen(0, '127.0.0.1');
  t.teardown(() => taken.close());
  await once(taken, 'listening');
  const port = String((taken.address() as AddressInfo).port);
  const table: readonly (readonly [number, string, readonly string[]])[] = [
    [1, port, ['--payment-port', '0', '--inventory-port', port]],
    [2, '--fail-rate', ['--fail-rate', '1.5']],
    [2, '--payment-port', ['--payment-port', 'http']],
    [2, '--colour', ['--colour', 'red']],
  ];

  for (const [code, word, args] of table) {
    const result = await run(t, args).ended;
    t.is(result.code, code, result.error);
    t.is(result.out, '');
    t.regex(result.error, /^error: .+\n {2}cause: .+\n {2}hint: .+\n$/);
    t.true(result.error.includes(word), result.error);
  }
});

test('every sample order is one, with an id of its own', async (t) => {
  const file = new URL('../../../../examples/checkout/orders.ndjson', import.meta.url);

  const lines = (await readFile(file, 'utf8')).trimEnd().split('\n');
  const orders = lines.map((line) => JSON.parse(line) as { readonly id: string });

  t.is(orders.length, 25);
  for (const each of orders) t.is(problemOf(each), undefined, JSON.stringify(each));
  t.is(new Set(orders.map(({ id }) => id)).size, 25);
});

test('what is no order is told apart by its reason', (t) => {
  const good = { id: 'A-1', sku: 'mug', quantity: 1, amount: 100, currency: 'EUR' };
  const table: readonly (readonly [unknown, string])[] = [
    [undefined, 'object'],
    [[], 'id'],
    [{ ...good, id: '../../etc/passwd' }, 'id'],
    [{ ...good, customer: 7 }, 'customer'],
    [{ ...good, sku: '' }, 'sku'],
    [{ ...good, quantity: 0 }, 'quantity'],
    [{ ...good, amount: 12.9 }, 'amount'],
    [{ ...good, currency: 'euro' }, 'currency'],
  ];

  t.is(problemOf(good), undefined);
  for (const [input, word] of table) t.true(problemOf(input)?.includes(word), word);
});

test('readings are those of this machine', async (t) => {
  const [load, memory, disk, celsius] = [
    readLoad(),
    readMemory(),
    await readDisk('/'),
    await readTemperature(),
  ];

  t.true(load.load1 >= 0 && load.cpus >= 1);
  t.true(memory.totalBytes > 2 ** 20 && memory.freeBytes < memory.totalBytes);
  t.true(disk.totalBytes > 2 ** 20 && disk.freeBytes <= disk.totalBytes);
  t.true(celsius === null || (celsius > -60 && celsius < 150), String(celsius));
});

test('a reading beyond its limit raises that alarm, one at it none', (t) => {
  const reading = {
    load: { load1: 4, cpus: 2 },
    memory: { totalBytes: 1_000, freeBytes: 100 },
    disk: { totalBytes: 1_000, freeBytes: 50 },
    celsius: null,
  };
  const limits = { loadMax: 4, memoryPercentMax: 89.9, diskPercentMax: 95, celsiusMax: 0 };

  t.deepEqual(alarmsOf(reading, limits), [{ what: 'memory', value: 90, max: 89.9 }]);
  t.deepEqual(alarmsOf({ ...reading, celsius: 81 }, { ...unlimited, celsiusMax: 80 }), [
    { what: 'temperature', value: 81, max: 80 },
  ]);
});

test('limits come from the environment, and what is no number is refused', (t) => {
  t.is(readLimits({ HEALTH_LOAD_MAX: '0.5' }).loadMax, 0.5);
  t.is(readLimits({}).diskPercentMax, 90);
  t.throws(() => readLimits({ HEALTH_LOAD_MAX: 'much' }), { message: /HEALTH_LOAD_MAX/ });
  t.throws(() => readLimits({ HEALTH_CELSIUS_MAX: '' }), { message: /HEALTH_CELSIUS_MAX/ });
});

/** A meter that answers each question with these bytes, a part of them late. */
async function meter(t: ExecutionContext, ...answer: readonly number[]): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => {
      socket.write(Buffer.from(answer.slice(0, 5)));
      setImmediate(() => socket.write(Buffer.from(answer.slice(5))));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  return (server.address() as AddressInfo).port;
}

test('registers are read over Modbus TCP; a refusal, and silence, are told', async (t) => {
  const { signal } = new AbortController();
  const where = { host: '127.0.0.1', unit: 1, first: 0, count: 2 };
  const well = await meter(t, 0, 0, 0, 0, 0, 7, 1, 3, 4, 0x09, 0x06, 0x00, 0x2a);
  const refusing = await meter(t, 0, 0, 0, 0, 0, 3, 1, 0x83, 2);
  const silent = await meter(t);

  t.deepEqual(await readRegisters({ ...where, port: well }, signal), [2310, 42]);
  await t.throwsAsync(readRegisters({ ...where, port: refusing }, signal), {
    message: /exception 2/,
  });
  await t.throwsAsync(readRegisters({ ...where, port: 1 }, signal), { code: 'ECONNREFUSED' });
  const late = readRegisters({ ...where, port: silent }, AbortSignal.timeout(50));
  await t.throwsAsync(late, { name: 'AbortError' });
});
