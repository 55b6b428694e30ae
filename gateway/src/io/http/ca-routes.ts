import { X509Certificate } from 'node:crypto';
import type { Clock } from '@holdfast/protocol';
import type { FastifyInstance } from 'fastify';
import type { CaView } from '../../core/access/access-views.ts';
import { rfc3339 } from '../../core/entry-view.ts';
import type { CaStore } from '../ca-store.ts';
import { problemAnswer } from './routes.ts';
import { caAnswer } from './schemas/access.ts';

interface CaOptions {
  readonly ca: CaStore;
  readonly clock: Pick<Clock, 'nowMs'>;
}

/** What everybody may know, and believe once it is compared with what a token names. */
export function addCa(app: FastifyInstance, { ca, clock }: CaOptions): void {
  const summary = 'Certificates of the authority of this gateway';
  app.get(
    '/api/ca',
    { schema: { summary, security: [], response: { 200: caAnswer, default: problemAnswer } } },
    () => caView(ca, clock.nowMs()),
  );
}

function caView({ authority, fingerprint }: CaStore, nowMs: number): CaView {
  const { validTo } = new X509Certificate(authority.parts.root);
  return {
    ...{ schema: 'holdfast.ca/1', at: rfc3339(nowMs) ?? '', name: authority.parts.name },
    ...{ fingerprint, expiresAt: rfc3339(Date.parse(validTo)), certificates: authority.roots },
  };
}
