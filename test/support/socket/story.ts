import { join } from 'node:path';
import { request } from 'node:http';
import { Agent } from '@holdfast/agent';
import { socketRoutes, unversionedRoutes, type SocketRoute } from '@holdfast/agent/internal';
import { storyFlows } from './story-flows.ts';

/** What was asked of an agent over its socket, and what it answered. */
export interface Exchange {
  readonly route: SocketRoute;
  readonly path: string;
  readonly body: unknown;
  readonly status: number;
  /** Parsed where it is JSON. */
  readonly answer: unknown;
  /** Of its failure. */
  readonly code: string | undefined;
}

type Ask = (line: string, body?: unknown) => Promise<Exchange>;

/**
 * Has an agent, in a directory, answer on each of its routes and refuse what it can be brought to
 * refuse.
 */
export async function playStory(dir: string): Promise<readonly Exchange[]> {
  const { order, workflows, token } = storyFlows();
  const socket = join(dir, 'agent.sock');
  const agent = await Agent.open({
    dataDir: join(dir, 'data'),
    device: 'till-1',
    workflows,
    socket,
  });
  const seen: Exchange[] = [];
  const ask: Ask = async (line, body) => {
    const exchange = await askAgent(socket, line, body);
    seen.push(exchange);
    return exchange;
  };
  try {
    await agent.schedule({
      id: 'morning',
      workflow: order,
      input: { item: 'tea' },
      cron: '0 9 * * *',
      overlap: 'skip',
    });
    await askAboutRuns(ask, token);
    await askAboutTheRest(ask);
    await askInVain(ask);
    return seen;
  } finally {
    await agent.close();
  }
}

async function askAboutRuns(ask: Ask, token: Promise<string>): Promise<void> {
  const teapot = { workflow: 'order', id: 'A-1', input: { item: 'teapot' } };
  await ask('POST /v1/runs', teapot);
  await ask('POST /v1/runs', teapot);
  await ask('POST /v1/runs', { ...teapot, onConflict: 'reject' });
  await ask('POST /v1/runs', { workflow: 'nothing' });
  await ask('POST /v1/runs', { workflow: 'order', id: 'a\nb' });
  await ask('GET /v1/wait?run=A-1&timeoutMs=0');
  await ask('POST /v1/runs/A-1/pause', { reason: 'stock-taking' });
  await ask('POST /v1/runs/A-1/resume');
  await ask('POST /v1/runs/A-1/retry', {});
  await ask('POST /v1/runs/A-1/skip', { step: 'none' });
  await ask('POST /v1/runs/A-1/signals', { name: 'picked-up', payload: 'Ada' });
  await ask('POST /v1/runs/A-1/signals', { name: '', payload: 'Ada' });
  await ask('POST /v1/runs/A-1/signals', { name: 'picked-up', payload: { by: 'Ada' }, id: 's-1' });
  await ask('GET /v1/wait?run=A-1&timeoutMs=30000');
  await ask('GET /v1/runs?all=true&workflow=order&limit=10');
  await ask('GET /v1/runs?cursor=nonsense');
  await ask('GET /v1/runs/A-1');
  await ask('GET /v1/runs/A-1/history');
  await ask('GET /v1/run-ids?prefix=A&limit=10');
  await ask('GET /v1/settings');
  for (const verb of ['signals', 'cancel', 'pause', 'resume', 'skip']) {
    await ask(`POST /v1/runs/A-1/${verb}`, leastOf(`runs/:id/${verb}`));
  }
  await ask('POST /v1/runs/A-1/fork', { step: 'print', id: 'A-2' });
  await ask('POST /v1/runs/A-1/fork', { step: 'print', id: 'A-1' });
  await ask('POST /v1/runs/A-1/fork', { step: 'none' });
  await ask('POST /v1/runs/A-1/fork', { step: 'print', id: '' });
  await ask('POST /v1/runs', { ...teapot, id: 'A-4' });
  await ask('POST /v1/runs/A-4/cancel', { reason: 'ordered twice' });
  await ask('POST /v1/runs', { workflow: 'weighing', id: 'W-1' });
  await ask('POST /v1/complete', { token: await token, result: 125 });
  await ask('POST /v1/complete', { token: 'hft_1_2_0000' });
  await ask('POST /v1/runs', { workflow: 'refund', id: 'R-1' });
  await ask('GET /v1/wait?run=R-1&timeoutMs=30000');
  await ask('POST /v1/runs/R-1/retry', { reason: 'the card was added' });
  await ask('POST /v1/runs', { workflow: 'delivery', id: 'D-1', subject: 'customer-42' });
  await ask('POST /v1/runs/D-1/skip', { step: 'ring', result: 'left with the neighbour' });
}

