import { NO_BYTES, ascii, concat } from '@holdfast/protocol';

/**
 * Writes DER [X.690], as much of it as certificates need. It is never read here: what comes from
 * elsewhere is for OpenSSL to parse.
 */
export function tlv(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const content = concat(parts);
  return concat([Uint8Array.of(tag), lengthOf(content.byteLength), content]);
}

function lengthOf(length: number): Uint8Array {
  if (length < 0x80) return Uint8Array.of(length);
  const bytes: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return Uint8Array.of(0x80 | bytes.length, ...bytes);
}

export const sequence = (...parts: readonly Uint8Array[]): Uint8Array => tlv(0x30, ...parts);
export const set = (...parts: readonly Uint8Array[]): Uint8Array => tlv(0x31, ...parts);
export const octets = (bytes: Uint8Array): Uint8Array => tlv(0x04, bytes);
export const utf8 = (text: string): Uint8Array => tlv(0x0c, ascii(text));
export const yes: Uint8Array = tlv(0x01, Uint8Array.of(0xff));

/** Bits, the last `unused` of which do not count. */
export function bits(bytes: Uint8Array, unused = 0): Uint8Array {
  return tlv(0x03, Uint8Array.of(unused), bytes);
}

/** A number that is not negative, most significant byte first. */
export function integer(bytes: Uint8Array): Uint8Array {
  const first = bytes.findIndex((byte) => byte !== 0);
  const digits = first < 0 ? Uint8Array.of(0) : bytes.subarray(first);
  const sign = (digits[0] ?? 0) >= 0x80 ? Uint8Array.of(0) : NO_BYTES;
  return tlv(0x02, sign, digits);
}

/** An object identifier, such as `2.5.4.3`. */
export function oid(text: string): Uint8Array {
  const [first = 0, second = 0, ...rest] = text.split('.').map(Number);
  return tlv(0x06, Uint8Array.from([40 * first + second, ...rest].flatMap(base128)));
}

function base128(value: number): number[] {
  const bytes = [value % 128];
  for (let rest = Math.floor(value / 128); rest > 0; rest = Math.floor(rest / 128)) {
    bytes.unshift(128 + (rest % 128));
  }
  return bytes;
}

/** A moment, to the second: two digits for its year where they do, until 2049. */
export function time(atMs: number): Uint8Array {
  const text = new Date(atMs).toISOString().replaceAll(/[-:T]|\.\d+/g, '');
  const isShort = text < '2050';
  return tlv(isShort ? 0x17 : 0x18, ascii(isShort ? text.slice(2) : text));
}

/** `[number]`, around other values or around bytes of its own kind. */
export function tagged(number: number, content: Uint8Array, isPlain = false): Uint8Array {
  return tlv((isPlain ? 0x80 : 0xa0) | number, content);
}
