import type { Clock, Log } from '@holdfast/protocol';
import type { FastifyInstance } from 'fastify';
import type { Access } from '../core/access/access.ts';
import type { Pairings } from '../core/access/pairings.ts';
import { addPairing } from './http/pair-routes.ts';
import type { GatewayPlace } from '../core/access/desk.ts';
import type { EventFeed } from '../core/event-feed.ts';
import type { Fleet } from '../core/fleet-views.ts';
import { addAccess, addSessions } from './http/access-routes.ts';
import { addCalls } from './http/call-routes.ts';
import { addCommands } from './http/command-routes.ts';
import { addEnroll, type DeviceDesks } from './http/enroll-routes.ts';
import { addEvents } from './http/event-routes.ts';
import { addBacklog, addFleet, addLedger } from './http/fleet-routes.ts';
import { addDocument } from './http/document.ts';
import { addHealth, addMetrics, type HealthParts } from './http/health-routes.ts';
import { Refusals } from './http/refusals.ts';
import { ApiRoutes } from './http/routes.ts';
import { createServer, listen, serverLimits, type ServerLimits } from './http/server.ts';
import { addExport, addWebhooks } from './http/out-routes.ts';
import { addWeb } from './http/web-routes.ts';
import type { MqttHook } from '../core/access/mqtt-hook.ts';
import { addMqttHook } from './http/mqtt-routes.ts';
import type { CaDesk } from '../core/certificates/ca-desk.ts';
import { addCa } from './http/ca-routes.ts';
import type { LiveTls } from './live-tls.ts';

export interface HttpApiOptions extends HealthParts, DeviceDesks {
  readonly host: string;
  /** 0: the system chooses. */
  readonly port: number;
  /** Certificate and key; without, everything goes in clear. */
  readonly tls?: LiveTls | undefined;
  /** SHA-256 of what a token names of it, in hex; empty: nothing. */
  readonly pin: () => string;
  readonly ca: CaDesk;
  /** For brokers that ask who is a device. */
  readonly hook: MqttHook;
  readonly fleet: Fleet;
  readonly access: Access;
  readonly pairings: Pairings;
  /** What changes in the fleet; `look` has it told, and is called once a second. */
  readonly feed: EventFeed;
  readonly look: () => void;
  /** Name of this gateway's key. */
  readonly key: string;
  readonly clock: Pick<Clock, 'nowMs'>;
  /** Of this gateway, for the document. */
  readonly version: string;
  readonly log: Log;
  readonly limits?: Partial<ServerLimits> | undefined;
}

export interface HttpApi {
  /** Where it listens, with the real port: `http://127.0.0.1:8080`. */
  readonly url: string;
  /** Takes no new requests, ends open connections, resolves when all is closed. */
  close(): Promise<void>;
}

/** How late those who look on may be told. */
const LOOK_MS = 1_000;

/**
 * Serves what is known of the fleet as JSON to those who may know it, and to anybody whether the
 * gateway is well.
 *
 * @throws HF_PORT_TAKEN; HF_CONFIG_INVALID for a host that cannot be listened on.
 */
export async function startHttpApi(options: HttpApiOptions): Promise<HttpApi> {
  const refusals = new Refusals();
  const place = () => ({ url, certificate: options.pin(), key: options.key });
  const app = await createApp({ ...options, place }, refusals);
  const url = await listen(app, { ...options, refusals });
  const looking = setInterval(options.look, LOOK_MS);
  return {
    url,
    close() {
      clearInterval(looking);
      return app.close();
    },
  };
}

async function createApp(
  options: HttpApiOptions & { readonly place: () => GatewayPlace },
  refusals: Refusals,
): Promise<FastifyInstance> {
  const app = createServer({ ...options, refusals });
  await addDocument(app, options.version);
  addHealth(app, options);
  const routes = new ApiRoutes(app, options.access, options.clock);
  addFleet(routes, options.fleet);
  addBacklog(routes, options.fleet);
  addLedger(routes, options.fleet);
  addCommands(routes, options.fleet);
  addCalls(routes, options.fleet);
  addWebhooks(routes, options.fleet);
  addExport(routes, options.fleet);
  addAccess(routes, options);
  addSessions(app, routes, options);
  addEnroll(app, options);
  addCa(app, routes, options.ca);
  addMetrics(routes, options, refusals);
  addMqttHook(routes, options.hook);
  addPairing(app, routes, options);
  const { heartbeatMs } = { ...serverLimits, ...options.limits };
  addEvents(routes, { feed: options.feed, refusals, heartbeatMs });
  addWeb(app);
  return app;
}
