import { NO_BYTES } from '../base/bytes.ts';
import { CborWriter } from './cbor-writer.ts';
import { isPlain } from './value-text.ts';

/**
 * Small plain values, which nearly all are: numbers, short texts, booleans, and objects and arrays
 * of these. They are written and read in one pass over the value, in a third of the time; bytes and
 * value are the same as by the way that all others go. Who meets anything else here says so, and
 * nothing has happened.
 */
const BYTES_MAX = 1_024;
const ITEMS_MAX = 64;
const DEPTH_MAX = 6;
const TEXT_LENGTH_MAX = 256;

/** Major types and simple values [RFC 8949, 3]. */
const [UINT, NEGATIVE, TEXT, ARRAY, MAP, SIMPLE] = [0, 1, 3, 4, 5, 7];
const [FALSE, TRUE, NULL, UNDEFINED, FLOAT64] = [20, 21, 22, 23, 27];

/** It is no small plain value, or may not be one. */
export const notPlain = Symbol('not plain');

const writer = new CborWriter();
let isWriting = false;
let itemsLeft = 0;

/** Bytes of their own; `undefined` for what is not small and plain. Never throws. */
export function encodePlain(value: unknown): Uint8Array | undefined {
  // A proxy runs code of its own, and that may come here again.
  if (isWriting) return undefined;
  isWriting = true;
  itemsLeft = ITEMS_MAX;
  writer.begin();
  try {
    return write(value, 0) ? writer.copy() : undefined;
  } catch {
    // Who goes the other way is told what it is that cannot be read.
    return undefined;
  } finally {
    isWriting = false;
  }
}

function write(value: unknown, depth: number): boolean {
  itemsLeft -= 1;
  if (itemsLeft < 0) return false;
  switch (typeof value) {
    case 'string':
      return writeText(value);
    case 'number':
      if (Object.is(value, -0)) return false;
      writer.number(value);
      return true;
    case 'boolean':
      writer.bool(value);
      return true;
    case 'undefined':
      writer.none(false);
      return true;
    case 'object':
      if (value !== null) return depth < DEPTH_MAX && writeObject(value, depth + 1);
      writer.none(true);
      return true;
    default:
      return false;
  }
}

function writeText(text: string): boolean {
  if (text.length > TEXT_LENGTH_MAX || !isPlain(text)) return false;
  writer.text(text);
  return true;
}

function writeObject(value: object, depth: number): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype) return writeMap(value, depth);
  return prototype === Array.prototype && Array.isArray(value) && writeList(value, depth);
}

function writeList(list: readonly unknown[], depth: number): boolean {
  const { length } = list;
  // No holes, and nothing beside the items: all keys are those of items, and `length`.
  if (length > ITEMS_MAX || Reflect.ownKeys(list).length !== length + 1) return false;
  writer.array(length);
  for (let index = 0; index < length; index += 1) {
    const item = list[index];
    if (item === undefined && !Object.hasOwn(list, index)) return false;
    if (!write(item, depth)) return false;
  }
  return true;
}

function writeMap(map: object, depth: number): boolean {
  const keys = Reflect.ownKeys(map);
  if (keys.length > ITEMS_MAX) return false;
  writer.map(keys.length);
  for (const key of keys) {
    if (typeof key === 'symbol' || key === '$' || key === '__proto__') return false;
    const property = Object.getOwnPropertyDescriptor(map, key);
    // Getters are not run, and what is hidden is no part of a value.
    if (property?.enumerable !== true || !('value' in property)) return false;
    if (!writeText(key) || !write(property.value, depth)) return false;
  }
  return true;
}

/** What is read, how far it has been, and whether that went well. */
let source: Uint8Array = NO_BYTES;
let at = 0;
let isReadable = true;

/** What the bytes say; `notPlain` for what is not small and plain, or not right. Never throws. */
export function decodePlain(bytes: Uint8Array): unknown {
  if (bytes.byteLength > BYTES_MAX) return notPlain;
  source = bytes;
  at = 0;
  isReadable = true;
  itemsLeft = ITEMS_MAX;
  const value = read(0);
  source = NO_BYTES;
  return isReadable && at === bytes.byteLength ? value : notPlain;
}

