import type { CaDesk } from '../core/certificates/ca-desk.ts';
import { ask, type GatewayAddress } from './http-client.ts';

/** The authority of the gateway at this address. */
export function httpCa(at: GatewayAddress): CaDesk {
  const get = <V>(path: string) => ask<V>(at, { path, method: 'GET' });
  const post = <V>(path: string, json: object) => ask<V>(at, { path, method: 'POST', json });
  return {
    show: () => get('api/ca'),
    rotate: (isTrusted) => post('api/ca/rotate', { distrust: !isTrusted }),
    issue: ({ lifeMs, ...wish }) => {
      const json = { ...wish, expiresInSeconds: Math.ceil(lifeMs / 1_000) };
      return post('api/ca/certificates', json);
    },
    revocations: () => get('api/ca/revocations'),
  };
}
