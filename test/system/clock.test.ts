import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { SocketClient } from '@holdfast/agent/internal';
import {
  apiOf,
  createTcpProxy,
  type GatewayApi,
  startChild,
  type TcpProxy,
  until,
} from '@holdfast/device-sim';
import { FakedMachine, canFakeClock, canFakeMachine } from '../support/faked-machine.ts';
import { gatewayBinary, runGateway } from '../support/gateway-process.ts';
import { doctor, names } from '../support/doctor-told.ts';
import { tempDir } from '../support/temp-dir.ts';

const agentModule = new URL('../../../agent/dist/mod.js', import.meta.url).href;
const HOUR = 3_600_000;
const YEAR = 365 * 24 * HOUR;
const clockTest = canFakeClock ? test.serial : test.serial.skip;
const machineTest = canFakeMachine ? test.serial : test.serial.skip;

/** Notes, by true time, when each step of a run is begun: its clock is not the faked one. */
const code = (dir: string): string => `
  import { appendFileSync } from 'node:fs';
  import { workflow } from ${JSON.stringify(agentModule)};
  const note = (what) => appendFileSync(${JSON.stringify(join(dir, 'notes'))},
    what + ' ' + Number(process.hrtime.bigint() / 1000000n) + '\\n');
  export const nap = workflow('nap', async (ctx, duration) => {
    await ctx.step('lie down', () => note('down ' + ctx.runId));
    await ctx.emit('resting');
    await ctx.sleep(duration);
    await ctx.step('get up', () => note('up ' + ctx.runId));
  });
  export const tick = workflow('tick', (ctx) => ctx.step('note', () => note('tick ' + ctx.runId)));
  export const schedules = [
    { cron: '* * * * * *', workflow: 'tick' },
    { id: 'nightly', cron: '30 2 * * *', timezone: 'Europe/Berlin', workflow: 'tick' },
  ];`;

class Device {
  readonly machine: FakedMachine;
  readonly client: SocketClient;
  readonly dataDir: string;
  readonly #dir: string;
  readonly #gateway: readonly string[];

  constructor(t: ExecutionContext, dir: string, gateway?: string) {
    this.machine = new FakedMachine(t, dir);
    this.client = new SocketClient(join(dir, 'data', 'agent.sock'));
    this.#dir = dir;
    this.dataDir = join(dir, 'data');
    this.#gateway = gateway === undefined ? [] : ['--gateway', gateway];
  }

  static async at(t: ExecutionContext, aheadMs: number, gateway?: string): Promise<Device> {
    const dir = await tempDir(t);
    await writeFile(join(dir, 'flow.mjs'), code(dir));
    const device = new Device(t, dir, gateway);
    device.machine.setWall(aheadMs);
    return device;
  }

