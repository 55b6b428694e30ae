import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { createTcpProxy, until, type TcpProxy } from '@holdfast/device-sim';
import { serveModel, type BillRow } from '@holdfast/examples/agent-loop/model-service';
import { serveTravel, type BookingRow } from '@holdfast/examples/saga/travel-service';
import type { Service } from '@holdfast/examples/stand-ins/http-service';
import { ExampleDevice, getJson, namesOf, postJson } from '../support/example-device.ts';
import { tempDir } from '../support/temp-dir.ts';

async function opened(t: ExecutionContext, starting: Promise<Service>): Promise<string> {
  const service = await starting;
  t.teardown(() => service.close());
  return service.url;
}

/** A wire to a service that can be cut. */
async function wireTo(t: ExecutionContext, url: string): Promise<TcpProxy & { url: string }> {
  const wire = await createTcpProxy({ host: '127.0.0.1', port: Number(new URL(url).port) });
  t.teardown(() => wire.close());
  return Object.assign(wire, { url: `${new URL(url).protocol}//127.0.0.1:${wire.port}` });
}

test.serial('a saga gives back what it booked, once, through kills in the rollback', async (t) => {
  t.timeout(120_000);
  const travel = await opened(t, serveTravel({ soldOut: ['car'] }));
  const wire = await wireTo(t, travel);
  const device = await ExampleDevice.open(t, { example: 'saga', env: { TRAVEL_URL: wire.url } });
  const rows = (): Promise<readonly BookingRow[]> => getJson(`${travel}/bookings`);

  // The first booking is made and its answer lost: the same key finds it again.
  await postJson(`${travel}/faults`, { fail: 1, kind: 'forget' });
  await device.begin('book-trip', { id: 'trip-1' }, 'trip-1');
  // Each answer takes a while from here on, so that a kill finds the rollback at work.
  await until('the flight', async () => (await rows()).length >= 1);
  await postJson(`${travel}/faults`, { delayMs: 400 });
  await until('the first to be given back', async () =>
    (await rows()).some(({ isCancelled }) => isCancelled),
  );
  // The hotel is given back there, and nothing here says so yet.
  await device.kill();
  await postJson(`${travel}/faults`, { fail: 2, kind: 'refuse', delayMs: 0 });
  await device.start();
  await device.once('trip-1', (run) => namesOf(run, 'step.retrying').includes('undo book-hotel'));
  wire.setMode('cut');
  await device.killAndStart();
  await device.once('trip-1', (run) => namesOf(run, 'step.retrying').length >= 3);
  wire.setMode('up');
  const { state, error, history } = await device.ended('trip-1', 'failed');

  t.is(state, 'failed');
  t.regex(error?.message ?? '', /book-car/);
  const undone = history.filter((row) => row.kind === 'step.completed').map((row) => row.name);
  t.deepEqual(undone, ['book-flight', 'book-hotel', 'undo book-hotel', 'undo book-flight']);
  t.deepEqual(await rows(), [
    { id: 'flight-1', kind: 'flight', trip: 'trip-1', isCancelled: true, cancellations: 1 },
    { id: 'hotel-2', kind: 'hotel', trip: 'trip-1', isCancelled: true, cancellations: 1 },
  ]);
});

test.serial('a trip that can be had is booked, and a cancelled one given back', async (t) => {
  t.timeout(60_000);
  const travel = await opened(t, serveTravel());
  const device = await ExampleDevice.open(t, { example: 'saga', env: { TRAVEL_URL: travel } });

  await device.begin('book-trip', { id: 'trip-1' }, 'trip-1');
  t.like(await device.ended('trip-1', 'completed'), {
    state: 'completed',
    output: {
      bookings: [
        { kind: 'flight', id: 'flight-1' },
        { kind: 'hotel', id: 'hotel-2' },
        { kind: 'car', id: 'car-3' },
      ],
    },
  });

  await postJson(`${travel}/faults`, { delayMs: 300 });
  await device.begin('book-trip', { id: 'trip-2' }, 'trip-2');
  await device.once('trip-2', (run) => namesOf(run, 'step.completed').length >= 1);
  await device.client.cancel({ run: 'trip-2', reason: 'changed their mind' });
  t.is((await device.ended('trip-2', 'cancelled')).state, 'cancelled');
  const rows = await getJson<readonly BookingRow[]>(`${travel}/bookings`);
  const second = rows.filter(({ trip }) => trip === 'trip-2');
  t.true(second.length >= 1);
  t.deepEqual(second.filter(({ isCancelled }) => !isCancelled), []);
});

