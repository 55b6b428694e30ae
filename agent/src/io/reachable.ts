import { createConnection } from 'node:net';

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** The address in `reachable(host:port)`; `undefined` for any other text. */
export function reachableAddress(name: string): Address | undefined {
  const [, host, port] = /^reachable\(\[?([^\]\s]+?)\]?:(\d{1,5})\)$/.exec(name) ?? [];
  if (host === undefined || Number(port) < 1 || Number(port) > 65_535) return undefined;
  return { host, port: Number(port) };
}

const CONNECT_MS = 3_000;

/** Whether a TCP connection to there can be made within three seconds. Sends nothing. */
export function isReachable(address: Address): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ ...address, timeout: CONNECT_MS });
    const end = (isThere: boolean) => (): void => {
      socket.destroy();
      resolve(isThere);
    };
    socket.once('connect', end(true));
    socket.once('error', end(false));
    socket.once('timeout', end(false));
  });
}
