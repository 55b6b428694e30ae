import { chmod } from 'node:fs/promises';
import type { IncomingMessage, Server } from 'node:http';
import { messageOf, type Log } from '@holdfast/protocol';
import type { AgentSurface } from '../core/surface.ts';
import { respond, type Found } from './exchange.ts';
import { closeServer, createBoundedServer } from './http-server.ts';
import { claimSocketPath, unusable } from './socket-path.ts';
import { parseTarget } from './socket-request.ts';
import { findRoute } from './socket-routes.ts';

export interface SocketServerOptions {
  /** At most 107 bytes. */
  readonly path: string;
  readonly surface: AgentSurface;
  readonly log: Log;
}

export interface SocketServer {
  readonly path: string;
  /** Ends waits with HF_AGENT_CLOSED, lets other answers finish, and removes the socket. */
  close(): Promise<void>;
}

/** Who may talk to the agent: its user and its group. */
const SOCKET_MODE = 0o660;

/**
 * Serves the agent's surface as HTTP/1.1 over a Unix socket. Resolves once it listens; the socket
 * that a dead agent has left behind is replaced.
 *
 * @throws HF_SOCKET_TAKEN when a live agent listens there, HF_CONFIG_INVALID when the path cannot
 * be used.
 */
export async function createSocketServer(options: SocketServerOptions): Promise<SocketServer> {
  const { path, log } = options;
  await claimSocketPath(path);
  const closing = new AbortController();
  const server = createBoundedServer((request, response) => {
    void respond({ ...options, request, response, find, closing: closing.signal });
  });
  await listen(server, path);
  server.on('error', (error) => log.error('the socket failed', { path, error: messageOf(error) }));
  return { path, close: () => closeServer(server, closing) };
}

function find(request: IncomingMessage): Found {
  return findRoute(request.method ?? 'GET', parseTarget(request.url ?? '/'));
}

async function listen(server: Server, path: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(unusable(path, messageOf(error), error)));
    server.listen({ path }, resolve);
  });
  server.removeAllListeners('error');
  await chmod(path, SOCKET_MODE);
}

