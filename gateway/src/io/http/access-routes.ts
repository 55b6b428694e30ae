import { HoldfastError, type Clock } from '@holdfast/protocol';
import type { FastifyInstance } from 'fastify';
import type { Access } from '../../core/access/access.ts';
import type { AccessDesk, SessionView } from '../../core/access/access-views.ts';
import { createDesk, type GatewayPlace } from '../../core/access/desk.ts';
import { SESSION_MS_MAX } from '../../core/access/login-sessions.ts';
import type { Actor } from '../../core/access/roles.ts';
import { rfc3339 } from '../../core/entry-view.ts';
import { addEnrolments } from './enroll-routes.ts';
import { problemAnswer, type ApiRoutes } from './routes.ts';
import * as of from './schemas/access.ts';
import type { TypeOf } from '@holdfast/protocol/json-schema';
import { namedParams as params } from './schemas/parts.ts';
import { checkOwnPage, sessionCookie, sessionSecret } from './who-asks.ts';

interface AccessOptions {
  readonly access: Access;
  readonly clock: Pick<Clock, 'nowMs'>;
  /** How devices find this gateway, once it listens. */
  readonly place: () => GatewayPlace;
}

const admin = { role: 'admin' } as const;

/** Users, API tokens and the audit log: for admins. */
export function addAccess(routes: ApiRoutes, options: AccessOptions): void {
  const desk = ({ actor }: { readonly actor: Actor }): AccessDesk =>
    createDesk(options.access, options.clock, actor.name, options.place);
  addUsers(routes, desk);
  addTokens(routes, desk);
  addEnrolments(routes, desk);
  routes.read(
    'GET /api/audit',
    {
      ...{ ...admin, summary: 'Who asked for which change and what came of it, newest first' },
      ...{ query: of.auditQuery, answer: of.auditAnswer },
    },
    (request) => desk(request).audit(request.query),
  );
}

type DeskOf = (request: { readonly actor: Actor }) => AccessDesk;

function addUsers(routes: ApiRoutes, desk: DeskOf): void {
  const one = { ...admin, params, answer: of.userAnswer };
  routes.read(
    'GET /api/users',
    { ...admin, summary: 'People who may log in', answer: of.usersAnswer },
    (request) => desk(request).users(),
  );
  routes.change(
    'POST /api/users',
    {
      ...{ ...admin, summary: 'Add a person who may log in', answer: of.userAnswer },
      body: of.userBody,
      action: 'user.add',
      target: ({ body }) => body.name,
    },
    (request) => desk(request).addUser(request.body),
  );
  routes.change(
    'PATCH /api/users/:name',
    {
      ...{ ...one, summary: 'Change the role or the password of a person' },
      ...{ body: of.userChangeBody, action: 'user.set' },
      target: (request) => request.params.name,
    },
    (request) => desk(request).changeUser(request.params.name, request.body),
  );
  routes.change(
    'DELETE /api/users/:name',
    {
      ...{ ...one, summary: 'Remove a person, and end the sessions of that one' },
      ...{ answer: of.userRemovedAnswer, action: 'user.rm' },
      target: (request) => request.params.name,
    },
    (request) => desk(request).removeUser(request.params.name),
  );
}

function addTokens(routes: ApiRoutes, desk: DeskOf): void {
  routes.read(
    'GET /api/tokens',
    { ...admin, summary: 'API tokens, without their secrets', answer: of.tokensAnswer },
    (request) => desk(request).tokens(),
  );
  routes.change(
    'POST /api/tokens',
    {
      ...{ ...admin, summary: 'Make an API token', answer: of.tokenMadeAnswer },
      body: of.tokenBody,
      action: 'token.create',
      target: ({ body }) => body.name,
    },
    (request) => {
      const { expiresInSeconds: seconds, ...order } = request.body;
      const lifeMs = seconds === null ? null : seconds * 1_000;
      return desk(request).createToken({ ...order, lifeMs });
    },
  );
  routes.change(
    'DELETE /api/tokens/:name',
    {
      ...{ ...admin, summary: 'Have a token, by its id, let nobody in any more', params },
      ...{ answer: of.tokenAnswer, action: 'token.revoke' },
      target: (request) => request.params.name,
    },
    (request) => desk(request).revokeToken(request.params.name),
  );
}

/** Sessions of browsers. Logging in is the one thing that somebody unknown may ask for. */
export function addSessions(
  app: FastifyInstance,
  routes: ApiRoutes,
  { access, clock }: Pick<AccessOptions, 'access' | 'clock'>,
): void {
  const view = (actor: Actor, expiresAtMs?: number): SessionView => ({
    ...{ schema: 'holdfast.session/1', at: rfc3339(clock.nowMs()) ?? '' },
    ...{ who: actor.name, role: actor.role, expiresAt: rfc3339(expiresAtMs) },
  });
  const answers = (ok: object) => ({ ...ok, default: problemAnswer });
  app.post<{ Body: TypeOf<typeof of.loginBody> }>(
    '/api/session',
    {
      schema: {
        ...{ summary: 'Log in: opens a session, which is in a cookie', body: of.loginBody },
        ...{ security: [], response: answers({ 200: of.sessionAnswer }) },
      },
    },
    async (request, reply) => {
      checkOwnPage(request, { isCookie: false });
      const { body, ip: from } = request;
      const { secret } = await access.sessions.open({ ...body, from });
      const actor = await access.session(secret);
      // Only those who got in are noted: whoever fails may use any name, as often as they like.
      const subject = { who: actor.name, from, action: 'session.open', target: '' };
      await access.audit.record(subject, () => Promise.resolve());
      void reply.header('set-cookie', sessionCookie(request, secret, SESSION_MS_MAX));
      return view(actor, actor.expiresAtMs);
    },
  );
  const gone = { 204: { description: 'It is over.', type: 'null' } };
  app.delete(
    '/api/session',
    { schema: { summary: 'Log out', security: [], response: answers(gone) } },
    async (request, reply) => {
      checkOwnPage(request, { isCookie: true });
      const secret = sessionSecret(request);
      if (secret === undefined) throw new HoldfastError('HF_ACCESS_UNKNOWN');
      await access.sessions.close(secret);
      return reply
        .header('set-cookie', sessionCookie(request, '', 0))
        .code(204)
        .send();
    },
  );
  routes.read(
    'GET /api/session',
    { role: 'viewer', summary: 'Who asks, and in which role', answer: of.sessionAnswer },
    ({ actor }) => view(actor),
  );
}
