import type { Clock } from '@holdfast/protocol';
import type { FastifyInstance } from 'fastify';
import type { Access } from '../../core/access/access.ts';
import type { AccessDesk, SessionView } from '../../core/access/access-views.ts';
import { createDesk } from '../../core/access/desk.ts';
import { SESSION_MS_MAX } from '../../core/access/login-sessions.ts';
import type { Actor } from '../../core/access/roles.ts';
import {
  readAuditQuery,
  readLogin,
  readTokenOrder,
  readUser,
  readUserChange,
} from '../../core/api-access.ts';
import { readNothing } from '../../core/api-query.ts';
import { rfc3339 } from '../../core/entry-view.ts';
import type { ApiRequest, ApiRoutes } from './routes.ts';
import { checkOwnPage, sessionCookie, sessionSecret } from './who-asks.ts';

interface AccessOptions {
  readonly access: Access;
  readonly clock: Pick<Clock, 'nowMs'>;
}

/** Users, API tokens and the audit log: for admins. */
export function addAccess(routes: ApiRoutes, { access, clock }: AccessOptions): void {
  const deskOf = ({ actor }: ApiRequest): AccessDesk => createDesk(access, clock, actor.name);
  const named = (action: string) => {
    const target = ({ params, body }: ApiRequest) => params['name'] ?? nameIn(body);
    return { role: 'admin', action, target } as const;
  };
  routes.read('/api/users', 'admin', (request) => {
    readNothing(request.query);
    return deskOf(request).users();
  });
  routes.change('POST /api/users', named('user.add'), (request) =>
    deskOf(request).addUser(readUser(request.body)),
  );
  routes.change('PATCH /api/users/:name', named('user.set'), (request) =>
    deskOf(request).changeUser(request.params['name'] ?? '', readUserChange(request.body)),
  );
  routes.change('DELETE /api/users/:name', named('user.rm'), (request) =>
    deskOf(request).removeUser(request.params['name'] ?? ''),
  );
  routes.read('/api/tokens', 'admin', (request) => {
    readNothing(request.query);
    return deskOf(request).tokens();
  });
  routes.change('POST /api/tokens', named('token.create'), (request) =>
    deskOf(request).createToken(readTokenOrder(request.body)),
  );
  routes.change('DELETE /api/tokens/:name', named('token.revoke'), (request) =>
    deskOf(request).revokeToken(request.params['name'] ?? ''),
  );
  routes.read('/api/audit', 'admin', (request) =>
    deskOf(request).audit(readAuditQuery(request.query)),
  );
}

/** Sessions of browsers. Logging in is the one thing that somebody unknown may ask for. */
export function addSessions(
  app: FastifyInstance,
  routes: ApiRoutes,
  { access, clock }: AccessOptions,
): void {
  const view = (actor: Actor, expiresAtMs?: number): SessionView => ({
    ...{ schema: 'holdfast.session/1', at: rfc3339(clock.nowMs()) ?? '' },
    ...{ who: actor.name, role: actor.role, expiresAt: rfc3339(expiresAtMs) },
  });
  app.post('/api/session', async (request, reply) => {
    checkOwnPage(request, { isCookie: false });
    const login = { ...readLogin(request.body), from: request.ip };
    const subject = { who: `user:${login.user}`, from: request.ip, action: 'session.open' };
    const { secret } = await access.sessions.open(login);
    const actor = await access.session(secret);
    // Only those who got in are noted: whoever fails may use any name, as often as they like.
    await access.audit.record({ ...subject, target: '' }, () => Promise.resolve());
    void reply.header('set-cookie', sessionCookie(request, secret, SESSION_MS_MAX));
    return view(actor, actor.expiresAtMs);
  });
  app.delete('/api/session', async (request, reply) => {
    checkOwnPage(request, { isCookie: true });
    await access.sessions.close(sessionSecret(request) ?? '');
    return reply
      .header('set-cookie', sessionCookie(request, '', 0))
      .code(204)
      .send();
  });
  routes.read('/api/session', 'viewer', ({ actor }) => view(actor));
}

function nameIn(body: unknown): string {
  const isObject = typeof body === 'object' && body !== null && 'name' in body;
  return isObject && typeof body.name === 'string' ? body.name : '';
}
