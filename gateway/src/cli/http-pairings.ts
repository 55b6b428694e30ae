import type { PairingDesk } from '../core/access/pairing-views.ts';
import { ask, inPath, type GatewayAddress } from './http-client.ts';

/** Devices that wait at the gateway at this address. */
export function httpPairings(at: GatewayAddress): PairingDesk {
  const of = (code: string) => `api/pairings/${inPath(code)}`;
  return {
    pairings: () => ask(at, { path: 'api/pairings', method: 'GET' }),
    approve: ({ code, ...json }) => ask(at, { path: of(code), method: 'POST', json }),
    deny: (code) => ask(at, { path: of(code), method: 'DELETE' }),
  };
}
