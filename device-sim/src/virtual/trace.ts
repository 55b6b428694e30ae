import { createHash, type Hash } from 'node:crypto';
import { hex, type StoreOp } from '@holdfast/protocol';

const BUFFER_BYTES = 1 << 16;
const HEX_CHARS = 16;
/** Of a moment, as a number with its fraction. */
const MOMENT_BYTES = 8;
/** What is longer is not copied. */
const COPIED_BYTES_MAX = BUFFER_BYTES >> 2;
/** What is shorter is copied byte by byte: that costs less than a call of what copies. */
const SHORT_BYTES_MAX = 32;

/** A digest of all that happens in a world, in the order in which it happens. */
export class Trace {
  readonly #hash: Hash = createHash('sha256');
  /** Gathered, since a call of the hash costs more than the few bytes it is given. */
  readonly #buffer = new Uint8Array(BUFFER_BYTES);
  #used = 0;
  readonly #view = new DataView(this.#buffer.buffer);

  /** Something happens at a moment. */
  note(atMs: number, what: string, bytes?: Uint8Array): void {
    this.#begin(atMs, what);
    if (bytes !== undefined) this.#add(bytes);
  }

  /** A machine's disk has what it was given. */
  written(atMs: number, machine: string, ops: readonly StoreOp[]): void {
    this.#begin(atMs, machine);
    for (const { kind, key } of ops) {
      this.#room(1);
      this.#buffer[this.#used++] = kind === 'put' ? 1 : 2;
      this.#add(key);
    }
  }

  /** Of all until now. */
  digest(): string {
    this.#flush();
    return hex(this.#hash.copy().digest()).slice(0, HEX_CHARS);
  }

  #begin(atMs: number, what: string): void {
    this.#room(MOMENT_BYTES + what.length + 1);
    this.#view.setFloat64(this.#used, atMs);
    this.#used += MOMENT_BYTES;
    const buffer = this.#buffer;
    // ASCII, but for what users call things: half of that tells them apart as well.
    for (let at = 0; at < what.length; at += 1) buffer[this.#used++] = what.charCodeAt(at);
    buffer[this.#used++] = 0;
  }

  #add(bytes: Uint8Array): void {
    const { length } = bytes;
    if (length > COPIED_BYTES_MAX) {
      this.#flush();
      this.#hash.update(bytes);
      return;
    }
    this.#room(length);
    if (length > SHORT_BYTES_MAX) this.#buffer.set(bytes, this.#used);
    else for (let at = 0; at < length; at += 1) this.#buffer[this.#used + at] = bytes[at] ?? 0;
    this.#used += length;
  }

  #room(bytes: number): void {
    if (this.#used + bytes > BUFFER_BYTES) this.#flush();
  }

  #flush(): void {
    this.#hash.update(this.#buffer.subarray(0, this.#used));
    this.#used = 0;
  }
}
