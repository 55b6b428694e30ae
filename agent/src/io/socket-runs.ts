import type { RunsQuery } from '../core/run-list.ts';
import { runStates, type RunState } from '../core/views.ts';
import { queryFlag, queryInteger, RequestError, type Answer, type Call } from './socket-request.ts';

const LIMIT_DEFAULT = 200;
const LIMIT_MAX = 10_000;

/** What a list of runs can be narrowed by. */
export const runsParameters = [
  ...['all', 'state', 'workflow', 'prefix', 'q', 'synced', 'since', 'until', 'limit', 'cursor'],
] as const;

export async function listRuns({ surface, query }: Call): Promise<Answer> {
  return { status: 200, body: await surface.runs(readQuery(query)) };
}

/** @throws RequestError (400) */
function readQuery(query: URLSearchParams): RunsQuery {
  const text = (name: string): string | undefined => query.get(name) ?? undefined;
  return {
    all: queryFlag(query, 'all'),
    states: text('state')?.split(',').map(asState),
    workflow: text('workflow'),
    prefix: text('prefix'),
    q: text('q'),
    synced: queryFlag(query, 'synced'),
    sinceMs: instant(query, 'since'),
    untilMs: instant(query, 'until'),
    limit: queryInteger(query, 'limit', { min: 1, max: LIMIT_MAX }) ?? LIMIT_DEFAULT,
    cursor: text('cursor'),
  };
}

function asState(text: string): RunState {
  const state = runStates.find((each) => each === text);
  if (state !== undefined) return state;
  throw new RequestError(400, `the state ${text} is none of ${runStates.join(', ')}`);
}

function instant(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null) return undefined;
  const ms = Date.parse(text);
  if (!Number.isNaN(ms)) return ms;
  throw new RequestError(400, `${name} is no time such as 2026-05-04T03:02:01Z`);
}
