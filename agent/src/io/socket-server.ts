import { once } from 'node:events';
import { chmod } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import {
  errorCatalogue,
  HoldfastError,
  messageOf,
  type ErrorCode,
  type Log,
} from '@holdfast/protocol';
import type { AgentSurface } from '../core/surface.ts';
import { claimSocketPath, unusable } from './socket-path.ts';
import {
  parseTarget,
  readBody,
  RequestError,
  type Answer,
  type StreamAnswer,
} from './socket-request.ts';
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

/** A request must have arrived within this, however slowly its client writes. */
const REQUEST_MS = 10_000;
/** A client that does not read its answer is cut off after this. */
const ANSWER_MS = 10_000;
const IDLE_MS = 5_000;
const HEADER_BYTES_MAX = 16_384;
const CONNECTIONS_MAX = 256;

const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** Who may talk to the agent: its user and its group. */
const SOCKET_MODE = 0o660;

/** HTTP statuses of failures; those that are not here are 500. */
const statuses: Partial<Readonly<Record<ErrorCode, number>>> = {
  HF_INPUT_INVALID: 400,
  HF_NAME_INVALID: 400,
  HF_DURATION_INVALID: 400,
  HF_VALUE_UNSUPPORTED: 400,
  HF_RUN_UNKNOWN: 404,
  HF_SCHEDULE_UNKNOWN: 404,
  HF_TOKEN_INVALID: 404,
  HF_WORKFLOW_UNKNOWN: 404,
  HF_RUN_CONFLICT: 409,
  HF_SCHEDULE_OVERLAP: 409,
  HF_RUN_FINISHED: 409,
  HF_RUN_STATE: 409,
  HF_VALUE_TOO_LARGE: 413,
  HF_AGENT_CLOSED: 503,
  HF_JOURNAL_BUSY: 503,
  HF_JOURNAL_FAILED: 503,
  HF_JOURNAL_FULL: 503,
  HF_DISK_FULL: 503,
  HF_WAIT_TIMEOUT: 504,
};

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
  const server = createServer(
    {
      requestTimeout: REQUEST_MS,
      headersTimeout: REQUEST_MS,
      connectionsCheckingInterval: 1_000,
      keepAliveTimeout: IDLE_MS,
      maxHeaderSize: HEADER_BYTES_MAX,
    },
    (request, response) => {
      void respond({ ...options, request, response, closing: closing.signal });
    },
  );
  server.maxConnections = CONNECTIONS_MAX;
  await listen(server, path);
  server.on('error', (error) => log.error('the socket failed', { path, error: messageOf(error) }));
  return { path, close: () => close(server, closing) };
}

async function listen(server: Server, path: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(unusable(path, messageOf(error), error)));
    server.listen({ path }, resolve);
  });
  server.removeAllListeners('error');
  await chmod(path, SOCKET_MODE);
}

async function close(server: Server, closing: AbortController): Promise<void> {
  if (!server.listening) return;
  const closed = new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
  closing.abort();
  server.closeIdleConnections();
  // Whoever neither reads nor writes must not keep the agent from ending.
  const cut = setTimeout(() => server.closeAllConnections(), 1_000);
  await closed;
  clearTimeout(cut);
}

interface Exchange extends SocketServerOptions {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly closing: AbortSignal;
}

/** Never rejects. */
async function respond(exchange: Exchange): Promise<void> {
  const { response, log } = exchange;
  try {
    const found = await answer(exchange);
    if ('stream' in found) await sendStream(exchange, found);
    else send(exchange, found);
  } catch (error) {
    if (response.destroyed) return;
    const failure = asHoldfastError(error);
    if (failure.code === 'HF_INTERNAL') {
      log.error('a request failed', {
        request: `${exchange.request.method ?? ''} ${exchange.request.url ?? ''}`,
        error: error instanceof Error ? error.stack : messageOf(error),
      });
    }
    send(exchange, { status: statusOf(failure), body: { error: errorBody(failure) } });
  }
}

async function answer(exchange: Exchange): Promise<Answer | StreamAnswer> {
  const { surface, request, response, closing } = exchange;
  const target = parseTarget(request.url ?? '/');
  const route = findRoute(request.method ?? 'GET', target);
  const ended = new AbortController();
  const end = () => ended.abort();
  closing.addEventListener('abort', end, { once: true });
  response.once('close', () => {
    closing.removeEventListener('abort', end);
    end();
  });
  const body = route.fields === undefined ? {} : await readBody(request, route.fields);
  const { id } = route;
  return route.answer({ surface, request, query: target.query, body, id, ended: ended.signal });
}

function send({ request, response, closing }: Exchange, answered: Answer): void {
  if (response.destroyed) return;
  const isText = 'text' in answered;
  const text = isText ? answered.text : `${JSON.stringify(answered.body)}\n`;
  const bytes = Buffer.from(text);
  // What is left of an unread body would be taken for the next request.
  const isLast = !request.complete || closing.aborted;
  response.writeHead(answered.status, {
    'content-type': isText ? METRICS_TYPE : 'application/json',
    'content-length': bytes.byteLength,
    'cache-control': 'no-store',
    ...(isLast ? { connection: 'close' } : {}),
  });
  response.setTimeout(ANSWER_MS, () => response.destroy());
  response.end(bytes);
}

/** What fails on the way cuts the answer off: whoever reads it sees that its end is missing. */
async function sendStream({ response, log }: Exchange, { stream }: StreamAnswer): Promise<void> {
  response.writeHead(200, { 'content-type': 'application/octet-stream', connection: 'close' });
  response.setTimeout(ANSWER_MS, () => response.destroy());
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  try {
    await stream(async (bytes) => {
      gone.signal.throwIfAborted();
      if (!response.write(bytes)) await once(response, 'drain', { signal: gone.signal });
    });
    response.end();
  } catch (error) {
    if (!gone.signal.aborted) log.error('an answer was cut off', { error: messageOf(error) });
    response.destroy();
  }
}

function asHoldfastError(error: unknown): HoldfastError {
  return error instanceof HoldfastError
    ? error
    : new HoldfastError('HF_INTERNAL', { why: messageOf(error), cause: error });
}

function statusOf(error: HoldfastError): number {
  return error instanceof RequestError ? error.status : (statuses[error.code] ?? 500);
}

function errorBody(error: HoldfastError): Readonly<Record<string, string | null>> {
  const cause = error.cause === undefined ? null : messageOf(error.cause);
  return {
    code: error.code,
    message: errorCatalogue[error.code].message,
    why: error.why ?? cause,
    hint: error.hint,
  };
}
