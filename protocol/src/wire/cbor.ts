import { Encoder } from 'cbor-x';
import { invalid, type Schema } from '../base/schema.ts';
import { checkBounds, type Bounds } from './bound.ts';

// Plain, language-neutral CBOR: no records, no shared structures, no tags for byte strings.
const codec = new Encoder({
  useRecords: false,
  mapsAsObjects: true,
  variableMapSize: true,
  tagUint8Array: false,
});

/** Encodes to bytes of their own. (The encoder's results share slabs, and keep them alive.) */
export function encodeCbor(value: unknown): Uint8Array {
  return new Uint8Array(codec.encode(value));
}

/** The same without a copy: for bytes that are copied on at once, into a row or a message. */
export function encodeCborShared(value: unknown): Uint8Array {
  const { buffer, byteOffset, byteLength } = codec.encode(value);
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/**
 * Decodes bytes that a stranger may have made.
 *
 * Byte strings in the result are views of `bytes`. @throws HF_MESSAGE_INVALID.
 */
export function decodeCbor(bytes: Uint8Array, bounds: Bounds): unknown {
  checkBounds(bytes, bounds);
  try {
    // A view of its own: the decoder leaves a property on the array it is given.
    return codec.decode(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  } catch (cause) {
    throw invalid('the message', `does not decode: ${String(cause)}`);
  }
}

export function encodeWith<T>(schema: Schema<T>, value: T): Uint8Array {
  return encodeCbor(schema.write(value));
}

export function decodeWith<T>(
  schema: Schema<T>,
  bytes: Uint8Array,
  options: Bounds & { readonly path: string },
): T {
  return schema.read(decodeCbor(bytes, options), options.path);
}
