import { connect, isIP, type Socket } from 'node:net';
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

/** A connection to a broker, on its way. The name is looked up anew each time. */
export function connectBroker(
  { host, port, isTls }: BrokerAddress,
  tls: TlsOptions | undefined,
): Socket {
  const place = { host, port };
  if (!isTls) return connect(place);
  const servername = isIP(host) === 0 ? { servername: host } : {};
  return connectTls({ ...place, ...tls, ...servername });
}
