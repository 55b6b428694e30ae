import { lookup as lookupBySystem } from 'node:dns';
import { connect, isIP, type LookupFunction, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { BrokerAddress } from './broker-address.ts';

/** For TLS, PEM each. */
export interface TlsOptions {
  /** What to trust. Default: what the system trusts. */
  readonly ca?: string | Buffer;
  /** What to show to the broker, with its key. Default: nothing. */
  readonly cert?: string | Buffer;
  readonly key?: string | Buffer;
}

/** Node gives an address 250 ms, which no satellite keeps to: it would be left for a dead one. */
const ADDRESS_MS_MAX = 2_500;

/** How a connection is made, where it is not made as usual. */
export interface SocketOptions {
  /** Default: as the system does. */
  readonly lookup?: LookupFunction | undefined;
  /** What a proxy has opened: nothing is looked up. */
  readonly way?: Socket | undefined;
}

/**
 * A connection to a broker, on its way. The name is looked up anew each time; of its addresses,
 * IPv6 and IPv4, the next one is tried where one does not answer in time.
 */
export function connectBroker(
  { host, port, isTls }: BrokerAddress,
  tls: TlsOptions | undefined,
  { lookup = lookupBySystem, way }: SocketOptions = {},
): Socket {
  const families = { autoSelectFamily: true, autoSelectFamilyAttemptTimeout: ADDRESS_MS_MAX };
  const place = { host, port, lookup, ...families };
  if (!isTls) return way ?? connect(place);
  const servername = isIP(host) === 0 ? { servername: host } : {};
  if (way === undefined) return connectTls({ ...place, ...tls, ...servername });
  const socket = connectTls({ socket: way, host, ...tls, ...servername });
  return socket.once('close', () => way.destroy());
}
