import { ascii, concat } from '../base/bytes.ts';
import { HoldfastError } from '../base/errors.ts';
import { bytes, choice, record, type RecordSchema } from '../base/schema.ts';
import { decodeWith, encodeWith } from './cbor.ts';
import { MESSAGE_BYTES_MAX, messages, type Message, type MessageKind } from './messages.ts';

/** Signs for one identity. */
export interface Signer {
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: Uint8Array;
  sign(bytes: Uint8Array): Uint8Array;
}

/** Whether the signature over the bytes was made with the private half of this key. */
export type Verify = (publicKey: Uint8Array, bytes: Uint8Array, signature: Uint8Array) => boolean;

const messageKinds = Object.keys(messages) as readonly MessageKind[];

const envelope = record({
  kind: choice(messageKinds),
  body: bytes(MESSAGE_BYTES_MAX),
  signature: bytes(128),
});

const bounds = { bytesMax: MESSAGE_BYTES_MAX, depthMax: 8, itemsMax: 4_096 };

/** A message as it came, not yet known to be genuine. */
export interface Sealed {
  readonly message: Message;
  /** The bytes that the signature covers. */
  readonly signed: Uint8Array;
  readonly signature: Uint8Array;
}

/**
 * What the signature covers: the message and whose topic it belongs to, so that a message cannot
 * be replayed to another device or be taken for one of another kind.
 */
function signedBytes(device: string, kind: MessageKind, body: Uint8Array): Uint8Array {
  return concat([ascii(`holdfast/1/${device}/${kind}/`), body]);
}

/**
 * Encodes and signs a message from or to `device`.
 *
 * @throws HF_MESSAGE_TOO_LARGE above `MESSAGE_BYTES_MAX`.
 */
export function seal(device: string, message: Message, signer: Signer): Uint8Array {
  // Each kind's record writes the messages of that kind.
  const schema = messages[message.kind] as Pick<RecordSchema<Message>, 'write'>;
  const body = encodeWith(schema, message);
  const signature = signer.sign(signedBytes(device, message.kind, body));
  const sealed = encodeWith(envelope, { kind: message.kind, body, signature });
  if (sealed.length > MESSAGE_BYTES_MAX) {
    throw new HoldfastError('HF_MESSAGE_TOO_LARGE', {
      why: `${message.kind} has ${sealed.length} bytes, of at most ${MESSAGE_BYTES_MAX}`,
    });
  }
  return sealed;
}

/**
 * Decodes a message on the topic of `device`. Whether it is genuine is for `isGenuine` to say.
 *
 * @throws HF_MESSAGE_INVALID for bytes that are not of the protocol.
 */
export function open(device: string, sealed: Uint8Array): Sealed {
  const { kind, body, signature } = decodeWith(envelope, sealed, { ...bounds, path: 'envelope' });
  const fields = decodeWith<object>(messages[kind], body, { ...bounds, path: kind });
  return {
    message: { kind, ...fields } as Message,
    signed: signedBytes(device, kind, body),
    signature,
  };
}

export function isGenuine(sealed: Sealed, publicKey: Uint8Array, verify: Verify): boolean {
  return verify(publicKey, sealed.signed, sealed.signature);
}
