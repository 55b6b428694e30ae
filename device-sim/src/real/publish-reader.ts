/** A connection, as far as both directions of it need to know. */
export interface Conversation {
  /** Of MQTT: 4 is 3.1.1. Known once the client has introduced itself. */
  level: number;
}

const [CONNECT, PUBLISH] = [1, 3];
const MQTT_5 = 5;
/** A length takes so many bytes at most [MQTT-1.5.5]. */
const LENGTH_BYTES_MAX = 4;

/** Reads what is published out of the bytes of one direction of a connection, as they come. */
export class PublishReader {
  readonly #conversation: Conversation;
  readonly #onPublish: (topic: string, payload: Uint8Array) => void;
  #rest: Uint8Array = new Uint8Array();

  constructor(conversation: Conversation, onPublish: (topic: string, payload: Uint8Array) => void) {
    this.#conversation = conversation;
    this.#onPublish = onPublish;
  }

  take(chunk: Uint8Array): void {
    let left = this.#rest.byteLength === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    for (;;) {
      const length = varintAt(left, 1);
      if (length === undefined) break;
      const end = length.next + length.value;
      if (left.byteLength < end) break;
      this.#packet(left[0] ?? 0, Buffer.from(left.subarray(length.next, end)));
      left = left.subarray(end);
    }
    this.#rest = left.slice();
  }

  #packet(head: number, body: Buffer): void {
    const type = head >> 4;
    // The name of the protocol, then its level [MQTT-3.1.2].
    if (type === CONNECT) this.#conversation.level = body[2 + body.readUInt16BE(0)] ?? 0;
    if (type !== PUBLISH) return;
    const topicEnd = 2 + body.readUInt16BE(0);
    const topic = body.toString('utf8', 2, topicEnd);
    const isAcknowledged = (head & 6) !== 0;
    let at = topicEnd + (isAcknowledged ? 2 : 0);
    if (this.#conversation.level === MQTT_5) {
      const properties = varintAt(body, at);
      at = (properties?.next ?? at) + (properties?.value ?? 0);
    }
    this.#onPublish(topic, body.subarray(at));
  }
}

/** A length as MQTT has it; `undefined`: it is not all there. */
function varintAt(
  bytes: Uint8Array,
  at: number,
): { readonly value: number; readonly next: number } | undefined {
  let value = 0;
  for (let index = 0; index < LENGTH_BYTES_MAX; index += 1) {
    const byte = bytes[at + index];
    if (byte === undefined) return undefined;
    value += (byte & 0x7f) * 128 ** index;
    if (byte < 0x80) return { value, next: at + index + 1 };
  }
  return undefined;
}
