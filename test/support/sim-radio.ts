import { sha256 } from '@holdfast/agent/internal';
import { concat, equalBytes } from '@holdfast/protocol';
import type { Chance, Dial, LinkEvent, Signer, Verify } from '@holdfast/protocol';
import type { SimClock } from './sim-clock.ts';

export interface RadioFaults {
  /** Chance that a message is lost, comes twice, or is overtaken by later ones. */
  readonly drop: number;
  readonly duplicate: number;
  readonly delay: number;
}

/** What becomes of one message: how often it comes, and by how much too late. */
export interface Fate {
  readonly copies: number;
  readonly lateMs: number;
}

export const noFaults: RadioFaults = { drop: 0, duplicate: 0, delay: 0 };

export interface RadioOptions {
  readonly clock: SimClock;
  readonly chance: Chance;
  /** Takes what came from the device. @returns What goes down. */
  readonly receive: (bytes: Uint8Array) => readonly Uint8Array[];
}

const HOP_MS = 20;
const DELAY_MS_MAX = 2_000;

/** A broker and the way to it, in virtual time. Messages of ended links may still arrive. */
export class SimRadio {
  faults: RadioFaults = noFaults;
  /** Decides for each message, instead of chance. */
  fate: ((way: 'up' | 'down', bytes: Uint8Array) => Fate) | undefined;
  /** Connections are refused. */
  isOut = false;
  /** How many faults have happened. */
  injected = 0;
  /** What the way up carries; the bytes of messages queue for it. */
  bytesPerMs = Number.POSITIVE_INFINITY;
  /** The broker hangs up at a message above this, once it has seen its head. */
  messageBytesMax = Number.POSITIVE_INFINITY;
  /** How often it did, and the sizes. */
  readonly refused: number[] = [];
  /** When messages were sent, and their bytes. */
  readonly sent: { readonly atMs: number; readonly bytes: number }[] = [];
  /** Bytes of messages that were sent or heard. */
  carried = 0;
  /** Links that were made. */
  dials = 0;
  readonly #options: RadioOptions;
  #busyUntilMs = 0;
  /** Settles the sends that the broker has not taken. */
  readonly #waiting = new Set<() => void>();
  #listen: ((event: LinkEvent) => void) | undefined;

  constructor(options: RadioOptions) {
    this.#options = options;
  }

  readonly dial: Dial = (listen) => {
    this.dials += 1;
    const { clock } = this.#options;
    const carriedBefore = this.carried;
    clock.wakeIn(HOP_MS, () => {
      if (this.#listen !== listen) return;
      if (this.isOut) this.#end('HF_GATEWAY_UNREACHABLE');
      else listen({ kind: 'up' });
    });
    this.#listen = listen;
    return {
      send: (_channel, bytes) => {
        if (this.#listen !== listen) return Promise.resolve();
        if (bytes.byteLength > this.messageBytesMax) {
          this.refused.push(bytes.byteLength);
          clock.wakeIn(HOP_MS, () => {
            if (this.#listen === listen) this.#end('HF_LINK_LOST');
          });
          return Promise.resolve();
        }
        this.sent.push({ atMs: clock.monoMs(), bytes: bytes.byteLength });
        this.carried += bytes.byteLength;
        const waitMs = this.#queue(bytes.byteLength);
        this.#carry(this.#fateOf('up', bytes), () => this.#toGateway(bytes), waitMs);
        return new Promise((resolve) => {
          this.#waiting.add(resolve);
          clock.wakeIn(waitMs, resolve);
        });
      },
      close: () => {
        if (this.#listen === listen) this.#forget();
      },
      traffic: () => this.carried - carriedBefore,
    };
  };

  /** The connection ends. */
  cut(): void {
    if (this.#listen === undefined) return;
    this.injected += 1;
    this.#end('HF_LINK_LOST');
  }

  /** Carries a message of the gateway to whoever listens when it arrives. */
  toDevice(bytes: Uint8Array): void {
    this.#carry(this.#fateOf('down', bytes), () => {
      if (this.#listen !== undefined) this.carried += bytes.byteLength;
      this.#listen?.({ kind: 'message', bytes });
    });
  }

  #toGateway(bytes: Uint8Array): void {
    for (const answer of this.#options.receive(bytes)) this.toDevice(answer);
  }

  #end(code: string): void {
    const listen = this.#listen;
    this.#forget();
    listen?.({ kind: 'down', reason: { code, message: code } });
  }

  /** What the socket still held is gone with it. */
  #forget(): void {
    this.#listen = undefined;
    this.#busyUntilMs = 0;
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }

  /** @returns How long the bytes take until the last of them has left the device. */
  #queue(bytes: number): number {
    const nowMs = this.#options.clock.monoMs();
    this.#busyUntilMs = Math.max(nowMs, this.#busyUntilMs) + bytes / this.bytesPerMs;
    return this.#busyUntilMs - nowMs;
  }

  #carry({ copies, lateMs }: Fate, deliver: () => void, waitMs = 0): void {
    const { clock } = this.#options;
    for (let copy = 0; copy < copies; copy += 1) clock.wakeIn(waitMs + HOP_MS + lateMs, deliver);
  }

  #fateOf(way: 'up' | 'down', bytes: Uint8Array): Fate {
    if (this.fate !== undefined) return this.fate(way, bytes);
    if (this.#strikes(this.faults.drop)) return { copies: 0, lateMs: 0 };
    const copies = this.#strikes(this.faults.duplicate) ? 2 : 1;
    const isLate = this.#strikes(this.faults.delay);
    return { copies, lateMs: isLate ? this.#options.chance.next() * DELAY_MS_MAX : 0 };
  }

  #strikes(probability: number): boolean {
    const isHit = probability > 0 && this.#options.chance.next() < probability;
    if (isHit) this.injected += 1;
    return isHit;
  }
}

/** Signatures that cost nothing: whoever knows the public key can make them. */
export function simSigner(name: string): Signer {
  const publicKey = sha256(Uint8Array.from(name, (char) => char.charCodeAt(0)));
  return { publicKey, sign: (bytes) => sha256(concat([publicKey, bytes])) };
}

export const simVerify: Verify = (publicKey, bytes, signature) =>
  equalBytes(sha256(concat([publicKey, bytes])), signature);