interface Totals {
  readonly count: number;
  readonly sum: number;
  readonly min: number;
  readonly max: number;
}

test.serial('an aggregator counts each reading once, over kills and cuts', async (t) => {
  t.timeout(120_000);
  const device = await ExampleDevice.open(t, { example: 'aggregator', program: 'main.js' });
  let wire = await wireTo(t, String(device.ready['url']));
  const sensors = ['boiler', 'cellar', 'roof'];
  const readings = Array.from({ length: 900 }, (_, index) => ({
    sensor: sensors[index % 3] ?? '',
    value: index,
  }));
  let sent = 0;
  let taken = 0;
  let lost = 0;

  /** Sends a reading until there is an answer, as one does whose answers may be lost. */
  const deliver = async (reading: (typeof readings)[number], key: string): Promise<void> => {
    await until('an answer', async () => {
      try {
        return (await postJson(`${wire.url}/readings`, reading, key)).status === 200;
      } catch {
        lost += 1; // Killed or cut in the middle: whether it was counted is not known.
        return false;
      }
    });
    taken += 1;
  };
  const sender = async (): Promise<void> => {
    for (let index = sent; index < readings.length; index = sent) {
      sent += 1;
      const reading = readings[index];
      if (reading !== undefined) await deliver(reading, `reading-${index}`);
    }
  };

  const senders = Promise.all(Array.from({ length: 24 }, sender));
  for (const count of [150, 400, 650]) {
    await until(`${count} readings`, async () => taken >= count);
    const lostBefore = lost;
    wire.setMode('cut');
    await until('lost answers', async () => lost > lostBefore);
    wire.setMode('up');
    await until('answers again', async () => taken >= count + 50);
    await device.killAndStart();
    wire = await wireTo(t, String(device.ready['url']));
  }
  await senders;

  for (const [first, sensor] of sensors.entries()) {
    const values = readings.filter((each) => each.sensor === sensor).map(({ value }) => value);
    const totals = await getJson<Totals>(`${String(device.ready['url'])}/totals/${sensor}`);
    t.deepEqual(totals, {
      count: 300,
      sum: values.reduce((sum, value) => sum + value, 0),
      min: first,
      max: first + 897,
    });
  }
});

const secret = 'sk-this-must-not-be-seen';

async function assistantWith(t: ExecutionContext, url: string, notes: string) {
  const env = { MODEL_URL: url, MODEL_API_KEY: secret, NOTES_DIR: notes };
  return ExampleDevice.open(t, { example: 'agent-loop', env });
}

/** Pauses that the attempts of a run were told to make, ms, and how late each next one was. */
async function pausesOf(device: ExampleDevice, run: string, why: RegExp) {
  const { entries } = await device.client.history(run);
  const told = entries.flatMap(({ entry }) => (entry === null ? [] : [entry]));
  return told.flatMap((entry, index) => {
    const { kind, op, atMs, nextAtMs, error } = entry;
    if (kind !== 'step.retrying' || !why.test(JSON.stringify(error))) return [];
    const next = told.slice(index + 1).find((each) => each['op'] === op);
    const laterMs = Number(next?.['atMs']) - Number(nextAtMs);
    // Both ends are rounded to a millisecond, each for itself.
    const pauseMs = Math.round((Number(nextAtMs) - Number(atMs)) / 10) * 10;
    return [{ pauseMs, isInTime: laterMs >= 0 }];
  });
}

