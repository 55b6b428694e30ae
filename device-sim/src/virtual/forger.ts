import {
  batchBounds,
  batchEntries,
  chainNext,
  decodeWith,
  entryOf,
  open,
  seal,
  type Chance,
  type Message,
  type Sha256,
} from '@holdfast/protocol';
import { signerOf } from './sim-signer.ts';

/** Somebody who can read and write every topic, and has no key that anybody knows. */
export class Forger {
  readonly #chance: Chance;
  readonly #share: number;
  readonly #sha256: Sha256;
  forged = 0;

  /** @param share How many of the messages that pass are used, from 0 to 1. */
  constructor(chance: Chance, share: number, sha256: Sha256) {
    this.#sha256 = sha256;
    this.#chance = chance;
    this.#share = share;
  }

  /** What is sent besides a message that passes; `undefined`: nothing. */
  forge(device: string, bytes: Uint8Array): Uint8Array | undefined {
    if (this.#share === 0 || this.#chance.next() >= this.#share) return undefined;
    const lie = this.#lie(open(device, bytes).message);
    if (lie === undefined) return undefined;
    this.forged += 1;
    return seal(device, lie, signerOf('forger'));
  }

  #lie(message: Message): Message | undefined {
    switch (message.kind) {
      case 'ack': {
        const beyond = 1 + Math.floor(this.#chance.next() * 3);
        return { ...message, watermark: message.watermark + beyond };
      }
      case 'commands':
        return {
          kind: 'commands',
          commands: message.commands.map((each) => ({ ...each, payload: Uint8Array.of(0xf5) })),
        };
      case 'batch':
        return message.encoding === 'plain' ? otherEntries(message, this.#sha256) : undefined;
      default:
        return undefined;
    }
  }
}

/** The right place, and other entries in it, with the hash that they lead to. */
function otherEntries(
  message: Extract<Message, { readonly kind: 'batch' }>,
  sha256: Sha256,
): Message {
  const payload = message.payload.map((byte, at) => (at > 40 ? byte ^ 1 : byte));
  try {
    const items = decodeWith(batchEntries, payload, { ...batchBounds, path: 'a forged batch' });
    const hash = items.reduce<Uint8Array>(
      (before, item) => chainNext(sha256, before, entryOf(item)),
      message.previousHash,
    );
    return { ...message, payload, hash };
  } catch {
    return { ...message, payload }; // Bytes that say nothing.
  }
}
