import {
  HoldfastError,
  NO_BYTES,
  TAIL_BYTES,
  hex,
  isGenuine,
  open,
  type LinkDown,
  type Log,
  type Message,
  type Sealed,
  type Verify,
} from '@holdfast/protocol';
import { problemOf } from './uplink-stream.ts';

/** Where the gateway's key is kept: whoever answers first is the gateway from then on. */
export interface GatewayPin {
  /** SubjectPublicKeyInfo, DER; `undefined` before the first welcome. */
  load(): Uint8Array | undefined;
  /** Durable once it returns. */
  save(publicKey: Uint8Array): void;
}

export interface InboxOptions {
  readonly device: string;
  readonly verify: Verify;
  readonly pin: GatewayPin;
  readonly log: Log;
}

/** A message that is not acted on. */
export interface Rejected {
  readonly rejected: LinkDown;
  /** Its last bytes, where it cannot be read; empty: it can, and is not believed. */
  readonly unread: Uint8Array;
}

/** Tells the messages of the gateway from everything else on the topic. */
export class Inbox {
  readonly #options: InboxOptions;
  #gatewayKey: Uint8Array | undefined;

  constructor(options: InboxOptions) {
    this.#options = options;
    this.#gatewayKey = options.pin.load();
  }

  /** The message, or why it is none of the gateway's. */
  open(bytes: Uint8Array): { readonly message: Message } | Rejected {
    let sealed: Sealed;
    try {
      sealed = open(this.#options.device, bytes);
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error;
      const rejected = problemOf('HF_MESSAGE_INVALID', error.why);
      return { rejected, unread: bytes.slice(-TAIL_BYTES) };
    }
    const { message } = sealed;
    const key = this.#gatewayKey ?? (message.kind === 'welcome' ? message.publicKey : undefined);
    // Before a key is known nobody can be checked; a forged refusal only delays, and loses nothing.
    const isTrusted =
      key === undefined ? message.kind === 'refusal' : isGenuine(sealed, key, this.#options.verify);
    if (isTrusted) return { message };
    const rejected = problemOf('HF_SIGNATURE_INVALID', `${message.kind} of the gateway`);
    return { rejected, unread: NO_BYTES };
  }

  /** Believes this key from now on, unless one is believed already. */
  remember(publicKey: Uint8Array): void {
    if (this.#gatewayKey !== undefined) return;
    // A copy: what came with a message is a view of the whole packet.
    const key = publicKey.slice();
    this.#options.pin.save(key);
    this.#gatewayKey = key;
    this.#options.log.info('key of the gateway remembered', { key: hex(key.slice(-8)) });
  }
}
