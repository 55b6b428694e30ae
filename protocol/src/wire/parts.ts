import { HoldfastError } from '../base/errors.ts';
import { equalBytes } from '../base/bytes.ts';
import type { Sha256 } from '../base/ports.ts';
import { invalid } from '../base/schema.ts';
import { decodeCbor, encodeCbor } from './cbor.ts';
import { ENTRY_BYTES_MAX, type EntryOf } from './entry.ts';
import { HASH_BYTES } from './lanes.ts';
import { VALUE_BYTES_MAX } from './value-bounds.ts';
import { readList, type KindReader } from './value-tree.ts';

/** Bytes of a value that an entry has in itself: with the longest names around it, it fits. */
export const VALUE_INLINE_MAX = ENTRY_BYTES_MAX - 2_048;
/** Entries that the parts of one value may be in. */
export const PARTS_MAX = 16 * 1024;

/**
 * What an entry has in the place of a value that is too large for it: the value is in the entries
 * of the lane right before it, one after another. So nothing that is sent, acknowledged or stored
 * as one piece is ever large, and a value that is on its way goes on where it was cut.
 */
export interface PartedValue {
  /** SHA-256 of the encoded value. */
  readonly hash: Uint8Array;
  /** Its size in bytes. */
  readonly size: number;
  /** How many entries hold it. */
  readonly count: number;
}

const NAME = 'parts';
/** `{"$": "parts"`: how each of them begins, and no other value does. */
const HEAD = encodeCbor({ $: NAME }).map((byte, index) => (index === 0 ? 0xa2 : byte));

/** The encoded value that stands for `value`, which is in the `count` entries before it. */
export function partedValue(sha256: Sha256, value: Uint8Array, count: number): Uint8Array {
  return encodeCbor({ $: NAME, v: [sha256(value), value.byteLength, count] });
}

/** A look at the first bytes. */
export function isParted(encoded: Uint8Array): boolean {
  return HEAD.every((byte, index) => encoded[index] === byte);
}

/**
 * Reads what stands for a value in parts; `undefined`: it is another value.
 *
 * @throws HF_MESSAGE_INVALID for one that cannot stand for any.
 */
export function readParted(encoded: Uint8Array): PartedValue | undefined {
  if (!isParted(encoded)) return undefined;
  const bounds = { bytesMax: 256, depthMax: 3, itemsMax: 16 };
  // A map of two keys, as its first bytes say.
  const { v } = decodeCbor(encoded, bounds) as { readonly v?: unknown };
  const [hash, size, count]: readonly unknown[] = Array.isArray(v) ? v : [];
  if (!(hash instanceof Uint8Array) || hash.byteLength !== HASH_BYTES) {
    throw invalid('the value in parts', 'has no hash');
  }
  if (!isCount(size, VALUE_BYTES_MAX) || !isCount(count, PARTS_MAX)) {
    throw invalid('the value in parts', 'has no size, or a count of parts that cannot be');
  }
  return { hash, size, count };
}

function isCount(value: unknown, max: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value > 0 && value <= max;
}

/**
 * The value that is in these entries: all that come before the one that has it, in their order.
 *
 * @throws HF_ENTRY_DAMAGED when they do not make it up.
 */
export function joinParts(
  sha256: Sha256,
  parted: PartedValue,
  parts: readonly (EntryOf<'value.part'> | undefined)[],
): Uint8Array {
  const { hash, size, count } = parted;
  const value = new Uint8Array(size);
  let at = 0;
  for (const [index, each] of parts.entries()) {
    const isNext = each?.left === count - index && at + each.part.byteLength <= size;
    if (each === undefined || !isNext) throw incomplete(`part ${index + 1} of ${count} is missing`);
    value.set(each.part, at);
    at += each.part.byteLength;
  }
  const isAll = parts.length === count && at === size;
  if (!isAll) throw incomplete(`${at} of its ${size} bytes are there`);
  if (!equalBytes(sha256(value), hash)) throw incomplete('its parts are not what was journaled');
  return value;
}

function incomplete(why: string): HoldfastError {
  return new HoldfastError('HF_ENTRY_DAMAGED', { why: `a value in parts: ${why}` });
}

/** As a value it tells people how large it is, and code nothing. */
export const partedKind: KindReader = {
  name: NAME,
  revive() {
    throw incomplete('they are not at hand');
  },
  show(content, show) {
    const [, size] = readList(content);
    return { $: NAME, size: show(size) };
  },
};
