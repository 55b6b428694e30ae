import { randomUUID } from 'node:crypto';
import {
  keyNameOf,
  type HoldfastError,
  type MqttVersion,
  messageOf,
  type BrokerProfileName,
  type Duration,
  type Log,
  type Metric,
  type Point,
  type Verify,
  type Tracer,
} from '@holdfast/protocol';
import type { Access } from './core/access/access.ts';
import { createDoors, type Doors } from './core/access/doors.ts';
import { certificateMetrics } from './core/certificates/certificate-metrics.ts';
import { CertificateWatch } from './core/certificates/certificate-watch.ts';
import { BacklogHistory } from './core/backlog/backlog-history.ts';
import { EventFeed } from './core/event-feed.ts';
import type { Fault } from './core/fault.ts';
import { createFleet } from './core/fleet.ts';
import { GatewayMeter } from './core/gateway-meter.ts';
import { deviceMetrics, gatewayMetrics } from './core/gateway-metrics.ts';
import type { HandlerPolicy } from './core/handler-policy.ts';
import type { Handler } from './core/handler-ports.ts';
import type { HandlerRunner } from './core/handlers.ts';
import type { DeviceRecord, Ledger } from './core/ledger.ts';
import { Listeners } from './core/listeners.ts';
import type { DeviceLive } from './core/live.ts';
import type { Arrival } from './core/session-ports.ts';
import { Sessions } from './core/sessions.ts';
import { overloadMetrics } from './core/overload/overload-metrics.ts';
import { readPace } from './core/pace.ts';
import { sessionsLimits } from './core/sessions-limits.ts';
import { readTlsWishes, type GatewayTls, type TlsWishes } from './gateway-tls.ts';
import { createDesks } from './device-desks.ts';
import { linkTo, openBroker, type BrokerAccess } from './open-broker.ts';
import type { GatewayLink } from './io/gateway-link.ts';
import { isLoopback, readAddress } from './io/broker-address.ts';
import type { DataDir } from './io/data-dir.ts';
import type { HealthCheck } from './io/http/health-routes.ts';
import { startHttpApi, type HttpApi } from './io/http-api.ts';
import { createVerify, type Identity } from './io/identity.ts';
import { inflate } from './io/inflate.ts';
import type { OpenLedger } from './io/open-ledger.ts';
import { sha256 } from './io/sha256.ts';
import { systemClock } from './io/system-clock.ts';
import { fingerprintOf, type TlsFiles } from './io/tls-files.ts';
import { createRunner, readServices } from './open-handlers.ts';
import { watchOverload, type Overload } from './open-overload.ts';
import { readKept, startRetention } from './open-retention.ts';
import { namesOf, openStores, type Closers } from './open-stores.ts';
import { createWebhookDesk, startWebhooks } from './open-webhooks.ts';
import type { Retention } from './core/retention/retention.ts';
import type { RetentionRule } from './core/retention/rules.ts';
import type { Webhooks } from './core/out/webhooks.ts';
import { version } from './version.ts';

