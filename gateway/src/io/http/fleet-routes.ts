import { HoldfastError } from '@holdfast/protocol';
import { readDevice } from '../../core/api-query.ts';
import type { Fleet, RunsQuery } from '../../core/fleet-views.ts';
import type { ApiRoutes } from './routes.ts';
import * as fleets from './schemas/fleet.ts';
import type { TypeOf } from '@holdfast/protocol/json-schema';
import * as ledgers from './schemas/ledger.ts';
import { idParams as params } from './schemas/parts.ts';

/** What is known of the fleet, and what can be decided about it. */
export function addFleet(routes: ApiRoutes, fleet: Fleet): void {
  const viewer = { role: 'viewer' } as const;
  routes.read(
    'GET /api/devices',
    {
      ...{ ...viewer, summary: 'Devices in the order of their ids' },
      ...{ query: fleets.devicesQuery, answer: fleets.devicesAnswer },
    },
    ({ query: { tag, ...query } }) => fleet.devices({ ...query, tags: readTags(tag) }),
  );
  routes.read(
    'GET /api/devices/:id',
    {
      ...{ ...viewer, summary: 'One device, with every life of its journal and every key' },
      ...{ params, answer: fleets.deviceAnswer },
    },
    (request) => fleet.device(readDevice(request.params.id)),
  );
  routes.read(
    'GET /api/devices/:id/runs',
    {
      ...{ ...viewer, summary: 'Runs of a device, newest first' },
      ...{ params, query: fleets.ownRunsQuery, answer: fleets.runsAnswer },
    },
    (request) => fleet.runs(runsQuery({ ...request.query, device: request.params.id })),
  );
  routes.read(
    'GET /api/devices/:id/entries',
    {
      ...{ ...viewer, summary: 'Entries of a device in the order of their seq, lane by lane' },
      ...{ params, query: fleets.entriesQuery, answer: fleets.entriesAnswer },
    },
    (request) => {
      const { after, lane } = request.query;
      if (after !== undefined && lane === undefined) {
        const why = 'after needs lane: each lane counts for itself';
        throw new HoldfastError('HF_REQUEST_INVALID', { why });
      }
      return fleet.entries({ ...request.query, device: readDevice(request.params.id) });
    },
  );
  routes.read(
    'GET /api/devices/:id/quarantine',
    {
      ...{ ...viewer, summary: 'What came under a key that counted no more; applied to nothing' },
      ...{ params, query: fleets.quarantineQuery, answer: fleets.quarantineAnswer },
    },
    ({ params: { id }, query }) => fleet.quarantine({ ...query, device: readDevice(id) }),
  );
  routes.read(
    'GET /api/devices/:id/value',
    {
      ...{ ...viewer, summary: 'The value of one entry, also where it is too large for the entry' },
      ...{ params, query: fleets.valueQuery, answer: fleets.valueAnswer },
    },
    (request) => fleet.value({ ...request.query, device: readDevice(request.params.id) }),
  );
  routes.read(
    'GET /api/runs',
    {
      ...{ ...viewer, summary: 'Runs as far as their entries have arrived, newest first' },
      ...{ query: fleets.runsQuery, answer: fleets.runsAnswer },
    },
    ({ query }) => fleet.runs(runsQuery(query)),
  );
  addDecisions(routes, fleet);
}

/** How far behind devices were over the last day. */
export function addBacklog(routes: ApiRoutes, fleet: Fleet): void {
  routes.read(
    'GET /api/backlog',
    {
      ...{ role: 'viewer', summary: 'How far behind the fleet was over a day, and who catches up' },
      answer: fleets.fleetBacklogAnswer,
    },
    () => fleet.fleetBacklog(),
  );
  routes.read(
    'GET /api/devices/:id/backlog',
    {
      ...{ role: 'viewer', summary: 'How far behind a device was over a day, as it reported' },
      ...{ params, answer: fleets.deviceBacklogAnswer },
    },
    (request) => fleet.deviceBacklog(readDevice(request.params.id)),
  );
}

function addDecisions(routes: ApiRoutes, fleet: Fleet): void {
  routes.change(
    'POST /api/devices/:id/key',
    {
      ...{ role: 'admin', summary: 'Know a device by another key from its next hello on' },
      ...{ params, body: fleets.rekeyBody, answer: fleets.rekeyedAnswer },
      action: 'device.rekey',
      target: (request) => request.params.id,
    },
    (request) => fleet.rekey(readDevice(request.params.id), request.body.key),
  );
  routes.change(
    'POST /api/devices/:id/revoke',
    {
      ...{ role: 'admin', summary: 'Take nothing from a device any more, and end its connection' },
      ...{ params, answer: fleets.revokedAnswer },
      action: 'device.revoke',
      target: (request) => request.params.id,
    },
    (request) => fleet.revoke(readDevice(request.params.id)),
  );
}

/** Texts `name=value` as tags by their names. */
export function readTags(texts: readonly string[] | undefined) {
  return texts && Object.fromEntries(texts.map((text) => splitAt(text, text.indexOf('='))));
}

function splitAt(text: string, at: number): readonly [name: string, value: string] {
  return [text.slice(0, at), text.slice(at + 1)];
}

function runsQuery(asked: TypeOf<typeof fleets.runsQuery>) {
  const { updatedSince, updatedBefore, tag, ...query } = asked;
  return {
    ...query,
    tags: readTags(tag),
    device: query.device === undefined ? undefined : readDevice(query.device),
    updatedSinceMs: updatedSince === undefined ? undefined : Date.parse(updatedSince),
    updatedBeforeMs: updatedBefore === undefined ? undefined : Date.parse(updatedBefore),
  } satisfies RunsQuery;
}

/** The ledger as a whole, and what it holds on somebody. */
export function addLedger(routes: ApiRoutes, fleet: Fleet): void {
  routes.read(
    'POST /api/ledger/verify',
    {
      ...{ role: 'viewer', summary: 'Read every entry and check every hash chain' },
      answer: ledgers.verifyAnswer,
    },
    ({ raw }) => {
      // It takes as long as it takes, and says nothing until then.
      raw.raw.socket.setTimeout(0);
      return fleet.verify();
    },
  );
  routes.change(
    'POST /api/ledger/erase',
    {
      ...{ role: 'admin', summary: 'Delete what is held on a subject' },
      ...{ body: ledgers.eraseBody, answer: ledgers.erasureAnswer },
      // Who it is about is not kept in one more place.
      ...{ action: 'ledger.erase', target: () => 'a subject' },
    },
    ({ body }) => fleet.erase({ ...body, reason: body.reason ?? '' }),
  );
  routes.read(
    'POST /api/ledger/held',
    {
      ...{ role: 'operator', summary: 'What is held on a subject' },
      ...{ body: ledgers.heldBody, answer: ledgers.heldAnswer },
    },
    ({ body }) => fleet.held(body),
  );
  routes.read(
    'GET /api/ledger/prunings',
    {
      ...{ role: 'viewer', summary: 'Receipts of what was kept for long enough, newest first' },
      ...{ query: ledgers.erasuresQuery, answer: ledgers.pruningsAnswer },
    },
    ({ query }) => fleet.prunings(query.limit),
  );
  routes.read(
    'GET /api/ledger/erasures',
    {
      ...{ role: 'viewer', summary: 'Receipts of erasures, newest first' },
      ...{ query: ledgers.erasuresQuery, answer: ledgers.erasuresAnswer },
    },
    ({ query }) => fleet.erasures(query.limit),
  );
}
