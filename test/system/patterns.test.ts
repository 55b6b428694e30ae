import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { audit, createTcpProxy, getFromApi, until, type TcpProxy } from '@holdfast/device-sim';
import { kWhOf, serveMeters, type MeterLoad } from '@holdfast/examples/fan-out/meter-service';
import { serveNotices, type NoticeRow } from '@holdfast/examples/approval/notice-service';
import { serveJson, type Service } from '@holdfast/examples/stand-ins/http-service';
import {
  DEVICE,
  ExampleDevice,
  getJson,
  namesOf,
  postJson,
} from '../support/example-device.ts';
import { serveGateway } from '../support/gateway-process.ts';
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

test.serial('a fan-out goes on behind a kill and a cut, and asks no meter twice', async (t) => {
  t.timeout(90_000);
  const service = await opened(t, serveMeters({ delayMs: 60 }));
  const wire = await wireTo(t, service);
  const device = await ExampleDevice.open(t, {
    example: 'fan-out',
    env: { METERS_URL: wire.url },
  });
  const names = Array.from({ length: 24 }, (_, index) => `meter-${index}`);
  const [first, second, third] = [names.slice(0, 7), names.slice(7, 15), names.slice(15)];
  const meters = [...first, 'old-1', ...second, 'old-2', ...third];
  await device.begin('read-meters', { meters, missingMax: 2 }, 'round-1');

  await device.once('round-1', (run) => namesOf(run, 'step.completed').length >= 5);
  await device.kill();
  wire.setMode('cut');
  await device.start();
  const cut = await device.once('round-1', (run) => namesOf(run, 'step.retrying').length > 0);
  const read = namesOf(cut, 'step.completed').map((name) => `${name}`.replace('read ', ''));
  const before = (await getJson<MeterLoad>(`${service}/load`)).requests;
  wire.setMode('up');
  const { output } = await device.ended('round-1', 'completed');

  const gone = (meter: string) => ({ meter, missing: `${meter} answered 410` });
  t.deepEqual(output, {
    totalKWh: names.reduce((sum, meter) => sum + kWhOf(meter), 0),
    rows: meters.map((meter) =>
      names.includes(meter) ? { meter, kWh: kWhOf(meter) } : gone(meter),
    ),
  });
  const { requests, atOnceMax } = await getJson<MeterLoad>(`${service}/load`);
  t.true(read.length >= 5 && read.length < 24, `${read.length} were read before the cut`);
  for (const meter of read) t.is(requests[meter], before[meter], `${meter} was asked again`);
  t.true(atOnceMax <= 4, `${atOnceMax} at once`);
});

test.serial('a fan-out with more failures than it bears fails, and says which', async (t) => {
  t.timeout(60_000);
  const service = await opened(t, serveMeters());
  const device = await ExampleDevice.open(t, { example: 'fan-out', env: { METERS_URL: service } });

  await device.begin('read-meters', { meters: ['a', 'old-1', 'b', 'old-2'], missingMax: 1 }, 'r');
  const { state, error } = await device.ended('r', 'failed');

  t.is(state, 'failed');
  t.like(error, { code: 'HF_MAP_FAILED' });
  t.regex(error?.message ?? '', /2 failed, item 1 first/);
});

interface DigestView {
  readonly state: string;
  readonly progress: { readonly digested: number } | null;
  readonly href: string;
  readonly result?: { readonly files: readonly { file: string; sha256: string }[] };
}