/** Where a gateway listens, what it keeps, and who executes calls. */
export interface GatewayOptions {
  /** Made when it is missing. One gateway at a time has it. */
  readonly dataDir: string;
  /** Where devices connect. Default 127.0.0.1: from this machine only. */
  readonly mqttHost?: string | undefined;
  /** Default 1883, with TLS 8883; 0: the system chooses. */
  readonly mqttPort?: number | undefined;
  /**
   * URL of a broker to use instead of the embedded one, `mqtt://` or `mqtts://`; user and password
   * may be in it, and are not shown.
   */
  readonly broker?: string | undefined;
  /** Which limits that broker has. Default `generic`: what every broker takes. */
  readonly brokerProfile?: BrokerProfileName | undefined;
  /** The MQTT that is spoken with that broker. Default `3.1.1`. */
  readonly mqttVersion?: MqttVersion | undefined;
  /** PEM files: what devices see of the embedded broker, or what is shown to another one. */
  readonly tls?: TlsFiles | undefined;
  /**
   * Host names and addresses under which others reach this machine, besides those that it knows of
   * itself: for the certificate that the gateway's own authority issues where there are no files.
   * With one there is TLS on loopback, too.
   */
  readonly tlsNames?: readonly string[] | undefined;
  /** Take devices and requests from other machines without TLS. Default: only from this one. */
  readonly insecure?: boolean | undefined;
  /** Whether devices need a certificate at the embedded broker. Default: a signature does, too. */
  readonly requireCertificate?: boolean | undefined;
  /** How long a certificate of a device is valid, 1 h to 30 y. Default 3650 d. */
  readonly certificateLife?: Duration | undefined;
  /**
   * Address of a PostgreSQL database to keep the ledger in, `postgres://`; user and password may be
   * in it, and are not shown. Default: in the data directory.
   */
  readonly ledger?: string | undefined;
  /**
   * `open`: registers a device that it does not know at its first hello. `required`: takes only
   * devices that were enrolled, and the embedded broker only connections that prove to be theirs.
   * Default: `required` where other machines can connect to the embedded broker, else `open`.
   */
  readonly enrollment?: 'open' | 'required' | undefined;
  /** Default 127.0.0.1. */
  readonly httpHost?: string | undefined;
  /** 0: the system chooses. `undefined`: no HTTP API. */
  readonly httpPort?: number | undefined;
  /** PEM files: what the HTTP API shows. Default: `tls`, where that is of the embedded broker. */
  readonly httpTls?: TlsFiles | undefined;
  /** Functions that execute calls, by the name of the service. */
  readonly handlers?: Readonly<Record<string, Handler>> | undefined;
  /** An ES module that exports more of them as `handlers`. */
  readonly handlersFile?: string | undefined;
  /** URLs of HTTP endpoints that execute calls, by the name of the service. */
  readonly endpoints?: ReadonlyMap<string, string> | undefined;
  /** How services are treated that `handlerPolicies`, or the file, says nothing of. */
  readonly handlerPolicy?: Partial<HandlerPolicy> | undefined;
  /** By the name of the service; what is said here goes before what the file says. */
  readonly handlerPolicies?: ReadonlyMap<string, Partial<HandlerPolicy>> | undefined;
  /**
   * How often devices say how they are, 1 s to 1 h. Default 5 s. One that was not heard for four
   * times that is offline; two with one identity are kept out for twelve times that.
   */
  readonly reportEvery?: Duration | undefined;
  /**
   * How many devices connect in a second at most, 1 to 10,000. Default 500. Those who lost their
   * connection are told to spread over a time that keeps to it; the embedded broker enforces it.
   */
  readonly connectsPerS?: number | undefined;
  /** Is given a span of each attempt of a handler, see `docs/guides/tracing.md`. */
  readonly tracer?: Tracer | undefined;
  /** Devices whose tag `region` is another one are refused. Default: none are. */
  readonly region?: string | undefined;
  /** What the ledger keeps how long. Default: everything, for ever. */
  readonly retention?: readonly RetentionRule[] | undefined;
  /** How long commands are kept once all devices have answered, or `forever`. Default 90 d. */
  readonly keepCommands?: Duration | undefined;
  /** Let webhooks go to addresses that are not public, and without TLS. */
  readonly webhookAllowPrivate?: boolean | undefined;
  readonly log?: Log | undefined;
  /** For tests: named places of the code where a crash may strike. */
  readonly point?: Point | undefined;
}

const LOCALHOST = '127.0.0.1';
const silent: Log = { error: () => {}, info: () => {}, debug: () => {} };

/** A running gateway: broker, ledger, sessions, handlers and HTTP API in one process. */
export class Gateway {
  readonly ledger: Ledger;
  /** Where devices connect. */
  readonly mqttUrl: string;
  /** Where the HTTP API is; empty: nowhere. */
  readonly httpUrl: string;
  /** File with a token of an admin for the HTTP API, for use on this machine until it closes. */
  readonly tokenFile: string;
  /** Resolves when the ledger has failed: close the gateway, and start it again. */
  readonly failed: Promise<HoldfastError>;
  readonly #parts: Parts;
  readonly #http: HttpApi | undefined;

