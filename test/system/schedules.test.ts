import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { SocketClient } from '@holdfast/agent/internal';
import { startChild, until, type Child } from '@holdfast/device-sim';
import { holdfast } from '../support/holdfast-cli.ts';
import { tempDir } from '../support/temp-dir.ts';

/** From `test/dist/system`. */
const root = new URL('../../../', import.meta.url);
const bin = fileURLToPath(new URL('agent/bin/holdfast.js', root));
const agentModule = new URL('agent/dist/mod.js', root).href;

/** Notes in a file each time that the body of its step is begun. */
const code = (dir: string): string => `
  import { appendFileSync } from 'node:fs';
  import { workflow } from ${JSON.stringify(agentModule)};
  const file = ${JSON.stringify(join(dir, 'done'))};
  export const tick = workflow('tick', (ctx) =>
    ctx.step('note', () => appendFileSync(file, ctx.runId + '\\n')));
  export const hold = workflow('hold', (ctx) => ctx.waitFor('end'));
  export const schedules = [
    { cron: '* * * * * *', workflow: 'tick', missed: 'all', maxAge: '10m' },
    { id: 'nightly', cron: '30 2 * * *', timezone: 'Europe/Berlin',
      workflow: hold, overlap: 'skip' },
  ];`;

class Device {
  readonly dir: string;
  readonly client: SocketClient;
  #child: Child | undefined;

  constructor(dir: string) {
    this.dir = dir;
    this.client = new SocketClient(join(dir, 'data', 'agent.sock'));
  }

  async start(): Promise<void> {
    const place = ['--data-dir', join(this.dir, 'data'), '--code', join(this.dir, 'flow.mjs')];
    const args = [bin, 'run', '-o', 'json', '--device', 'pump-1', ...place];
    this.#child = await startChild({ name: 'agent', args });
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    await this.#child?.end(signal);
  }

  /** Slots of the runs of `tick`, in seconds since 1970, in order. */
  async slots(): Promise<number[]> {
    const { runs } = await this.client.runs({ all: true, limit: 1_000 });
    return runs
      .filter(({ workflow }) => workflow === 'tick')
      .map(({ id }) => Date.parse(id.slice('tick@'.length)) / 1_000)
      .toSorted((a, b) => a - b);
  }
}

async function openDevice(t: ExecutionContext): Promise<Device> {
  const device = new Device(await tempDir(t));
  await writeFile(join(device.dir, 'flow.mjs'), code(device.dir));
  t.teardown(() => device.end('SIGKILL'));
  await device.start();
  return device;
}

test.serial('killed again and again, every second has exactly one run', async (t) => {
  const device = await openDevice(t);
  for (let kills = 0; kills < 4; kills += 1) {
    const before = (await device.slots()).length;
    await until('two more runs', async () => (await device.slots()).length > before + 1);
    await device.end('SIGKILL');
    await device.start();
  }
  const before = (await device.slots()).length;
  await until('another run', async () => (await device.slots()).length > before);
  await until('all runs ended', async () => {
    return (await device.client.status()).runs.running === undefined;
  });

  const slots = await device.slots();
  const first = slots[0] ?? 0;
  t.true(slots.length >= 8, `${slots.length} slots`);
  t.deepEqual(
    slots,
    slots.map((_, index) => first + index),
    'none is missing, none comes twice',
  );
  const done = (await readFile(join(device.dir, 'done'), 'utf8')).trim().split('\n');
  t.true(new Set(done).size >= slots.length - 1, 'each did its work');
});

test.serial('schedules are listed, held and triggered from the command line', async (t) => {
  const device = await openDevice(t);
  const env = { HOLDFAST_DATA_DIR: join(device.dir, 'data') };
  const listed = async () => {
    const { stdout } = await holdfast(['schedule', 'ls', '-o', 'json'], { env });
    const view = JSON.parse(stdout) as Awaited<ReturnType<SocketClient['schedules']>>;
    return new Map(view.schedules.map((schedule) => [schedule.id, schedule]));
  };
  await until('the schedules', async () => (await listed()).get('nightly')?.state === 'active');
  const screen = await holdfast(['schedule', 'ls'], { env });
  t.regex(screen.stdout, /nightly +30 2 \* \* \* +Europe\/Berlin +active +20\d\d-.+T0[01]:30/);

  const paused = await holdfast(['schedule', 'pause', 'tick'], { env });
  t.deepEqual([paused.code, paused.stdout], [0, 'paused tick\n']);
  await device.end('SIGKILL');
  t.is((await listed()).get('tick')?.state, 'paused', 'told by the store');
  t.is((await listed()).get('nightly')?.state, 'inactive');
  await device.start();
  t.is((await listed()).get('tick')?.state, 'paused', 'across a restart');
  const count = (await device.slots()).length;

  const triggered = await holdfast(['schedule', 'trigger', 'nightly', '-o', 'json'], { env });
  const { run } = JSON.parse(triggered.stdout) as { readonly run: string };
  t.is((await device.client.run(run)).state, 'waiting-signal');
  const again = await holdfast(['schedule', 'trigger', 'nightly'], { env });
  t.is(again.code, 6);
  t.regex(again.stderr, /HF_SCHEDULE_OVERLAP/);
  t.is((await holdfast(['schedule', 'pause', 'nobody'], { env })).code, 3);

  t.is((await device.slots()).length, count, 'it was held');
  t.is((await holdfast(['schedule', 'resume', 'tick'], { env })).code, 0);
  await until('a run after it was resumed', async () => (await device.slots()).length > count);
  t.is((await listed()).get('tick')?.state, 'active');
});
