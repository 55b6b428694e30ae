import type { AddressInfo } from 'node:net';
import { codeOf, HoldfastError, messageOf, type Log } from '@holdfast/protocol';
import { fastify, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { readEraseBody, readHeldBody, readKeyBody } from '../core/api-body.ts';
import { problemOf } from '../core/api-problem.ts';
import {
  readDevice,
  readEntriesQuery,
  readLimit,
  readNothing,
  readRunsQuery,
  readValueQuery,
  type RawQuery,
} from '../core/api-query.ts';
import type { Fleet } from '../core/fleet-views.ts';

export interface HttpApiOptions {
  readonly host: string;
  /** 0: the system chooses. */
  readonly port: number;
  readonly fleet: Fleet;
  /** Why the gateway cannot do its work now; empty: it can. */
  readonly unready: () => readonly string[];
  readonly log: Log;
}

export interface HttpApi {
  /** Where it listens, with the real port: `http://127.0.0.1:8080`. */
  readonly url: string;
  /** Takes no new requests, ends open connections, resolves when all is closed. */
  close(): Promise<void>;
}

/** The bodies that mean anything name a subject. */
const BODY_BYTES_MAX = 16 * 1024;
/** A request line and its headers come at once; slower is a stuck or hostile client. */
const REQUEST_MS_MAX = 10_000;
const IDLE_MS_MAX = 30_000;

/**
 * Serves what is known of the fleet as JSON, and whether the gateway is well. All that can be
 * changed is that what is held on a subject is erased.
 *
 * @throws HF_PORT_TAKEN; HF_CONFIG_INVALID for a host that cannot be listened on.
 */
export async function startHttpApi(options: HttpApiOptions): Promise<HttpApi> {
  const app = createApp(options.log);
  addHealth(app, options);
  addFleet(app, options.fleet);
  try {
    await app.listen({ host: options.host, port: options.port });
  } catch (cause) {
    await app.close();
    throw listenFailure(options, cause);
  }
  return { url: urlOf(app.server.address()), close: () => app.close() };
}

function createApp(log: Log): FastifyInstance {
  const app = fastify({
    bodyLimit: BODY_BYTES_MAX,
    requestTimeout: REQUEST_MS_MAX,
    keepAliveTimeout: IDLE_MS_MAX,
    forceCloseConnections: true,
    logger: false,
    frameworkErrors: (error, _request, reply) => sendError(reply, error, log),
  });
  app.setErrorHandler((error, _request, reply) => sendError(reply, error, log));
  app.setNotFoundHandler((request, reply) => {
    const why = `${request.method} ${request.url.slice(0, 200)} is not served`;
    sendProblem(reply, new HoldfastError('HF_REQUEST_INVALID', { why }), 404);
  });
  return app;
}

function addHealth(app: FastifyInstance, { unready }: HttpApiOptions): void {
  app.get('/livez', () => ({ schema: 'holdfast.live/1', live: true }));
  app.get('/readyz', (_request, reply) => {
    const reasons = unready();
    const ready = reasons.length === 0;
    return reply.code(ready ? 200 : 503).send({ schema: 'holdfast.ready/1', ready, reasons });
  });
}

interface Route {
  Querystring: RawQuery;
  Params: { readonly id: string };
}

function addFleet(app: FastifyInstance, fleet: Fleet): void {
  app.addHook('onSend', (_request, reply, _payload, done) => {
    void reply.header('cache-control', 'no-store').header('x-content-type-options', 'nosniff');
    done();
  });
  app.get<Route>('/api/devices', ({ query }) => {
    readNothing(query);
    return fleet.devices();
  });
  app.get<Route>('/api/devices/:id', ({ params, query }) => {
    readNothing(query);
    return fleet.device(readDevice(params.id));
  });
  app.get<Route>('/api/devices/:id/runs', ({ params, query }) =>
    fleet.runs(readRunsQuery(query, readDevice(params.id))),
  );
  app.get<Route>('/api/devices/:id/entries', ({ params, query }) =>
    fleet.entries(readEntriesQuery(query, readDevice(params.id))),
  );
  app.get<Route>('/api/devices/:id/value', ({ params, query }) =>
    fleet.value(readValueQuery(query, readDevice(params.id))),
  );
  app.post<Route>('/api/devices/:id/key', (request) => {
    checkOwnMachine(request);
    readNothing(request.query);
    return fleet.rekey(readDevice(request.params.id), readKeyBody(request.body));
  });
  app.get<Route>('/api/runs', ({ query }) => fleet.runs(readRunsQuery(query)));
  app.post<Route>('/api/ledger/verify', ({ query }) => {
    readNothing(query);
    return fleet.verify();
  });
  app.post<Route>('/api/ledger/erase', ({ query, body }) => {
    readNothing(query);
    return fleet.erase(readEraseBody(body));
  });
  app.post<Route>('/api/ledger/held', ({ query, body }) => {
    readNothing(query);
    return fleet.held(readHeldBody(body));
  });
  app.get<Route>('/api/ledger/erasures', ({ query }) => fleet.erasures(readLimit(query)));
}

/** What decides whom to believe is asked for on this machine, and by no page in a browser. */
function checkOwnMachine({ ip, headers }: FastifyRequest): void {
  const isOwn = ip === '::1' || /^(?:::ffff:)?127\./.test(ip);
  if (isOwn && headers.origin === undefined) return;
  const why = 'this is answered only to the command line, on the machine of the gateway';
  throw new HoldfastError('HF_REQUEST_INVALID', { why });
}

/** Fastify's own errors carry a status; those below 500 are the client's. */
function sendError(reply: FastifyReply, error: unknown, log: Log): void {
  const status = error instanceof Error && 'statusCode' in error ? error.statusCode : undefined;
  if (codeOf(error) === undefined && typeof status === 'number' && status < 500) {
    const why = messageOf(error);
    sendProblem(reply, new HoldfastError('HF_REQUEST_INVALID', { why }), status);
    return;
  }
  const { status: answered } = problemOf(error);
  if (answered >= 500) log.error('a request failed', { why: messageOf(error) });
  sendProblem(reply, error);
}

function sendProblem(reply: FastifyReply, error: unknown, status?: number): void {
  const problem = problemOf(error, status);
  void reply.code(problem.status).type('application/problem+json').send(JSON.stringify(problem));
}

function listenFailure({ host, port }: HttpApiOptions, cause: unknown): HoldfastError {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  const why = `${host}:${port} for the HTTP API`;
  if (code === 'EADDRINUSE') return new HoldfastError('HF_PORT_TAKEN', { why });
  return new HoldfastError('HF_CONFIG_INVALID', { why: `cannot listen on ${why}`, cause });
}

function urlOf(address: AddressInfo | string | null): string {
  if (address === null || typeof address === 'string') return String(address);
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  return `http://${host}:${address.port}`;
}
