import { createServer, type AddressInfo, type Socket } from 'node:net';
import type { ExecutionContext } from 'ava';
import { generate, parser, type IPublishPacket, type Packet } from 'mqtt-packet';
import { mqttLevel, type BrokerProfile, type MqttVersion } from '@holdfast/protocol';

/** How clients have gone beyond what the broker takes, and what was done to those who did not. */
export interface HarshCounts {
  /** Each would have lost something, or the connection. */
  readonly violations: string[];
  /** Messages that were given to a client twice, and out of order, though nobody asked for it. */
  repeated: number;
  reordered: number;
  /** How long each client said that it may be silent, s. */
  readonly keepalivesS: Map<string, number>;
}

/**
 * An MQTT broker that enforces a profile without mercy: it hangs up at a payload, a topic, a
 * client id or a window that is too large, drops what comes too fast, and gives messages again
 * under new packet ids and in another order. It tells what it had to do.
 */
export async function startHarshBroker(
  t: ExecutionContext,
  profile: BrokerProfile,
  mqttVersion: MqttVersion = '3.1.1',
): Promise<HarshCounts & { readonly port: number }> {
  const counts: HarshCounts = {
    ...{ violations: [], repeated: 0, reordered: 0 },
    keepalivesS: new Map(),
  };
  const clients = new Set<Client>();
  const server = createServer((socket) => {
    const kind = { profile, level: mqttLevel(mqttVersion) };
    const client = new Client(socket, kind, counts, (packet) => {
      for (const each of clients) each.offer(packet);
    });
    clients.add(client);
    socket.on('close', () => clients.delete(client));
  });
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  t.teardown(() => {
    for (const client of clients) client.end();
    server.close();
  });
  return Object.assign(counts, { port: (server.address() as AddressInfo).port });
}

const ACK_MS = 5;
/** What all of them take, and more than is asked for. */
const SUBSCRIPTIONS_MAX = 2;
const SECOND_MS = 1_000;

class Client {
  readonly #socket: Socket;
  readonly #profile: BrokerProfile;
  readonly #level: 4 | 5;
  readonly #counts: HarshCounts;
  readonly #route: (packet: IPublishPacket) => void;
  readonly #filters: RegExp[] = [];
  /** Publishes of the last second: when, and how many bytes. */
  readonly #recent: { readonly atMs: number; readonly bytes: number }[] = [];
  #id = '?';
  #unacknowledged = 0;
  #unacknowledgedBytes = 0;
  /** Given to it, and not acknowledged. */
  readonly #given = new Set<number>();
  #messageId = 0;
  #held: IPublishPacket | undefined;
  #count = 0;

  constructor(
    socket: Socket,
    { profile, level }: { readonly profile: BrokerProfile; readonly level: 4 | 5 },
    counts: HarshCounts,
    route: (packet: IPublishPacket) => void,
  ) {
    this.#socket = socket;
    this.#profile = profile;
    this.#level = level;
    this.#counts = counts;
    this.#route = route;
    socket.setNoDelay(true);
    socket.on('error', () => {});
    const packets = parser({ protocolVersion: level });
    packets.on('packet', (packet) => this.#take(packet));
    packets.on('error', () => this.end());
    socket.on('data', (chunk) => void packets.parse(chunk));
  }

  end(): void {
    this.#socket.destroy();
  }

  #violation(what: string): void {
    this.#counts.violations.push(`${this.#id}: ${what}`);
  }