test.serial('an async API keeps its 202 through a kill, and a key is one run', async (t) => {
  t.timeout(90_000);
  const shelf = await mkdtemp(join(tmpdir(), 'hf-shelf-'));
  t.teardown(() => rm(shelf, { recursive: true, force: true }));
  const folder = join(shelf, 'photos');
  await mkdir(folder);
  await writeFile(join(folder, 'a.txt'), 'first');
  await writeFile(join(folder, 'b.txt'), 'second');
  // A file that cannot be read to its end until somebody writes it: the run is caught at work.
  const pipe = join(folder, 'c.pipe');
  execFileSync('mkfifo', [pipe]);
  const device = await ExampleDevice.open(t, {
    ...{ example: 'async-api', program: 'main.js', env: { SHELF_DIR: shelf } },
  });
  const look = (href: string): Promise<DigestView> =>
    getJson<DigestView>(`${String(device.ready['url'])}${href}`);

  // The answer is lost on the way; the caller asks again.
  const wire = await wireTo(t, String(device.ready['url']));
  const lost = postJson(`${wire.url}/digests`, { folder: 'photos' }, 'photos-1');
  await wire.onceBusy();
  wire.setMode('cut');
  await t.throwsAsync(lost);
  const url = `${String(device.ready['url'])}/digests`;
  const { status, headers, body } = await postJson(url, { folder: 'photos' }, 'photos-1');
  t.is(status, 202);
  t.deepEqual(body, { id: 'photos-1', state: 'running', href: '/digests/photos-1' });
  const href = headers.get('location') ?? '';
  await until('two digests', async () => (await look(href)).progress?.digested === 2);

  await device.kill();
  await writeFile(join(folder, 'a.txt'), 'was digested before this');
  await device.start();
  const open = await look(href);
  t.is(open.result, undefined);
  t.not(open.state, 'completed');
  await writeFile(pipe, 'third');
  const done = await until('the end', async () => {
    const view = await look(href);
    return view.state === 'completed' && view;
  });

  const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
  t.deepEqual(done.result, {
    files: [
      { file: 'a.txt', sha256: sha256('first') },
      { file: 'b.txt', sha256: sha256('second') },
      { file: 'c.pipe', sha256: sha256('third') },
    ],
  });
  const again = `${String(device.ready['url'])}/digests`;
  t.is((await postJson(again, { folder: 'photos' }, 'photos-1')).status, 202);
  t.is((await postJson(again, { folder: 'others' }, 'photos-1')).status, 409);
  t.is((await postJson(again, { folder: '../..' })).status, 400);
  t.is((await fetch(`${again}/nobody`)).status, 404);
});

interface Row {
  readonly name: string | null;
}

test.serial('a monitor raises each alarm once, whatever is cut and killed', async (t) => {
  t.timeout(120_000);
  const gateway = await serveGateway(t, await tempDir(t));
  const [link, site] = await Promise.all([
    wireTo(t, gateway.mqtt),
    opened(t, serveJson(0, { 'GET /health': () => ({ status: 200, body: 'fine' }) })).then((url) =>
      wireTo(t, url),
    ),
  ]);
  const device = await ExampleDevice.open(t, { example: 'monitor', gateway: link.url });
  const watch = { url: `${site.url}/health`, every: '100ms', remindEvery: '30m' };
  await device.begin('watch-endpoint', watch, 'shop');
  const standing = (endpoint: string, outages: number) =>
    device.once('shop', ({ status }) => {
      const seen = status as { endpoint?: string; outages?: number } | null;
      return seen?.endpoint === endpoint && seen.outages === outages;
    });

  await standing('up', 0);
  link.setMode('cut');
  site.setMode('cut');
  await standing('down', 1);
  await device.killAndStart();
  t.like(await standing('down', 1), { id: 'shop' });
  site.setMode('up');
  const second = await standing('up', 1);
  t.is(second.history[0]?.kind, 'run.started', 'it goes on in a new history');
  t.deepEqual(namesOf(second, 'event.emitted'), []);
  site.setMode('cut');
  await standing('down', 2);
  site.setMode('up');
  await standing('up', 2);
  await device.killAndStart();
  link.setMode('up');
  await device.client.waitSynced(60_000);

  const page = `/api/devices/${DEVICE}/entries?lane=urgent&limit=100`;
  const { entries } = await getFromApi<{ readonly entries: readonly Row[] }>(gateway, page);
  const alarms = entries.flatMap(({ name }) => (name?.startsWith('endpoint.') ? [name] : []));
  const once = ['endpoint.down', 'endpoint.up'];
  t.deepEqual(alarms, [...once, ...once]);
  t.like(await audit(device.client, gateway, DEVICE), { missing: 0, duplicated: 0 });
  await device.once('shop', ({ state }) => state === 'sleeping');
});

