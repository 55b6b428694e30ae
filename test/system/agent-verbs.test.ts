import { readFile, stat, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { getFromApi, until, type GatewayApi } from '@holdfast/device-sim';
import test, { type ExecutionContext } from 'ava';
import { Agent } from '@holdfast/agent';
import { decodeEntry, unhex } from '@holdfast/protocol';
import { serveGateway } from '../support/gateway-process.ts';
import { holdfast, startHoldfast, type CliOptions } from '../support/holdfast-cli.ts';
import { tempDir } from '../support/temp-dir.ts';

type Json = Readonly<Record<string, unknown>>;

/** Its second step fails until the file `paper` is there; each body leaves a line in `done`. */
const source = `
import { appendFileSync, existsSync, writeFileSync } from 'node:fs';
const dir = import.meta.dirname;
const define = (name, body) => ({ kind: 'workflow', name, version: 1, body });
const did = (name) => (appendFileSync(dir + '/done', name + '\\n'), name);
const print = (retry) => async (ctx) => {
  const order = await ctx.step('take', () => did('take'));
  const ticket = await ctx.step('print', () => {
    if (!existsSync(dir + '/paper')) throw Object.assign(new Error('no paper'), { code: 'E' });
    return did('print');
  }, { retry });
  return [order, ticket];
};
export const once = define('once', print(false));
export const patient = define('patient', print({ minDelay: '1h', maxDelay: '1h' }));
export const approval = define('approval', (ctx) =>
  ctx.step('ask', ({ token }) => writeFileSync(dir + '/token', token), { external: true }));
`;

interface Device {
  readonly dir: string;
  readonly data: string;
  readonly env: Readonly<Record<string, string>>;
  readonly args: readonly string[];
  /** Runs a command and gives what it prints as JSON. */
  ask(...words: readonly string[]): Promise<Json>;
  /** Names of the bodies that ran. */
  done(): Promise<readonly string[]>;
}

async function device(t: ExecutionContext): Promise<Device> {
  const dir = await tempDir(t);
  const data = join(dir, 'data');
  const env = { HOLDFAST_DATA_DIR: data };
  await writeFile(join(dir, 'flows.mjs'), source.replace('import.meta.dirname', `'${dir}'`));
  return {
    ...{ dir, data, env },
    args: ['run', '--device', 'till-1', '--code', join(dir, 'flows.mjs'), '-o', 'json'],
    ask: (...words) => ask(t, words, { env }),
    done: async () => {
      const text = await readFile(join(dir, 'done'), 'utf8').catch(() => '');
      return text.split('\n').slice(0, -1);
    },
  };
}

async function ask(t: ExecutionContext, words: readonly string[], options: CliOptions) {
  const ended = await holdfast([...words, '-o', 'json'], options);
  t.is(ended.code, 0, `${words.join(' ')}: ${ended.stderr}`);
  return JSON.parse(ended.stdout) as Json;
}

async function run(t: ExecutionContext, { args, env }: Device, ...more: readonly string[]) {
  const agent = startHoldfast(t, [...args, ...more], { env });
  const ready = JSON.parse(await agent.nextLine()) as Json;
  return { agent, ready };
}

test.serial('a socket that is elsewhere is found by the data directory', async (t) => {
  const own = await device(t);
  const socket = join(own.dir, 'elsewhere.sock');

  const first = await run(t, own, '--socket', socket);
  t.is(first.ready['socket'], socket);
  t.like(await own.ask('status'), { agent: { running: true, pid: first.agent.child.pid } });
  t.is(await first.agent.end('SIGKILL'), 'SIGKILL');
  t.like(await own.ask('status'), { agent: { running: false } }, 'the note leads to nobody');

  const second = await run(t, own);
  t.like(await own.ask('status'), { agent: { running: true, pid: second.agent.child.pid } });
  await t.throwsAsync(stat(join(own.data, 'socket')), { code: 'ENOENT' });
  t.is(await second.agent.end('SIGTERM'), 0);

  const third = await run(t, own, '--socket', socket);
  t.is(await third.agent.end('SIGTERM'), 0);
  await t.throwsAsync(stat(join(own.data, 'socket')), { code: 'ENOENT' });
  await t.throwsAsync(stat(socket), { code: 'ENOENT' });
});

test.serial('a program that opens an agent can have it serve its socket', async (t) => {
  const own = await device(t);
  const options = { dataDir: own.data, device: 'till-1', workflows: [] };

  const agent = await Agent.open({ ...options, socket: true });
  t.like(await own.ask('status'), { agent: { running: true, pid: process.pid } });
  const other = { ...options, dataDir: join(own.dir, 'other'), device: 'till-2' };
  const taken = Agent.open({ ...other, socket: join(own.data, 'agent.sock') });
  await t.throwsAsync(taken, { code: 'HF_SOCKET_TAKEN' });
  await (await Agent.open(other)).close(); // What the refused one had taken is free again.
  const long = Agent.open({ ...other, socket: `/${'x'.repeat(120)}` });
  await t.throwsAsync(long, { code: 'HF_CONFIG_INVALID' });
  await agent.close();

  await t.throwsAsync(stat(join(own.data, 'agent.sock')), { code: 'ENOENT' });
  t.like(await own.ask('status'), { agent: { running: false } });
});

test.serial('settings come from the environment, and an empty one is none', async (t) => {
  const own = await device(t);
  const closed = createServer().listen(0, '127.0.0.1');
  await once(closed, 'listening');
  const { port } = closed.address() as AddressInfo;
  closed.close();
  const env = {
    ...own.env,
    ...{ HOLDFAST_DEVICE: 'till-7', HOLDFAST_CODE: join(own.dir, 'flows.mjs') },
    ...{ HOLDFAST_RECONNECT_MAX: '1s', HOLDFAST_LOG_FORMAT: 'json', HOLDFAST_RETENTION: '' },
    HOLDFAST_SOCKET: '',
  };
  const gateway = `mqtt://127.0.0.1:${port}`;
  const agent = startHoldfast(t, ['run'], { env: { ...env, HOLDFAST_GATEWAY: gateway } });
  t.regex(await agent.nextLine(), /^ready: device till-7, /);

  const pauses: number[] = [];
  await until('the sixth attempt', async () => {
    const { link } = (await own.ask('status')) as { link: { attempt: number; nextTryAt: string } };
    if (link.nextTryAt !== null) pauses.push(Date.parse(link.nextTryAt) - Date.now());
    return link.attempt >= 6;
  });
  t.true(Math.max(...pauses) <= 1_000, `${pauses.join()} ms`);
  const nudged = await own.ask('nudge');
  t.like(nudged, { schema: 'holdfast.nudged/1', link: { gateway } });
  t.is(await agent.end('SIGTERM'), 0);
  for (const line of agent.stderr().trim().split('\n')) t.truthy(JSON.parse(line));

  const alone = startHoldfast(t, ['run'], { env: { ...env, HOLDFAST_GATEWAY: '' } });
  await alone.nextLine();
  t.like(await own.ask('status'), { link: { state: 'none' } });
  const refused = await holdfast(['run'], { env: { ...env, HOLDFAST_RECONNECT_MAX: '5ms' } });
  t.is(refused.code, 78);
  const nameless = await holdfast(['run'], { env: { ...env, HOLDFAST_DEVICE: '' } });
  t.is(nameless.code, 2, nameless.stderr);
});

test.serial('a failed run is looked at, retried, forked, and all of it is journaled', async (t) => {
  const own = await device(t);
  const first = await run(t, own);
  await own.ask('start', 'once', '--id', 'order-1');
  t.is((await holdfast(['wait', '--run', 'order-1'], { env: own.env })).code, 1);

  const { stdout } = await holdfast(['workflow', 'show', 'order-1'], { env: own.env });
  t.regex(stdout, /^state +✗ failed$/m);
  t.regex(stdout, /^last +error of print, attempt 1, .+ ago: Error: no paper \(E\)$/m);
  t.regex(stdout, / ✓ +take .+"?take"?$/m);
  t.regex(stdout, / ✗ +print .+ Error: no paper$/m);
  await writeFile(join(own.dir, 'paper'), '');
  await own.ask('workflow', 'retry', 'order-1', '--reason', 'paper is in');
  t.is(await first.agent.end('SIGKILL'), 'SIGKILL', 'what was wished is durable');

  const second = await run(t, own);
  const ended = await own.ask('wait', '--run', 'order-1', '--timeout', '60s');
  t.deepEqual(ended['output'], ['take', 'print']);
  const forked = await own.ask('workflow', 'fork', 'order-1', 'print', '--id', 'order-2');
  t.like(forked, { run: 'order-1', step: 'print', id: 'order-2' });
  await own.ask('wait', '--run', 'order-2', '--timeout', '60s');
  const done = await own.done();
  t.is(done.filter((name) => name === 'take').length, 1, done.join());
  const again = await holdfast(['workflow', 'retry', 'order-1'], { env: own.env });
  t.deepEqual([again.code, /HF_RUN_STATE/.test(again.stderr)], [6, true], again.stderr);

  const exported = await holdfast(['workflow', 'export', 'order-1'], { env: own.env });
  t.is(await second.agent.end('SIGTERM'), 0);
  const stopped = await holdfast(['workflow', 'export', 'order-1'], { env: own.env });
  t.is(stopped.stdout, exported.stdout, 'the same from the store of a stopped agent');
  checkHistory(t, exported.stdout);
});

interface History {
  readonly schema: string;
  readonly entries: readonly { n: number; bytes: string; entry: { kind: string; n: number } }[];
}

function checkHistory(t: ExecutionContext, text: string): void {
  const { schema, entries } = JSON.parse(text) as History;
  t.is(schema, 'holdfast.history/1');
  const kinds = ['run.started', 'step.completed', 'step.failed', 'run.failed', 'run.retried'];
  t.deepEqual(
    entries.map(({ entry }) => entry.kind),
    [...kinds, 'step.completed', 'run.completed'],
  );
  entries.forEach(({ n, bytes, entry }, index) => {
    const decoded = decodeEntry(unhex(bytes));
    t.like(decoded, { kind: entry.kind, run: 'order-1', n: index });
    t.deepEqual([n, entry.n], [index, index]);
  });
}

test.serial('a run is held, skipped over, completed by token, and ended by force', async (t) => {
  const own = await device(t);
  await run(t, own);
  await own.ask('start', 'patient', '--id', 'order-1');
  const stateOf = async (id: string) => (await own.ask('workflow', 'show', id))['state'];
  await until('order-1 to be retrying', async () => (await stateOf('order-1')) === 'retrying');

  await own.ask('workflow', 'pause', 'order-1', '--reason', 'stock-taking');
  t.is(await stateOf('order-1'), 'paused');
  await own.ask('workflow', 'resume', 'order-1');
  await own.ask('workflow', 'skip', 'order', 'print', '{"by":"hand"}');
  t.like(await own.ask('wait', '--run', 'order-1'), { output: ['take', { by: 'hand' }] });

  for (const id of ['a-1', 'a-2', 'b-1']) {
    await own.ask('start', 'approval', '--id', id);
    await until('a door to wait', async () => (await stateOf(id)) === 'waiting-signal');
    if (id === 'b-1') break;
    const token = await readFile(join(own.dir, 'token'), 'utf8');
    const outcome = id === 'a-1' ? ['{"ok":true}'] : ['--error', 'nobody at home'];
    await own.ask('complete', token, ...outcome);
    const twice = await holdfast(['complete', token, '1'], { env: own.env });
    t.deepEqual([twice.code, /HF_TOKEN_INVALID/.test(twice.stderr)], [3, true], twice.stderr);
  }
  t.like(await own.ask('workflow', 'show', 'a-1'), { state: 'completed', output: { ok: true } });
  const failed = await own.ask('workflow', 'show', 'a-2');
  t.like(failed, { state: 'failed', lastError: { message: 'nobody at home', step: 'ask' } });
  await own.ask('cancel', 'b-1', '--force', '--reason', 'left');
  t.is(await stateOf('b-1'), 'cancelled');

  await own.ask('emit', 'door', '{"n":1}', '--lane', 'bulk');
  const { rows } = (await own.ask('journal', 'tail', '--lane', 'bulk')) as { rows: unknown[] };
  t.like(rows, [{ kind: 'event.emitted', name: 'door', run: null, value: { n: 1 } }]);
});

/** Entries of a device in the ledger, as `run kind` and what else tells them apart. */
async function ledgerOf(gateway: GatewayApi): Promise<readonly string[]> {
  const path = '/api/devices/till-1/entries?lane=normal&limit=200';
  const { entries } = await getFromApi<{ readonly entries: readonly Json[] }>(gateway, path);
  return entries.map(({ run: id, kind, name, reason }) =>
    [id, kind, name, reason].filter((part) => part !== undefined && part !== '').join(' '),
  );
}

test.serial('O3 O4 what people do by the command line is in the ledger, with why', async (t) => {
  const own = await device(t);
  const gateway = await serveGateway(t, await tempDir(t));
  await run(t, own, '--gateway', gateway.mqtt);
  const stateOf = async (id: string) => (await own.ask('workflow', 'show', id))['state'];
  await own.ask('start', 'patient', '--id', 'held');
  await until('held to be retrying', async () => (await stateOf('held')) === 'retrying');
  await own.ask('workflow', 'pause', 'held', '--reason', 'stock-taking');
  await own.ask('workflow', 'resume', 'held');
  await own.ask('workflow', 'skip', 'held', 'print', '"by hand"');
  await own.ask('start', 'approval', '--id', 'left');
  await own.ask('cancel', 'left', '--reason', 'closed');
  await own.ask('start', 'once', '--id', 'broken');
  t.is((await holdfast(['wait', '--run', 'broken'], { env: own.env })).code, 1);
  await writeFile(join(own.dir, 'paper'), '');
  await own.ask('workflow', 'retry', 'broken', '--reason', 'paper is in');
  await own.ask('wait', '--run', 'broken', '--timeout', '60s');
  await own.ask('workflow', 'fork', 'broken', 'print', '--id', 'again');
  await own.ask('wait', '--run', 'again', '--timeout', '60s');
  await own.ask('wait', '--synced', '--timeout', '60s');

  const there = await ledgerOf(gateway);
  const of = (id: string) => there.filter((row) => row.startsWith(`${id} `));
  const printed = ['step.completed take', 'step.completed print', 'run.completed'];
  const [taken, ...others] = printed;
  t.deepEqual(of('held'), [
    ...['held run.started', `held ${taken}`, 'held step.retrying print'],
    ...['held run.paused stock-taking', 'held run.resumed'],
    ...others.map((row) => `held ${row}`),
  ]);
  t.deepEqual(of('left').slice(-2), ['left cancel.requested closed', 'left run.cancelled closed']);
  t.deepEqual(of('broken'), [
    ...['broken run.started', `broken ${taken}`, 'broken step.failed print', 'broken run.failed'],
    ...['broken run.retried paper is in', ...others.map((row) => `broken ${row}`)],
  ]);
  t.deepEqual(of('again'), ['run.started', ...printed].map((row) => `again ${row}`));
});

/**
 * Fails whoever loads a package that a command which only asks can do without: the codec is in the
 * whole protocol, and whatever opens a store or a link needs that.
 */
const watcher = `
import { register } from 'node:module';
const hooks = \`export function resolve(specifier, context, next) {
  if (/^(?:@holdfast.protocol|level)$/.test(specifier)) throw new Error(specifier);
  return next(specifier, context);
}\`;
register('data:text/javascript,' + encodeURIComponent(hooks));
`;

test.serial('a command that only asks loads neither codec nor store nor link', async (t) => {
  const own = await device(t);
  await run(t, own);
  const NODE_OPTIONS = `--import=data:text/javascript,${encodeURIComponent(watcher)}`;
  const env = { ...own.env, NODE_OPTIONS };

  for (const words of ['status', 'backlog', 'workflow ls', 'journal tail', 'nudge', '--help']) {
    const { code, stderr } = await holdfast(words.split(' '), { env });
    t.is(code, 0, `${words}: ${stderr}`);
  }
  const watched = await holdfast(['version'], { env });
  t.not(watched.code, 0, 'the watcher watches: the version of the protocol needs the codec');
});
