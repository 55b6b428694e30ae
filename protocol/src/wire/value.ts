import { HoldfastError } from '../base/errors.ts';
import { invalid } from '../base/schema.ts';
import { toWellFormed } from '../base/well-formed.ts';
import { decodeFleeting, encodeCbor } from './cbor.ts';
import { partedKind } from './parts.ts';
import { VALUE_BYTES_MAX, VALUE_DEPTH_MAX, valueBounds } from './value-bounds.ts';
import { valueKinds } from './value-kinds.ts';
import { Packer } from './value-pack.ts';
import { decodePlain, encodePlain, notPlain } from './value-plain.ts';
import { base64 } from './value-platform.ts';
import { sealedKinds } from './value-sealed.ts';
import { readUtf16 } from './value-text.ts';
import {
  readBytes,
  readPairs,
  readText,
  setOwn,
  showPairs,
  type KindReader,
  type Walk,
} from './value-tree.ts';

/** Bytes of one encoded failure, whatever was thrown. */
export const THROWN_BYTES_MAX = 40 * 1024;

const thrownLimits = {
  what: 'error',
  // Half of what may be written: text with half a surrogate pair takes up to twice its measure.
  bytesMax: THROWN_BYTES_MAX / 2,
  depthMax: 12,
  tolerant: { textBytesMax: 8 * 1024, itemsMax: 100 },
};

/**
 * Encodes what a user's code gives: inputs, results, outputs, signals, errors.
 *
 * What `decodeValue` makes of the bytes deep-equals the value, prototypes included. That holds for
 * primitives, plain objects and arrays, `Date`, `Map`, `Set`, `RegExp`, `URL`, `ArrayBuffer` and
 * its views, `Buffer`, and errors of the built-in classes, of `DOMException` and `HoldfastError`.
 * All else is refused with the path of what cannot be stored, such as `result.items[3].fn`:
 * functions, symbols, promises, instances of other classes, getters (which are not run), symbol
 * keys, and arrays with holes or with properties beside their items. Not part of a value are:
 * non-enumerable properties, properties added to a `Date` or the like, that two places hold the
 * same object, and that an object is frozen.
 *
 * @param what What the value is, for messages.
 * @returns At most `bytesMax` bytes of their own; the same for the same value.
 * @throws HF_VALUE_UNSUPPORTED, HF_VALUE_CIRCULAR, or HF_VALUE_TOO_LARGE.
 */
export function encodeValue(
  value: unknown,
  what = 'value',
  bytesMax = VALUE_BYTES_MAX,
): Uint8Array {
  const plain = encodePlain(value);
  if (plain !== undefined && plain.byteLength <= bytesMax) return plain;
  return encodeWithin(value, what, bytesMax);
}

function encodeWithin(value: unknown, what: string, bytesMax: number): Uint8Array {
  const packer = new Packer({ what, bytesMax, depthMax: VALUE_DEPTH_MAX });
  const encoded = encodeCbor(packer.pack(value));
  if (encoded.byteLength <= bytesMax) return encoded;
  throw new HoldfastError('HF_VALUE_TOO_LARGE', {
    why: `${what} takes ${encoded.byteLength} bytes, of at most ${bytesMax}`,
    details: { path: what, bytes: encoded.byteLength, bytesMax },
  });
}

/**
 * Encodes what was thrown, whatever it is. Never throws.
 *
 * Errors keep name, message, stack, cause, `errors` and their own enumerable properties, and the
 * nearest built-in class. What they carry and cannot be stored is replaced by a text in brackets;
 * of an error that is too large, texts above 8 KiB and collections above 100 items are cut, and
 * say so. Other values come back as they were where `encodeValue` can store them; an instance of a
 * class comes back as a plain object of its fields.
 *
 * @returns At most `THROWN_BYTES_MAX` bytes.
 */
export function encodeThrown(thrown: unknown): Uint8Array {
  for (const encode of [encodeWhole, encodeTolerantly]) {
    try {
      return encode(thrown);
    } catch {
      // The next way loses more of it and needs less.
    }
  }
  return encodeCbor({
    $: 'error',
    v: { name: 'Error', message: 'An error was thrown that could not be stored' },
  });
}

function encodeWhole(thrown: unknown): Uint8Array {
  return encodeWithin(thrown, 'error', thrownLimits.bytesMax);
}

function encodeTolerantly(thrown: unknown): Uint8Array {
  const encoded = encodeCbor(new Packer(thrownLimits).pack(thrown));
  if (encoded.byteLength > THROWN_BYTES_MAX) throw invalid('the error', 'is too large');
  return encoded;
}

