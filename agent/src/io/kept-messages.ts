import { messageOf, type Log } from '@holdfast/protocol';
import { connect, type MqttClient } from './mqtt.ts';

export interface KeptMessagesOptions {
  /** `mqtt://[user@]host:port` or `mqtts://…`. */
  readonly url: string;
  readonly password?: string;
  /** Where the broker says `offline` when this end is gone. */
  readonly availabilityTopic: string;
  /** Somebody who says `online` here is to be told everything again. */
  readonly birthTopic: string;
  readonly log: Log;
}

const RECONNECT_MS = 10_000;

/**
 * Messages that a broker keeps for whoever looks: the newest of each topic. They are of the
 * present, so nothing is stored for them; while there is no connection they are kept here, and
 * published when there is one.
 */
export class KeptMessages {
  readonly #client: MqttClient;
  readonly #newest = new Map<string, string>();
  readonly #availabilityTopic: string;

  constructor({ url, password, availabilityTopic, birthTopic, log }: KeptMessagesOptions) {
    this.#availabilityTopic = availabilityTopic;
    this.#client = connect(url, {
      ...(password === undefined ? {} : { password }),
      ...{ protocolVersion: 4, clean: true, keepalive: 60, queueQoSZero: false },
      ...{ reconnectPeriod: RECONNECT_MS, connectTimeout: RECONNECT_MS },
      will: { topic: availabilityTopic, payload: Buffer.from('offline'), qos: 1, retain: true },
    });
    this.#client.on('connect', () => {
      this.#client.subscribe(birthTopic, { qos: 1 });
      this.#publishAll();
    });
    this.#client.on('message', (_topic, payload) => {
      if (payload.toString() === 'online') this.#publishAll();
    });
    this.#client.on('error', (error) => log.error('Home Assistant', { why: messageOf(error) }));
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