  private constructor(parts: Parts, http: HttpApi | undefined) {
    this.#parts = parts;
    this.#http = http;
    this.ledger = parts.ledger;
    this.mqttUrl = parts.broker.url;
    this.httpUrl = http?.url ?? '';
    this.tokenFile = parts.dataDir.tokenFile;
    this.failed = parts.fault.first;
  }

  /**
   * Starts a gateway. With the embedded broker, devices can connect once this resolves; another
   * broker, and the database of the ledger, are connected to when they are there, see `unready`.
   *
   * @throws HF_DATA_DIR_UNUSABLE, HF_STORE_LOCKED, HF_STORE_DAMAGED, HF_STORE_FORMAT,
   *   HF_LEDGER_FAILED, HF_PORT_TAKEN, HF_GATEWAY_ADDRESS, HF_CONFIG_INVALID,
   *   HF_HANDLERS_UNREADABLE, HF_USAGE. Nothing is left running then.
   */
  static async open(options: GatewayOptions): Promise<Gateway> {
    const closers: (() => Promise<void>)[] = [];
    try {
      const wishes = await readTlsWishes(options);
      const parts = await start({ ...options, wishes }, closers);
      const http = await serve(options, parts, closers);
      const { http: httpTls } = parts.tls;
      const startedAt = new Date(systemClock.nowMs()).toISOString();
      const announce = () => {
        const certificate = httpTls === undefined ? null : fingerprintOf(httpTls.tls);
        const [pid, mqtt] = [process.pid, parts.broker.url];
        const running = { pid, http: http?.url ?? null, certificate, mqtt, startedAt };
        return parts.dataDir.announce(running, parts.access.localToken);
      };
      await announce();
      httpTls?.onChange(() => void announce().catch((error) => parts.fault.tell(error)));
      return new Gateway(parts, http);
    } catch (error) {
      for (const close of closers.toReversed()) await close();
      throw error;
    }
  }

  /** What is known of each device beyond the ledger, since this gateway started. */
  live(): readonly DeviceLive[] {
    return this.#parts.sessions.live();
  }

  /** Calls `listener` when entries have become durable. @returns Stops. */
  onEntries(listener: (arrival: Arrival) => void): () => void {
    return this.#parts.arrivals.add(listener);
  }

  /** Calls `listener` when new calls are pending. @returns Stops. */
  onCalls(listener: () => void): () => void {
    return this.#parts.calls.add(listener);
  }

  /** A command for this device is in the ledger: it is sent now if the device is there. */
  issued(device: string): void {
    this.#parts.sessions.issued(device);
  }

