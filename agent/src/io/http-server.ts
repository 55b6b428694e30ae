import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { Socket } from 'node:net';

/** A request must have arrived within this, however slowly its client writes. */
const REQUEST_MS = 10_000;
const IDLE_MS = 5_000;
const HEADER_BYTES_MAX = 16_384;
const CONNECTIONS_MAX = 256;
/** Whoever neither reads nor writes must not keep the agent from ending. */
const CLOSE_MS = 1_000;

/** Node looks for late requests as often as it is told, also while nobody is connected. */
const NEVER_MS = 2 ** 31 - 1;

/**
 * A server on which no client can wait for ever, or take all there is. While nobody is connected it
 * wakes nobody.
 */
export function createBoundedServer(listener: RequestListener, requestMs = REQUEST_MS): Server {
  const server = createServer(
    {
      ...{ requestTimeout: 0, headersTimeout: 0, connectionsCheckingInterval: NEVER_MS },
      keepAliveTimeout: IDLE_MS,
      maxHeaderSize: HEADER_BYTES_MAX,
    },
    listener,
  );
  server.maxConnections = CONNECTIONS_MAX;
  endLateRequests(server, requestMs);
  return server;
}

/** Ends connections whose next request is not there in time: the first one, and each later one. */
function endLateRequests(server: Server, requestMs: number): void {
  const timers = new WeakMap<Socket, NodeJS.Timeout>();
  /** Of connections that wait for their answer, or whose request is on its way. */
  const requests = new WeakMap<Socket, IncomingMessage>();
  const awaitRequest = (socket: Socket): void => {
    const look = (): void => {
      if (requests.get(socket)?.complete !== true) socket.destroy();
    };
    clearTimeout(timers.get(socket));
    timers.set(socket, setTimeout(look, requestMs).unref());
  };
  server.on('connection', (socket) => {
    awaitRequest(socket);
    socket.once('close', () => clearTimeout(timers.get(socket)));
  });
  server.on('request', (request, response) => {
    const { socket } = request;
    requests.set(socket, request);
    response.once('close', () => {
      requests.delete(socket);
      if (!socket.destroyed) awaitRequest(socket);
    });
  });
}

/** Resolves once every connection has ended: those that are answered get their answer. */
export async function closeServer(server: Server, closing: AbortController): Promise<void> {
  if (!server.listening) return;
  const closed = new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
  closing.abort();
  server.closeIdleConnections();
  const cut = setTimeout(() => server.closeAllConnections(), CLOSE_MS);
  await closed;
  clearTimeout(cut);
}
