import { X509Certificate } from 'node:crypto';
import type { LookupFunction, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { createSecureContext } from 'node:tls';
import {
  HoldfastError,
  messageOf,
  mqttLevel,
  topicOf,
  type Dial,
  type Link,
  type LinkDown,
  type LinkEvent,
  type MqttVersion,
} from '@holdfast/protocol';
import { proxyProblem, type HttpProxy } from '../core/proxy-address.ts';
import { isTlsAddress, readBrokerAddress, type BrokerAddress } from './broker-address.ts';
import { connectBroker, type TlsOptions } from './broker-socket.ts';
import { openWay } from './http-proxy.ts';
import { down, isPassing, mtuHint, linkDownOf, type DialStage } from './link-down.ts';
import type { IClientOptions, MqttClient } from './mqtt.ts';

/** Loaded by the first connection: a start whose runs wait for nobody is not to wait for it. */
const loadMqtt = () => import('./mqtt.ts');
const loadWebSocket = () => import('./web-socket.ts');

type Mqtt = Awaited<ReturnType<typeof loadMqtt>>;

export interface MqttDialOptions {
  /** With mqtt:, mqtts:, ws: or wss:, whose default ports are 1883, 8883, 80 and 443. */
  readonly url: string;
  /** Default `3.1.1`. */
  readonly mqttVersion?: MqttVersion;
  readonly tls?: TlsOptions;
  /** For brokers that want one; the user name is the device id. */
  readonly password?: string;
  /** Longest time from the first packet until the link is up, ms. Default 15 s. */
  readonly connectMs?: number;
  /** Longest time until the broker has taken a message, ms. Default 60 s. */
  readonly publishMs?: number;
  /** Seconds without traffic until the broker is asked whether it is there. Default 30. */
  readonly keepaliveS?: number;
  /** Through which the broker is reached. Default: none. */
  readonly proxy?: HttpProxy;
  /** How names are looked up, at each dial. Default: as the system does. */
  readonly lookup?: LookupFunction;
}

/** What a device shows to the broker where its options say nothing; asked for each time. */
export interface Credentials {
  readonly password?: string | undefined;
  /** Taken by mqtts and wss alone. */
  readonly tls?: TlsOptions | undefined;
}

/**
 * Links over MQTT: the subset that every broker has. One client an attempt, without its own
 * reconnection, stores or sessions: what must survive is in the journal.
 *
 * @returns What dials for one device, with credentials of its own.
 * @throws HF_GATEWAY_ADDRESS for an address that is not usable, HF_CONFIG_INVALID for TLS options
 *   that are not.
 */
export function createMqttDial(
  options: MqttDialOptions,
): (device: string, own?: () => Credentials) => Dial {
  const address = readBrokerAddress(options.url);
  if (options.tls !== undefined) checkTls(options.url, options.tls);
  const problem = options.proxy && proxyProblem(options.proxy.url);
  if (problem !== undefined) {
    throw new HoldfastError('HF_CONFIG_INVALID', { why: `the proxy ${problem}` });
  }
  return (device, own) => (listen) => {
    const { password, tls } = { ...own?.(), ...given(options) };
    const known = {
      ...(password === undefined ? {} : { password }),
      ...(address.isTls && tls !== undefined ? { tls } : {}),
    };
    return new MqttLink({ ...options, ...known, device, address }, listen);
  };
}

function given({ password, tls }: MqttDialOptions): Credentials {
  return {
    ...(password === undefined ? {} : { password }),
    ...(tls === undefined ? {} : { tls }),
  };
}

interface Target extends MqttDialOptions {
  readonly device: string;
  readonly address: BrokerAddress;
}

/** Who has files for TLS and writes an address without it would go in clear. */
function checkTls(url: string, tls: TlsOptions): void {
  if (!isTlsAddress(url)) {
    const why = `TLS options, but ${url} is neither mqtts:// nor wss://`;
    throw new HoldfastError('HF_CONFIG_INVALID', { why });
  }
  if ((tls.cert === undefined) !== (tls.key === undefined)) {
    throw new HoldfastError('HF_CONFIG_INVALID', { why: 'a certificate and its key go together' });
  }
  try {
    createSecureContext({ ...tls });
    // A text that is none would be taken for a list of nobody.
    if (tls.ca !== undefined) void new X509Certificate(tls.ca);
  } catch (cause) {
    const why = `the TLS files are not usable: ${messageOf(cause)}`;
    throw new HoldfastError('HF_CONFIG_INVALID', { why, cause });
  }
}

/** Small packets pass and large ones do not: nothing else tells of it. */
const noTls = `it took the connection, but its part of TLS did not come (${mtuHint})`;

class MqttLink implements Link {
  /** There is none before the first moment has passed. */
  #client: MqttClient | undefined;
  #socket: Socket | undefined;
  readonly #ended = new AbortController();
  /** TLS stands. */
  #isSecure = false;
  readonly #target: Target;
  readonly #listen: (event: LinkEvent) => void;
  /** Settles every send that the broker has not taken. */
  readonly #waiting = new Set<() => void>();
  /** Begins those that go once the broker has acknowledged one before. */
  readonly #queue: (() => void)[] = [];
  /** On their way, and how many may be: a broker of MQTT 5 says so. */
  #underWay = 0;
  #underWayMax = Number.POSITIVE_INFINITY;
  readonly #upTimer: NodeJS.Timeout;
  /** Each ends the connection, unless the broker takes its message in time. */
  readonly #late = new Set<NodeJS.Timeout>();
  #stage: DialStage = 'connecting';
  #error: Error | undefined;
  /** The broker has taken a message on this connection. */
  #hasTaken = false;
  #isDown = false;
  /** Of the first message: a broker hangs up at one that is too large for it, too. */
  #firstBytes = 0;

  constructor(target: Target, listen: (event: LinkEvent) => void) {
    this.#target = target;
    this.#listen = listen;
    const connectMs = target.connectMs ?? 15_000;
    this.#upTimer = setTimeout(() => this.#onLate(connectMs), connectMs);
    void this.#connect(connectMs).catch((error: unknown) => this.#fail(failureOf(error)));
  }

  async #connect(connectMs: number): Promise<void> {
    const mqtt = await loadMqtt();
    if (this.#isDown) return;
    const stream = await this.#open(connectMs);
    // What the library does not report: it knows a few codes of the system only.
    stream.on('error', (error) => (this.#error ??= error));
    if (this.#isDown) return void this.#socket?.destroy();
    const messageIdProvider = new mqtt.UniqueMessageIdProvider();
    const options = { ...clientOptions(this.#target, connectMs), messageIdProvider };
    const client = new mqtt.MqttClient(() => stream, options);
    this.#client = client;
    this.#listenTo(client, mqtt);
    client.connect();
  }

  /** Begins to connect. @returns What MQTT is to be spoken on. */
  async #open(connectMs: number): Promise<Duplex> {
    const { address, tls, lookup, proxy } = this.#target;
    const speak = address.isWebSocket ? (await loadWebSocket()).speakWebSocket : undefined;
    // It gives up first: it knows who is silent.
    const patience = { ms: connectMs * 0.8, signal: this.#ended.signal };
    const way = proxy === undefined ? undefined : await openWay(proxy, address, patience);
    const socket = connectBroker(address, tls, { lookup, way });
    // Small messages would wait for the acknowledgement of the one before: 44 ms each way.
    this.#socket = socket.setNoDelay(true);
    socket.once('secureConnect', () => (this.#isSecure = true));
    socket.on('error', (error) => (this.#error ??= error));
    return speak === undefined ? socket : speak(address.url, socket);
  }

  get #broker(): string {
    return this.#target.address.shown;
  }

  send(channel: 'up' | 'state', bytes: Uint8Array): Promise<void> {
    const client = this.#client;
    if (this.#isDown || this.#stage !== 'up' || client === undefined) return Promise.resolve();
    this.#firstBytes ||= bytes.byteLength;
    return new Promise((resolve) => {
      const settle = () => {
        this.#waiting.delete(settle);
        resolve();
      };
      this.#waiting.add(settle);
      this.#queue.push(() => this.#publish(client, { channel, bytes }, settle));
      this.#goOn();
    });
  }

  /** No more are on their way than the broker takes: it would hang up at the one beyond. */
  #goOn(): void {
    while (!this.#isDown && this.#underWay < this.#underWayMax) {
      const begin = this.#queue.shift();
      if (begin === undefined) return;
      this.#underWay += 1;
      begin();
    }
  }

  #publish(
    client: MqttClient,
    { channel, bytes }: { readonly channel: 'up' | 'state'; readonly bytes: Uint8Array },
    settle: () => void,
  ): void {
    const publishMs = this.#target.publishMs ?? 60_000;
    const late = setTimeout(() => {
      this.#end(down('HF_LINK_LOST', `${this.#broker}: a message was not taken in time`));
    }, publishMs);
    this.#late.add(late);
    const topic = topicOf(this.#target.device, channel);
    // A view, not a copy: the bytes are not changed by anyone.
    const payload = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    client.publish(topic, payload, { qos: 1, retain: false }, (error) => {
      clearTimeout(late);
      this.#late.delete(late);
      settle();
      this.#underWay -= 1;
      // What the broker has not taken for the moment is sent again when it is not acknowledged.
      if (error && !isPassing(error)) this.#fail(error);
      else this.#hasTaken = true;
      this.#goOn();
    });
  }

  close(): void {
    this.#end(down('HF_LINK_LOST', `${this.#broker}: closed by this device`));
  }

  traffic(): number {
    const { bytesRead = 0, bytesWritten = 0 } = this.#socket ?? {};
    return bytesRead + bytesWritten;
  }

  #listenTo(client: MqttClient, { ErrorWithReasonCode }: Mqtt): void {
    client.on('connect', ({ properties }) => {
      this.#underWayMax = properties?.receiveMaximum ?? Number.POSITIVE_INFINITY;
      this.#subscribe(client, properties?.maximumPacketSize);
    });
    client.on('message', (_topic, payload) => {
      if (!this.#isDown) this.#listen({ kind: 'message', bytes: payload });
    });
    client.on('error', (error) => this.#fail(error));
    client.on('disconnect', ({ reasonCode = 0 }) => {
      this.#error ??= new ErrorWithReasonCode('the broker ended the connection', reasonCode);
    });
    client.on('close', () => this.#fail(undefined));
  }

  #subscribe(client: MqttClient, packetBytesMax: number | undefined): void {
    this.#stage = 'subscribing';
    const topic = topicOf(this.#target.device, 'down');
    client.subscribe(topic, { qos: 1 }, (error, granted) => {
      if (this.#isDown) return;
      if (error || granted?.some((each) => each.qos === 128)) {
        const why = `${this.#broker}: it does not let this device subscribe to ${topic}`;
        return this.#end(down('HF_BROKER_REFUSED', why));
      }
      this.#stage = 'up';
      clearTimeout(this.#upTimer);
      this.#listen({ kind: 'up', ...(packetBytesMax === undefined ? {} : { packetBytesMax }) });
    });
  }

  #onLate(connectMs: number): void {
    const why =
      this.#stage === 'connecting'
        ? `${this.#isTlsUnanswered() ? noTls : 'no MQTT broker answered'} within ${connectMs} ms`
        : `it took the connection but confirmed no subscription within ${connectMs} ms`;
    this.#end(down('HF_GATEWAY_UNREACHABLE', `${this.#broker}: ${why}`));
  }

  /** The connection stands, and what has to come next is the first that fills a packet. */
  #isTlsUnanswered(): boolean {
    const isThere = this.#socket !== undefined && !this.#socket.connecting;
    return this.#target.address.isTls && isThere && !this.#isSecure;
  }

  /** The first failure says why; the close that follows it says only that. */
  #fail(error: Error | undefined): void {
    if (this.#isDown) return;
    this.#error ??= error;
    const isSentAway = this.#stage === 'up' && !this.#hasTaken && this.#waiting.size > 0;
    // MQTT 3.1.1 has no other word for it: the connection is closed, in order.
    if (isSentAway && this.#error === undefined) {
      const so = `of ${this.#firstBytes} bytes; may this device publish, and so much at once?`;
      const why = `it hung up at the first message, ${so}`;
      return this.#end(down('HF_BROKER_REFUSED', `${this.#broker}: ${why}`));
    }
    const { isTls } = this.#target.address;
    const reached = { isTls, stage: this.#stage };
    this.#end(linkDownOf({ broker: this.#broker, ...reached, error: this.#error }));
  }

  #end(reason: LinkDown): void {
    if (this.#isDown) return;
    this.#isDown = true;
    this.#ended.abort();
    clearTimeout(this.#upTimer);
    // Its own timers end with `end`; the socket of a peer that is gone only with `destroy`.
    this.#client?.end(true);
    this.#socket?.destroy();
    for (const late of this.#late) clearTimeout(late);
    for (const settle of this.#waiting) settle();
    this.#listen({ kind: 'down', reason });
  }
}

function failureOf(error: unknown): Error {
  return error instanceof Error ? error : new HoldfastError('HF_LINK_LOST', { cause: error });
}

function clientOptions(target: Target, connectMs: number): IClientOptions {
  const { device, password, mqttVersion = '3.1.1' } = target;
  return {
    protocolVersion: mqttLevel(mqttVersion),
    clientId: `hf-${device}`,
    username: device,
    clean: true,
    keepalive: target.keepaliveS ?? 30,
    // Ours fires first and knows more.
    connectTimeout: connectMs + 1_000,
    reconnectPeriod: 0,
    resubscribe: false,
    queueQoSZero: false,
    writeCache: false,
    manualConnect: true,
    ...(password === undefined ? {} : { password }),
  };
}
