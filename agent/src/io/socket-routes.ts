import type { ErrorCode } from '@holdfast/protocol';
import type { Found } from './exchange.ts';
import {
  checkQuery,
  queryFlag,
  RequestError,
  type Answer,
  type Call,
  type Fields,
  type StreamAnswer,
  type Target,
} from './socket-request.ts';
import * as reads from './socket-reads.ts';
import { listRuns, runsParameters } from './socket-runs.ts';
import * as verbs from './socket-verbs.ts';

type Answering = (call: Call) => Answer | StreamAnswer | Promise<Answer | StreamAnswer>;

export interface Route {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  /** What it is for. */
  readonly says: string;
  /** What it answers with: names of schemas, or the type of what is no JSON. */
  readonly gives: readonly string[];
  /** What it can refuse for reasons of its own. */
  readonly fails: readonly ErrorCode[];
  readonly parameters: readonly string[];
  /** Of the body; a GET has none. */
  readonly fields?: Fields;
  readonly answer: Answering;
}

const ok = (body: unknown): Answer => ({ status: 200, body });

type About = Pick<Route, 'says' | 'gives' | 'fails'>;

const get = (path: string, about: About, answer: Answering, ...parameters: string[]): Route => ({
  ...{ method: 'GET', path, ...about, parameters, answer },
});
const post = (path: string, about: About, answer: Answering, fields: Fields = {}): Route => ({
  ...{ method: 'POST', path, ...about, parameters: [], fields, answer },
});
const about = (says: string, gives: string, ...fails: readonly ErrorCode[]): About => ({
  ...{ says, gives: gives.split(' ').map((name) => `holdfast.${name}/1`), fails },
});

const ended = ['HF_RUN_UNKNOWN', 'HF_RUN_FINISHED'] as const;

const startFails = ['HF_WORKFLOW_UNKNOWN', 'HF_RUN_CONFLICT', 'HF_NAME_INVALID'] as const;
const forkFails = ['HF_RUN_UNKNOWN', 'HF_RUN_STATE', 'HF_RUN_CONFLICT', 'HF_NAME_INVALID'] as const;
const triggerFails = ['HF_SCHEDULE_UNKNOWN', 'HF_SCHEDULE_OVERLAP'] as const;
const keyFails = [
  'HF_RENEWAL_REFUSED',
  'HF_DEVICE_REVOKED',
  'HF_GATEWAY_UNREACHABLE',
  'HF_GATEWAY_UNTRUSTED',
] as const;

const reason = { reason: 'text?' } as const;
const policies = { onConflict: 'text?', reuse: 'text?' } as const;

