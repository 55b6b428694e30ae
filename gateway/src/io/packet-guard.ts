import { Duplex } from 'node:stream';

/**
 * Watches the lengths that MQTT packets declare in their fixed header, without keeping a byte: the
 * broker behind it would collect a packet of 256 MiB in memory before it looked at it.
 *
 * [MQTT-2.2.3]: the length has one to four bytes, seven bits each, least significant first.
 */
export class PacketMeter {
  readonly #bytesMax: number;
  /** Bytes of the current packet that are still to come. */
  #left = 0;
  /** Bytes of the current header that have been read; 0: the next byte begins a packet. */
  #headBytes = 0;
  #length = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Takes the next bytes of the stream; `false` when a packet is too long or is none. */
  take(chunk: Uint8Array): boolean {
    let at = 0;
    while (at < chunk.byteLength) {
      if (this.#left > 0) {
        const passed = Math.min(this.#left, chunk.byteLength - at);
        this.#left -= passed;
        at += passed;
      } else if (!this.#head(chunk[at] ?? 0)) {
        return false;
      } else {
        at += 1;
      }
    }
    return true;
  }

  #head(byte: number): boolean {
    if (this.#headBytes === 0) {
      this.#headBytes = 1;
      this.#length = 0;
      return true;
    }
    this.#length += (byte & 127) * 128 ** (this.#headBytes - 1);
    this.#headBytes += 1;
    if (this.#length > this.#bytesMax) return false;
    if (byte >= 128) return this.#headBytes <= 4;
    this.#left = this.#length;
    this.#headBytes = 0;
    return true;
  }
}

/** A socket as the broker sees it: packets that are too long never reach it. */
export class GuardedSocket extends Duplex {
  readonly #socket: Duplex;

  /** @param onTooLong A packet was, or was none. */
  constructor(socket: Duplex, packetBytesMax: number, onTooLong: () => void = () => {}) {
    super({ allowHalfOpen: false });
    this.#socket = socket;
    const meter = new PacketMeter(packetBytesMax);
    socket.on('data', (chunk: Buffer) => {
      if (!meter.take(chunk)) {
        onTooLong();
        socket.destroy();
      } else if (!this.push(chunk)) socket.pause();
    });
    socket.on('end', () => this.push(null));
    socket.on('error', (error) => this.destroy(error));
    socket.on('close', () => this.destroy());
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    this.#socket.write(chunk, done);
  }

  override _writev(
    chunks: readonly { readonly chunk: Buffer }[],
    done: (error?: Error | null) => void,
  ): void {
    this.#socket.cork();
    chunks.forEach(({ chunk }, index) => {
      this.#socket.write(chunk, index === chunks.length - 1 ? done : undefined);
    });
    this.#socket.uncork();
  }

  override _final(done: () => void): void {
    this.#socket.end(done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#socket.destroy();
    done(error);
  }
}
