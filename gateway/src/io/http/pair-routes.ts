import type { Clock } from '@holdfast/protocol';
import type { FastifyInstance } from 'fastify';
import type { Pairings } from '../../core/access/pairings.ts';
import { rfc3339 } from '../../core/entry-view.ts';
import { problemAnswer, type ApiRoutes } from './routes.ts';
import type { TypeOf } from '@holdfast/protocol/json-schema';
import { namedParams as params } from './schemas/parts.ts';
import * as of from './schemas/pairing.ts';

interface PairOptions {
  readonly pairings: Pairings;
  readonly clock: Pick<Clock, 'nowMs'>;
}

/** What a device asks for that has no token, and what people decide. */
export function addPairing(app: FastifyInstance, routes: ApiRoutes, options: PairOptions): void {
  addAsking(app, options);
  addDeciding(routes, options);
}

function addAsking(app: FastifyInstance, { pairings, clock }: PairOptions): void {
  const open = (summary: string, body: object, answer: object) => ({
    schema: { summary, security: [], body, response: { 200: answer, default: problemAnswer } },
  });
  app.post<{ Body: TypeOf<typeof of.pairBody> }>(
    '/api/pair',
    open('Ask that a device be let in', of.pairBody, of.pairingBegun),
    ({ body, ip: from }) => pairings.begin({ ...body, from }),
  );
  app.post<{ Body: TypeOf<typeof of.revealBody> }>(
    '/api/pair/reveal',
    open('Tell what the device is bound to, and get a code', of.revealBody, of.pairingShown),
    ({ body }) => pairings.reveal(body.id, body.nonce),
  );
  app.post<{ Body: TypeOf<typeof of.outcomeBody> }>(
    '/api/pair/outcome',
    open('Whether somebody has decided', of.outcomeBody, of.pairingOutcome),
    async ({ body }) => {
      const enrolled = (await pairings.outcome(body.id)) ?? null;
      const at = rfc3339(clock.nowMs()) ?? '';
      return { schema: 'holdfast.pairing-outcome/1', at, enrolled };
    },
  );
}

function addDeciding(routes: ApiRoutes, { pairings, clock }: PairOptions): void {
  const admin = { role: 'admin' } as const;
  routes.read(
    'GET /api/pairings',
    { ...admin, summary: 'Devices that wait to be let in', answer: of.pairingsAnswer },
    async () => {
      const at = rfc3339(clock.nowMs()) ?? '';
      return { schema: 'holdfast.pairings/1', at, pairings: await pairings.list() };
    },
  );
  routes.change(
    'POST /api/pairings/:name',
    {
      ...{ ...admin, summary: 'Let in the device that shows this code, and these words', params },
      ...{ body: of.approveBody, answer: of.pairingDecided, action: 'pairing.approve' },
      target: (request) => request.params.name.slice(0, 16),
    },
    ({ params: { name: code }, body, actor }) => pairings.approve({ ...body, code }, actor.name),
  );
  routes.change(
    'DELETE /api/pairings/:name',
    {
      ...{ ...admin, summary: 'Do not let in the device that shows this code', params },
      ...{ answer: of.pairingDecided, action: 'pairing.deny' },
      target: (request) => request.params.name.slice(0, 16),
    },
    ({ params: { name }, actor }) => pairings.deny(name, actor.name),
  );
}
