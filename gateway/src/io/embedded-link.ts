import { gatewayTopics, parseTopic, topicOf } from '@holdfast/protocol';
import type { Aedes, AedesPublishPacket } from 'aedes';
import type { GatewayLink, GatewayLinkOptions } from './gateway-link.ts';

/** Messages that no device has taken yet; more are dropped, since all of it is said again. */
const INFLIGHT_MAX = 4_096;

/**
 * The gateway's way to the broker in its own process: messages are handed over as they are. A
 * connection between the two would write and read each of them once more.
 */
export class EmbeddedLink implements GatewayLink {
  readonly #aedes: Aedes;
  readonly #onMessage: GatewayLinkOptions['onMessage'];
  #state: 'new' | 'open' | 'closed' = 'new';
  #inflight = 0;

  constructor(aedes: Aedes, onMessage: GatewayLinkOptions['onMessage']) {
    this.#aedes = aedes;
    this.#onMessage = onMessage;
  }

  open(): void {
    if (this.#state !== 'new') return;
    this.#state = 'open';
    for (const topic of gatewayTopics) this.#aedes.subscribe(topic, this.#take, () => {});
  }

  /** The broker in a process has one gateway. */
  hold(): void {}

  get problem(): string | undefined {
    return this.#state === 'open' ? undefined : `the link is ${this.#state}`;
  }

  up(): Promise<void> {
    return Promise.resolve();
  }

  send(device: string, bytes: Uint8Array): void {
    if (this.#state !== 'open' || this.#inflight >= INFLIGHT_MAX) return;
    this.#inflight += 1;
    // The library declares a Buffer; this makes no copy.
    const payload = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const packet = { cmd: 'publish', topic: topicOf(device, 'down'), payload, qos: 1 } as const;
    this.#aedes.publish({ ...packet, retain: false, dup: false }, () => {
      this.#inflight -= 1;
    });
  }

  close(): void {
    this.#state = 'closed';
    for (const topic of gatewayTopics) this.#aedes.unsubscribe(topic, this.#take, () => {});
  }

  readonly #take = ({ topic, payload }: AedesPublishPacket, done: () => void): void => {
    const from = this.#state === 'open' ? parseTopic(topic) : undefined;
    // What came over a wire is no string.
    if (from !== undefined && typeof payload !== 'string') {
      this.#onMessage(from.device, payload, from.channel);
    }
    done();
  };
}
