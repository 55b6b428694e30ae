import { randomBytes } from 'node:crypto';
import { retryDelayMs, sha256, uplinkLimits } from '@holdfast/agent/internal';
import {
  NO_BYTES,
  batchEntries,
  chainNext,
  chainStart,
  encodeEntry,
  encodeWith,
  open,
  seal,
  topicOf,
  type Lane,
  type Message,
  type Signer,
} from '@holdfast/protocol';
import { LightMqtt } from './light-mqtt.ts';

export interface LightDeviceOptions {
  readonly host: string;
  readonly port: number;
  readonly device: string;
  readonly signer: Signer;
  readonly onGreeted: () => void;
  readonly onLost: () => void;
  /** `wasLive`: it was journaled on the connection that it is acknowledged on, as all before it. */
  readonly onAcked: (waitedMs: number, wasLive: boolean) => void;
}

interface Waiting {
  readonly bytes: Uint8Array;
  readonly atMs: number;
  readonly hash: Uint8Array;
  readonly isLive: boolean;
}

const LANE = 'normal';
const EPOCH = 1;
const ENTRIES_MAX = 256;

/**
 * A device with as little behind its protocol as can be, so that ten thousand fit beside the
 * gateway that they load: one lane, in memory. It comes again as the agent does.
 */
export class LightDevice {
  readonly #options: LightDeviceOptions;
  readonly #incarnation = randomBytes(8);
  #waiting: Waiting[] = [];
  #link: LightMqtt | undefined;
  #session: Uint8Array = NO_BYTES;
  #isStreaming = false;
  #acked = 0;
  #ackedHash: Uint8Array;
  #spreadMs = 0;
  #attempt = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: LightDeviceOptions) {
    this.#options = options;
    const { device } = options;
    this.#ackedHash = chainStart(sha256, { device, epoch: EPOCH, lane: LANE });
  }

  get backlog(): number {
    return this.#waiting.length;
  }

  connect(): void {
    const { host, port, device } = this.#options;
    this.#link = new LightMqtt({
      ...{ host, port, clientId: `hf-${device}`, topic: topicOf(device, 'down') },
      onUp: () => this.#greet(),
      onMessage: (bytes) => this.#take(open(device, bytes).message),
      onDown: () => this.#lost(),
    });
    // As the agent gives up a connection that stays silent.
    this.#after(uplinkLimits.connectMs, () => this.#link?.close());
  }

  emit(payload: Uint8Array): void {
    const event = { kind: 'event.emitted', run: '', n: 0, op: 0, name: 'note', payload } as const;
    const bytes = encodeEntry({ atMs: Date.now(), boot: 1, monoMs: 1, ...event });
    const hash = chainNext(sha256, this.#waiting.at(-1)?.hash ?? this.#ackedHash, bytes);
    const isLive = this.#isStreaming && this.#waiting.every((each) => each.isLive);
    this.#waiting.push({ bytes, hash, atMs: performance.now(), isLive });
    // One batch at a time: what comes meanwhile goes with the next.
    if (this.#isStreaming && this.#waiting.length === 1) this.#sendBatch();
  }

  report(): void {
    if (!this.#isStreaming) return;
    const own = { head: this.#acked + this.#waiting.length, acked: this.#acked };
    const lane = { head: 0, acked: 0, backlogBytes: 0, oldestAtMs: 0 };
    const at = { epoch: EPOCH, atMs: Date.now(), agentVersion: '0.0.0', runs: [], boot: 1 };
    const lanes = [lane, { ...lane, ...own }, lane] as const;
    this.#send({ kind: 'report', ...at, lanes, monoMs: Math.floor(performance.now()) }, 'state');
  }

  #greet(): void {
    const { device, signer } = this.#options;
    this.#session = randomBytes(8);
    const nothingIn = (lane: Lane) => {
      const start = chainStart(sha256, { device, epoch: EPOCH, lane });
      return { head: 0, headHash: start, acked: 0, ackedHash: start };
    };
    const own = {
      ...{ acked: this.#acked, ackedHash: this.#ackedHash },
      head: this.#acked + this.#waiting.length,
      headHash: this.#waiting.at(-1)?.hash ?? this.#ackedHash,
    };
    const lanes = [nothingIn('urgent'), own, nothingIn('bulk')] as const;
    this.#send({
      ...{ kind: 'hello', protocolMin: 1, protocolMax: 1, device, epoch: EPOCH },
      ...{ incarnation: this.#incarnation, session: this.#session, agentVersion: '0.0.0' },
      ...{ publicKey: signer.publicKey, lanes, lastCommand: 0 },
      ...{ sentAtMs: Date.now(), machine: NO_BYTES, boot: 1, monoMs: 1 },
    });
  }

  #take(message: Message): void {
    if (message.kind === 'welcome') {
      this.#isStreaming = true;
      this.#attempt = 0;
      this.#spreadMs = message.reconnectSpreadMs;
      clearTimeout(this.#timer);
      this.#advance(message.lanes[1].watermark);
      this.#options.onGreeted();
      if (this.#waiting.length > 0) this.#sendBatch();
    } else if (message.kind === 'ack') {
      this.#advance(message.watermark);
      clearTimeout(this.#timer);
      if (this.#waiting.length > 0) this.#sendBatch();
    } else if (message.kind === 'refusal') {
      this.#link?.close();
    }
  }

  #advance(watermark: number): void {
    while (this.#acked < watermark) {
      const entry = this.#waiting.shift();
      if (entry === undefined) return;
      this.#acked += 1;
      this.#ackedHash = entry.hash;
      this.#options.onAcked(performance.now() - entry.atMs, entry.isLive);
    }
  }

  #sendBatch(): void {
    const entries = this.#waiting.slice(0, ENTRIES_MAX);
    const payload = encodeWith(
      batchEntries,
      entries.map(({ bytes }) => bytes),
    );
    this.#send({
      ...{ kind: 'batch', epoch: EPOCH, lane: LANE, seqFirst: this.#acked + 1 },
      ...{ count: entries.length, previousHash: this.#ackedHash, encoding: 'plain', payload },
      ...{ plainBytes: payload.byteLength, hash: entries.at(-1)?.hash ?? this.#ackedHash },
    });
    this.#after(uplinkLimits.ackDeadlineMs, () => this.#link?.close());
  }

  #send(message: Message, channel: 'up' | 'state' = 'up'): void {
    const { device, signer } = this.#options;
    this.#link?.publish(topicOf(device, channel), seal(device, message, signer));
  }

  #lost(): void {
    const spreadMs = this.#isStreaming ? this.#spreadMs : 0;
    this.#isStreaming = false;
    // What was on its way is behind now, as what comes while there is no link.
    this.#waiting = this.#waiting.map((each) => ({ ...each, isLive: false }));
    this.#options.onLost();
    const delayMs = retryDelayMs(this.#attempt, Math.random(), { ...uplinkLimits, spreadMs });
    this.#attempt += 1;
    this.#after(delayMs, () => this.connect());
  }

  #after(delayMs: number, act: () => void): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(act, delayMs);
  }
}
