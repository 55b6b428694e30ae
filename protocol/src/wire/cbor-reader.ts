import { AssertionError } from '../base/assert.ts';
import { NO_BYTES } from '../base/bytes.ts';
import type { Source } from '../base/schema.ts';

/** Major types [RFC 8949, 3.1]. */
const [UINT, BYTES, TEXT, ARRAY] = [0, 2, 3, 4];
const [FALSE, TRUE] = [0xf4, 0xf5];
/** The last five bits of a head are a number, or say that it takes 1, 2, 4 or 8 bytes more. */
const [NUMBER_FOLLOWS, NUMBER_IN_EIGHT] = [24, 27];
const ASCII_END = 0x80;

/** Words that come again and again are one text each: names, states, identifiers. */
const WORD_LENGTH_MAX = 64;
const WORDS = 1_024;
/** A call takes no more arguments than that on every platform. */
const TEXT_LENGTH_MAX = 4_096;

const odd = new AssertionError('what is read is not as it is written here');

/**
 * Reads what has a schema, as `CborWriter` writes it: messages, entries and rows, some ten thousand
 * a second. A decoder of any value, which makes a list of all that it finds for the schema to look
 * through, takes several times as long, and as much again to see that it is safe to decode.
 *
 * It throws at whatever is unusual, right or wrong, and says no more of it: that is for the decoder
 * of any value to tell. What it gives, that one gives too.
 */
export class CborReader implements Source {
  #bytes: Uint8Array = NO_BYTES;
  #at = 0;
  #itemsLeft = 0;
  readonly #words: string[] = Array.from({ length: WORDS }, () => '');

  /** Begins with the first item of these bytes, of so many at most. */
  begin(bytes: Uint8Array, itemsMax: number): this {
    this.#bytes = bytes;
    this.#at = 0;
    this.#itemsLeft = itemsMax;
    return this;
  }

  /** Nothing may be left. */
  end(): void {
    if (this.#at !== this.#bytes.length) throw odd;
  }

  uint(): number {
    return this.#head(UINT);
  }

  bool(): boolean {
    const first = this.#first();
    if (first !== FALSE && first !== TRUE) throw odd;
    return first === TRUE;
  }

  bytes(): Uint8Array {
    const length = this.#head(BYTES);
    const from = this.#pass(length);
    // Of this class, whatever that of the whole is.
    return new Uint8Array(this.#bytes.buffer, this.#bytes.byteOffset + from, length);
  }

  text(): string {
    const length = this.#head(TEXT);
    const from = this.#pass(length);
    let sum = length;
    for (let at = from; at < this.#at; at += 1) {
      const byte = this.#bytes[at] ?? ASCII_END;
      if (byte >= ASCII_END) throw odd;
      sum = Math.imul(sum ^ byte, 0x01000193);
    }
    if (length > WORD_LENGTH_MAX) return this.#textAt(from, length);
    const place = (sum ^ (sum >>> 15)) & (WORDS - 1);
    const known = this.#words[place] ?? '';
    if (known.length === length && this.#isAt(known, from)) return known;
    return (this.#words[place] = this.#textAt(from, length));
  }

  array(): number {
    return this.#head(ARRAY);
  }

  isBytes(): boolean {
    return (this.#bytes[this.#at] ?? 0) >> 5 === BYTES;
  }

  refuse(): never {
    throw odd;
  }

  #isAt(word: string, from: number): boolean {
    for (let at = 0; at < word.length; at += 1) {
      if (word.charCodeAt(at) !== this.#bytes[from + at]) return false;
    }
    return true;
  }

  #textAt(from: number, length: number): string {
    if (length > TEXT_LENGTH_MAX) throw odd;
    // What `apply` needs of a list, bytes have.
    const codes = this.#bytes.subarray(from, from + length) as unknown as number[];
    return String.fromCharCode.apply(undefined, codes);
  }

  /** Goes on behind so many bytes. @returns Where they begin. */
  #pass(length: number): number {
    const from = this.#at;
    if (length > this.#bytes.length - from) throw odd;
    this.#at = from + length;
    return from;
  }

  #first(): number {
    const first = this.#bytes[this.#at];
    this.#itemsLeft -= 1;
    if (first === undefined || this.#itemsLeft < 0) throw odd;
    this.#at += 1;
    return first;
  }

  /** Passes the head of an item of this type. @returns Its number. */
  #head(major: number): number {
    const first = this.#first();
    if (first >> 5 !== major) throw odd;
    const info = first & 31;
    if (info < NUMBER_FOLLOWS) return info;
    if (info > NUMBER_IN_EIGHT) throw odd;
    const from = this.#pass(1 << (info - NUMBER_FOLLOWS));
    let number = 0;
    for (let at = from; at < this.#at; at += 1) number = number * 256 + (this.#bytes[at] ?? 0);
    if (number > Number.MAX_SAFE_INTEGER) throw odd;
    return number;
  }
}