test.serial('a monitor reminds while it is down, and no more when it is up', async (t) => {
  t.timeout(60_000);
  const site = await wireTo(
    t,
    await opened(t, serveJson(0, { 'GET /health': () => ({ status: 200, body: 'fine' }) })),
  );
  const device = await ExampleDevice.open(t, { example: 'monitor' });
  const watch = { url: `${site.url}/health`, every: '100ms', remindEvery: '200ms' };
  site.setMode('cut');
  await device.begin('watch-endpoint', watch, 'shop');
  const events = async (): Promise<(string | null)[]> => {
    const { rows } = await device.client.journal({ lane: 'urgent', limit: 100 });
    return rows.map(({ name }) => name);
  };

  await until('reminders', async () => (await events()).length >= 4);
  await device.killAndStart();
  const before = (await events()).length;
  await until('reminders', async () => (await events()).length >= before + 2);
  site.setMode('up');
  await until('recovery', async () => (await events()).at(-1) === 'endpoint.up');

  // Longer than two reminders take: what is not to come cannot be waited for otherwise.
  await pause(500);
  t.is((await events()).at(-1), 'endpoint.up');
});

test.serial('an approval escalates in time, and takes the answer of who is asked', async (t) => {
  t.timeout(90_000);
  const url = await opened(t, serveNotices());
  const wire = await wireTo(t, url);
  const device = await ExampleDevice.open(t, {
    ...{ example: 'approval', env: { NOTICE_URL: wire.url } },
  });
  const notices = (): Promise<readonly NoticeRow[]> => getJson(`${url}/notices`);
  const tokenOf = async (run: string, to: string): Promise<string> =>
    until(`a notice to ${to}`, async () =>
      (await notices()).findLast((row) => row.run === run && row.to === to)?.token,
    );
  const purchase = { what: 'a pump', amount: 129_000, approvers: ['ada', 'grace'] };

  // The wire is cut when the first is asked, and the power goes before the notice is out.
  wire.setMode('cut');
  await device.begin('approval', { ...purchase, patience: '12s' }, 'pump-1');
  await device.once('pump-1', (run) => namesOf(run, 'step.retrying').length > 0);
  await device.kill();
  wire.setMode('up');
  await device.start();
  const late = await tokenOf('pump-1', 'ada');
  // Nobody answers; the deadline runs through another power cut.
  await device.killAndStart();
  const token = await tokenOf('pump-1', 'grace');
  const tooLate = device.client.complete({ token: late, result: { approved: true, by: 'a' } });
  await t.throwsAsync(tooLate, {
    code: 'HF_TOKEN_INVALID',
  });
  await device.client.complete({ token, result: { approved: true, by: 'grace', note: 'at last' } });
  const { output } = await device.ended('pump-1', 'completed');
  t.deepEqual(output, { outcome: 'decided', approved: true, by: 'grace', note: 'at last' });

  // By signal, while the device is off the network; what is no decision is refused.
  await device.begin('approval', { ...purchase, patience: '10m' }, 'pump-2');
  await tokenOf('pump-2', 'ada');
  const answer = (payload: unknown): Promise<unknown> =>
    device.client.signal({ run: 'pump-2', name: 'decision', payload });
  await t.throwsAsync(answer('yes, of course'), { code: 'HF_SIGNAL_REFUSED' });
  await device.killAndStart();
  await answer({ approved: false, by: 'ada' });
  t.like((await device.ended('pump-2', 'completed')).output, { approved: false, by: 'ada' });

  // Nobody at all.
  await device.begin('approval', { ...purchase, patience: '300ms' }, 'pump-3');
  const unanswered = await device.ended('pump-3', 'completed');
  t.deepEqual(unanswered.output, { outcome: 'unanswered', asked: ['ada', 'grace'] });
  t.deepEqual(namesOf(unanswered, 'event.emitted').length, 2);
});

