import { type HoldfastError, messageOf, type Log } from '@holdfast/protocol';
import { createDoors } from './core/access/doors.ts';
import { CertificateWatch } from './core/certificates/certificate-watch.ts';
import { GatewayMeter } from './core/gateway-meter.ts';
import type { Ledger } from './core/ledger.ts';
import { Listeners } from './core/listeners.ts';
import type { DeviceLive } from './core/live.ts';
import type { Arrival } from './core/session-ports.ts';
import { Sessions } from './core/sessions.ts';
import { readPace } from './core/pace.ts';
import { sessionsLimits } from './core/sessions-limits.ts';
import { readTlsWishes, type TlsWishes } from './gateway-tls.ts';
import { linkTo, openBroker } from './open-broker.ts';
import { isLoopback, readAddress } from './io/broker-address.ts';
import type { HttpApi } from './io/http-api.ts';
import { createVerify } from './io/identity.ts';
import { inflate } from './io/inflate.ts';
import { sha256 } from './io/sha256.ts';
import { systemClock } from './io/system-clock.ts';
import { fingerprintOf } from './io/tls-files.ts';
import { createRunner, readServices } from './open-handlers.ts';
import { watchOverload } from './open-overload.ts';
import { readKept, startRetention } from './open-retention.ts';
import { namesOf, openStores, type Closers } from './open-stores.ts';
import { reachOf, startWebhooks } from './open-webhooks.ts';
import type { GatewayOptions } from './gateway-options.ts';
import type { Parts } from './gateway-parts.ts';
import { openHttp, unready } from './open-http.ts';

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
      const http = await openHttp(options, parts, closers);
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
      ...{ onFailure, onFlood: (device) => broker.disconnect(device) },
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

function why(error: unknown): { readonly why: string } {
  return { why: messageOf(error) };
}
