import { messageOf, type Log } from '@holdfast/protocol';
import { connect, type IClientOptions, type MqttClient } from './mqtt.ts';

export interface KeptBrokerOptions {
  /** `mqtt://[user@]host:port` or `mqtts://…`. */
  readonly url: string;
  readonly password?: string;
  readonly log: Log;
  /** How long after a connection was lost, or did not come, the next is tried. Default 10 s. */
  readonly retryMs?: number;
}

export interface KeptMessagesOptions extends KeptBrokerOptions {
  /** Where the broker says `offline` when this end is gone. */
  readonly availabilityTopic: string;
  /** Somebody who says `online` here is to be told everything again. */
  readonly birthTopic: string;
}

const RETRY_MS = 10_000;

function connectTo(options: KeptBrokerOptions, more: IClientOptions = {}): MqttClient {
  const { url, password, log, retryMs = RETRY_MS } = options;
  const client = connect(url, {
    ...(password === undefined ? {} : { password }),
    ...{ protocolVersion: 4, clean: true, keepalive: 60, queueQoSZero: false },
    ...{ reconnectPeriod: retryMs, connectTimeout: RETRY_MS, ...more },
  });
  client.on('error', (error) => log.error('Home Assistant', { why: messageOf(error) }));
  return client;
}

/**
 * Has a broker forget what it keeps of some topics: an empty message takes the place of each. A
 * broker that is away is tried without an end, until it is closed.
 */
export function forgetKept(
  topics: readonly string[],
  options: KeptBrokerOptions,
): { readonly done: Promise<void>; close(): Promise<void> } {
  const client = connectTo(options);
  const done = new Promise<void>((resolve) => {
    client.on('connect', () => {
      const empty = (topic: string) => client.publishAsync(topic, '', { qos: 1, retain: true });
      // What is lost with the connection is said again on the next one.
      Promise.all(topics.map(empty)).then(
        () => resolve(),
        () => undefined,
      );
    });
  });
  return { done, close: () => client.endAsync(true) };
}

/**
 * Messages that a broker keeps for whoever looks: the newest of each topic. They are of the
 * present, so nothing is stored for them; while there is no connection they are kept here, and
 * published when there is one.
 */
export class KeptMessages {
  readonly #client: MqttClient;
  readonly #newest = new Map<string, string>();
  readonly #availabilityTopic: string;

  constructor({ availabilityTopic, birthTopic, ...options }: KeptMessagesOptions) {
    this.#availabilityTopic = availabilityTopic;
    const will = { topic: availabilityTopic, payload: Buffer.from('offline') };
    this.#client = connectTo(options, { will: { ...will, qos: 1, retain: true } });
    this.#client.on('connect', () => {
      this.#client.subscribe(birthTopic, { qos: 1 });
      this.#publishAll();
    });
    this.#client.on('message', (_topic, payload) => {
      if (payload.toString() === 'online') this.#publishAll();
    });
  }

  /** Publishes it if it is another one than before. Never rejects. */
  put(topic: string, payload: string): void {
    if (this.#newest.get(topic) === payload) return;
    this.#newest.set(topic, payload);
    this.#publish(topic, payload);
  }

  /** Says `offline`, if there is a connection. Never rejects. */
  async close(): Promise<void> {
    this.#newest.clear();
    this.#publish(this.#availabilityTopic, 'offline');
    await this.#client.endAsync(!this.#client.connected).catch(() => undefined);
  }

  #publishAll(): void {
    for (const [topic, payload] of this.#newest) this.#publish(topic, payload);
    this.#publish(this.#availabilityTopic, 'online');
  }

  #publish(topic: string, payload: string): void {
    if (!this.#client.connected) return;
    this.#client.publish(topic, payload, { qos: 1, retain: true });
  }
}
