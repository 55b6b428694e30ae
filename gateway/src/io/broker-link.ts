import { randomBytes } from 'node:crypto';
import {
  HoldfastError,
  brokerProfile,
  gatewayTopics,
  messageOf,
  mqttLevel,
  parseTopic,
  topicOf,
  type Clock,
  type Log,
} from '@holdfast/protocol';
import type { GatewayLink, GatewayLinkOptions } from './gateway-link.ts';
import { UniqueMessageIdProvider, connect, type IClientOptions, type MqttClient } from './mqtt.ts';
import { Paced } from './paced.ts';
import type { Tls } from './tls-files.ts';

export interface OtherBroker {
  /** `mqtt://` or `mqtts://`, user and password included. */
  readonly url: URL;
  readonly tls: Tls;
}

export interface BrokerLinkOptions extends GatewayLinkOptions {
  readonly to: OtherBroker;
  readonly clock: Clock;
  readonly log: Log;
}

const CONNECT_MS_MAX = 15_000;
const PAUSE_MS_MIN = 250;
const PAUSE_MS_MAX = 30_000;
/**
 * Of what a broker takes in a second: it may count in any, where a message at the end of one counts
 * whole.
 */
const SHARE = 0.85;
/** A connection that held for so long was a good one: the next pause is short again. */
const STABLE_MS = 10_000;

/**
 * Of a group: the broker goes on giving a share to one that is stopped or cut off for one and a
 * half times as long, and until it looks (Mosquitto each 6 s). What it gives there is lost. Less
 * would take a busy gateway for a stopped one.
 */
const GROUP_KEEPALIVE_S = 2;
/** In which a message that was shared comes back. */
const CHECK_MS_MAX = 3_000;

const options: IClientOptions = {
  clean: true,
  keepalive: 30,
  reconnectPeriod: 0,
  connectTimeout: CONNECT_MS_MAX,
  queueQoSZero: false,
  resubscribe: false,
  writeCache: false,
  manualConnect: true,
};

/** What devices journal goes to one of the group; their present goes to all. */
function topicsOf(group: string): string[] {
  const [up, state] = gatewayTopics;
  return [`$share/${group}/${up}`, state];
}

/**
 * The gateway's own connection to another broker, made anew for as long as it is wanted, with
 * pauses from 250 ms to 30 s and full jitter. One client for each attempt: what an old one holds is
 * void.
 */
export class BrokerLink implements GatewayLink {
  readonly #options: BrokerLinkOptions;
  #client: MqttClient | undefined;
  #isUp = false;
  /** It is known to have shared subscriptions. */
  #isChecked = false;
  #held: string | undefined;
  #isClosed = false;
  #upAtMs = 0;
  #attempt = 0;
  #problem = 'no connection was tried yet';
  #cancelTimer: () => void = () => {};
  readonly #waiting: (() => void)[] = [];
  readonly #paced: Paced;

