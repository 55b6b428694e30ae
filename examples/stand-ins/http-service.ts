import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

const BODY_BYTES_MAX = 64 * 1024;

export interface ServiceRequest {
  /** The Idempotency-Key header. */
  readonly key: string | undefined;
  /** What stands in the place of the `*` of the route's path; empty where there is none. */
  readonly id: string;
  readonly body: Readonly<Record<string, unknown>>;
}

/** `silence`: the client never gets an answer, as from a machine that hangs. */
export type Reply =
  | {
      readonly status: number;
      readonly body: unknown;
      readonly headers?: Readonly<Record<string, string>>;
    }
  | 'silence';

export type Route = (request: ServiceRequest) => Reply | Promise<Reply>;

export interface Service {
  /** Without a path: `http://127.0.0.1:4001`. */
  readonly url: string;
  /** Ends open connections too. */
  close(): Promise<void>;
}

/**
 * Serves JSON on the loopback interface.
 *
 * @param port 0 chooses a free one.
 * @param routes By method and path: `POST /authorize`, or `GET /meters/*` for what is below.
 * @throws The system's error, such as EADDRINUSE, when the port cannot be had.
 */
export async function serveJson(
  port: number,
  routes: Readonly<Record<string, Route>>,
): Promise<Service> {
  const server = createServer((request, response) => {
    answer(routes, request)
      .catch((error: unknown) => (error instanceof BadRequest ? error.reply : fault(500, 'broken')))
      .then((reply) => send(response, reply))
      .catch(() => response.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: '127.0.0.1', port }, resolve);
  });
  // A listening TCP server has an address of this kind; only a Unix socket has text.
  const address = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${address.port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** An answer in the 400s or 500s. */
export function fault(status: number, reason: string): Reply {
  return { status, body: { reason } };
}

/** Ends the request with status 400. */
export class BadRequest extends Error {
  override readonly name = 'BadRequest';

  get reply(): Reply {
    return fault(400, this.message);
  }
}

async function answer(
  routes: Readonly<Record<string, Route>>,
  request: IncomingMessage,
): Promise<Reply> {
  const path = request.url?.split('?')[0] ?? '/';
  const name = `${request.method} ${path}`;
  const [, parent = '', id = ''] = /^(.*\/)([^/]+)$/.exec(name) ?? [];
  const exact = Object.hasOwn(routes, name) ? routes[name] : undefined;
  const route = exact ?? (Object.hasOwn(routes, `${parent}*`) ? routes[`${parent}*`] : undefined);
  if (route === undefined) return fault(404, `there is no ${name}`);
  const key = request.headers['idempotency-key'];
  return route({
    key: typeof key === 'string' && key !== '' ? key : undefined,
    id: exact === undefined ? decodeId(id) : '',
    body: request.method === 'POST' ? await readBody(request) : {},
  });
}

function decodeId(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new BadRequest('the path is not well formed');
  }
}

async function readBody(request: IncomingMessage): Promise<ServiceRequest['body']> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of request as AsyncIterable<Uint8Array>) {
    size += part.byteLength;
    if (size > BODY_BYTES_MAX) throw new BadRequest(`the body is above ${BODY_BYTES_MAX} bytes`);
    parts.push(part);
  }
  try {
    const body: unknown = JSON.parse(Buffer.concat(parts).toString('utf8'));
    if (typeof body === 'object' && body !== null) return { ...body };
  } catch {
    // Not JSON: the same answer as JSON that is no object.
  }
  throw new BadRequest('the body is not a JSON object');
}

function send(response: ServerResponse, reply: Reply): void {
  if (reply === 'silence' || response.destroyed) return;
  response.writeHead(reply.status, { 'content-type': 'application/json', ...reply.headers });
  response.end(`${JSON.stringify(reply.body)}\n`);
}