/** Leaves it to the other way. */
function giveUp(): undefined {
  isReadable = false;
  at = source.byteLength;
}

/** The next byte; whoever asks has seen that there is one. */
function next(): number {
  return source[at++] ?? 0;
}

function read(depth: number): unknown {
  itemsLeft -= 1;
  if (itemsLeft < 0 || at >= source.byteLength) return giveUp();
  const head = next();
  const info = head & 31;
  switch (head >> 5) {
    case UINT:
      return readNumber(info);
    case NEGATIVE:
      return -1 - readNumber(info);
    case TEXT:
      return readText(readNumber(info));
    case ARRAY:
      return depth < DEPTH_MAX ? readList(readNumber(info), depth + 1) : giveUp();
    case MAP:
      return depth < DEPTH_MAX ? readMap(readNumber(info), depth + 1) : giveUp();
    case SIMPLE:
      return readSimple(info);
    default:
      return giveUp();
  }
}

/** The number in or behind the head of an item, of four bytes at most. */
function readNumber(info: number): number {
  if (info < 24) return info;
  const width = 1 << (info - 24);
  const end = at + width;
  if (info > 26 || end > source.byteLength) {
    giveUp();
    return 0;
  }
  let number = 0;
  while (at < end) number = number * 256 + next();
  return number;
}

const float = new DataView(new ArrayBuffer(8));

function readSimple(info: number): unknown {
  switch (info) {
    case FALSE:
      return false;
    case TRUE:
      return true;
    case NULL:
      return null;
    case UNDEFINED:
      return undefined;
    case FLOAT64:
      if (at + 8 > source.byteLength) return giveUp();
      for (let index = 0; index < 8; index += 1) float.setUint8(index, next());
      return float.getFloat64(0);
    default:
      return giveUp();
  }
}

/** ASCII, as long as somebody writes it here; else it is the other way's. */
function readText(length: number): string {
  const end = at + length;
  if (length > TEXT_LENGTH_MAX || !isAscii(end)) {
    giveUp();
    return '';
  }
  let text = '';
  while (at + 4 <= end) text += String.fromCharCode(next(), next(), next(), next());
  while (at < end) text += String.fromCharCode(next());
  return text;
}

/** Whether what is before `end` is there, and all of it ASCII. */
function isAscii(end: number): boolean {
  if (end > source.byteLength) return false;
  for (let index = at; index < end; index += 1) if ((source[index] ?? 0) > 0x7f) return false;
  return true;
}

function readList(length: number, depth: number): unknown {
  const list: unknown[] = [];
  for (let index = 0; index < length; index += 1) {
    if (at >= source.byteLength) return giveUp();
    list.push(read(depth));
  }
  return list;
}

function readMap(count: number, depth: number): unknown {
  const map: Record<string, unknown> = {};
  for (let index = 0; index < count; index += 1) {
    if (at >= source.byteLength) return giveUp();
    const key = readKey();
    if (key === '$' || key === '__proto__') return giveUp();
    map[key] = read(depth);
  }
  return map;
}

/** Keys come again and again: one that was read before is compared, which makes nothing new. */
const KNOWN_KEYS = 256;
const knownKeys: string[] = Array.from({ length: KNOWN_KEYS }, () => '');

function readKey(): string {
  const head = source[at] ?? 0;
  if (head >> 5 !== TEXT) {
    giveUp();
    return '';
  }
  at += 1;
  itemsLeft -= 1;
  const length = readNumber(head & 31);
  const end = at + length;
  const first = source[at] ?? 0;
  const last = source[end - 1] ?? 0;
  const place = (length * 31 + first * 7 + last) % KNOWN_KEYS;
  const known = knownKeys[place] ?? '';
  if (known.length === length && length > 0 && isKnown(known, end)) {
    at = end;
    return known;
  }
  const key = readText(length);
  knownKeys[place] = key;
  return key;
}

function isKnown(known: string, end: number): boolean {
  if (end > source.byteLength) return false;
  for (let index = 0; index < known.length; index += 1) {
    if (known.charCodeAt(index) !== source[at + index]) return false;
  }
  return true;
}
