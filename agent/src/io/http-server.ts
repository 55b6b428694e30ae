import { createServer, type RequestListener, type Server } from 'node:http';

/** A request must have arrived within this, however slowly its client writes. */
const REQUEST_MS = 10_000;
const IDLE_MS = 5_000;
const HEADER_BYTES_MAX = 16_384;
const CONNECTIONS_MAX = 256;
/** Whoever neither reads nor writes must not keep the agent from ending. */
const CLOSE_MS = 1_000;

/** A server on which no client can wait for ever, or take all there is. */
export function createBoundedServer(listener: RequestListener): Server {
  const server = createServer(
    {
      requestTimeout: REQUEST_MS,
      headersTimeout: REQUEST_MS,
      connectionsCheckingInterval: 1_000,
      keepAliveTimeout: IDLE_MS,
      maxHeaderSize: HEADER_BYTES_MAX,
    },
    listener,
  );
  server.maxConnections = CONNECTIONS_MAX;
  return server;
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