test.serial('an agent loop pays for no turn twice, whatever fails', async (t) => {
  t.timeout(150_000);
  const model = await opened(t, serveModel());
  const wire = await wireTo(t, model);
  const notes = await tempDir(t);
  const device = await assistantWith(t, wire.url, notes);
  const bills = (): Promise<readonly BillRow[]> => getJson(`${model}/bills`);
  const task = { question: 'how is the machine?', prices: { prompt: 3, completion: 15 } };

  // The model asks for patience; then the first answer is paid for and lost.
  await postJson(`${model}/limit`, { requests: 2, seconds: 3 });
  await postJson(`${model}/faults`, { fail: 1, kind: 'forget' });
  await device.begin('assistant', task, 'q-1');
  await until('the first turn', async () => (await bills()).length >= 1);
  await postJson(`${model}/faults`, { delayMs: 700 });
  // The network goes while the second answer is on its way, and stays away through a power cut.
  await until('the second turn', async () => (await bills()).length >= 2);
  await wire.close();
  const gone = await device.once('q-1', ({ state }) => state === 'waiting-condition');
  t.is(gone.waitsFor, `reachable(127.0.0.1:${wire.port}), for model turn 2`);
  await device.killAndStart();
  const still = await device.once('q-1', ({ state }) => state === 'waiting-condition');
  t.is(namesOf(still, 'step.retrying').length, namesOf(gone, 'step.retrying').length);
  // It comes back, and the power goes while the third answer is on its way.
  const target = { host: '127.0.0.1', port: Number(new URL(model).port), listenAt: wire.port };
  const again = await createTcpProxy(target);
  t.teardown(() => again.close());
  await until('the third turn', async () => (await bills()).length >= 3);
  await device.kill();
  await postJson(`${model}/faults`, { fail: 1, kind: 'refuse', delayMs: 0 });
  await device.start();
  const { output, status, history } = await device.ended('q-1', 'completed');

  const rows = await bills();
  const promptTokens = rows.reduce((sum, row) => sum + row.promptTokens, 0);
  const completionTokens = rows.reduce((sum, row) => sum + row.completionTokens, 0);
  const cost = (promptTokens * 3 + completionTokens * 15) / 1_000_000;
  const spent = { promptTokens, completionTokens, cost };
  t.like(output, { turns: 3, spent });
  t.like(status, { turn: 3, ...spent });
  t.is(rows.length, 3, 'three turns were paid for');
  t.true(rows.every(({ requests }) => requests >= 2), 'the keys were needed');
  const kinds = history.filter(({ kind }) => kind === 'step.completed').map(({ name }) => name);
  t.deepEqual([...kinds].map(String).toSorted((a, b) => (a < b ? -1 : 1)), [
    ...['model turn 1', 'model turn 2', 'model turn 3'],
    ...['tool file_note', 'tool read_load', 'tool read_memory'],
  ]);
  const pause = { pauseMs: 3_000, isInTime: true };
  t.deepEqual(await pausesOf(device, 'q-1', /429/), [pause, pause], 'Retry-After is waited for');
  t.is((await readdir(notes)).length, 1, 'one note was filed');
  t.deepEqual(await leaks(device), []);
});

test.serial('an agent loop that begins offline waits, and uses no attempt', async (t) => {
  t.timeout(60_000);
  const model = await opened(t, serveModel());
  const wire = await wireTo(t, model);
  await wire.close();
  const device = await assistantWith(t, wire.url, await tempDir(t));
  await device.begin('assistant', { question: 'how is the machine?' }, 'q-1');

  const offline = await device.once('q-1', ({ state }) => state === 'waiting-condition');
  const target = { host: '127.0.0.1', port: Number(new URL(model).port), listenAt: wire.port };
  const up = await createTcpProxy(target);
  t.teardown(() => up.close());
  const { state, history } = await device.ended('q-1', 'completed');

  t.deepEqual([offline.attempt, state], [0, 'completed']);
  t.deepEqual(history.filter(({ kind }) => kind === 'step.retrying'), []);
});

test.serial('an agent loop bears a strange model, and stops one that never answers', async (t) => {
  t.timeout(60_000);
  const url = await opened(t, serveModel());
  const device = await assistantWith(t, url, await tempDir(t));

  await device.begin('assistant', { question: 'a strange one' }, 'q-1');
  await device.begin('assistant', { question: 'for ever', turnsMax: 3 }, 'q-2');

  const strange = await device.ended('q-1', 'completed');
  t.regex(JSON.stringify(strange.output), /there is no tool open_door/);
  const endless = await device.ended('q-2', 'failed');
  t.like(endless.error, { message: 'there was no answer within 3 turns' });
});

/** Files of the device, and its messages, that the key of the model got into. */
async function leaks(device: ExampleDevice): Promise<readonly string[]> {
  const entries = await readdir(device.dir, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((e) => join(e.parentPath, e.name));
  const found: string[] = device.lastLines.filter((line) => line.includes(secret));
  for (const file of files) {
    if ((await readFile(file)).includes(secret)) found.push(file);
  }
  return found;
}