/** Behind `/v1/`. */
export const routes: readonly Route[] = [
  get('status', about('How this device is', 'status'), async ({ surface }) =>
    ok(await surface.status()),
  ),
  get(
    'backlog',
    about('What the gateway does not have yet', 'backlog'),
    async ({ surface, query }) => ok(await surface.backlog({ parts: queryFlag(query, 'parts') })),
    'parts',
  ),
  get(
    'journal',
    about('The newest entries, or those behind a seq of a lane', 'journal'),
    reads.readJournal,
    ...['lane', 'after', 'kind', 'run', 'unsynced', 'hex', 'limit'],
  ),
  get(
    'logs',
    about('Lines of the log, those behind a number', 'logs'),
    reads.readLogs,
    ...['after', 'limit'],
  ),
  get(
    'wait',
    about(
      'Wait until a run has ended, or the gateway has everything',
      'run backlog',
      'HF_RUN_UNKNOWN',
      'HF_WAIT_TIMEOUT',
    ),
    reads.wait,
    ...['run', 'synced', 'timeoutMs'],
  ),
  get(
    'runs',
    about('Runs, newest first', 'runs', 'HF_INPUT_INVALID', 'HF_QUERY_INVALID'),
    listRuns,
    ...runsParameters,
  ),
  get(
    'runs/:id',
    about('One run, and what it does or waits for', 'run', 'HF_RUN_UNKNOWN'),
    reads.showRun,
    'reveal',
  ),
  get(
    'runs/:id/history',
    about('Its history, to be replayed', 'history', 'HF_RUN_UNKNOWN', 'HF_ENTRY_DAMAGED'),
    reads.exportRun,
    'reveal',
  ),
  get(
    'run-ids',
    about('Ids, to complete what is typed', 'run-ids'),
    reads.listRunIds,
    'prefix',
    'limit',
  ),
  post('runs', about('Start a run', 'started', ...startFails), verbs.startRun, {
    ...{ workflow: 'text', input: 'any?', id: 'text?', subject: 'text?' },
    ...policies,
  }),
  post(
    'runs/:id/signals',
    about('Send input to a run', 'signalled', ...ended, 'HF_NAME_INVALID', 'HF_SIGNAL_REFUSED'),
    verbs.sendSignal,
    { name: 'text', payload: 'any?', id: 'text?', subject: 'text?' },
  ),
  post('runs/:id/cancel', about('Cancel a run', 'cancelled', ...ended), verbs.cancelRun, {
    ...{ reason: 'text?', force: 'flag?' },
  }),
  post('runs/:id/pause', about('Hold a run', 'paused', ...ended), verbs.pauseRun, reason),
  post('runs/:id/resume', about('Let a paused run go on', 'resumed', ...ended), verbs.resumeRun),
  post(
    'runs/:id/retry',
    about('Let a failed or stuck run go on', 'retried', 'HF_RUN_UNKNOWN', 'HF_RUN_STATE'),
    verbs.retryRun,
    reason,
  ),
  post(
    'runs/:id/skip',
    about('Give a step its outcome', 'skipped', ...ended, 'HF_RUN_STATE'),
    verbs.skipStep,
    { step: 'text', result: 'any?' },
  ),
  post('runs/:id/fork', about('Start anew from a step', 'forked', ...forkFails), verbs.forkRun, {
    ...{ step: 'text', id: 'text?' },
  }),
  post(
    'complete',
    about('End a step that waits for somebody', 'token-completed', 'HF_TOKEN_INVALID'),
    verbs.completeStep,
    {
      ...{ token: 'text', result: 'any?', error: 'text?' },
    },
  ),
  post(
    'events',
    about('Journal a fact for the cloud', 'emitted', 'HF_NAME_INVALID'),
    verbs.emitEvent,
    { name: 'text', payload: 'any?', lane: 'text?', subject: 'text?' },
  ),
  post(
    'erase',
    about('Delete what is held on a subject', 'erased', 'HF_SUBJECT_NEEDED', 'HF_NAME_INVALID'),
    verbs.erase,
    { subject: 'text', force: 'flag?' },
  ),
  get(
    'snapshot',
    { says: 'The store as of now, to be restored', gives: ['application/octet-stream'], fails: [] },
    ({ surface }) => ({ stream: (send) => surface.snapshot(send) }),
  ),
  get('schedules', about('Schedules, and when they are next', 'schedules'), async ({ surface }) =>
    ok(await surface.schedules()),
  ),
  get('settings', about('What the gateway has set', 'settings'), async ({ surface }) =>
    ok(await surface.settings()),
  ),
  post(
    'schedules/:id/pause',
    about('Hold a schedule', 'schedule-paused', 'HF_SCHEDULE_UNKNOWN'),
    verbs.pauseSchedule,
  ),
  post(
    'schedules/:id/resume',
    about('Let a schedule go on', 'schedule-resumed', 'HF_SCHEDULE_UNKNOWN'),
    verbs.resumeSchedule,
  ),
  post(
    'schedules/:id/trigger',
    about('Start its run now', 'schedule-triggered', ...triggerFails),
    verbs.triggerSchedule,
  ),
  post('nudge', about('Connect to the gateway now', 'nudged'), verbs.nudge),
  post(
    'rotate-key',
    about('Have the gateway know the device by another key', 'enroll', ...keyFails),
    verbs.rotateKey,
  ),
];

/** Where everybody looks for it. */
export const unversioned: readonly Route[] = [
  get(
    'metrics',
    {
      says: 'What the agent counts and measures, for Prometheus',
      ...{ gives: ['text/plain'], fails: [] },
    },
    async ({ surface }) => ({ status: 200, text: await surface.metrics() }),
  ),
];

/**
 * Finds what answers a request.
 *
 * @throws RequestError: 404 for an unknown path, 405 for a method it does not have, 400 for the
 * parameters.
 */
export function findRoute(method: string, target: Target): Found {
  const [version, ...rest] = target.segments;
  return version === 'v1'
    ? findAmong(routes, method, { ...target, segments: rest })
    : findAmong(unversioned, method, target);
}

/** What of it a page may show, which only looks: nothing that was marked local or redacted. */
const shown: ReadonlySet<string> = new Set([
  ...['status', 'backlog', 'journal', 'logs', 'runs', 'runs/:id', 'schedules', 'settings'],
]);
const pageRoutes = routes
  .filter(({ method, path }) => method === 'GET' && shown.has(path))
  .map((route) => ({
    ...route,
    parameters: route.parameters.filter((name) => name !== 'reveal'),
  }));

/** Finds what answers a page. @throws RequestError, as `findRoute` */
export function findPageRoute(method: string, target: Target): Found {
  const [version, ...segments] = target.segments;
  const among = version === 'v1' ? pageRoutes : [];
  return findAmong(among, method, { ...target, segments });
}

function findAmong(among: readonly Route[], method: string, target: Target): Found {
  const { segments, query } = target;
  const matching = among.filter(({ path }) => matches(path, segments));
  if (matching.length === 0) throw new RequestError(404, 'there is nothing at this path');
  const route = matching.find((each) => each.method === method);
  if (route === undefined) {
    const methods = matching.map((each) => each.method).join(', ');
    throw new RequestError(405, `${method} is not for this path: it takes ${methods}`);
  }
  checkQuery(query, route.parameters);
  return { id: segments[1] ?? '', query, answer: route.answer, fields: route.fields };
}

function matches(path: string, segments: readonly string[]): boolean {
  const parts = path.split('/');
  return (
    parts.length === segments.length &&
    parts.every((part, index) => part === ':id' || part === segments[index])
  );
}