  /** Why the gateway cannot do its work now, in words; empty: it can. */
  unready(): readonly string[] {
    return unready(this.#parts);
  }

  /** Resolves once the gateway can take messages from devices. */
  ready(): Promise<void> {
    return this.#parts.link.up();
  }

  /** Takes nothing more, commits and answers what was taken, and ends. Ends all connections. */
  async close(): Promise<void> {
    const { runner, webhooks, retention, sessions, link } = this.#parts;
    const { broker, ledger, access, dataDir, tls, overload } = this.#parts;
    tls.close();
    overload.lateness.close();
    this.#parts.certificates.close();
    await this.#http?.close();
    await runner.close();
    await webhooks.close();
    await retention.close();
    await sessions.close();
    link.close();
    await broker.close();
    await access.close();
    await ledger.close();
    await dataDir.release();
  }
}

interface Parts {
  readonly dataDir: DataDir;
  readonly tls: GatewayTls;
  readonly ledger: Ledger;
  /** Why the ledger cannot be used now; `undefined`: it can. */
  readonly problem: OpenLedger['problem'];
  readonly access: Access;
  readonly signer: Identity;
  readonly verify: Verify;
  readonly doors: Doors;
  readonly broker: BrokerAccess;
  readonly link: GatewayLink;
  readonly sessions: Sessions;
  readonly runner: HandlerRunner;
  readonly meter: GatewayMeter;
  readonly webhooks: Webhooks;
  readonly retention: Retention;
  readonly arrivals: Listeners<Arrival>;
  readonly calls: Listeners<void>;
  readonly fault: Fault;
  readonly overload: Overload;
  readonly certificates: CertificateWatch;
}

/** With what is in the files that they name. */
interface ReadOptions extends GatewayOptions {
  readonly wishes: TlsWishes;
}

async function start(options: ReadOptions, closers: Closers): Promise<Parts> {
  const log = options.log ?? silent;
  const { broker: other } = options;
  const external = other === undefined ? undefined : readAddress(other, options.tls);
  const pace = readPace(options);
  const kept = readKept(options);
  const services = await readServices(options);
  const { follow, ...stores } = await openStores(options, log, closers);
  const { tls, ledger, signer, fault } = stores;
  const onFailure = (error: unknown) => fault.tell(error);
  const isShared = options.ledger !== undefined;
  const { region = '' } = options;
  const verify = createVerify();
  const takesStrangers = isOpen(options);
  const known = { ledger, verify, sha256, publicKey: signer.publicKey };
  const doors = createDoors(known, { ...options, takesStrangers, clock: systemClock, log });
  const { mqttHost: host = LOCALHOST, mqttPort: port } = options;
  const { connectsPerS } = pace;
  const overload = watchOverload(pace.reportEveryMs, closers);
  const at = { external, host, port, connectsPerS, lateMs: overload.lateMs };
  const broker = await openBroker({ ...at, ...doors, tls, log });
  closers.push(() => broker.close());

  const meter = new GatewayMeter();
  const arrivals = new Listeners<Arrival>((error) => log.error('a listener failed', why(error)));
  const calls = new Listeners<void>((error) => log.error('a listener failed', why(error)));
  const onMessage = overload.before((device, bytes) => sessions.receive(device, bytes));
  const link = linkTo(broker, options, { onUnfit: onFailure, onMessage });
  const sessions: Sessions = new Sessions(
    {
      ledger,
      isShared,
      downlink: link,
      signer,
      verify,
      ...{ sha256, inflate, clock: systemClock },
      ...{ log, meter, lateMs: () => overload.lateness.ms, point: options.point ?? (() => {}) },
      onArrival: (arrival) => arrivals.tell(arrival),
      onCalls: () => calls.tell(),
      onFailure,
    },
    { ...sessionsLimits, ...pace, takesStrangers, region, ...namesOf(signer) },
  );
  await sessions.start();
  overload.follow(sessions);
  closers.push(() => sessions.close());

  follow({
    onCommand: (device) => sessions.issuedElsewhere(device),
    onGap: () => sessions.issuedUnheard(),
    onChange: (told) => link.hold(told && `no connection to the ledger: ${told}`),
  });

  const runner = createRunner(options, services, { ledger, log, meter, sessions });
  calls.add(() => runner.wake());
  runner.wake();
  closers.push(() => runner.close(0));
  const reach = { ...reachOf(options, signer), meter };
  const webhooks = startWebhooks({ ...reach, ledger, log, isShared }, arrivals);
  closers.push(() => webhooks.close());
  const retention = startRetention(kept, { ledger, log });
  closers.push(() => retention.close());
  const certificates = new CertificateWatch({ ledger, clock: systemClock, log });
  closers.push(() => Promise.resolve(certificates.close()));
  link.open();
  closers.push(() => Promise.resolve(link.close()));
  if (external === undefined) await link.up();
  const work = { overload, link, sessions, runner, webhooks, retention, meter, arrivals, calls };
  return { ...stores, verify, doors, broker, certificates, ...work };
}

/** Whether devices are registered that nobody has enrolled. */
function isOpen({ enrollment, broker, mqttHost = LOCALHOST }: GatewayOptions): boolean {
  if (enrollment !== undefined) return enrollment === 'open';
  return broker !== undefined || isLoopback(mqttHost);
}

async function serve(
  options: GatewayOptions,
  parts: Parts,
  closers: Closers,
): Promise<HttpApi | undefined> {
  const { httpHost: host = LOCALHOST, httpPort: port, log = silent } = options;
  if (port === undefined) return undefined;
  const { ledger, sessions, runner, webhooks, access, tls } = parts;
  const history = new BacklogHistory(systemClock.nowMs());
  const running = {
    ...{ live: () => sessions.live(), history },
    unhandled: () => runner.unhandled(),
    services: () => runner.services(),
    wake: () => runner.wake(),
    issued: (device: string) => sessions.issued(device),
    rekeyed: (record: DeviceRecord) => {
      sessions.rekeyed(record);
      if (record.publicKey.byteLength === 0) parts.broker.disconnect(record.device);
    },
  };
  const reach = { ...reachOf(options, parts.signer), meter: parts.meter };
  const desk = createWebhookDesk(reach, () => void webhooks.changed());
  const fleet = createFleet({ sha256, ledger, clock: systemClock, running, webhooks: desk });
  const desks = createDesks({ ...parts, rekeyed: running.rekeyed });
  const { hook, refusals: turned } = parts.doors;
  const key = keyNameOf(sha256, parts.signer.publicKey);
  const feed = new EventFeed(randomUUID().slice(0, 8));
  parts.arrivals.add((arrival) => {
    feed.arrived(arrival);
    history.arrived(arrival.device, arrival.fresh);
  });
  const look = (): void => {
    const live = sessions.live();
    feed.look(live);
    history.look(live, systemClock.nowMs());
  };
  const looked = { feed, look, key };
  const metrics = (devicesMax: number) => metricsOf(parts, devicesMax);
  const health = { version: version(), checks: () => checksOf(parts), metrics };
  const own = { clock: systemClock, log, ...health, ...looked };
  const secured = { tls: tls.http, pin: tls.pin };
  const asked = { ...secured, ...desks, hook, turned, fleet, access };
  const http = await startHttpApi({ host, port, ...asked, ...own });
  closers.push(() => http.close());
  return http;
}

function metricsOf(parts: Parts, devicesMax: number): readonly Metric[] {
  const { sessions, runner, meter } = parts;
  const live = sessions.live();
  const now = {
    ...{ version: version(), live, unready: unready(parts) },
    ...{ services: runner.services(), unhandled: runner.unhandled() },
    residentBytes: process.memoryUsage.rss(),
  };
  const own = [...gatewayMetrics(now), ...meter.metrics(), ...overloadMetrics(parts.overload)];
  const worst = parts.certificates.expiresAtMs;
  const certificates = certificateMetrics(parts.tls.expiries(), worst, systemClock.nowMs());
  return [...own, ...certificates, ...deviceMetrics(live, devicesMax)];
}

/** What it needs to do its work, and why it has it not. */
function checksOf({ link, fault, problem }: Parts): readonly HealthCheck[] {
  const named = (name: string, words: string | undefined) => ({
    name,
    problem: words && `no connection to the ${name}: ${words}`,
  });
  const process = { name: 'process', problem: fault.error?.message };
  return [named('ledger', problem()), named('broker', link.problem), process];
}

function unready(parts: Parts): readonly string[] {
  return checksOf(parts).flatMap(({ problem }) => problem ?? []);
}

/** Who tells, and where webhooks may go. */
function reachOf({ webhookAllowPrivate = false }: GatewayOptions, signer: Identity) {
  const { secrets } = signer;
  return { gateway: namesOf(signer).gateway, isPrivateAllowed: webhookAllowPrivate, secrets };
}

function why(error: unknown): { readonly why: string } {
  return { why: messageOf(error) };
}
