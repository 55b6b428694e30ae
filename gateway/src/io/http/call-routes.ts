import type { FleetCalls, ParkedQuery } from '../../core/call-views.ts';
import type { ApiRoutes } from './routes.ts';
import * as of from './schemas/calls.ts';

/** What is asked of, and decided about, calls that wait. */
export function addCalls(routes: ApiRoutes, fleet: FleetCalls): void {
  const viewer = { role: 'viewer' } as const;
  const operator = { role: 'operator' } as const;
  routes.read(
    'GET /api/calls',
    {
      ...{ ...viewer, summary: 'Calls without a result, by service, the oldest first' },
      ...{ query: of.callsQuery, answer: of.callsAnswer },
    },
    ({ query }) => fleet.calls(query),
  );
  routes.read(
    'GET /api/services',
    {
      ...{ ...viewer, summary: 'Services that have a handler here, and those whose calls wait' },
      answer: of.servicesAnswer,
    },
    () => fleet.services(),
  );
  routes.change(
    'POST /api/calls/requeue',
    {
      ...{ ...operator, summary: 'Have parked calls executed again: one, or all of a service' },
      ...{ body: of.requeueBody, answer: of.unparkedAnswer },
      action: 'call.requeue',
      target: ({ body }) => placeOf(body),
    },
    ({ body }) => fleet.requeueCalls(body),
  );
  routes.change(
    'POST /api/calls/fail',
    {
      ...{ ...operator, summary: 'Have parked calls fail: one, or all of a service' },
      ...{ body: of.failBody, answer: of.unparkedAnswer },
      action: 'call.fail',
      target: ({ body }) => placeOf(body),
    },
    ({ body }) => fleet.failCalls({ ...body, reason: body.reason ?? '' }),
  );
}

function placeOf({ service, number }: ParkedQuery): string {
  return number === undefined ? service : `${service} ${number}`;
}
