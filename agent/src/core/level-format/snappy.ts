import { Cursor } from './cursor.ts';

/** Far more than a block of ours has: a value has at most 56 KiB, a block at most one beyond 4. */
const PLAIN_BYTES_MAX = 16 * 1024 * 1024;

/** Inflates a block in Snappy's raw format. Throws `RangeError` for bytes that are not. */
export function unsnap(packed: Uint8Array): Uint8Array {
  const cursor = new Cursor(packed);
  const length = cursor.varint();
  if (length > PLAIN_BYTES_MAX) throw new RangeError('a block is too large');
  const plain = new Uint8Array(length);
  let at = 0;
  while (!cursor.isAtEnd) {
    const tag = cursor.byte();
    const kind = tag & 3;
    const copy = kind === 0 ? undefined : copyOf(tag, cursor);
    const size = copy?.length ?? literalLength(tag >> 2, cursor);
    if (at + size > length) throw new RangeError('a block is longer than it says');
    if (copy === undefined) plain.set(cursor.take(size), at);
    else repeat(plain, at, copy);
    at += size;
  }
  if (at !== length) throw new RangeError('a block is shorter than it says');
  return plain;
}

interface Copy {
  readonly offset: number;
  readonly length: number;
}

function literalLength(size: number, cursor: Cursor): number {
  return size < 60 ? size + 1 : cursor.fixed(size - 59) + 1;
}

function copyOf(tag: number, cursor: Cursor): Copy {
  const kind = tag & 3;
  if (kind === 1) {
    return { length: ((tag >> 2) & 7) + 4, offset: ((tag >> 5) << 8) | cursor.byte() };
  }
  return { length: (tag >> 2) + 1, offset: cursor.fixed(kind === 2 ? 2 : 4) };
}

/** Byte by byte: a copy may overlap with what it makes. */
function repeat(plain: Uint8Array, at: number, { offset, length }: Copy): void {
  if (offset === 0 || offset > at) throw new RangeError('a copy is from before the block');
  for (let index = at; index < at + length; index += 1) plain[index] = plain[index - offset] ?? 0;
}
