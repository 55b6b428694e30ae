import type { EventEmitter } from 'node:events';
import { duplexPair, type Duplex } from 'node:stream';
import { HoldfastError, messageOf, parseTopic, topicOf, type Log } from '@holdfast/protocol';
import { Aedes, type AuthenticateError, type Client, type PublishPacket } from 'aedes';
import type { Admit, NotAdmitted, ShownCertificate } from '../core/access/admission.ts';
import { listenForDevices, type BrokerServerOptions } from './broker-server.ts';
import { certificateOf } from './devices-tls.ts';
import { GuardedSocket } from './packet-guard.ts';

export interface BrokerOptions extends Omit<BrokerServerOptions, 'onSocket'> {
  /** Whether who connects as a device is it. Default: anybody is. */
  readonly admit?: Admit | undefined;
}

/** The embedded broker. It keeps nothing: what matters is in the ledger and on the devices. */
export interface Broker {
  /** `mqtt://host:port`, with TLS `mqtts://host:port`. */
  readonly url: string;
  /** A connection of the gateway itself, which may use all topics. */
  connect(): Duplex;
  /** Ends the connection of a device, if it has one. */
  disconnect(device: string): void;
  close(): Promise<void>;
}

/** Four times the largest message of the protocol. */
const PACKET_BYTES_MAX = 256 * 1024;
/** A device that does not read for so long is disconnected: it holds up the others. */
const DRAIN_TIMEOUT_MS = 10_000;
const CONNECT_TIMEOUT_MS = 10_000;
const [IDENTIFIER_REJECTED, SERVER_UNAVAILABLE, NOT_AUTHORIZED] = [2, 3, 5];
/** Longer ones prove nothing. */
const PASSWORD_BYTES_MAX = 1_024;

/**
 * Starts the broker. A device connects as `hf-<device>`, publishes to its `up` and `state` and
 * subscribes to its `down`; anything else ends its connection or is not granted.
 *
 * @throws HF_PORT_TAKEN, HF_CONFIG_INVALID for an address that this machine does not have.
 */
export async function startBroker(options: BrokerOptions): Promise<Broker> {
  const { log } = options;
  const ours = new WeakSet<Duplex>();
  const shown = new WeakMap<Duplex, ShownCertificate>();
  const aedes = await Aedes.createBroker({
    drainTimeout: DRAIN_TIMEOUT_MS,
    connectTimeout: CONNECT_TIMEOUT_MS,
    maxTopicLevels: 6,
    ...rules(options, {
      isOurs: (client) => ours.has(client.conn),
      shownBy: (client) => shown.get(client.conn),
    }),
  });
  const connected = new Map<string, Client>();
  aedes.on('client', (client) => void connected.set(client.id, client));
  aedes.on('clientDisconnect', (client) => {
    if (connected.get(client.id) === client) connected.delete(client.id);
  });
  // Without listeners these would end the process.
  aedes.on('clientError', (client, error) => {
    log.debug('a connection ended', { client: client.id, why: messageOf(error) });
  });
  aedes.on('connectionError', (_client, error) => {
    log.debug('a connection ended before it began', { why: messageOf(error) });
  });
  const emitter: EventEmitter = aedes;
  emitter.on('error', (error) => logError(log, error));

  const server = await listenForDevices({
    ...options,
    onSocket(socket) {
      const guarded = new GuardedSocket(socket, PACKET_BYTES_MAX);
      const certificate = certificateOf(socket);
      if (certificate !== undefined) shown.set(guarded, certificate);
      aedes.handle(guarded);
    },
  }).catch(async (error: unknown) => {
    await closeAedes(aedes);
    throw error;
  });
  return {
    url: server.url,
    connect() {
      const [inside, outside] = duplexPair();
      ours.add(inside);
      aedes.handle(inside);
      return outside;
    },
    disconnect: (device) => connected.get(`hf-${device}`)?.close(),
    async close() {
      const closed = server.close();
      await closeAedes(aedes);
      await closed;
    },
  };
}

interface Known {
  readonly isOurs: (client: Client) => boolean;
  readonly shownBy: (client: Client) => ShownCertificate | undefined;
}

/** Who may do what. */
function rules({ admit, log }: Pick<BrokerOptions, 'admit' | 'log'>, { isOurs, shownBy }: Known) {
  return {
    preConnect(
      _client: Client,
      packet: { clean?: boolean },
      done: (error: Error | null, success: boolean) => void,
    ): void {
      // No sessions: the broker would keep messages in memory for devices that are away.
      packet.clean = true;
      done(null, true);
    },
    authenticate(
      client: Client,
      _user: string | undefined,
      password: Buffer | undefined,
      done: (error: AuthenticateError | null, success: boolean | null) => void,
    ): void {
      if (isOurs(client)) return done(null, true);
      const device = deviceOf(client);
      if (device === undefined) return done(refusal('the client id is no device'), null);
      if (admit === undefined) return done(null, true);
      const text = (password ?? Buffer.alloc(0)).subarray(0, PASSWORD_BYTES_MAX).toString();
      const who = { device, password: text, certificate: shownBy(client) };
      const decide = async (): Promise<void> => {
        const problem = await problemOf(admit(who), log);
        if (problem === undefined) return done(null, true);
        log.debug('a connection was refused', { device, why: problem.why });
        return done(problem, null);
      };
      void decide();
    },
    authorizePublish(
      client: Client | null,
      packet: PublishPacket,
      done: (error?: Error | null) => void,
    ): void {
      // Kept messages would outlive their meaning.
      packet.retain = false;
      if (client === null || isOurs(client)) return done(null);
      const target = parseTopic(packet.topic);
      const isOwn = target !== undefined && target.device === deviceOf(client);
      // Where levels mix on the way to one subscriber, the broker drops some of those of level 1.
      if (isOwn && target.channel !== 'down' && packet.qos === 1) return done(null);
      const why = `may not publish to ${packet.topic} with QoS ${packet.qos}`;
      done(new HoldfastError('HF_MESSAGE_INVALID', { why }));
    },
    authorizeSubscribe<S extends { readonly topic: string }>(
      client: Client,
      subscription: S,
      done: (error: Error | null, subscription?: S | null) => void,
    ): void {
      const device = deviceOf(client);
      const isOwn = device !== undefined && subscription.topic === topicOf(device, 'down');
      done(null, isOurs(client) || isOwn ? subscription : null);
    },
  };
}

/** Why who connects is not let in; `undefined`: it is. */
async function problemOf(admitting: Promise<NotAdmitted | undefined>, log: Log) {
  try {
    const refused = await admitting;
    return refused && refusal(refused.why, NOT_AUTHORIZED);
  } catch (error) {
    logError(log, error);
    return refusal('nothing is known of devices now', SERVER_UNAVAILABLE);
  }
}

function refusal(why: string, returnCode = IDENTIFIER_REJECTED) {
  return Object.assign(new HoldfastError('HF_DEVICE_UNKNOWN', { why }), { returnCode });
}

/** The device that a client id claims to be; whether it is, its signatures say. */
function deviceOf(client: Client): string | undefined {
  if (!client.id?.startsWith('hf-')) return undefined;
  return parseTopic(topicOf(client.id.slice(3), 'up'))?.device;
}

function closeAedes(aedes: Aedes): Promise<void> {
  return new Promise((done) => aedes.close(done));
}

function logError(log: Log, error: unknown): void {
  log.error('the embedded broker reports a fault', { why: messageOf(error) });
}
