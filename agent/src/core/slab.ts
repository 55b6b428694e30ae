const SLAB_BYTES = 64 * 1024;
/** What is larger has memory of its own, so that little of a slab is left unused. */
const SHARED_BYTES_MAX = SLAB_BYTES / 16;

/**
 * Gives out pieces of larger blocks of memory. A byte array of its own for each row would cost more
 * than what is written into it, and more again once native code looks at it. A block is freed with
 * the last of its pieces: for those that are soon done with.
 */
export class Slab {
  #block = new Uint8Array(0);
  #at = 0;

  /** So many bytes, which nobody else has or had. */
  take(bytes: number): Uint8Array {
    if (bytes > SHARED_BYTES_MAX) return new Uint8Array(bytes);
    if (this.#at + bytes > this.#block.length) {
      this.#block = new Uint8Array(SLAB_BYTES);
      this.#at = 0;
    }
    const piece = new Uint8Array(this.#block.buffer, this.#at, bytes);
    this.#at += bytes;
    return piece;
  }
}
