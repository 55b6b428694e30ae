import { parseFilter, type Filter, type FilterFields, type FilterValue } from '@holdfast/protocol';
import type { RunsQuery } from './run-list.ts';
import { runStates, type RunView } from './views.ts';

/** What a question can be about. */
const fields: FilterFields = {
  ...{ run: 'text', workflow: 'text', version: 'number', state: 'text', at: 'text' },
  ...{ try: 'number', status: 'text', age: 'duration', since: 'duration', next: 'duration' },
};

/** @throws HF_QUERY_INVALID */
export function runFilter(text: string): Filter {
  return parseFilter(text, fields);
}

/** The query with what of the question narrows the search. */
export function narrowed(query: RunsQuery, filter: Filter): RunsQuery {
  const named = filter.oneOf('state');
  const states = query.states ?? (named && runStates.filter((state) => named.includes(state)));
  const workflows = filter.oneOf('workflow');
  const workflow = query.workflow ?? (workflows?.length === 1 ? workflows[0] : undefined);
  return { ...query, states, workflow };
}

/** Whether a run is as the question wants it, at a time. */
export function fitsRun(run: RunView, filter: Filter, nowMs: number): boolean {
  return filter.fits((field) => valueOf(run, field, nowMs));
}

function valueOf(run: RunView, field: string, nowMs: number): FilterValue {
  switch (field) {
    case 'run':
      return run.id;
    case 'workflow':
      return run.workflow;
    case 'version':
      return run.version;
    case 'state':
      return run.state;
    case 'at':
      return run.at;
    case 'try':
      return run.attempt;
    case 'status':
      return typeof run.status === 'string' ? run.status : JSON.stringify(run.status ?? null);
    case 'age':
      return nowMs - Date.parse(run.startedAt);
    case 'since':
      return nowMs - Date.parse(run.updatedAt);
    case 'next':
      return run.nextAt === null ? null : Date.parse(run.nextAt) - nowMs;
    default:
      return undefined;
  }
}
