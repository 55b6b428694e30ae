import { codeOf, HoldfastError } from '@holdfast/protocol';
import {
  checkQuery,
  isLane,
  LANE_WRONG,
  queryFlag,
  queryInteger,
  RequestError,
  type Answer,
  type StreamAnswer,
  type Call,
  type Target,
} from './socket-request.ts';
import { listRuns, runsParameters } from './socket-runs.ts';
import * as verbs from './socket-verbs.ts';

interface Route {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly parameters: readonly string[];
  readonly answer: (call: Call) => Answer | StreamAnswer | Promise<Answer | StreamAnswer>;
}

const ROWS_DEFAULT = 100;
const ROWS_MAX = 1_000;
const WAIT_MS_DEFAULT = 30_000;
/** An hour: whoever waits longer asks again, and learns that the agent still lives. */
const WAIT_MS_MAX = 3_600_000;
/** The surface cannot be told that a client is gone; a wait nobody reads ends within this. */
const WAIT_SLICE_MS = 5_000;

const IDS_DEFAULT = 6;
const IDS_MAX = 100;

const ok = (body: unknown): Answer => ({ status: 200, body });

type Answering = Route['answer'];

const get = (path: string, answer: Answering, ...parameters: readonly string[]): Route => ({
  ...{ method: 'GET', path, parameters, answer },
});
const post = (path: string, answer: Answering): Route => ({
  ...{ method: 'POST', path, parameters: [], answer },
});

const routes: readonly Route[] = [
  get('status', async ({ surface }) => ok(await surface.status())),
  get('backlog', async ({ surface }) => ok(await surface.backlog())),
  get('journal', readJournal, 'lane', 'after', 'limit'),
  get('wait', wait, 'run', 'synced', 'timeoutMs'),
  get('runs', listRuns, ...runsParameters),
  get('runs/:id', showRun, 'reveal'),
  get('runs/:id/history', exportRun, 'reveal'),
  get('run-ids', listRunIds, 'prefix', 'limit'),
  post('runs', verbs.startRun),
  post('runs/:id/signals', verbs.sendSignal),
  post('runs/:id/cancel', verbs.cancelRun),
  post('runs/:id/pause', verbs.pauseRun),
  post('runs/:id/resume', verbs.resumeRun),
  post('runs/:id/retry', verbs.retryRun),
  post('runs/:id/skip', verbs.skipStep),
  post('runs/:id/fork', verbs.forkRun),
  post('complete', verbs.completeStep),
  post('events', verbs.emitEvent),
  post('erase', verbs.erase),
  get('snapshot', ({ surface }) => ({ stream: (send) => surface.snapshot(send) })),
  get('schedules', async ({ surface }) => ok(await surface.schedules())),
  post('schedules/:id/pause', verbs.pauseSchedule),
  post('schedules/:id/resume', verbs.resumeSchedule),
  post('schedules/:id/trigger', verbs.triggerSchedule),
  post('nudge', verbs.nudge),
];

/** Where everybody looks for it. */
const unversioned: readonly Route[] = [
  get('metrics', async ({ surface }) => ({ status: 200, text: await surface.metrics() })),
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
  const known = version === 'v1' ? routes : unversioned;
  const parts = version === 'v1' ? rest : target.segments;
  const matching = known.filter(({ path }) => matches(path, parts));
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

async function showRun({ surface, id, query }: Call): Promise<Answer> {
  return ok(await surface.run(id, { reveal: queryFlag(query, 'reveal') }));
}

async function exportRun({ surface, id, query }: Call): Promise<Answer> {
  return ok(await surface.history(id, { reveal: queryFlag(query, 'reveal') }));
}

async function listRunIds({ surface, query }: Call): Promise<Answer> {
  const prefix = query.get('prefix') ?? '';
  const limit = queryInteger(query, 'limit', { min: 1, max: IDS_MAX }) ?? IDS_DEFAULT;
  return ok(await surface.runIds({ prefix, limit }));
}

async function readJournal({ surface, query }: Call): Promise<Answer> {
  const lane = query.get('lane') ?? undefined;
  if (lane !== undefined && !isLane(lane)) throw new RequestError(400, LANE_WRONG);
  const after = queryInteger(query, 'after', { min: 0, max: Number.MAX_SAFE_INTEGER });
  if (after !== undefined && lane === undefined) {
    throw new RequestError(400, 'after needs lane: each lane counts for itself');
  }
  const limit = queryInteger(query, 'limit', { min: 1, max: ROWS_MAX }) ?? ROWS_DEFAULT;
  return ok(await surface.journal({ lane, after, limit }));
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
