import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { getFromApi, until } from '@holdfast/device-sim';
import { holdfast, startHoldfast, type Running } from '../support/holdfast-cli.ts';
import { serveGateway } from '../support/gateway-process.ts';
import { tempDir } from '../support/temp-dir.ts';

const source = `
import { appendFileSync, existsSync } from 'node:fs';
const define = (name, body) => ({ kind: 'workflow', name, version: 1, body });
const note = (line) => appendFileSync('DIR/notes', line + '\\n');
export const slow = define('slow', (ctx) =>
  ctx.step('work', async () => {
    note('began');
    // Work that is still under way when the signal comes: the time is what is tested.
    await new Promise((end) => setTimeout(end, 700));
    note('ended');
    return 'worked';
  }));
export const endless = define('endless', (ctx) =>
  ctx.step('work', async () => {
    note('endless');
    await new Promise(() => {});
  }));
export const poison = define('poison', (ctx) =>
  ctx.step('boom', () => {
    if (existsSync('DIR/mended')) return 'defused';
    note('boom');
    process.exit(3);
  }));
export const steady = define('steady', (ctx) => ctx.waitFor('go'));
`;

class Device {
  readonly dir: string;
  readonly #t: ExecutionContext;

  static async make(t: ExecutionContext): Promise<Device> {
    const device = new Device(t, await tempDir(t));
    await writeFile(join(device.dir, 'flows.mjs'), source.replaceAll('DIR', device.dir));
    return device;
  }

  constructor(t: ExecutionContext, dir: string) {
    this.#t = t;
    this.dir = dir;
  }

  get env(): Readonly<Record<string, string>> {
    return { HOLDFAST_DATA_DIR: join(this.dir, 'data') };
  }

  start(...more: readonly string[]): Running {
    const args = ['run', '--device', 'till-1', '--code', join(this.dir, 'flows.mjs')];
    return startHoldfast(this.#t, [...args, '-o', 'json', ...more], { env: this.env });
  }

  async ask(...words: readonly string[]): Promise<Readonly<Record<string, unknown>>> {
    const { code, stdout, stderr } = await holdfast([...words, '-o', 'json'], { env: this.env });
    this.#t.is(code, 0, `${words.join(' ')}: ${stderr}`);
    return JSON.parse(stdout) as Readonly<Record<string, unknown>>;
  }

  /** Lines that the bodies of steps have left. */
  async notes(): Promise<readonly string[]> {
    const file = join(this.dir, 'notes');
    return existsSync(file) ? (await readFile(file, 'utf8')).split('\n').slice(0, -1) : [];
  }

  onceNoted(line: string): Promise<unknown> {
    return until(line, async () => (await this.notes()).includes(line));
  }
}

test.serial('L10 SIGTERM lets a step at work end, and what it did is journaled', async (t) => {
  const device = await Device.make(t);
  const agent = device.start();
  await agent.nextLine();
  await device.ask('start', 'slow', '--id', 'r-1');
  await device.onceNoted('began');

  t.is(await agent.end('SIGTERM'), 0, agent.stderr());

  t.deepEqual(await device.notes(), ['began', 'ended']);
  const { history } = await device.ask('workflow', 'show', 'r-1');
  const kinds = (history as { kind: string }[]).map(({ kind }) => kind);
  t.true(kinds.includes('step.completed'), kinds.join());
});

test.serial('L10 a second SIGTERM ends the process at once, and nothing is lost', async (t) => {
  const device = await Device.make(t);
  const agent = device.start();
  await agent.nextLine();
  await device.ask('start', 'endless', '--id', 'r-1');
  await device.onceNoted('endless');

  agent.child.kill('SIGTERM');
  await until('that it closes', async () => agent.stderr().includes('closing'));
  t.is(await agent.end('SIGTERM'), 130, agent.stderr());

  const again = device.start();
  await again.nextLine();
  t.like(await device.ask('workflow', 'show', 'r-1'), { state: 'running', at: 'work' });
});

test.serial('L11 O10 a run that ends the process again and again is set aside', async (t) => {
  t.timeout(180_000);
  const device = await Device.make(t);
  const first = device.start();
  await first.nextLine();
  await device.ask('start', 'steady', '--id', 'steady');
  const ended = once(first.child, 'close');
  await holdfast(['start', 'poison', '--id', 'poison'], { env: device.env });
  t.deepEqual((await ended)[0], 3, 'its exit code is that of the process');

  let lives = 1;
  let agent = device.start();
  // The run is at work before the agent is ready, so that one which gets ready has set it aside.
  const isReady = (): Promise<boolean> => agent.nextLine().then(() => true, () => false);
  for (; lives < 30 && !(await isReady()); lives += 1) agent = device.start();
  t.is(lives, 21, 'the twenty-first end was one too many');
  t.is((await device.notes()).length, 21);
  t.like(await device.ask('workflow', 'show', 'poison'), {
    state: 'stuck',
    error: { code: 'HF_RUN_QUARANTINED' },
  });
  await device.ask('signal', 'steady', 'go', '"went"');
  t.like(await device.ask('wait', '--run', 'steady', '--timeout', '60s'), { output: 'went' });
  t.is(await agent.end('SIGTERM'), 0);

  // The ledger is told who waits for a person, and what came of it.
  const gateway = await serveGateway(t, await tempDir(t));
  const online = device.start('--gateway', gateway.mqtt);
  await online.nextLine();
  await device.ask('wait', '--synced', '--timeout', '60s');
  const stateThere = async (): Promise<string | undefined> => {
    const { runs } = await getFromApi<Ledger>(gateway, '/api/runs?limit=9');
    return runs.find(({ id }) => id === 'poison')?.state;
  };
  t.is(await stateThere(), 'stuck');
  await writeFile(join(device.dir, 'mended'), '');
  await device.ask('workflow', 'retry', 'poison', '--reason', 'mended');
  t.like(await device.ask('wait', '--run', 'poison', '--timeout', '60s'), { output: 'defused' });
  await device.ask('wait', '--synced', '--timeout', '60s');
  t.is(await stateThere(), 'completed');
});

interface Ledger {
  readonly runs: readonly { readonly id: string; readonly state: string }[];
}