/**
 * Reads what `encodeValue` or `encodeThrown` wrote. The result shares no memory with the bytes.
 *
 * @throws HF_MESSAGE_INVALID for bytes that are no value of a kind this version knows;
 *   HF_VALUE_SEALED for one that was marked, and whose content is elsewhere or nowhere any more.
 */
export function decodeValue(bytes: Uint8Array): unknown {
  const plain = decodePlain(bytes);
  if (plain !== notPlain) return plain;
  const tree = decodeFleeting(bytes, valueBounds);
  try {
    return revive(tree);
  } catch (cause) {
    if (cause instanceof HoldfastError) throw cause;
    throw invalid('the value', `does not come back: ${String(cause)}`);
  }
}

/**
 * Shows an encoded value as JSON for people. Never throws.
 *
 * Dates are RFC 3339 text, big integers decimal text, `undefined` is null, a set is a list, a map
 * with text keys an object, bytes are `{"$": "bytes", "base64": …}`, and an error is
 * `{"$": "error", name, message, …}`. Damaged bytes show as `{"$": "unreadable"}`. Of a value that
 * was marked, what leaves is shown: the redacted value, or `{"$": "local", size}`; of an erasable
 * one whose content is not at hand, `{"$": "erased", size}`.
 */
export function displayValue(bytes: Uint8Array): unknown {
  try {
    return show(decodeFleeting(bytes, valueBounds));
  } catch {
    return { $: 'unreadable' };
  }
}

/** The kinds that are not known by a prototype. */
const otherKinds: readonly KindReader[] = [
  {
    name: 'bigint',
    revive: (content) => BigInt(readText(content)),
    show: readText,
  },
  {
    // The one number that CBOR encoders do not tell from another.
    name: 'number',
    revive: (content) => Number(readText(content)),
    show: readText,
  },
  {
    // Text with half a surrogate pair, which UTF-8 cannot carry.
    name: 'utf16',
    revive: readUtf16,
    show: (content) => toWellFormed(readUtf16(content)),
  },
  objectKind('object', Object.prototype),
  objectKind('bare', null),
];

const kinds = new Map<string, KindReader>(
  [...otherKinds, ...valueKinds, ...sealedKinds, partedKind].map((kind) => [kind.name, kind]),
);

/** A plain object that no CBOR map can stand for: it has a key `$`, or no prototype. */
function objectKind(name: string, prototype: object | null): KindReader {
  return {
    name,
    revive(content, walk) {
      const object: object = Object.create(prototype);
      for (const [key, item] of readPairs(content)) setOwn(object, readText(walk(key)), walk(item));
      return object;
    },
    show: showPairs,
  };
}

function kindOf(tree: Readonly<Record<string, unknown>>): KindReader {
  const kind = typeof tree['$'] === 'string' ? kinds.get(tree['$']) : undefined;
  if (kind === undefined) throw invalid('the value', 'is of a kind this version does not know');
  return kind;
}

const revive: Walk = (tree) => {
  if (typeof tree === 'bigint') {
    // Other encoders write whole numbers above 2^32 as integers, which decode as this.
    const number = Number(tree);
    return Number.isSafeInteger(number) ? number : tree;
  }
  if (typeof tree !== 'object' || tree === null) return tree;
  if (tree instanceof Uint8Array) return readBytes(tree);
  if (Array.isArray(tree)) {
    for (let index = 0; index < tree.length; index += 1) tree[index] = revive(tree[index]);
    return tree;
  }
  // What is left of a decoded tree is maps: plain objects with text keys.
  const map = tree as Record<string, unknown>;
  if (Object.hasOwn(map, '$')) return kindOf(map).revive(map['v'], revive);
  for (const key of Object.keys(map)) map[key] = revive(map[key]);
  return map;
};

const show: Walk = (tree) => {
  switch (typeof tree) {
    case 'undefined':
      return null;
    case 'bigint':
      return Number.isSafeInteger(Number(tree)) ? Number(tree) : String(tree);
    case 'number':
      return Number.isFinite(tree) ? tree : String(tree);
    case 'object':
      return tree === null ? null : showObject(tree);
    default:
      return tree;
  }
};

function showObject(tree: object): unknown {
  if (tree instanceof Uint8Array) return { $: 'bytes', base64: base64(tree) };
  if (Array.isArray(tree)) return tree.map(show);
  // As above.
  const map = tree as Record<string, unknown>;
  if (Object.hasOwn(map, '$')) return kindOf(map).show(map['v'], show);
  return showPairs(Object.entries(map), show);
}
