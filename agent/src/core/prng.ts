/**
 * Numbers that follow from a seed: the same run draws the same ones in every replay. (sfc32, a
 * small generator with good statistics; nothing here is secret.)
 */
export class SeededChance {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(seed: string) {
    const [a, b, c] = hashText(seed);
    this.#a = a;
    this.#b = b;
    this.#c = c;
    for (let round = 0; round < 12; round += 1) this.uint32();
  }

  /** An integer in [0, 2^32). */
  uint32(): number {
    const sum = (((this.#a + this.#b) | 0) + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  /** A number in [0, 1) with 53 random bits. */
  next(): number {
    const high = this.uint32() >>> 5;
    const low = this.uint32() >>> 6;
    return (high * 0x4000000 + low) / 2 ** 53;
  }

  /** A version 4 UUID. */
  uuid(): string {
    const words = Array.from({ length: 4 }, () => this.uint32().toString(16).padStart(8, '0'));
    const digits = words.join('').split('');
    digits[12] = '4';
    digits[16] = '89ab'[Number.parseInt(digits[16] ?? '0', 16) & 3] ?? '8';
    const text = digits.join('');
    const cuts = [0, 8, 12, 16, 20, 32];
    return cuts
      .slice(1)
      .map((end, index) => text.slice(cuts[index], end))
      .join('-');
  }
}

/** Three 32-bit words of a text (FNV-1a with three offsets). */
function hashText(text: string): [number, number, number] {
  const words: [number, number, number] = [0x811c9dc5, 0x9e3779b9, 0x85ebca6b];
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    words[0] = Math.imul(words[0] ^ unit, 0x01000193);
    words[1] = Math.imul(words[1] ^ unit, 0x01000193);
    words[2] = Math.imul(words[2] ^ unit, 0x01000193);
  }
  return words;
}