  constructor(linkOptions: BrokerLinkOptions) {
    this.#options = linkOptions;
    const { profile = brokerProfile('generic'), clock } = linkOptions;
    this.#paced = new Paced(clock, {
      perS: SHARE * profile.publishesPerS,
      bytesPerS: SHARE * profile.bytesPerS,
      atOnce: profile.inflightMax,
      bytesAtOnce: profile.inflightBytesMax,
    });
  }

  open(): void {
    if (this.#held === undefined) this.#dial();
  }

  hold(why: string | undefined): void {
    if (this.#options.group === undefined || this.#isClosed) return;
    const wasHeld = this.#held !== undefined;
    this.#held = why;
    if (why !== undefined) {
      this.#problem = why;
      this.#drop();
    } else if (wasHeld) {
      this.#attempt = 0;
      this.#dial();
    }
  }

  get problem(): string | undefined {
    return this.#isUp ? undefined : this.#problem;
  }

  up(): Promise<void> {
    if (this.#isUp || this.#isClosed) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  send(device: string, bytes: Uint8Array): void {
    if (!this.#isUp) return;
    this.#paced.do((taken) => this.#publish(device, bytes, taken), bytes.byteLength);
  }

  #publish(device: string, bytes: Uint8Array, taken: () => void): void {
    // The library declares a Buffer and takes any bytes; this makes no copy.
    const payload = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#client?.publish(topicOf(device, 'down'), payload, { qos: 1 }, taken);
  }

  close(): void {
    this.#isClosed = true;
    this.#drop();
    this.#settle();
  }

  #dial(): void {
    this.#attempt += 1;
    const { to, group, mqttVersion = '3.1.1' } = this.#options;
    const own: IClientOptions = {
      ...options,
      protocolVersion: mqttLevel(mqttVersion),
      clientId: `hf-gateway-${randomBytes(8).toString('hex')}`,
      messageIdProvider: new UniqueMessageIdProvider(),
      ...(group !== undefined && { keepalive: GROUP_KEEPALIVE_S }),
    };
    const client = connect(to.url.href, { ...own, ...to.tls });
    this.#client = client;
    const current = (work: () => void) => () => {
      if (client === this.#client) work();
    };
    const down = (error: unknown) => current(() => this.#down(messageOf(error)))();
    client.on('error', down);
    client.on('close', () => down('the connection was closed'));
    client.on('connect', ({ properties }) => {
      if (client !== this.#client) return;
      // MQTT 5 has it; a broker hangs up at what is beyond.
      this.#paced.limit(properties?.receiveMaximum ?? Number.POSITIVE_INFINITY);
      this.#subscribe(client, down);
    });
    client.on('message', (topic, payload) => {
      const from = client === this.#client ? parseTopic(topic) : undefined;
      if (from !== undefined) this.#options.onMessage(from.device, payload, from.channel);
    });
    this.#wakeIn(CONNECT_MS_MAX, () => down('the broker does not answer'));
    client.connect();
  }

  #subscribe(client: MqttClient, down: (error: unknown) => void): void {
    client.stream.on('error', down);
    const { group } = this.#options;
    const topics = group === undefined ? [...gatewayTopics] : topicsOf(group);
    client.subscribe(topics, { qos: 1 }, (error, granted = []) => {
      if (client !== this.#client) return;
      const isRefused = granted.some(({ qos }) => qos !== 1);
      if (error !== null || isRefused) down(error ?? 'the broker refuses the subscription');
      else if (group === undefined || this.#isChecked) this.#up();
      else this.#check(client, down);
    });
  }

  /**
   * A broker without shared subscriptions takes one for a topic of that name, and nothing ever
   * comes. So a message is sent to a group of one, and has to come back.
   */
  #check(client: MqttClient, down: (error: unknown) => void): void {
    const id = String(client.options.clientId);
    const topic = `holdfast/1/${id}/check`;
    const unfit = (): void => {
      const why = 'the broker has no shared subscriptions ($share), which several gateways need';
      this.#options.onUnfit?.(new HoldfastError('HF_CONFIG_INVALID', { why }));
      down(why);
    };
    client.subscribe(`$share/${id}/${topic}`, { qos: 1 }, (error, granted = []) => {
      if (client !== this.#client) return;
      if (error !== null || granted.some(({ qos }) => qos !== 1)) {
        unfit();
        return;
      }
      this.#wakeIn(CHECK_MS_MAX, unfit);
      client.on('message', (at) => {
        if (at !== topic || client !== this.#client || this.#isUp) return;
        this.#isChecked = true;
        client.unsubscribe(`$share/${id}/${topic}`);
        this.#up();
      });
      client.publish(topic, '', { qos: 1 });
    });
  }

  #up(): void {
    this.#cancelTimer();
    this.#isUp = true;
    this.#upAtMs = this.#options.clock.monoMs();
    this.#options.log.info('the broker is there');
    this.#settle();
  }

  #down(why: string): void {
    const { clock, log } = this.#options;
    const wasStable = this.#isUp && clock.monoMs() - this.#upAtMs >= STABLE_MS;
    if (wasStable) this.#attempt = 0;
    this.#problem = why;
    this.#drop();
    if (this.#isClosed || this.#held !== undefined) return;
    const ceilingMs = Math.min(PAUSE_MS_MAX, PAUSE_MS_MIN * 2 ** this.#attempt);
    const pauseMs = Math.ceil(Math.random() * ceilingMs);
    log.info('the broker is gone', { why, nextTryInMs: pauseMs });
    this.#wakeIn(pauseMs, () => this.#dial());
  }

  #drop(): void {
    const client = this.#client;
    this.#client = undefined;
    this.#isUp = false;
    this.#paced.clear();
    this.#cancelTimer();
    if (client === undefined) return;
    client.on('error', () => {}); // Whatever it has to say now is about a connection we left.
    client.end(true);
    client.stream?.destroy();
  }

  #wakeIn(delayMs: number, wake: () => void): void {
    this.#cancelTimer();
    this.#cancelTimer = this.#options.clock.wakeIn(delayMs, wake);
  }

  #settle(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
