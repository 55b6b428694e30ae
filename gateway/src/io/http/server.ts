import type { Server } from 'node:http';
import { Server as TlsServer } from 'node:tls';
import type { AddressInfo } from 'node:net';
import { codeOf, HoldfastError, messageOf, type ErrorCode, type Log } from '@holdfast/protocol';
import { problemOf } from '../../core/api-problem.ts';
import type { LiveTls } from '../live-tls.ts';
import { fastify, type FastifyInstance, type FastifyReply } from './fastify.ts';
import { compileValidator, keepError } from './validation.ts';
import type { RefusalReason, Refusals } from './refusals.ts';

export interface ServerOptions {
  readonly host: string;
  /** 0: the system chooses. */
  readonly port: number;
  /** Certificate and key; without, everything goes in clear. */
  readonly tls?: LiveTls | undefined;
  readonly log: Log;
  readonly refusals: Refusals;
  readonly limits?: Partial<ServerLimits> | undefined;
}

/** What one client may take of the server. */
export interface ServerLimits {
  /** A request comes at once; slower is a stuck or hostile client. */
  readonly requestMsMax: number;
  readonly connectionsMax: number;
  /**
   * How often who looks on is told that the gateway is there, and is looked at anew: tokens are
   * revoked, and sessions end. Proxies end what is silent for a minute.
   */
  readonly heartbeatMs: number;
}

export const serverLimits: ServerLimits = {
  requestMsMax: 10_000,
  connectionsMax: 1_000,
  heartbeatMs: 15_000,
};

/** The bodies that mean anything are small. */
const BODY_BYTES_MAX = 16 * 1024;
const HEADER_BYTES_MAX = 16 * 1024;
/** How often Node looks for those that are too slow. */
const REQUEST_CHECK_MS = 1_000;
const IDLE_MS_MAX = 30_000;
/** Neither side has said anything: a client that does not read its answer. */
const SILENCE_MS_MAX = 120_000;

/** A server without routes, whose errors are problem details and whose clients are bounded. */
export function createServer({ tls, log, refusals, limits }: ServerOptions): FastifyInstance {
  const { requestMsMax, connectionsMax } = { ...serverLimits, ...limits };
  const http = {
    maxHeaderSize: HEADER_BYTES_MAX,
    headersTimeout: requestMsMax,
    connectionsCheckingInterval: Math.min(REQUEST_CHECK_MS, requestMsMax),
  };
  const app: FastifyInstance = fastify({
    bodyLimit: BODY_BYTES_MAX,
    requestTimeout: requestMsMax,
    keepAliveTimeout: IDLE_MS_MAX,
    connectionTimeout: SILENCE_MS_MAX,
    forceCloseConnections: true,
    logger: false,
    frameworkErrors: (error, _request, reply) => sendError(reply, error, { log, refusals }),
    ...(tls === undefined
      ? { http }
      : { https: { ...http, ...shownBy(tls), minVersion: 'TLSv1.2' } }),
  });
  const server: Server = app.server;
  if (server instanceof TlsServer) tls?.keep(server);
  server.maxConnections = connectionsMax;
  server.on('drop', () => refusals.add('connections'));
  server.on('clientError', (error: NodeJS.ErrnoException) => {
    if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') refusals.add('slow');
    else if (error.code === 'HPE_HEADER_OVERFLOW') refusals.add('size');
    else if (error.code?.startsWith('HPE_') === true) refusals.add('request');
  });
  // A page of another site can have a browser send that without asking first.
  app.removeContentTypeParser('text/plain');
  app.setValidatorCompiler(compileValidator);
  app.setSchemaErrorFormatter(keepError);
  // The schemas of answers describe them; tests hold the answers against them.
  app.setSerializerCompiler(() => JSON.stringify);
  app.setErrorHandler((error, _request, reply) => sendError(reply, error, { log, refusals }));
  app.setNotFoundHandler((request, reply) => {
    const why = `${request.method} ${request.url.slice(0, 200)} is not served`;
    refusals.add('request');
    sendProblem(reply, new HoldfastError('HF_REQUEST_INVALID', { why }), 404);
  });
  app.addHook('onSend', (_request, reply, _payload, done) => {
    void reply.header('cache-control', 'no-store').header('x-content-type-options', 'nosniff');
    done();
  });
  return app;
}

function shownBy({ tls: { cert, key } }: LiveTls): object {
  return { cert, key };
}

/** @returns Where it listens. @throws HF_PORT_TAKEN, HF_CONFIG_INVALID; it is closed then. */
export async function listen(app: FastifyInstance, options: ServerOptions): Promise<string> {
  try {
    await app.listen({ host: options.host, port: options.port });
  } catch (cause) {
    await app.close();
    throw listenFailure(options, cause);
  }
  return urlOf(app.server.address(), options.tls === undefined ? 'http' : 'https');
}

interface Telling {
  readonly log: Log;
  readonly refusals: Refusals;
}

const reasons: Partial<Readonly<Record<ErrorCode, RefusalReason>>> = {
  HF_ACCESS_UNKNOWN: 'credentials',
  HF_ACCESS_LIMITED: 'limit',
  HF_ACCESS_DENIED: 'role',
};

/** Fastify's own errors carry a status; those below 500 are the client's. */
function sendError(reply: FastifyReply, error: unknown, { log, refusals }: Telling): void {
  const status = error instanceof Error && 'statusCode' in error ? error.statusCode : undefined;
  if (codeOf(error) === undefined && typeof status === 'number' && status < 500) {
    refusals.add(status === 413 ? 'size' : 'request');
    const why = messageOf(error);
    sendProblem(reply, new HoldfastError('HF_REQUEST_INVALID', { why }), status);
    return;
  }
  const { status: answered, code } = problemOf(error);
  if (answered >= 500) log.error('a request failed', { why: messageOf(error) });
  else refusals.add(isOfOtherSite(error) ? 'origin' : (reasons[code] ?? 'request'));
  if (code === 'HF_ACCESS_UNKNOWN') void reply.header('www-authenticate', 'Bearer');
  const again = error instanceof HoldfastError ? error.details['retryAfterMs'] : undefined;
  if (typeof again === 'number') void reply.header('retry-after', Math.ceil(again / 1_000));
  sendProblem(reply, error);
}

function isOfOtherSite(error: unknown): boolean {
  return error instanceof HoldfastError && error.details['reason'] === 'origin';
}

function sendProblem(reply: FastifyReply, error: unknown, status?: number): void {
  const problem = problemOf(error, status);
  void reply.code(problem.status).type('application/problem+json').send(JSON.stringify(problem));
}

function listenFailure({ host, port }: ServerOptions, cause: unknown): HoldfastError {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  const why = `${host}:${port} for the HTTP API`;
  if (code === 'EADDRINUSE') return new HoldfastError('HF_PORT_TAKEN', { why });
  return new HoldfastError('HF_CONFIG_INVALID', { why: `cannot listen on ${why}`, cause });
}

function urlOf(address: AddressInfo | string | null, scheme: string): string {
  if (address === null || typeof address === 'string') return String(address);
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  return `${scheme}://${host}:${address.port}`;
}
