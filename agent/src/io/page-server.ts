import { readFile } from 'node:fs/promises';
import type { IncomingMessage, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { HoldfastError, messageOf, type Log } from '@holdfast/protocol';
import type { AgentSurface } from '../core/surface.ts';
import { respond, type Found } from './exchange.ts';
import { closeServer, createBoundedServer } from './http-server.ts';
import { parseTarget, RequestError, type Answer } from './socket-request.ts';
import { findPageRoute } from './socket-routes.ts';

export interface PageServerOptions {
  /** On loopback; 0: the system chooses. */
  readonly port: number;
  /** Where the files of the page are. */
  readonly directory: URL;
  readonly surface: AgentSurface;
  readonly log: Log;
}

export interface PageServer {
  /** `http://127.0.0.1:8441` */
  readonly url: string;
  /** Lets answers finish. */
  close(): Promise<void>;
}

const HOST = '127.0.0.1';
/** Names of this machine for itself. Another one leads here only where somebody means harm. */
const names: ReadonlySet<string> = new Set(['localhost', HOST, '[::1]']);

const files: Readonly<Record<string, readonly [name: string, type: string]>> = {
  '/': ['index.html', 'text/html; charset=utf-8'],
  '/main.js': ['main.js', 'text/javascript; charset=utf-8'],
  '/main.css': ['main.css', 'text/css; charset=utf-8'],
};

/** The page runs what this agent serves and asks nobody else; no other page sees it. */
const headers = {
  'content-security-policy': [
    ...["default-src 'none'", "script-src 'self'", "style-src 'self'", 'img-src data:'],
    ...["connect-src 'self'", "form-action 'none'", "base-uri 'none'", "frame-ancestors 'none'"],
  ].join('; '),
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

/**
 * Serves the page of this device on loopback, to whoever is on this machine: it shows, and changes
 * nothing. Its files stay on the disk until somebody looks.
 *
 * @throws HF_PORT_TAKEN
 */
export async function createPageServer(options: PageServerOptions): Promise<PageServer> {
  const { port, directory, log } = options;
  const closing = new AbortController();
  const find = (request: IncomingMessage) => findShown(request, directory);
  const server = createBoundedServer((request, response) => {
    void respond({ ...options, request, response, find, headers, closing: closing.signal });
  });
  await listen(server, port);
  server.on('error', (error) => log.error('the page failed', { error: messageOf(error) }));
  // It listens: it has an address, and one with a port.
  const address = server.address() as AddressInfo;
  return { url: `http://${HOST}:${address.port}`, close: () => closeServer(server, closing) };
}

function findShown(request: IncomingMessage, directory: URL): Found {
  const host = (request.headers.host ?? '').replace(/:\d+$/, '').toLowerCase();
  if (!names.has(host)) throw new RequestError(421, `this is not ${host || 'a named host'}`);
  const { method = 'GET', url = '/' } = request;
  const [path = '/'] = url.split('?');
  const file = files[path];
  if (file === undefined) return findPageRoute(method, parseTarget(url));
  if (method !== 'GET') throw new RequestError(405, `${method} is not for this path: it takes GET`);
  return { id: '', query: new URLSearchParams(), answer: () => readPage(directory, file) };
}

async function readPage(
  directory: URL,
  [name, type]: readonly [name: string, type: string],
): Promise<Answer> {
  return { status: 200, bytes: await readFile(new URL(name, directory)), type };
}

async function listen(server: Server, port: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => {
      const why = `${HOST}:${port}: ${messageOf(cause)}`;
      reject(new HoldfastError('HF_PORT_TAKEN', { why, cause }));
    });
    server.listen({ host: HOST, port }, resolve);
  });
  server.removeAllListeners('error');
}