async function askAboutTheRest(ask: Ask): Promise<void> {
  await ask('POST /v1/events', { name: 'door.opened', payload: { door: 3 }, lane: 'urgent' });
  await ask('POST /v1/events', { name: '' });
  await ask('POST /v1/runs', {
    workflow: 'order',
    id: 'A-3',
    input: { item: 'tea' },
    subject: 'c-7',
  });
  await ask('POST /v1/erase', { subject: 'c-7' });
  await ask('POST /v1/erase', { subject: 'a\nb' });
  await ask('POST /v1/erase', { subject: 'c-7', force: true });
  await ask('GET /v1/status');
  await ask('GET /v1/backlog');
  await ask('GET /v1/journal?lane=urgent&after=0&limit=2');
  await ask('GET /v1/logs?after=0&limit=2');
  await ask('GET /v1/schedules');
  await ask('POST /v1/schedules/morning/pause');
  await ask('POST /v1/schedules/morning/resume');
  await ask('POST /v1/schedules/morning/trigger');
  await ask('POST /v1/schedules/morning/trigger');
  await ask('POST /v1/nudge');
  await ask('POST /v1/rotate-key');
  await ask('GET /v1/snapshot');
  await ask('GET /metrics');
}

/** What no agent takes: names of what there is not, parameters and fields that nobody has. */
async function askInVain(ask: Ask): Promise<void> {
  for (const { method, path, parameters, fields } of socketRoutes) {
    const line = `${method} /v1/${path.replace(':id', 'nobody')}`;
    await ask(`${line}?nonsense=1`, method === 'GET' ? undefined : {});
    if (fields !== undefined) await ask(line, { nonsense: 1 });
    if (path.includes(':id')) await ask(line, fields && leastOf(path));
    for (const name of parameters) await ask(`${line}?${name}=%7B`);
  }
  await ask('GET /metrics?nonsense=1');
  await ask('GET /v1/wait?run=nobody');
  await ask('POST /v1/events', { name: 'large', payload: 'x'.repeat(1_048_576) });
}

/** A body with what it must have, and no more. */
function leastOf(path: string): Readonly<Record<string, unknown>> {
  const { fields = {} } = socketRoutes.find((each) => each.path === path && each.fields) ?? {};
  const needed = Object.entries(fields).filter(([, kind]) => !kind.endsWith('?'));
  return Object.fromEntries(needed.map(([name]) => [name, 'print']));
}

/** @param line Such as `GET /v1/status`. */
function askAgent(socketPath: string, line: string, body: unknown): Promise<Exchange> {
  const [method = '', path = ''] = line.split(' ');
  const headers = { 'content-type': 'application/json' };
  return new Promise((resolve, reject) => {
    const asking = request({ socketPath, method, path, headers, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        const isJson = response.headers['content-type'] === 'application/json';
        const answer: unknown = isJson ? JSON.parse(text) : undefined;
        const { statusCode: status = 0 } = response;
        const { error } = (answer ?? {}) as { readonly error?: { readonly code: string } };
        const code = status < 400 ? undefined : error?.code;
        resolve({ route: routeOf(method, path), path, body, status, answer, code });
      });
    });
    asking.on('error', reject);
    // Some are answered, and left, before their body was read.
    asking.on('socket', (socket) => socket.on('error', () => undefined));
    asking.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

function routeOf(method: string, target: string): SocketRoute {
  const [path = ''] = target.split('?');
  const among = path.startsWith('/v1/') ? socketRoutes : unversionedRoutes;
  const parts = path.replace('/v1/', '/').slice(1).split('/');
  const route = among.find(
    (each) =>
      each.method === method &&
      each.path.split('/').length === parts.length &&
      each.path.split('/').every((part, at) => part === ':id' || part === parts[at]),
  );
  if (route === undefined) throw new Error(`there is no ${method} ${target}`);
  return route;
}
