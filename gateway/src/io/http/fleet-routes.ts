import { readEraseBody, readHeldBody, readKeyBody } from '../../core/api-body.ts';
import {
  readDevice,
  readEntriesQuery,
  readLimit,
  readNothing,
  readRunsQuery,
  readValueQuery,
} from '../../core/api-query.ts';
import type { Fleet } from '../../core/fleet-views.ts';
import type { ApiRoutes } from './routes.ts';

/** What is known of the fleet, and what can be decided about it. */
export function addFleet(routes: ApiRoutes, fleet: Fleet): void {
  routes.read('/api/devices', 'viewer', ({ query }) => {
    readNothing(query);
    return fleet.devices();
  });
  routes.read('/api/devices/:id', 'viewer', ({ params, query }) => {
    readNothing(query);
    return fleet.device(readDevice(params['id']));
  });
  routes.read('/api/devices/:id/runs', 'viewer', ({ params, query }) =>
    fleet.runs(readRunsQuery(query, readDevice(params['id']))),
  );
  routes.read('/api/devices/:id/entries', 'viewer', ({ params, query }) =>
    fleet.entries(readEntriesQuery(query, readDevice(params['id']))),
  );
  routes.read('/api/devices/:id/value', 'viewer', ({ params, query }) =>
    fleet.value(readValueQuery(query, readDevice(params['id']))),
  );
  routes.read('/api/runs', 'viewer', ({ query }) => fleet.runs(readRunsQuery(query)));
  routes.change(
    'POST /api/devices/:id/key',
    { role: 'admin', action: 'device.rekey', target: ({ params }) => params['id'] ?? '' },
    ({ params, query, body }) => {
      readNothing(query);
      return fleet.rekey(readDevice(params['id']), readKeyBody(body));
    },
  );
}

/** The ledger as a whole, and what it holds on somebody. */
export function addLedger(routes: ApiRoutes, fleet: Fleet): void {
  routes.ask('/api/ledger/verify', 'viewer', ({ query, raw }) => {
    readNothing(query);
    // It takes as long as it takes, and says nothing until then.
    raw.raw.socket.setTimeout(0);
    return fleet.verify();
  });
  routes.change(
    'POST /api/ledger/erase',
    // Who it is about is not kept in one more place.
    { role: 'admin', action: 'ledger.erase', target: () => 'a subject' },
    ({ query, body }) => {
      readNothing(query);
      return fleet.erase(readEraseBody(body));
    },
  );
  routes.ask('/api/ledger/held', 'operator', ({ query, body }) => {
    readNothing(query);
    return fleet.held(readHeldBody(body));
  });
  routes.read('/api/ledger/erasures', 'viewer', ({ query }) => fleet.erasures(readLimit(query)));
}
