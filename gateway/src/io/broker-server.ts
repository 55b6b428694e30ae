import { readFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { HoldfastError, messageOf, type Clock, type Log } from '@holdfast/protocol';
import { ConnectGate } from './connect-gate.ts';
import { askingRules, type DevicesTls } from './devices-tls.ts';

export interface BrokerServerOptions {
  readonly host: string;
  /** 0: the system chooses. */
  readonly port: number;
  /** Without, everything goes in clear. */
  readonly tls?: DevicesTls | undefined;
  /** Connections that are let in in a second; others wait for their turn. */
  readonly connectsPerS: number;
  /** How late this process is with its work: fewer are let in then. Default: never. */
  readonly lateMs?: (() => number) | undefined;
  readonly clock: Clock;
  readonly log: Log;
  /** A connection was not taken: TLS did not come about, or there is no room. */
  readonly onRefused: (reason: 'tls' | 'connections') => void;
  /** Takes a connection; with TLS, one whose handshake is done. */
  readonly onSocket: (socket: Socket) => void;
}

/** Where devices connect. */
export interface BrokerServer {
  /** `mqtt://host:port`, with TLS `mqtts://host:port`. */
  readonly url: string;
  /** Takes no more connections; resolves once all have ended. */
  close(): Promise<void>;
}

/** A connection takes about 60 KiB: this many, 1 GiB. */
const CONNECTIONS_MAX = 16_384;
/** Files that the ledger and the API have open. */
const OTHER_FILES = 1_200;
const HANDSHAKE_TIMEOUT_MS = 10_000;
const TCP_KEEPALIVE_MS = 60_000;

/**
 * Listens for devices, and lets them in at a pace, before anything of TLS or MQTT is done for them.
 *
 * @throws HF_PORT_TAKEN, HF_CONFIG_INVALID for an address that this machine does not have.
 */
export async function listenForDevices(options: BrokerServerOptions): Promise<BrokerServer> {
  const { connectsPerS: perS, lateMs, clock, log, tls } = options;
  const letIn = tls === undefined ? plain(options) : secure(tls, options);
  const gate = new ConnectGate<Socket>({
    ...{ clock, perS, lateMs, letIn },
    sendAway(socket) {
      options.onRefused('connections');
      socket.destroy();
    },
  });
  const tcp = { noDelay: true, keepAlive: true, keepAliveInitialDelay: TCP_KEEPALIVE_MS };
  const server = createServer({ ...tcp, pauseOnConnect: true }, (socket) => {
    // Until it is let in, nobody else listens.
    socket.on('error', () => {});
    socket.once('close', () => gate.leave(socket));
    gate.come(socket);
  });
  server.maxConnections = connectionsMax(openFilesMax());
  server.on('drop', () => options.onRefused('connections'));
  await listen(server, options);
  server.on('error', (error) => {
    log.error('devices cannot connect', { why: messageOf(error) });
  });
  return {
    url: urlOf(server, options),
    close() {
      gate.close();
      return new Promise((done) => server.close(() => done()));
    },
  };
}

/**
 * A process that has no file left can open no table of its ledger: before that, connections are
 * refused.
 */
export function connectionsMax(openFiles: number): number {
  const room = openFiles > 2 * OTHER_FILES ? openFiles - OTHER_FILES : openFiles / 2;
  return Math.min(CONNECTIONS_MAX, Math.floor(room));
}

/** Files that this process may have open; Node has raised it to what the system grants. */
function openFilesMax(): number {
  try {
    const limits = readFileSync('/proc/self/limits', 'utf8');
    const [, soft] = /^Max open files\s+(\d+)/m.exec(limits) ?? [];
    return soft === undefined ? Number.POSITIVE_INFINITY : Number(soft);
  } catch {
    return Number.POSITIVE_INFINITY; // Elsewhere than on Linux nobody says it so simply.
  }
}

function plain({ onSocket }: BrokerServerOptions): (socket: Socket) => void {
  return (socket) => {
    onSocket(socket);
    socket.resume();
  };
}

function secure(
  tls: DevicesTls,
  { log, onSocket, onRefused }: BrokerServerOptions,
): (socket: Socket) => void {
  const handshakeTimeout = HANDSHAKE_TIMEOUT_MS;
  // It listens nowhere: it is given the connections that were let in.
  const rules = () => askingRules(tls);
  const server = createTlsServer({ ...tls.shown.tls, ...rules(), handshakeTimeout }, onSocket);
  tls.shown.keep(server, rules);
  server.on('tlsClientError', (error) => {
    onRefused('tls');
    log.debug('a connection ended before TLS stood', { why: messageOf(error) });
  });
  return (socket) => void server.emit('connection', socket);
}

function listen(server: Server, { host, port }: BrokerServerOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const code = cause.code === 'EADDRINUSE' ? 'HF_PORT_TAKEN' : 'HF_CONFIG_INVALID';
      const why = `cannot listen for devices at ${host} port ${port}: ${messageOf(cause)}`;
      reject(new HoldfastError(code, { why, details: { host, port }, cause }));
    });
    server.listen(port, host, () => {
      server.removeAllListeners('error');
      resolve();
    });
  });
}

function urlOf(server: Server, { host, tls }: BrokerServerOptions): string {
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const scheme = tls === undefined ? 'mqtt' : 'mqtts';
  return `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
