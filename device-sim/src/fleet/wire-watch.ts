import { verify } from '@holdfast/agent/internal';
import { inflate, readBatch } from '@holdfast/gateway/internal';
import { isGenuine, messageOf, open, topicOf, type Batch } from '@holdfast/protocol';
import { PublishReader, type Conversation } from '../real/publish-reader.ts';
import type { Tap } from '../real/tcp-proxy.ts';
import { hasSecret } from '../virtual/secret.ts';

/** P8 and P10, seen by somebody who listens on the wire of one device. */
export class WireWatch {
  /** Messages that were held against whom they are for. */
  told = 0;
  /** Entries that were searched for what should have stayed. */
  searched = 0;
  readonly #device: string;
  readonly #blame: (promise: string, what: string) => void;
  /** The gateway's, as it said when it welcomed the device first. */
  #key: Uint8Array | undefined;

  constructor(device: string, blame: (promise: string, what: string) => void) {
    this.#device = device;
    this.#blame = blame;
  }

  /** Listens on a connection that begins. */
  readonly tap = (): Tap => {
    const conversation: Conversation = { level: 0 };
    const up = new PublishReader(conversation, (topic, bytes) => this.#sent(topic, bytes));
    const down = new PublishReader(conversation, (topic, bytes) => this.#came(topic, bytes));
    return { up: (chunk) => up.take(chunk), down: (chunk) => down.take(chunk) };
  };

  /** P8: what comes is for this device, and signed for it. */
  #came(topic: string, bytes: Uint8Array): void {
    this.told += 1;
    if (topic !== topicOf(this.#device, 'down')) {
      this.#blame('P8', `was sent what is on ${topic}`);
      return;
    }
    try {
      const sealed = open(this.#device, bytes);
      if (sealed.message.kind === 'welcome') this.#key ??= sealed.message.publicKey;
      if (this.#key === undefined || isGenuine(sealed, this.#key, verify)) return;
      this.#blame('P8', `was sent a ${sealed.message.kind} that is for another device`);
    } catch (error) {
      this.#blame('P8', `was sent what is no message: ${messageOf(error)}`);
    }
  }

  /** P8: it writes its own topics only. P10: what is marked local, or redacted, is not in it. */
  #sent(topic: string, bytes: Uint8Array): void {
    this.told += 1;
    const own = [topicOf(this.#device, 'up'), topicOf(this.#device, 'state')];
    if (!own.includes(topic)) this.#blame('P8', `has written on ${topic}`);
    try {
      const { message } = open(this.#device, bytes);
      if (message.kind === 'batch') this.#search(message);
    } catch (error) {
      this.#blame('P8', `has written what is no message: ${messageOf(error)}`);
    }
  }

  #search(batch: Batch): void {
    const { entries, carried } = readBatch(batch, inflate);
    const contents = [...carried.values()].map(({ content }) => content);
    for (const each of [...entries, ...contents]) {
      this.searched += 1;
      if (!hasSecret(each)) continue;
      this.#blame('P10', `what is local left with ${batch.lane} ${batch.seqFirst}`);
    }
  }
}