  start(): Promise<void> {
    const place = ['--data-dir', join(this.#dir, 'data'), '--code', join(this.#dir, 'flow.mjs')];
    return this.machine.start('--device', 'pump-1', ...place, ...this.#gateway);
  }

  async kill(): Promise<void> {
    await this.machine.end('SIGKILL');
    await this.start();
  }

  nap(duration: string, id: string): Promise<unknown> {
    return this.client.start({ workflow: 'nap', input: duration, id });
  }

  /** Words of the notes that begin so, with the true time of each. */
  async notes(word: string): Promise<{ readonly run: string; readonly atMs: number }[]> {
    const text = await readFile(join(this.#dir, 'notes'), 'utf8').catch(() => '');
    return text.split('\n').flatMap((line) => {
      const [what, run = '', atMs] = line.split(' ');
      return what === word && atMs !== undefined ? [{ run, atMs: Number(atMs) }] : [];
    });
  }

  /** How long a nap took, by a clock that nobody fakes; `undefined`: it goes on. */
  async napped(id: string): Promise<number | undefined> {
    const at = async (word: string) => (await this.notes(word)).find(({ run }) => run === id)?.atMs;
    const [down, up] = [await at('down'), await at('up')];
    return down === undefined || up === undefined ? undefined : up - down;
  }
}

/** How far the true time is behind the wall clock of a machine that has just booted in 1970. */
const to1970 = (): number => 60_000 - Date.now();

/** A gateway, and the wire to it. */
async function serve(
  t: ExecutionContext,
): Promise<{ readonly proxy: TcpProxy; readonly api: GatewayApi }> {
  const place = ['--data-dir', await tempDir(t), '--mqtt-port', '0', '--http-port', '0'];
  const gateway = await startChild({
    name: 'gateway',
    args: [gatewayBinary, 'serve', ...place, '-o', 'json'],
  });
  t.teardown(() => gateway.end('SIGKILL'));
  const { port } = new URL(String(gateway.ready['mqtt']));
  const proxy = await createTcpProxy({ host: '127.0.0.1', port: Number(port) });
  t.teardown(() => proxy.close());
  return { proxy, api: apiOf(gateway) };
}

interface ShownEntry {
  readonly seq: number;
  readonly lane: string;
  readonly kind: string;
  readonly run?: string;
  readonly at: string;
  readonly clock: string;
  readonly deviceAt?: string;
}

async function ledgerEntries(api: GatewayApi): Promise<readonly ShownEntry[]> {
  const at = ['--url', api.http, '--token-file', api.tokenFile];
  const args = ['--device', 'pump-1', ...at, '--limit', '1000', '-o', 'json'];
  const { stdout, stderr } = await runGateway('ledger', 'entries', ...args);
  if (stdout === '') throw new Error(stderr);
  return (JSON.parse(stdout) as { readonly entries: readonly ShownEntry[] }).entries;
}

clockTest(
  'S51 S53 S54: from 1970 through every jump, and the ledger has true times (needs faketime)',
  async (t) => {
    const { proxy, api } = await serve(t);
    proxy.setMode('cut');
    const device = await Device.at(t, to1970(), `mqtt://127.0.0.1:${proxy.port}`);
    await device.start();
    const startedAtMs = Date.now();
    await device.nap('4s', 'in-1970');
    await until('a nap in 1970', async () => (await device.notes('down')).length === 1);
    const { schedules } = await device.client.schedules();
    t.true(schedules.every(({ state }) => state === 'waiting-for-time'));
    t.is((await device.client.status()).clock?.source, 'none');

    device.machine.setWall(0);
    await until('a tick once it is 2026', async () => (await device.notes('tick')).length > 1);
    t.is((await device.client.status()).clock?.source, 'system');
    device.machine.setWall(13 * YEAR);
    await until(
      'nobody believes it',
      async () => (await device.client.status()).clock?.source === 'none',
    );
    device.machine.setWall(-HOUR);
    await device.nap('3s', 'hour-back');
    await device.kill();
    device.machine.setWall(0);
    await until(
      'both naps',
      async () => (await device.napped('in-1970')) && device.napped('hour-back'),
    );

    t.true(((await device.napped('in-1970')) ?? 0) >= 4_000);
    t.true(((await device.napped('hour-back')) ?? 0) >= 3_000);
    const slots = (await device.notes('tick')).map(({ run }) => run);
    t.is(new Set(slots).size, slots.length, 'no slot has two runs');
    t.true(slots.every((slot) => slot.startsWith('tick@20') && !slot.startsWith('tick@203')));

    proxy.setMode('up');
    await device.client.nudge();
    await device.client.waitSynced(60_000);
    t.is((await device.client.status()).clock?.source, 'gateway');
    device.machine.setWall(HOUR);
    const told = await doctor(['clock', '--data-dir', device.dataDir]);
    const ahead = /^it is 3(?:599|60\d) s ahead of the gateway$/;
    names(t, told, { check: 'clock', text: ahead, hint: /chrony/ });
    device.machine.setWall(0);
    const entries = await until('all are compared', async () => {
      const found = await ledgerEntries(api);
      return found.every(({ clock }) => clock !== 'unsynced') && found;
    });
    const begun = entries.find(({ kind, run }) => kind === 'run.started' && run === 'in-1970');
    t.is(begun?.clock, 'corrected');
    t.regex(
      begun?.deviceAt ?? '',
      /^2026-01-01T/,
      'when this version was made: it was not earlier',
    );
    t.true(Math.abs(Date.parse(begun?.at ?? '') - startedAtMs) < 5_000, begun?.at);
    const hourBack = entries.find(({ kind, run }) => kind === 'run.started' && run === 'hour-back');
    t.is(hourBack?.clock, 'corrected');
    t.true(entries.some(({ clock }) => clock === 'ok'));
    for (const lane of ['urgent', 'normal', 'bulk']) {
      const times = entries.filter((entry) => entry.lane === lane).map(({ at }) => Date.parse(at));
      t.true(times.every((at, index) => index === 0 || at >= (times[index - 1] ?? 0) - 2_500));
      t.true(times.every((at) => at > startedAtMs - 5_000 && at < Date.now() + 5_000));
    }
  },
);

machineTest(
  'entries of a boot that nobody heard of lie between those around it (needs faketime and root)',
  async (t) => {
    const { proxy, api } = await serve(t);
    const device = await Device.at(t, 0, `mqtt://127.0.0.1:${proxy.port}`);
    device.machine.reboot('first');
    await device.start();
    const startedAtMs = Date.now();
    await device.nap('0s', 'synced');
    await device.client.waitSynced(60_000);
    await device.machine.end('SIGKILL');

    proxy.setMode('cut');
    device.machine.reboot('second');
    device.machine.setWall(to1970());
    await device.start();
    await device.nap('0s', 'unheard');
    const napFromMs = Date.now();
    await device.nap('6s', 'over-it');
    await until('one is over', async () => {
      const { state } = await device.client.run('unheard');
      return state === 'completed' && (await device.notes('down')).length === 3;
    });
    await device.machine.end('SIGKILL');

    proxy.setMode('up');
    device.machine.reboot('third');
    await device.start();
    await until('the nap', async () => (await device.notes('up')).length === 3);
    const nappedMs = Date.now() - napFromMs;
    await device.client.waitSynced(60_000);
    const entries = await until('they are compared', async () => {
      const found = await ledgerEntries(api);
      const isCompared = found.some(({ run, clock }) => run === 'over-it' && clock !== 'unsynced');
      return isCompared && found;
    });

    const clocksOf = (id: string) =>
      new Set(entries.filter(({ run }) => run === id).map(({ clock }) => clock));
    t.deepEqual([...clocksOf('synced')], ['ok']);
    t.deepEqual([...clocksOf('unheard')], ['unsynced']);
    // The third boot is faked to the second.
    t.true(nappedMs >= 5_000, `${nappedMs} ms of a nap of 6 s`);
    for (const { at, run } of entries) {
      const atMs = Date.parse(at);
      t.true(atMs > startedAtMs - 5_000 && atMs < Date.now() + 5_000, `${run} at ${at}`);
    }
  },
);

machineTest(
  'F9: hours of suspension wake who is due, a clock that is set does not (needs faketime and root)',
  async (t) => {
    const device = await Device.at(t, 0);
    device.machine.suspend(0);
    await device.start();
    await device.nap('2h', 'short');
    await device.nap('9h', 'long');
    await until('both sleep', async () => (await device.notes('down')).length === 2);
    device.machine.setWall(7 * HOUR);
    const { clock } = await device.client.status();
    t.is(clock?.source, 'system');
    t.is(await device.napped('short'), undefined, 'the clock was set, nothing more');

    device.machine.suspend(7 * HOUR);
    device.machine.setWall(14 * HOUR);
    await until('the one that is due', async () => {
      await device.client.status();
      return device.napped('short');
    });
    t.is(await device.napped('long'), undefined);
    device.machine.suspend(2 * HOUR);
    device.machine.setWall(16 * HOUR);
    await until('the other one', async () => {
      await device.client.status();
      return device.napped('long');
    });

    t.is((await device.notes('up')).length, 2);
  },
);

clockTest(
  'F9 N2: a process that is stopped while the clock jumps goes on once it may (needs faketime)',
  async (t) => {
    const device = await Device.at(t, 0);
    await device.start();
    await device.nap('2s', 'held');
    await until('it sleeps', async () => (await device.notes('down')).length === 1);
    device.machine.signal('SIGSTOP');
    device.machine.setWall(HOUR);
    await new Promise((resolve) => setTimeout(resolve, 4_000));
    device.machine.signal('SIGCONT');
    const napped = await until('it gets up', () => device.napped('held'));

    t.true(napped >= 4_000 && napped < 30_000, `${napped} ms`);
    const slots = (await device.notes('tick')).map(({ run }) => run);
    t.is(new Set(slots).size, slots.length);
  },
);

clockTest(
  'N4: where the clocks are put forward, a slot of the night has its turn once (needs faketime)',
  async (t) => {
    // 1:59:50 in Berlin; ten seconds later it is 3:00, and there is no 2:30 that night.
    const device = await Device.at(t, Date.UTC(2027, 2, 28, 0, 59, 50) - Date.now());
    await device.start();
    const nightly = async () =>
      (await device.notes('tick')).filter(({ run }) => run.startsWith('nightly'));
    t.deepEqual(await nightly(), []);
    await until('the night goes on', async () => (await nightly()).length === 1);
    // Until its outcome is durable, a step that a kill cuts short runs again.
    const isOver = async (): Promise<boolean> =>
      (await device.client.run('nightly@2027-03-28T01:00:00.000Z')).state === 'completed';
    await until('its run to end', isOver);
    await device.kill();
    const before = (await device.notes('tick')).length;
    await until('ticks go on', async () => (await device.notes('tick')).length > before + 1);

    t.deepEqual(
      (await nightly()).map(({ run }) => run),
      ['nightly@2027-03-28T01:00:00.000Z'],
    );
  },
);
