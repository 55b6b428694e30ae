/**
 * CBOR diagnostic notation (RFC 8949, section 8) of well-formed bytes of the protocol's part of
 * CBOR. Reads them by itself: it must not make the mistakes of the codec that it explains.
 *
 * Floats always have a point, an exponent or a name, so that 1 and 1.0 can be told apart.
 */
export function diagnostic(bytes: Uint8Array): string {
  const reader = new Reader(bytes);
  const text = reader.item();
  if (reader.at !== bytes.byteLength) throw new TypeError('there are bytes behind the end');
  return text;
}

const simple: Readonly<Record<number, string>> = {
  20: 'false',
  21: 'true',
  22: 'null',
  23: 'undefined',
};

class Reader {
  at = 0;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  item(): string {
    const first = this.#view.getUint8(this.at);
    this.at += 1;
    const [major, info] = [first >> 5, first & 31];
    if (major === 7) return this.#simple(info);
    const argument = this.#argument(info);
    const count = Number(argument);
    switch (major) {
      case 0:
        return String(argument);
      case 1:
        return String(-1n - argument);
      case 2:
        return `h'${Buffer.from(this.#take(count)).toString('hex')}'`;
      case 3:
        return JSON.stringify(new TextDecoder('utf-8', strict).decode(this.#take(count)));
      case 4:
        return `[${this.#items(count).join(', ')}]`;
      case 5:
        return `{${this.#pairs(count).join(', ')}}`;
      default:
        throw new TypeError('tags are not of the protocol');
    }
  }

  #simple(info: number): string {
    const name = simple[info];
    if (name !== undefined) return name;
    if (info === 26) return floatText(this.#view.getFloat32(this.#skip(4)));
    if (info === 27) return floatText(this.#view.getFloat64(this.#skip(8)));
    if (info === 25) return floatText(half(this.#view.getUint16(this.#skip(2))));
    throw new TypeError(`simple value ${info} is not of the protocol`);
  }

  #argument(info: number): bigint {
    if (info < 24) return BigInt(info);
    if (info > 27) throw new TypeError('an indefinite length is not of the protocol');
    let argument = 0n;
    for (const byte of this.#take(1 << (info - 24))) argument = argument * 256n + BigInt(byte);
    return argument;
  }

  #items(count: number): string[] {
    return Array.from({ length: count }, () => this.item());
  }

  #pairs(count: number): string[] {
    return Array.from({ length: count }, () => `${this.item()}: ${this.item()}`);
  }

  #take(count: number): Uint8Array {
    const from = this.#skip(count);
    if (this.at > this.#bytes.byteLength) throw new TypeError('the bytes end too early');
    return this.#bytes.subarray(from, this.at);
  }

  #skip(count: number): number {
    this.at += count;
    return this.at - count;
  }
}

const strict = { fatal: true, ignoreBOM: true };

/** IEEE 754 binary16. */
function half(bits: number): number {
  const [sign, exponent, fraction] = [bits >> 15, (bits >> 10) & 31, bits & 1_023];
  const magnitude =
    exponent === 0
      ? fraction * 2 ** -24
      : exponent === 31
        ? fraction === 0
          ? Number.POSITIVE_INFINITY
          : Number.NaN
        : (1 + fraction / 1_024) * 2 ** (exponent - 15);
  return sign === 0 ? magnitude : -magnitude;
}

function floatText(value: number): string {
  if (Object.is(value, -0)) return '-0.0';
  const text = String(value);
  return /[.eNI]/.test(text) ? text : `${text}.0`;
}
