import type { Clock, Log } from '@holdfast/protocol';
import type { FastifyInstance } from 'fastify';
import type { Access } from '../core/access/access.ts';
import type { Fleet } from '../core/fleet-views.ts';
import { addAccess, addSessions } from './http/access-routes.ts';
import { addCommands } from './http/command-routes.ts';
import { addFleet, addLedger } from './http/fleet-routes.ts';
import { refusalReasons, Refusals } from './http/refusals.ts';
import { ApiRoutes } from './http/routes.ts';
import { createServer, listen, type ServerLimits } from './http/server.ts';
import type { Tls } from './tls-files.ts';

export interface HttpApiOptions {
  readonly host: string;
  /** 0: the system chooses. */
  readonly port: number;
  /** Certificate and key; without, everything goes in clear. */
  readonly tls?: Tls | undefined;
  readonly fleet: Fleet;
  readonly access: Access;
  readonly clock: Pick<Clock, 'nowMs'>;
  /** Why the gateway cannot do its work now; empty: it can. */
  readonly unready: () => readonly string[];
  readonly log: Log;
  readonly limits?: Partial<ServerLimits> | undefined;
}

export interface HttpApi {
  /** Where it listens, with the real port: `http://127.0.0.1:8080`. */
  readonly url: string;
  /** Takes no new requests, ends open connections, resolves when all is closed. */
  close(): Promise<void>;
}

/**
 * Serves what is known of the fleet as JSON to those who may know it, and to anybody whether the
 * gateway is well.
 *
 * @throws HF_PORT_TAKEN; HF_CONFIG_INVALID for a host that cannot be listened on.
 */
export async function startHttpApi(options: HttpApiOptions): Promise<HttpApi> {
  const refusals = new Refusals();
  const app = createServer({ ...options, refusals });
  addHealth(app, options);
  const routes = new ApiRoutes(app, options.access, options.clock);
  addFleet(routes, options.fleet);
  addLedger(routes, options.fleet);
  addCommands(routes, options.fleet);
  addAccess(routes, options);
  addSessions(app, routes, options);
  addMetrics(routes, refusals);
  const url = await listen(app, { ...options, refusals });
  return { url, close: () => app.close() };
}

function addHealth(app: FastifyInstance, { unready }: HttpApiOptions): void {
  app.get('/livez', () => ({ schema: 'holdfast.live/1', live: true }));
  app.get('/readyz', (_request, reply) => {
    const reasons = unready();
    const ready = reasons.length === 0;
    return reply.code(ready ? 200 : 503).send({ schema: 'holdfast.ready/1', ready, reasons });
  });
}

/** For Prometheus. */
function addMetrics(routes: ApiRoutes, refusals: Refusals): void {
  const name = 'holdfast_gateway_http_refused_total';
  routes.read('/metrics', 'viewer', ({ reply }) => {
    const lines = [
      `# HELP ${name} Requests that the HTTP API did not do, by why.`,
      `# TYPE ${name} counter`,
      ...refusalReasons.map((reason) => `${name}{reason="${reason}"} ${refusals.count(reason)}`),
    ];
    void reply.type('text/plain; version=0.0.4; charset=utf-8');
    return `${lines.join('\n')}\n`;
  });
}
