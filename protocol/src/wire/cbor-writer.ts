import type { Sink } from '../base/schema.ts';

/** Major types [RFC 8949, 3.1]. */
const UINT = 0;
const NEGATIVE = 1;
const BYTES = 2;
const TEXT = 3;
const ARRAY = 4;
const MAP = 5;
const FALSE = 0xf4;
const TRUE = 0xf5;
const NULL = 0xf6;
const UNDEFINED = 0xf7;
const FLOAT64 = 0xfb;

const UINT32_RANGE = 2 ** 32;
/** The longest head of an item: its first byte and a number of eight. */
const HEAD_BYTES_MAX = 9;
/** In place of half a surrogate pair, which UTF-8 cannot carry. */
const REPLACEMENT = 0xfffd;
const BLOCK_BYTES = 64 * 1024;

const float = new DataView(new ArrayBuffer(8));

/**
 * Writes what has a schema: messages and entries, some ten thousand a second. An encoder of any
 * value, which has to find out what it is given, takes five times as long. Numbers and lengths have
 * their shortest form.
 */
export class CborWriter implements Sink {
  #block = new Uint8Array(BLOCK_BYTES);
  /** Where the item begins. */
  #from = 0;
  #at = 0;

  /** Begins an item; what was begun and not taken is void. */
  begin(): this {
    this.#at = this.#from;
    return this;
  }

  /** What was written: a view of memory that others share, and that is never written again. */
  take(): Uint8Array {
    const item = this.#block.subarray(this.#from, this.#at);
    this.#from = this.#at;
    return item;
  }

  /** The same in memory of its own. */
  copy(): Uint8Array {
    return this.#block.slice(this.#from, this.#at);
  }

  uint(value: number): void {
    this.#head(UINT, value);
  }

  bool(value: boolean): void {
    this.#room(1);
    this.#block[this.#at++] = value ? TRUE : FALSE;
  }

  /** Any number but -0: a whole one of 32 bits in its shortest form, others as floats of 64. */
  number(value: number): void {
    if (value >>> 0 === value) this.#head(UINT, value);
    else if (Number.isInteger(value) && value < 0 && value >= -UINT32_RANGE) {
      this.#head(NEGATIVE, -1 - value);
    } else {
      this.#room(HEAD_BYTES_MAX);
      this.#block[this.#at++] = FLOAT64;
      float.setFloat64(0, value);
      for (let index = 0; index < 8; index += 1) this.#block[this.#at++] = float.getUint8(index);
    }
  }

  /** `null`, or `undefined`. */
  none(isNull: boolean): void {
    this.#room(1);
    this.#block[this.#at++] = isNull ? NULL : UNDEFINED;
  }

  bytes(value: Uint8Array): void {
    this.#head(BYTES, value.length);
    this.#room(value.length);
    this.#block.set(value, this.#at);
    this.#at += value.length;
  }

  array(count: number): void {
    this.#head(ARRAY, count);
  }

  /** So many pairs follow, each a key and its value. */
  map(count: number): void {
    this.#head(MAP, count);
  }

  text(value: string): void {
    const length = utf8Length(value);
    this.#head(TEXT, length);
    this.#room(length);
    if (length > value.length) this.#utf8(value);
    else for (let at = 0; at < length; at += 1) this.#block[this.#at++] = value.charCodeAt(at);
  }

  #utf8(value: string): void {
    for (const char of value) {
      const code = scalarOf(char);
      const more = code < 0x80 ? 0 : code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
      // The first byte says how many follow; each of these has six bits.
      const lead = more === 0 ? 0 : (0xff00 >> (more + 1)) & 0xff;
      this.#block[this.#at++] = lead | (code >> (6 * more));
      for (let shift = 6 * (more - 1); shift >= 0; shift -= 6) {
        this.#block[this.#at++] = 0x80 | ((code >> shift) & 63);
      }
    }
  }

  #head(major: number, value: number): void {
    this.#room(HEAD_BYTES_MAX);
    const type = major << 5;
    if (value < 24) this.#number(type | value, value, 0);
    else if (value < 0x100) this.#number(type | 24, value, 1);
    else if (value < 0x10000) this.#number(type | 25, value, 2);
    else if (value < UINT32_RANGE) this.#number(type | 26, value, 4);
    else {
      this.#number(type | 27, Math.floor(value / UINT32_RANGE), 4);
      this.#low(value, 4);
    }
  }

  #number(first: number, value: number, width: number): void {
    this.#block[this.#at++] = first;
    this.#low(value, width);
  }

  /** The low bytes of a number, big-endian. */
  #low(value: number, width: number): void {
    for (let shift = 8 * (width - 1); shift >= 0; shift -= 8) {
      this.#block[this.#at++] = (value % UINT32_RANGE >>> 0) >>> shift;
    }
  }

  /** Makes sure that so many bytes fit; what was begun moves to a new block if need be. */
  #room(bytes: number): void {
    if (this.#at + bytes <= this.#block.length) return;
    const begun = this.#block.subarray(this.#from, this.#at);
    const needed = begun.length + bytes;
    const block = new Uint8Array(Math.max(BLOCK_BYTES, 2 * needed));
    block.set(begun);
    this.#block = block;
    this.#from = 0;
    this.#at = begun.length;
  }
}

function utf8Length(text: string): number {
  let length = text.length;
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    if (unit < 0x80) continue;
    // Each half of a pair counts for two of its four bytes.
    const isHalf = unit >= 0xd800 && unit < 0xe000 && (text.codePointAt(at) ?? 0) !== unit;
    if (isHalf) at += 1;
    length += isHalf ? 2 : unit < 0x800 ? 1 : 2;
  }
  return length;
}

function scalarOf(char: string): number {
  const code = char.codePointAt(0) ?? REPLACEMENT;
  return code >= 0xd800 && code < 0xe000 ? REPLACEMENT : code;
}
