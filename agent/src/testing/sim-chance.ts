import type { Chance } from '@holdfast/protocol';

/** Chance that a seed decides: the same seed, the same draws (xorshift32). */
export class SimChance implements Chance {
  #state: number;

  constructor(seed = 1) {
    // Neighbouring seeds must not give neighbouring draws, and zero would stay zero.
    this.#state = Math.imul(seed + 1, 0x9e3779b1) || 1;
    for (let round = 0; round < 4; round += 1) this.#uint32();
  }

  next(): number {
    return this.#uint32() / 2 ** 32;
  }

  bytes(length: number): Uint8Array {
    const drawn = new Uint8Array(length);
    for (let index = 0; index < length; index += 1) drawn[index] = this.#uint32() >>> 24;
    return drawn;
  }

  #uint32(): number {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return this.#state >>> 0;
  }
}
