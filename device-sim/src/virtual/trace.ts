import { createHash, type Hash } from 'node:crypto';
import { hex } from '@holdfast/protocol';

const BUFFER_BYTES = 1 << 16;
const HEX_CHARS = 16;

/** A digest of all that happens in a world, in the order in which it happens. */
export class Trace {
  readonly #hash: Hash = createHash('sha256');
  /** Gathered, since a call of the hash costs more than the few bytes it is given. */
  readonly #buffer = Buffer.allocUnsafe(BUFFER_BYTES);
  #used = 0;

  note(what: string, bytes?: Uint8Array): void {
    // What is written is ASCII but for names of the user's.
    this.#room(3 * what.length + 1);
    this.#used += this.#buffer.write(what, this.#used);
    this.#used = this.#buffer.writeUInt8(0, this.#used);
    if (bytes === undefined) return;
    if (bytes.byteLength >= BUFFER_BYTES >> 2) {
      this.#flush();
      this.#hash.update(bytes);
      return;
    }
    this.#room(bytes.byteLength);
    this.#buffer.set(bytes, this.#used);
    this.#used += bytes.byteLength;
  }

  /** Of all until now. */
  digest(): string {
    this.#flush();
    return hex(this.#hash.copy().digest()).slice(0, HEX_CHARS);
  }

  #room(bytes: number): void {
    if (this.#used + bytes > BUFFER_BYTES) this.#flush();
  }

  #flush(): void {
    this.#hash.update(this.#buffer.subarray(0, this.#used));
    this.#used = 0;
  }
}