  #hangUp(what: string): void {
    this.#violation(what);
    this.end();
  }

  #write(packet: Packet): void {
    const own = { protocolVersion: this.#level };
    if (this.#socket.writable) this.#socket.write(generate(packet, own));
  }

  #take(packet: Packet): void {
    const { clientIdLengthMax, keepaliveSMax } = this.#profile;
    switch (packet.cmd) {
      case 'connect':
        this.#id = packet.clientId;
        this.#counts.keepalivesS.set(this.#id, packet.keepalive ?? 0);
        if (packet.clientId.length > clientIdLengthMax) return this.#hangUp('client id');
        if (packet.keepalive === 0 || (packet.keepalive ?? 0) > keepaliveSMax) {
          return this.#hangUp('keepalive');
        }
        return this.#accept();
      case 'subscribe': {
        for (const { topic } of packet.subscriptions) {
          const isDeep = topic.split('/').length > this.#profile.topicLevelsMax;
          if (isDeep) return this.#hangUp('levels of a subscription');
          if (this.#filters.length >= SUBSCRIPTIONS_MAX) return this.#hangUp('subscriptions');
          this.#filters.push(new RegExp(`^${topic.replaceAll('+', '[^/]+')}$`));
        }
        const granted = packet.subscriptions.map(({ qos }) => qos);
        return this.#write({ cmd: 'suback', messageId: packet.messageId ?? 0, granted });
      }
      case 'publish':
        return this.#publish(packet);
      case 'puback':
        this.#given.delete(packet.messageId ?? 0);
        return;
      case 'pingreq':
        return this.#write({ cmd: 'pingresp' });
      case 'disconnect':
        return this.end();
      default:
        return this.#hangUp(packet.cmd);
    }
  }

  /** In MQTT 5 it says how much it takes at a time. */
  #accept(): void {
    const accepted = { cmd: 'connack', sessionPresent: false } as const;
    const properties = { receiveMaximum: this.#profile.inflightMax };
    if (this.#level === 4) this.#write({ ...accepted, returnCode: 0 });
    else this.#write({ ...accepted, reasonCode: 0, properties });
  }

  #publish(packet: IPublishPacket): void {
    const { messageBytesMax, topicLevelsMax, publishesPerS, bytesPerS } = this.#profile;
    const bytes = packet.payload.length;
    if (bytes > messageBytesMax) return this.#hangUp(`payload of ${bytes}`);
    if (packet.topic.split('/').length > topicLevelsMax) return this.#hangUp('levels of a topic');
    if (packet.qos !== 1 || packet.retain) return this.#hangUp('another QoS, or retained');
    const nowMs = performance.now();
    while ((this.#recent[0]?.atMs ?? nowMs) < nowMs - SECOND_MS) this.#recent.shift();
    const sum = this.#recent.reduce((all, each) => all + each.bytes, 0);
    // A message that is too fast is gone, and nobody is told.
    if (this.#recent.length >= publishesPerS) return this.#violation('too many in a second');
    if (sum + bytes > bytesPerS) return this.#violation('too many bytes in a second');
    this.#recent.push({ atMs: nowMs, bytes });
    this.#unacknowledged += 1;
    this.#unacknowledgedBytes += bytes;
    const { inflightMax, inflightBytesMax } = this.#profile;
    if (this.#unacknowledged > inflightMax) return this.#hangUp('too many in flight');
    if (this.#unacknowledgedBytes > inflightBytesMax) return this.#hangUp('bytes in flight');
    const messageId = packet.messageId ?? 0;
    setTimeout(() => {
      this.#unacknowledged -= 1;
      this.#unacknowledgedBytes -= bytes;
      this.#write({ cmd: 'puback', messageId });
    }, ACK_MS);
    this.#route(packet);
  }

  /** Every third message changes places with the next, and every fifth comes twice. */
  offer(packet: IPublishPacket): void {
    if (!this.#filters.some((filter) => filter.test(packet.topic))) return;
    this.#count += 1;
    const held = this.#held;
    this.#held = undefined;
    if (held === undefined && this.#count % 3 === 0) {
      this.#held = packet;
      setTimeout(() => this.#release(packet), 4 * ACK_MS);
      return;
    }
    this.#give(packet);
    if (held !== undefined) {
      this.#counts.reordered += 1;
      this.#give(held);
    }
    if (this.#count % 5 === 0) {
      this.#counts.repeated += 1;
      this.#give(packet);
    }
  }

  #release(packet: IPublishPacket): void {
    if (this.#held !== packet) return;
    this.#held = undefined;
    this.#give(packet);
  }

  #give({ topic, payload }: IPublishPacket): void {
    if (this.#given.size >= this.#profile.queuedMax) return this.#hangUp('a full queue');
    this.#messageId = (this.#messageId % 65_535) + 1;
    this.#given.add(this.#messageId);
    const own = { messageId: this.#messageId, qos: 1, dup: false, retain: false } as const;
    this.#write({ cmd: 'publish', topic, payload, ...own });
  }
}
