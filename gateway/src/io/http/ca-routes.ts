import type { FastifyInstance } from 'fastify';
import type { CaDesk } from '../../core/certificates/ca-desk.ts';
import { problemAnswer, type ApiRoutes } from './routes.ts';
import * as of from './schemas/certificates.ts';

/** The authority: everybody may know its certificate, and compare it with what a token names. */
export function addCa(app: FastifyInstance, routes: ApiRoutes, desk: CaDesk): void {
  const summary = 'Certificates of the authority of this gateway';
  app.get(
    '/api/ca',
    { schema: { summary, security: [], response: { 200: of.caAnswer, default: problemAnswer } } },
    () => desk.show(),
  );
  routes.read(
    'GET /api/ca/revocations',
    {
      ...{ role: 'viewer', summary: 'Which certificates are revoked, as a list for brokers' },
      answer: of.revocationsAnswer,
    },
    () => desk.revocations(),
  );
  routes.change(
    'POST /api/ca/rotate',
    {
      ...{ role: 'admin', summary: 'Have another key issue certificates from now on' },
      ...{ body: of.rotateBody, answer: of.caAnswer, action: 'ca.rotate' },
      target: ({ body }) => (body.distrust ? 'distrusting the ones before' : ''),
    },
    ({ body }) => desk.rotate(!body.distrust),
  );
  routes.change(
    'POST /api/ca/certificates',
    {
      ...{ role: 'admin', summary: 'Issue a certificate for a broker, or for a gateway at one' },
      ...{ body: of.certificateBody, answer: of.certificateAnswer, action: 'ca.issue' },
      target: ({ body }) => body.name,
    },
    ({ body: { expiresInSeconds, ...wish } }) =>
      desk.issue({ ...wish, lifeMs: expiresInSeconds * 1_000 }),
  );
}
