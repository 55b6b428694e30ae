import { connectAsync, type MqttClient } from 'mqtt';
import { createVerify } from '@holdfast/gateway/internal';
import {
  isGenuine,
  open,
  seal,
  topicOf,
  type Channel,
  type Message,
  type MessageKind,
  type Signer,
} from '@holdfast/protocol';
import { newSigner } from './hand-journal.ts';
import { PATIENCE_MS } from './patience.ts';

type MessageOf<K extends MessageKind> = Extract<Message, { readonly kind: K }>;

/** A device without a mind of its own: says what the test has it say, and keeps what it hears. */
export class HandDevice {
  readonly device: string;
  readonly signer: Signer;
  readonly client: MqttClient;
  /** What came and was not yet taken by `next`. */
  readonly heard: Message[] = [];
  /** Messages that were not signed by the key of the welcome. */
  forged = 0;
  #gatewayKey: Uint8Array | undefined;
  #onMessage = (): void => {};

  private constructor(device: string, client: MqttClient, signer: Signer) {
    this.device = device;
    this.client = client;
    this.signer = signer;
    const verify = createVerify();
    client.on('error', () => {});
    client.on('message', (_topic, bytes) => {
      const sealed = open(device, bytes);
      if (sealed.message.kind === 'welcome') this.#gatewayKey = sealed.message.publicKey;
      if (this.#gatewayKey && !isGenuine(sealed, this.#gatewayKey, verify)) this.forged += 1;
      this.heard.push(sealed.message);
      this.#onMessage();
    });
  }

  /** @param password Where the broker asks for one. */
  static async connect(
    url: string,
    device: string,
    signer = newSigner(),
    password = '',
  ): Promise<HandDevice> {
    const client = await connectAsync(url, {
      clientId: `hf-${device}`,
      ...(password === '' ? {} : { username: device, password }),
      protocolVersion: 4,
      reconnectPeriod: 0,
    });
    const self = new HandDevice(device, client, signer);
    await client.subscribeAsync(topicOf(device, 'down'), { qos: 1 });
    return self;
  }

  /** Resolves once the broker has taken it. */
  async send(
    message: Message,
    options: { readonly channel?: Channel; readonly signer?: Signer } = {},
  ): Promise<void> {
    const { channel = 'up', signer = this.signer } = options;
    await this.sendBytes(seal(this.device, message, signer), channel);
  }

  async sendBytes(bytes: Uint8Array, channel: Channel = 'up'): Promise<void> {
    await this.client.publishAsync(topicOf(this.device, channel), Buffer.from(bytes), { qos: 1 });
  }

  /** The next message of a kind; what comes before it is passed over. Rejects when none comes. */
  async next<K extends MessageKind>(kind: K): Promise<MessageOf<K>> {
    const deadlineMs = Date.now() + PATIENCE_MS;
    for (;;) {
      const message = this.heard.shift();
      if (message?.kind === kind) return message as MessageOf<K>;
      if (message === undefined) await this.#arrival(kind, deadlineMs);
    }
  }

  #arrival(kind: string, deadlineMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const late = () => reject(new Error(`no ${kind} came`));
      const timer = setTimeout(late, Math.max(0, deadlineMs - Date.now()));
      this.#onMessage = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  close(): void {
    this.client.end(true);
  }
}
