/** Reads LevelDB's little-endian numbers and strings in order. Throws `RangeError` at the end. */
export class Cursor {
  readonly #bytes: Uint8Array;
  #at: number;

  constructor(bytes: Uint8Array, at = 0) {
    this.#bytes = bytes;
    this.#at = at;
  }

  get at(): number {
    return this.#at;
  }
  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.byteLength;
  }

  byte(): number {
    const value = this.#bytes[this.#at];
    if (value === undefined) throw new RangeError('the bytes end too early');
    this.#at += 1;
    return value;
  }

  /** A number of a fixed width, at most 7 bytes; all that is larger is no number of ours. */
  fixed(width: number): number {
    let value = 0;
    for (let power = 1, left = width; left > 0; left -= 1, power *= 256) {
      value += this.byte() * power;
    }
    return value;
  }

  varint(): number {
    let value = 0;
    for (let power = 1; power <= 2 ** 49; power *= 128) {
      const byte = this.byte();
      value += (byte & 127) * power;
      if (byte < 128) return value;
    }
    throw new RangeError('a number is longer than numbers are');
  }

  take(length: number): Uint8Array {
    const end = this.#at + length;
    if (end > this.#bytes.byteLength) throw new RangeError('the bytes end too early');
    const taken = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return taken;
  }

  /** A string with its length before it. */
  string(): Uint8Array {
    return this.take(this.varint());
  }
}
