import { isWellFormed } from '../base/well-formed.ts';
import { readBytes } from './value-tree.ts';

/** Whether CBOR text brings this back on every platform; some decoders drop a byte order mark. */
export function isPlain(text: string): boolean {
  return isWellFormed(text) && text.charCodeAt(0) !== 0xfeff;
}

/** UTF-16 units, low byte first. */
export function utf16(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length * 2);
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    bytes[2 * index] = unit & 255;
    bytes[2 * index + 1] = unit >> 8;
  }
  return bytes;
}

/** What `utf16` was given. */
export function readUtf16(content: unknown): string {
  const bytes = readBytes(content);
  let text = '';
  for (let index = 0; index + 1 < bytes.length; index += 2) {
    text += String.fromCharCode((bytes[index] ?? 0) | ((bytes[index + 1] ?? 0) << 8));
  }
  return text;
}

/** Bytes in UTF-8; four for a surrogate pair come out as six. */
export function utf8Length(text: string): number {
  let bytes = 0;
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    bytes += unit < 0x80 ? 1 : unit < 0x800 ? 2 : 3;
  }
  return bytes;
}
