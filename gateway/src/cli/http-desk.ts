import type { AccessDesk } from '../core/access/access-views.ts';
import { ask, inPath, type GatewayAddress } from './http-client.ts';

/** Users, tokens and the audit log of the gateway at this address. */
export function httpDesk(at: GatewayAddress): AccessDesk {
  const of = (list: string, id: string) => `api/${list}/${inPath(id)}`;
  return {
    users: () => ask(at, { path: 'api/users', method: 'GET' }),
    addUser: (user) => ask(at, { path: 'api/users', method: 'POST', json: user }),
    changeUser: (name, json) => ask(at, { path: of('users', name), method: 'PATCH', json }),
    removeUser: (name) => ask(at, { path: of('users', name), method: 'DELETE' }),
    tokens: () => ask(at, { path: 'api/tokens', method: 'GET' }),
    createToken({ name, role, lifeMs }) {
      const expiresInSeconds = lifeMs === null ? null : Math.ceil(lifeMs / 1_000);
      const json = { name, role, expiresInSeconds };
      return ask(at, { path: 'api/tokens', method: 'POST', json });
    },
    revokeToken: (id) => ask(at, { path: of('tokens', id), method: 'DELETE' }),
    enrolments: () => ask(at, { path: 'api/enrolments', method: 'GET' }),
    createEnrolment({ lifeMs, ...order }) {
      const json = { ...order, expiresInSeconds: Math.ceil(lifeMs / 1_000) };
      return ask(at, { path: 'api/enrolments', method: 'POST', json });
    },
    revokeEnrolment: (id) => ask(at, { path: of('enrolments', id), method: 'DELETE' }),
    audit: ({ before, limit }) =>
      ask(at, { path: 'api/audit', method: 'GET', query: { before, limit } }),
  };
}
