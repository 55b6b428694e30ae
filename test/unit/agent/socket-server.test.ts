import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { stat, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { askSocket, createSocketServer } from '@holdfast/agent/internal';
import { HoldfastError } from '@holdfast/protocol';
import { ScriptedSurface } from '../../support/scripted-surface.ts';
import { tempDir } from '../../support/temp-dir.ts';

const errors: string[] = [];
const log = {
  error: (message: string) => void errors.push(message),
  info: () => undefined,
  debug: () => undefined,
};

async function serve(t: ExecutionContext) {
  const path = join(await tempDir(t), 'agent.sock');
  const surface = new ScriptedSurface();
  const server = await createSocketServer({ path, surface, log });
  t.teardown(() => server.close());
  return { path, surface, server };
}

interface Reply {
  readonly status: number | undefined;
  readonly text: string;
  readonly body: Readonly<Record<string, unknown>>;
}

interface Ask {
  readonly method?: string;
  readonly body?: string | Uint8Array;
  readonly signal?: AbortSignal;
}

function ask(socketPath: string, path: string, options: Ask = {}): Promise<Reply> {
  const { method = 'GET', body, signal } = options;
  return new Promise((resolve, reject) => {
    const outgoing = request({ socketPath, path, method, signal }, (incoming) => {
      let text = '';
      incoming.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      incoming.on('end', () => {
        resolve({ status: incoming.statusCode, text, body: JSON.parse(text) as Reply['body'] });
      });
    });
    outgoing.on('error', reject).end(body);
  });
}

function post(path: string, target: string, body: unknown): Promise<Reply> {
  return ask(path, target, { method: 'POST', body: JSON.stringify(body) });
}

function errorOf({ body }: Reply): Readonly<Record<string, unknown>> {
  return body['error'] as Readonly<Record<string, unknown>>;
}

const runsTarget =
  '/v1/runs?all=1&state=failed,stuck&workflow=w%20%C3%A9&prefix=p' +
  '&since=2026-05-04T03:02:01Z&until=2026-05-05T00:00:00.000Z&limit=2&cursor=7' +
  '&q=try%3E3&synced=1';

test('each view is served as the surface gives it', async (t) => {
  const { path, surface } = await serve(t);

  const schemas: Record<string, string> = {
    '/v1/status': 'holdfast.status/1',
    '/v1/backlog': 'holdfast.backlog/1',
    [runsTarget]: 'holdfast.runs/1',
    '/v1/runs/done': 'holdfast.run/1',
    '/v1/runs/done/history': 'holdfast.history/1',
    '/v1/run-ids?prefix=b&limit=1': 'holdfast.run-ids/1',
    '/v1/journal?lane=normal&after=5&kind=step.*,run.failed&run=a&hex=1&limit=7':
      'holdfast.journal/1',
    '/v1/settings': 'holdfast.settings/1',
    '/v1/wait?run=done': 'holdfast.run/1',
  };
  for (const [target, schema] of Object.entries(schemas)) {
    const { status, body } = await ask(path, target);
    t.is(status, 200, target);
    t.is(body['schema'], schema, target);
  }
  t.deepEqual(surface.calls.find(({ name }) => name === 'runs')?.request, {
    ...{ all: true, states: ['failed', 'stuck'], workflow: 'w é', prefix: 'p', limit: 2 },
    sinceMs: Date.UTC(2026, 4, 4, 3, 2, 1),
    untilMs: Date.UTC(2026, 4, 5),
    ...{ cursor: '7', q: 'try>3', synced: true },
  });
  t.deepEqual(surface.calls.find(({ name }) => name === 'journal')?.request, {
    ...{ lane: 'normal', after: 5, limit: 7 },
    ...{ kinds: ['step.*', 'run.failed'], run: 'a', unsynced: false, hex: true },
  });
});

test('O9 metrics are text at the path where everybody looks for them', async (t) => {
  const { path } = await serve(t);
  const found = await new Promise<{ type: string | undefined; text: string }>((resolve, reject) => {
    request({ socketPath: path, path: '/metrics' }, (incoming) => {
      let text = '';
      incoming.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      incoming.on('end', () => resolve({ type: incoming.headers['content-type'], text }));
    })
      .on('error', reject)
      .end();
  });

  t.regex(found.type ?? '', /^text\/plain; version=0\.0\.4/);
  t.regex(found.text, /^holdfast_runs\{state="stuck"\} 1$/m);
});

test('starting answers 201 when new, 200 when there, 409 on conflict', async (t) => {
  const { path } = await serve(t);
  const run = { workflow: 'checkout', input: { n: 1 }, id: 'A-1' };

  const first = await post(path, '/v1/runs', run);
  const second = await post(path, '/v1/runs', run);
  const other = await post(path, '/v1/runs', { ...run, input: { n: 2 } });

  t.deepEqual([first.status, second.status, other.status], [201, 200, 409]);
  t.deepEqual(first.body, { schema: 'holdfast.started/1', id: 'A-1', created: true });
  t.is(second.body['created'], false);
  t.is(errorOf(other)['code'], 'HF_RUN_CONFLICT');
});

test('signals and cancellations reach runs whatever characters their ids have', async (t) => {
  const { path, surface } = await serve(t);

  const odd = await post(path, '/v1/runs/a%2Fb%20%C3%A9/signals', { name: 'go' });
  const dots = await post(path, '/v1/runs/../signals', { name: 'go' });
  const whole = { name: 'go', payload: 1, id: 's', subject: 'customer-42' };
  const signalled = await post(path, '/v1/runs/busy/signals', whole);
  const cancelled = await post(path, '/v1/runs/busy/cancel', { reason: 'left' });

  t.deepEqual([odd.status, dots.status], [404, 404]);
  t.deepEqual([signalled.status, cancelled.status], [202, 202]);
  const asked = surface.calls.filter(({ name }) => name === 'signal' || name === 'cancel');
  t.deepEqual(
    asked.map(({ request: each }) => each),
    [
      { run: 'a/b é', name: 'go', payload: undefined, id: undefined, subject: undefined },
      { run: '..', name: 'go', payload: undefined, id: undefined, subject: undefined },
      { run: 'busy', ...whole },
      { run: 'busy', reason: 'left', force: undefined },
    ],
  );
});

type Verb = readonly [target: string, body: unknown, status: number, name: string, asked: unknown];

const about = { run: 'busy' } as const;

/** What each verb is asked with, and what the surface is asked for it. */
const verbs: readonly Verb[] = [
  ['runs/busy/pause', { reason: 'r' }, 202, 'pause', { ...about, reason: 'r' }],
  ['runs/busy/pause', {}, 202, 'pause', { ...about, reason: '' }],
  ['runs/busy/resume', {}, 202, 'resume', about],
  ['runs/busy/retry', {}, 202, 'retry', { ...about, reason: '' }],
  ['runs/busy/skip', { step: 's', result: [1] }, 202, 'skip', { ...about, step: 's', result: [1] }],
  ['runs/busy/skip', { step: 's' }, 202, 'skip', { ...about, step: 's', result: undefined }],
  ['runs/busy/fork', { step: '3', id: 'n' }, 201, 'fork', { ...about, step: '3', id: 'n' }],
  ['erase', { subject: 's-1' }, 200, 'erase', { subject: 's-1', force: undefined }],
  ['runs/busy/cancel', { force: true }, 202, 'cancel', { ...about, reason: '', force: true }],
  [
    'complete',
    { token: 'hft_1_1_a', result: null },
    202,
    'complete',
    { token: 'hft_1_1_a', result: null, error: undefined },
  ],
  [
    'complete',
    { token: 'hft_1_1_a', error: 'late' },
    202,
    'complete',
    { token: 'hft_1_1_a', result: undefined, error: 'late' },
  ],
  [
    'events',
    { name: 'e' },
    202,
    'emit',
    { name: 'e', payload: undefined, lane: 'normal', subject: undefined },
  ],
  [
    'events',
    { name: 'e', lane: 'bulk', subject: 's-1' },
    202,
    'emit',
    { name: 'e', payload: undefined, lane: 'bulk', subject: 's-1' },
  ],
  ['nudge', {}, 202, 'nudge', undefined],
];

test('each verb asks the surface for what its body says', async (t) => {
  const { path, surface } = await serve(t);

  for (const [target, body, status, name, asked] of verbs) {
    const reply = await post(path, `/v1/${target}`, body);
    const what = `${target} ${JSON.stringify(body)}: ${reply.text}`;
    t.is(reply.status, status, what);
    t.regex(String(reply.body['schema']), /^holdfast\.[a-z-]+\/1$/, what);
    t.deepEqual(surface.calls.findLast((call) => call.name === name)?.request, asked, what);
  }
  const bare = await ask(path, '/v1/nudge', { method: 'POST' });
  t.is(bare.status, 202, 'a body that says nothing may be left out');
});

type Refusal = readonly [method: string, target: string, body: string, status: number];

const refused: readonly Refusal[] = [
  ['GET', '/', '', 404],
  ['GET', '/v1', '', 404],
  ['GET', '/v2/status', '', 404],
  ['GET', '/v1/status/x', '', 404],
  ['GET', '/v1/runs/%ff', '', 400],
  ['DELETE', '/v1/status', '', 405],
  ['GET', '/v1/runs/busy/cancel', '', 405],
  ['GET', '/v1/status?x=1', '', 400],
  ['GET', '/v1/runs?limit=0', '', 400],
  ['GET', '/v1/runs?limit=1e3', '', 400],
  ['GET', '/v1/runs?limit=1&limit=2', '', 400],
  ['GET', '/v1/runs?all=yes', '', 400],
  ['GET', '/v1/runs?state=failed,asleep', '', 400],
  ['GET', '/v1/runs?since=yesterday', '', 400],
  ['GET', '/v1/journal?lane=fast', '', 400],
  ['GET', '/v1/journal?after=3', '', 400],
  ['GET', '/v1/wait', '', 400],
  ['GET', '/v1/wait?run=x&synced=1', '', 400],
  ['GET', '/v1/wait?run=nobody', '', 404],
  ['POST', '/v1/runs', '', 400],
  ['POST', '/v1/runs', '{"workflow":', 400],
  ['POST', '/v1/runs', '[]', 400],
  ['POST', '/v1/runs', 'null', 400],
  ['POST', '/v1/runs', '{"input":1}', 400],
  ['POST', '/v1/runs', '{"workflow":7}', 400],
  ['POST', '/v1/runs', '{"workflow":"checkout","id":7}', 400],
  ['POST', '/v1/runs', '{"workflow":"checkout","reuse":"often"}', 400],
  ['POST', '/v1/runs', '{"workflow":"checkout","extra":1}', 400],
  ['POST', '/v1/runs', '{"workflow":"nope"}', 404],
  ['POST', '/v1/runs/done/cancel', '{}', 409],
  ['POST', '/v1/runs/busy/cancel', '{"force":"yes"}', 400],
  ['POST', '/v1/runs/done/pause', '{}', 409],
  ['POST', '/v1/runs/nobody/pause', '{}', 404],
  ['POST', '/v1/runs/busy/pause', '{"reason":1}', 400],
  ['POST', '/v1/runs/busy/resume', '{"reason":"x"}', 400],
  ['POST', '/v1/runs/busy/skip', '{}', 400],
  ['POST', '/v1/runs/busy/fork', '{"id":"x"}', 400],
  ['GET', '/v1/runs/busy/fork', '', 405],
  ['GET', '/v1/runs/nobody/history', '', 404],
  ['GET', '/v1/run-ids?limit=101', '', 400],
  ['POST', '/v1/complete', '{}', 400],
  ['POST', '/v1/complete', '{"token":"hft_9"}', 404],
  ['POST', '/v1/complete', '{"token":"hft_1_1_a","result":1,"error":"x"}', 400],
  ['POST', '/v1/events', '{"payload":1}', 400],
  ['POST', '/v1/events', '{"name":"e","lane":"fast"}', 400],
  ['POST', '/v1/nudge', '{"now":true}', 400],
  ['POST', '/v1/runs', '[['.repeat(100_000), 400],
];

test('what cannot be answered gets a code, a reason, a hint and the right status', async (t) => {
  const { path } = await serve(t);

  for (const [method, target, body, status] of refused) {
    const reply = await ask(path, target, { method, body });
    const what = `${method} ${target} ${body.slice(0, 40)}`;
    t.is(reply.status, status, what);
    const error = errorOf(reply);
    t.regex(String(error['code']), /^HF_/, what);
    t.deepEqual(Object.keys(error), ['code', 'message', 'why', 'hint'], what);
    t.notRegex(reply.text, /\n\s+at |\.js:\d/, what);
  }
});

test('a body above a MiB and one that is no UTF-8 are refused, and nothing else', async (t) => {
  const { path } = await serve(t);

  const large = await post(path, '/v1/runs', { workflow: 'checkout', input: 'x'.repeat(1 << 20) });
  const foreign = await ask(path, '/v1/runs', { method: 'POST', body: Uint8Array.of(0x22, 0xff) });
  const next = await ask(path, '/v1/status');

  t.deepEqual([large.status, foreign.status, next.status], [413, 400, 200]);
  t.is(errorOf(foreign)['code'], 'HF_INPUT_INVALID');
});

test('a fault of the surface is logged with its stack and answered without', async (t) => {
  const { path, surface } = await serve(t);
  surface.failure = new TypeError('boom');

  const reply = await ask(path, '/v1/status');

  t.is(reply.status, 500);
  t.is(errorOf(reply)['code'], 'HF_INTERNAL');
  t.notRegex(reply.text, /\n\s+at /);
  t.true(errors.includes('a request failed'));
});

test('a wait ends in time, when its client goes away, and when the server closes', async (t) => {
  const { path, server } = await serve(t);

  const late = await ask(path, '/v1/wait?synced=1&timeoutMs=50');
  t.is(late.status, 504);
  t.is(errorOf(late)['code'], 'HF_WAIT_TIMEOUT');

  const leaving = new AbortController();
  const left = ask(path, '/v1/wait?run=busy', { signal: leaving.signal });
  const kept = ask(path, '/v1/wait?run=busy');
  const served = ask(path, '/v1/status');
  await served;
  leaving.abort();
  await t.throwsAsync(left, { name: 'AbortError' });
  await server.close();

  const ended = await kept;
  t.is(ended.status, 503);
  t.is(errorOf(ended)['code'], 'HF_AGENT_CLOSED');
});

test('closing does not wait for a client that says nothing, and removes the socket', async (t) => {
  const { path, server } = await serve(t);
  const silent = connect({ path });
  await once(silent, 'connect');
  silent.write('POST /v1/runs HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{');
  silent.on('error', () => undefined);
  const gone = once(silent, 'close');

  await server.close();

  await gone;
  await t.throwsAsync(stat(path), { code: 'ENOENT' });
});

test('only the user and the group may use the socket', async (t) => {
  const { path } = await serve(t);

  t.is((await stat(path)).mode & 0o777, 0o660);
});

test('the socket of a dead agent is replaced, that of a live one is not', async (t) => {
  const path = join(await tempDir(t), 'agent.sock');
  const listen = `createServer().listen(${JSON.stringify(path)}, () => console.log('up'))`;
  const source = `require('node:net').${listen}`;
  const child = spawn(process.execPath, ['-e', source], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.teardown(() => child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  const surface = new ScriptedSurface();
  const start = () => createSocketServer({ path, surface, log });

  await t.throwsAsync(start(), { instanceOf: HoldfastError, code: 'HF_SOCKET_TAKEN' });
  child.kill('SIGKILL');
  await once(child, 'exit');
  t.true((await stat(path)).isSocket(), 'the dead process has left its socket');
  const server = await start();

  t.is((await ask(path, '/v1/status')).status, 200);
  await server.close();
});

test('a path that no socket can have is refused in words', async (t) => {
  const dir = await tempDir(t);
  const surface = new ScriptedSurface();
  const file = join(dir, 'file');
  await writeFile(file, 'mine');

  for (const path of [join(dir, 'x'.repeat(108)), file, join(dir, 'missing', 'agent.sock')]) {
    await t.throwsAsync(createSocketServer({ path, surface, log }), { code: 'HF_CONFIG_INVALID' });
  }
  t.true((await stat(file)).isFile(), 'what is there is left alone');
});

test('a socket of another program counts as a live one', async (t) => {
  const path = join(await tempDir(t), 'other.sock');
  const other = createServer();
  other.listen(path);
  await once(other, 'listening');
  t.teardown(() => other.close());
  const surface = new ScriptedSurface();

  const starting = createSocketServer({ path, surface, log });

  await t.throwsAsync(starting, { code: 'HF_SOCKET_TAKEN' });
});

/** Somebody who answers each connection with these bytes and then closes it. */
async function answering(t: ExecutionContext, bytes: string): Promise<string> {
  const path = join(await tempDir(t), 'agent.sock');
  const server = createServer((socket) => {
    socket.on('error', () => undefined).once('data', () => socket.end(bytes));
  });
  server.listen(path);
  await once(server, 'listening');
  t.teardown(() => server.close());
  return path;
}

const question = { method: 'GET', path: '/', headers: {}, body: undefined, answerMs: 10_000 };

test('an answer counts when it is whole, and what is none is told', async (t) => {
  const answers: readonly (readonly [bytes: string, expected: number | RegExp])[] = [
    ['HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}', 200],
    ['HTTP/1.0 404 Nothing\r\n\r\n{}', 404],
    ['HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{}', /is not an agent/],
    ['HTTP/1.1 200 OK\r\ncontent-le', /is not an agent/],
    ['SSH-2.0-OpenSSH_9.2\r\n\r\n', /is not an agent/],
    ['\0\r\n\r\n'.repeat(1_000), /is not an agent/],
    ['', /ended before it answered/],
  ];

  for (const [bytes, expected] of answers) {
    const asked = askSocket({ ...question, socketPath: await answering(t, bytes) });
    if (typeof expected === 'number') {
      t.deepEqual(await asked, { status: expected, text: '{}' }, bytes);
    } else {
      await t.throwsAsync(asked, { code: 'HF_AGENT_UNREACHABLE', message: expected }, bytes);
    }
  }
});

test('who says nothing, or is not there, is not waited for', async (t) => {
  const dir = await tempDir(t);
  const silent = createServer();
  const socketPath = join(dir, 'silent.sock');
  silent.listen(socketPath);
  await once(silent, 'listening');
  t.teardown(() => silent.close());

  const reasons: readonly (readonly [path: string, why: RegExp])[] = [
    [socketPath, /does not answer within 0\.05 s/],
    [join(dir, 'none.sock'), /there is no socket/],
    [join(dir, 'x'.repeat(108)), /longer than the 107 bytes/],
  ];
  for (const [path, message] of reasons) {
    const asked = askSocket({ ...question, socketPath: path, answerMs: 50 });
    await t.throwsAsync(asked, { code: 'HF_AGENT_UNREACHABLE', message });
  }
});

test('an agent that does not take all of a question is still heard', async (t) => {
  const { path } = await serve(t);
  const body = JSON.stringify({ workflow: 'checkout', input: 'x'.repeat(8 << 20) });

  const { status } = await askSocket({
    ...{ ...question, socketPath: path, method: 'POST', path: '/v1/runs', body },
  });

  t.is(status, 413);
});
