import { connect, type Socket } from 'node:net';
import { generate, parser, type Packet } from 'mqtt-packet';

export interface LightMqttOptions {
  readonly host: string;
  readonly port: number;
  readonly clientId: string;
  readonly topic: string;
  readonly onUp: () => void;
  readonly onMessage: (bytes: Uint8Array) => void;
  readonly onDown: () => void;
}

/** Longer than between two reports: it sends nothing only to keep the connection. */
const KEEPALIVE_S = 3_600;

/** One connection that listens to one topic: the least of MQTT 3.1.1 that a device needs. */
export class LightMqtt {
  readonly #socket: Socket;
  #messageId = 0;

  constructor(options: LightMqttOptions) {
    const { host, port, clientId, topic, onUp, onMessage, onDown } = options;
    const packets = parser();
    packets.on('packet', (packet: Packet) => {
      if (packet.cmd === 'connack' && packet.returnCode === 0) {
        const subscriptions = [{ topic, qos: 1 as const }];
        this.#write({ cmd: 'subscribe', messageId: this.#nextId(), subscriptions });
      } else if (packet.cmd === 'suback') {
        onUp();
      } else if (packet.cmd === 'publish') {
        this.#write({ cmd: 'puback', messageId: packet.messageId ?? 0 });
        if (typeof packet.payload !== 'string') onMessage(packet.payload);
      }
    });
    packets.on('error', () => this.#socket.destroy());
    this.#socket = connect({ host, port, noDelay: true });
    this.#socket.on('connect', () => {
      const session = { clean: true, keepalive: KEEPALIVE_S, protocolVersion: 4 as const };
      this.#write({ cmd: 'connect', protocolId: 'MQTT', clientId, ...session });
    });
    this.#socket.on('data', (chunk) => packets.parse(chunk));
    this.#socket.on('error', () => {});
    this.#socket.on('close', onDown);
  }

  publish(topic: string, bytes: Uint8Array): void {
    const messageId = this.#nextId();
    const payload = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const flags = { qos: 1, dup: false, retain: false } as const;
    this.#write({ cmd: 'publish', topic, payload, messageId, ...flags });
  }

  close(): void {
    this.#socket.destroy();
  }

  #write(packet: Packet): void {
    this.#socket.write(generate(packet));
  }

  #nextId(): number {
    this.#messageId = (this.#messageId % 65_535) + 1;
    return this.#messageId;
  }
}
