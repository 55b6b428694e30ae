import { Encoder } from 'cbor-x';
import { invalid, type RecordSchema, type Schema } from '../base/schema.ts';
import { checkBounds, type Bounds } from './bound.ts';
import { CborReader } from './cbor-reader.ts';
import { CborWriter } from './cbor-writer.ts';

// Plain, language-neutral CBOR: no records, no shared structures, no tags for byte strings.
const codec = new Encoder({
  useRecords: false,
  mapsAsObjects: true,
  variableMapSize: true,
  tagUint8Array: false,
});

/** One for all: nothing that writes into it calls another that does. */
const writer = new CborWriter();
/** The same. */
const reader = new CborReader();

type RowOf<T> = Pick<RecordSchema<T>, 'count' | 'writeItems'>;

/** Encodes any value to bytes of their own: the encoder's results share slabs, and keep them. */
export function encodeCbor(value: unknown): Uint8Array {
  return new Uint8Array(codec.encode(value));
}

/**
 * Decodes bytes that a stranger may have made.
 *
 * Byte strings in the result are views of `bytes`. @throws HF_MESSAGE_INVALID.
 */
export function decodeCbor(bytes: Uint8Array, bounds: Bounds): unknown {
  checkBounds(bytes, bounds);
  // A view of its own: the decoder leaves a property on the array it is given.
  return decodeChecked(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length));
}

/** Where small items are decoded: an array of its own for each would take longer than its items. */
const scratch = new Uint8Array(1_024);

/**
 * The same for who is done with the result before anything else is decoded: byte strings in it are
 * written over then.
 */
export function decodeFleeting(bytes: Uint8Array, bounds: Bounds): unknown {
  if (bytes.length > scratch.length) return decodeCbor(bytes, bounds);
  checkBounds(bytes, bounds);
  scratch.set(bytes);
  return decodeChecked(scratch, bytes.length);
}

function decodeChecked(bytes: Uint8Array, end?: number): unknown {
  try {
    // The codec takes an end, which its types do not say.
    return (codec as Encoder & Ended).decode(bytes, end);
  } catch (cause) {
    throw invalid('the message', `does not decode: ${String(cause)}`);
  }
}

interface Ended {
  decode(bytes: Uint8Array, end: number | undefined): unknown;
}

/** Encodes to bytes of their own. */
export function encodeWith<T>(schema: Pick<Schema<T>, 'write'>, value: T): Uint8Array {
  schema.write(value, writer.begin());
  return writer.copy();
}

/**
 * The same for a row with a number before it. The bytes share memory with others that were encoded
 * before and after: who keeps them for long copies them.
 */
export function encodeNumbered<T>(number: number, row: RowOf<T>, value: T): Uint8Array {
  const to = writer.begin();
  to.array(1 + row.count);
  to.uint(number);
  row.writeItems(value, to);
  return to.take();
}

export function decodeWith<T>(
  schema: Schema<T>,
  bytes: Uint8Array,
  options: Bounds & { readonly path: string },
): T {
  const taken = takeUsual(bytes, options, (from) => schema.take(from));
  return taken === undefined ? schema.read(decodeCbor(bytes, options), options.path) : taken;
}

/**
 * What is to be had of bytes that are as they are written here; `undefined`: they are not, and may
 * be right or wrong. Byte strings in it are views of `bytes`.
 */
export function takeUsual<T>(
  bytes: Uint8Array,
  bounds: Bounds,
  take: (from: CborReader) => T,
): T | undefined {
  if (bytes.length > bounds.bytesMax) return undefined;
  try {
    const taken = take(reader.begin(bytes, bounds.itemsMax));
    reader.end();
    return taken;
  } catch {
    return undefined;
  }
}
