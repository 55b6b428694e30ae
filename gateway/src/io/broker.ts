import type { EventEmitter } from 'node:events';
import type { Duplex } from 'node:stream';
import { HoldfastError, messageOf, type Log } from '@holdfast/protocol';
import type { ShownCertificate } from '../core/access/admission.ts';
import type { BrokerRefusals } from '../core/access/broker-refusals.ts';
import type { Door } from '../core/access/door.ts';
import { deviceOfClient, mayPublish, maySubscribe } from '../core/access/topic-rules.ts';
import { Aedes, type AuthenticateError, type Client, type PublishPacket } from './aedes.ts';
import { listenForDevices, type BrokerServerOptions } from './broker-server.ts';
import { certificateOf } from './devices-tls.ts';
import { EmbeddedLink } from './embedded-link.ts';
import type { GatewayLink, GatewayLinkOptions } from './gateway-link.ts';
import { GuardedSocket } from './packet-guard.ts';
import { mqttStreams } from './web-sockets.ts';

export interface BrokerOptions extends Omit<BrokerServerOptions, 'onSocket' | 'onRefused'> {
  /** Who connects as a device has to pass it. */
  readonly door: Door;
  readonly refusals: BrokerRefusals;
  /** In which MQTT has to begin. Default 10 s. */
  readonly connectMsMax?: number;
}

/** The embedded broker. It keeps nothing: what matters is in the ledger and on the devices. */
export interface Broker {
  /** `mqtt://host:port`, with TLS `mqtts://host:port`. */
  readonly url: string;
  /** The gateway's own way to it. */
  link(onMessage: GatewayLinkOptions['onMessage']): GatewayLink;
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
 * Starts the broker, which takes MQTT and, on the same port, MQTT over WebSocket. A device connects
 * as `hf-<device>`, publishes to its `up` and `state` and subscribes to its `down`; anything
 * else ends its connection or is not granted.
 *
 * @throws HF_PORT_TAKEN, HF_CONFIG_INVALID for an address that this machine does not have.
 */
export async function startBroker(options: BrokerOptions): Promise<Broker> {
  const { log, refusals } = options;
  const connectMsMax = options.connectMsMax ?? CONNECT_TIMEOUT_MS;
  const origins = new WeakMap<Duplex, Origin>();
  const aedes = await Aedes.createBroker({
    drainTimeout: DRAIN_TIMEOUT_MS,
    connectTimeout: connectMsMax,
    maxTopicLevels: 6,
    ...rules(options, (client) => origins.get(client.conn) ?? { address: '' }),
  });
  const connected = new Map<string, Client>();
  aedes.on('client', (client) => void connected.set(client.id, client));
  aedes.on('clientDisconnect', (client) => {
    if (connected.get(client.id) === client) connected.delete(client.id);
  });
  // Without listeners these would end the process.
  aedes.on('clientError', (client, error) => {
    countError(refusals, error);
    log.debug('a connection ended', { client: client.id, why: messageOf(error) });
  });
  aedes.on('connectionError', (_client, error) => {
    countError(refusals, error);
    log.debug('a connection ended before it began', { why: messageOf(error) });
  });
  const emitter: EventEmitter = aedes;
  emitter.on('error', (error) => logError(log, error));

  const server = await listenForDevices({
    ...options,
    onRefused: (reason) => refusals.add(reason),
    onSocket: mqttStreams({
      ...{ connectMsMax, frameBytesMax: 2 * PACKET_BYTES_MAX },
      onRefused: (reason) => refusals.add(reason),
      onStream(stream, socket) {
        const guarded = new GuardedSocket(stream, PACKET_BYTES_MAX, () => refusals.add('size'));
        const { remoteAddress: address = '' } = socket;
        origins.set(guarded, { address, certificate: certificateOf(socket) });
        aedes.handle(guarded);
      },
    }),
  }).catch(async (error: unknown) => {
    await closeAedes(aedes);
    throw error;
  });
  return {
    url: server.url,
    link: (onMessage) => new EmbeddedLink(aedes, onMessage),
    disconnect: (device) => connected.get(`hf-${device}`)?.close(),
    async close() {
      const closed = server.close();
      await closeAedes(aedes);
      await closed;
    },
  };
}

/** Where a connection came from, and what it has shown. */
interface Origin {
  readonly address: string;
  readonly certificate?: ShownCertificate | undefined;
}

/** Who may do what. */
function rules(
  { door, refusals }: Pick<BrokerOptions, 'door' | 'refusals'>,
  originOf: (client: Client) => Origin,
) {
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
      const device = deviceOf(client);
      if (device === undefined) {
        refusals.add('client-id');
        return done(refusal('the client id is no device'), null);
      }
      const text = (password ?? Buffer.alloc(0)).subarray(0, PASSWORD_BYTES_MAX).toString();
      const { address, certificate } = originOf(client);
      const decide = async (): Promise<void> => {
        const turned = await door.turns({ device, password: text, certificate }, address);
        if (turned === undefined) return done(null, true);
        const isToTryAgain = turned.reason === 'unavailable' || turned.reason === 'limit';
        done(refusal(turned.why, isToTryAgain ? SERVER_UNAVAILABLE : NOT_AUTHORIZED), null);
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
      const device = client === null ? undefined : deviceOf(client);
      if (device !== undefined && mayPublish(device, packet)) return done(null);
      refusals.add('publish');
      const why = `may not publish to ${packet.topic} with QoS ${packet.qos}`;
      done(new HoldfastError('HF_MESSAGE_INVALID', { why }));
    },
    authorizeSubscribe<S extends { readonly topic: string }>(
      client: Client,
      subscription: S,
      done: (error: Error | null, subscription?: S | null) => void,
    ): void {
      const device = deviceOf(client);
      const isGranted = device !== undefined && maySubscribe(device, subscription.topic);
      if (!isGranted) refusals.add('subscribe');
      done(null, isGranted ? subscription : null);
    },
  };
}

/** What was refused by a rule is counted there; what ends by itself is no refusal. */
function countError(refusals: BrokerRefusals, error: Error): void {
  if (error instanceof HoldfastError || 'code' in error) return;
  if (/in time|drain timeout/.test(error.message)) refusals.add('slow');
  else if (!error.message.startsWith('keep alive')) refusals.add('malformed');
}

function refusal(why: string, returnCode = IDENTIFIER_REJECTED) {
  return Object.assign(new HoldfastError('HF_DEVICE_UNKNOWN', { why }), { returnCode });
}

/** Whom a client claims to be; whether it is, the door and its signatures say. */
function deviceOf(client: Client): string | undefined {
  return typeof client.id === 'string' ? deviceOfClient(client.id) : undefined;
}

function closeAedes(aedes: Aedes): Promise<void> {
  return new Promise((done) => aedes.close(done));
}

function logError(log: Log, error: unknown): void {
  log.error('the embedded broker reports a fault', { why: messageOf(error) });
}
