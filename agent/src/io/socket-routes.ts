import type { IncomingMessage } from 'node:http';
import { codeOf, HoldfastError, lanes, type Lane } from '@holdfast/protocol';
import type { AgentSurface } from '../core/surface.ts';
import {
  checkQuery,
  queryFlag,
  queryInteger,
  readBody,
  RequestError,
  type Target,
} from './socket-request.ts';

export interface Call {
  readonly surface: AgentSurface;
  readonly request: IncomingMessage;
  readonly query: URLSearchParams;
  /** The part of the path that stands for `:id`; empty where there is none. */
  readonly id: string;
  /** Aborts when the client goes away or the server closes. */
  readonly ended: AbortSignal;
}

export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

interface Route {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly parameters: readonly string[];
  readonly answer: (call: Call) => Answer | Promise<Answer>;
}

const RUNS_DEFAULT = 200;
const RUNS_MAX = 10_000;
const ROWS_DEFAULT = 100;
const ROWS_MAX = 1_000;
const WAIT_MS_DEFAULT = 30_000;
/** An hour: whoever waits longer asks again, and learns that the agent still lives. */
const WAIT_MS_MAX = 3_600_000;
/** The surface cannot be told that a client is gone; a wait nobody reads ends within this. */
const WAIT_SLICE_MS = 5_000;

const ok = (body: unknown): Answer => ({ status: 200, body });

const routes: readonly Route[] = [
  {
    method: 'GET',
    path: 'status',
    parameters: [],
    answer: async ({ surface }) => ok(await surface.status()),
  },
  {
    method: 'GET',
    path: 'backlog',
    parameters: [],
    answer: async ({ surface }) => ok(await surface.backlog()),
  },
  { method: 'GET', path: 'runs', parameters: ['all', 'limit'], answer: listRuns },
  { method: 'POST', path: 'runs', parameters: [], answer: startRun },
  {
    method: 'GET',
    path: 'runs/:id',
    parameters: [],
    answer: async ({ surface, id }) => ok(await surface.run(id)),
  },
  { method: 'POST', path: 'runs/:id/signals', parameters: [], answer: sendSignal },
  { method: 'POST', path: 'runs/:id/cancel', parameters: [], answer: cancelRun },
  { method: 'GET', path: 'journal', parameters: ['lane', 'after', 'limit'], answer: readJournal },
  { method: 'GET', path: 'wait', parameters: ['run', 'synced', 'timeoutMs'], answer: wait },
];

/**
 * Finds what answers a request.
 *
 * @throws RequestError: 404 for an unknown path, 405 for a method it does not have, 400 for the
 * parameters.
 */
export function findRoute(
  method: string,
  target: Target,
): { readonly id: string; readonly answer: Route['answer'] } {
  const [version, ...rest] = target.segments;
  const matching = version === 'v1' ? routes.filter(({ path }) => matches(path, rest)) : [];
  if (matching.length === 0) throw new RequestError(404, 'there is nothing at this path');
  const route = matching.find((each) => each.method === method);
  if (route === undefined) {
    const methods = matching.map((each) => each.method).join(', ');
    throw new RequestError(405, `${method} is not for this path: it takes ${methods}`);
  }
  checkQuery(target.query, route.parameters);
  return { id: rest[1] ?? '', answer: route.answer };
}

function matches(path: string, segments: readonly string[]): boolean {
  const parts = path.split('/');
  return (
    parts.length === segments.length &&
    parts.every((part, index) => part === ':id' || part === segments[index])
  );
}

async function listRuns({ surface, query }: Call): Promise<Answer> {
  const all = queryFlag(query, 'all');
  const limit = queryInteger(query, 'limit', { min: 1, max: RUNS_MAX }) ?? RUNS_DEFAULT;
  return ok(await surface.runs({ all, limit }));
}

async function startRun({ surface, request }: Call): Promise<Answer> {
  const body = await readBody(request, { workflow: 'text', input: 'any?', id: 'text?' });
  const { id, created } = await surface.startRun({
    workflow: body['workflow'] as string,
    input: body['input'],
    id: body['id'] as string | undefined,
  });
  return { status: created ? 201 : 200, body: { schema: 'holdfast.started/1', id, created } };
}

async function sendSignal({ surface, request, id: run }: Call): Promise<Answer> {
  const body = await readBody(request, { name: 'text', payload: 'any?', id: 'text?' });
  const name = body['name'] as string;
  await surface.signal({
    run,
    name,
    payload: body['payload'],
    id: body['id'] as string | undefined,
  });
  return { status: 202, body: { schema: 'holdfast.signalled/1', run, name } };
}

async function cancelRun({ surface, request, id: run }: Call): Promise<Answer> {
  const body = await readBody(request, { reason: 'text?' });
  const reason = (body['reason'] as string | undefined) ?? '';
  await surface.cancel({ run, reason });
  return { status: 202, body: { schema: 'holdfast.cancelled/1', run } };
}

async function readJournal({ surface, query }: Call): Promise<Answer> {
  const lane = query.get('lane') ?? undefined;
  if (lane !== undefined && !isLane(lane)) {
    throw new RequestError(400, `lane is none of ${lanes.join(', ')}`);
  }
  const after = queryInteger(query, 'after', { min: 0, max: Number.MAX_SAFE_INTEGER });
  if (after !== undefined && lane === undefined) {
    throw new RequestError(400, 'after needs lane: each lane counts for itself');
  }
  const limit = queryInteger(query, 'limit', { min: 1, max: ROWS_MAX }) ?? ROWS_DEFAULT;
  return ok(await surface.journal({ lane, after, limit }));
}

function isLane(text: string): text is Lane {
  return (lanes as readonly string[]).includes(text);
}

async function wait({ surface, query, ended }: Call): Promise<Answer> {
  const run = query.get('run') ?? undefined;
  if (queryFlag(query, 'synced') === (run !== undefined)) {
    throw new RequestError(400, 'give either run or synced=1');
  }
  const timeoutMs =
    queryInteger(query, 'timeoutMs', { min: 0, max: WAIT_MS_MAX }) ?? WAIT_MS_DEFAULT;
  const poll = (sliceMs: number): Promise<unknown> =>
    run === undefined
      ? surface.waitSynced({ timeoutMs: sliceMs })
      : surface.waitRun({ run, timeoutMs: sliceMs });
  return ok(await waitInSlices(poll, timeoutMs, ended));
}

/** Waits for `timeoutMs` in all, or until nobody waits for the answer any more. */
async function waitInSlices(
  poll: (sliceMs: number) => Promise<unknown>,
  timeoutMs: number,
  ended: AbortSignal,
): Promise<unknown> {
  const isOver = new Promise<never>((_, reject) => {
    ended.addEventListener('abort', () => reject(new HoldfastError('HF_AGENT_CLOSED')), {
      once: true,
    });
  });
  isOver.catch(() => undefined); // It may reject when nothing races against it any more.
  let leftMs = timeoutMs;
  for (;;) {
    const sliceMs = Math.min(leftMs, WAIT_SLICE_MS);
    leftMs -= sliceMs;
    try {
      return await Promise.race([poll(sliceMs), isOver]);
    } catch (error) {
      if (codeOf(error) !== 'HF_WAIT_TIMEOUT' || leftMs === 0 || ended.aborted) throw error;
    }
  }
}
