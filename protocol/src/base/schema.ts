import { AssertionError } from './assert.ts';
import { HoldfastError } from './errors.ts';
import { toWellFormed } from './well-formed.ts';

/** Takes the parts of a CBOR item in their order; of an array, its count and then its items. */
export interface Sink {
  /** At most 2^53 - 1. */
  uint(value: number): void;
  bool(value: boolean): void;
  text(value: string): void;
  bytes(value: Uint8Array): void;
  array(count: number): void;
}

/**
 * Gives the parts of a CBOR item in their order, as a `Sink` takes them. Throws where the next part
 * is none of the kind, or is not in its usual form.
 */
export interface Source {
  uint(): number;
  bool(): boolean;
  text(): string;
  /** A view of what is read. */
  bytes(): Uint8Array;
  array(): number;
  /** Whether the next part is a byte string. */
  isBytes(): boolean;
  /** It is not what it may be. */
  refuse(): never;
}

/**
 * Describes what a part of a message may be: its type, its bounds, and its text form. Records are
 * positional arrays that may only grow at the end: a reader ignores what is behind the fields it
 * knows, and takes a field's fallback where the sender knew it not yet.
 */
export interface Schema<T> {
  /** Canonical text; the fingerprint of the protocol is made of these. */
  readonly shape: string;
  /**
   * Checks decoded CBOR. Throws HF_MESSAGE_INVALID with the path of what is wrong: `path` and
   * `part`, which are joined for the message only.
   */
  read(value: unknown, path: string, part?: string): T;
  /** The same from what is not decoded. Throws, and not why, for some that `read` takes, too. */
  take(from: Source): T;
  /**
   * Writes a value of this type. Throws `AssertionError` for what `read` would refuse: it must not
   * be journaled or sent.
   */
  write(value: T, to: Sink, name?: string): void;
}

export type Infer<S> = S extends Schema<infer T> ? T : never;

/** A row of fields. Some thousand of them are read and written a second. */
export interface RecordSchema<T> extends Schema<T> {
  /** Reads a row into an object that has something else already. */
  readInto<K extends object>(target: K, value: unknown, path: string): K & T;
  /** The same from what is not decoded, behind the count of its items. */
  takeInto<K extends object>(target: K, from: Source): K & T;
  readonly count: number;
  /** Of its fields, in their order. */
  readonly names: readonly string[];
  /** The items of the row alone, for an array that has something else before them. */
  writeItems(value: T, to: Sink): void;
}

export function invalid(path: string, why: string): HoldfastError {
  return new HoldfastError('HF_MESSAGE_INVALID', { why: `${path} ${why}` });
}

/** What `read` would refuse. Called when that is known: its text costs more than the check. */
function unwritable(name: string | undefined, why: string): AssertionError {
  return new AssertionError(`${name} ${why}`);
}

/** An integer from 0 to `max`, at most 2^53 - 1. */
export function uint(max: number = Number.MAX_SAFE_INTEGER): Schema<number> {
  return {
    shape: max === Number.MAX_SAFE_INTEGER ? 'uint' : `uint(${max})`,
    read(value, path, part = '') {
      const number = typeof value === 'bigint' ? Number(value) : value;
      if (typeof number !== 'number' || !Number.isSafeInteger(number) || number < 0) {
        throw invalid(path + part, 'is not an unsigned integer');
      }
      if (number > max) throw invalid(path + part, `is above ${max}`);
      return number;
    },
    take(from) {
      const number = from.uint();
      return number <= max ? number : from.refuse();
    },
    write(value, to, name) {
      const fits = Number.isSafeInteger(value) && value >= 0 && value <= max;
      if (!fits) throw unwritable(name, `is ${value}, not an integer from 0 to ${max}`);
      to.uint(value);
    },
  };
}

export function bool(): Schema<boolean> {
  return {
    shape: 'bool',
    read(value, path, part = '') {
      if (typeof value !== 'boolean') throw invalid(path + part, 'is neither true nor false');
      return value;
    },
    take: (from) => from.bool(),
    write: (value, to) => to.bool(value),
  };
}

/** Text of at most `lengthMax` UTF-16 units. */
export function text(lengthMax: number): Schema<string> {
  return {
    shape: `text(${lengthMax})`,
    read(value, path, part = '') {
      if (typeof value !== 'string') throw invalid(path + part, 'is not text');
      if (value.length > lengthMax) throw invalid(path + part, `is longer than ${lengthMax}`);
      return value;
    },
    take(from) {
      const taken = from.text();
      return taken.length <= lengthMax ? taken : from.refuse();
    },
    write(value, to, name) {
      const { length } = value;
      if (length > lengthMax) throw unwritable(name, `has ${length} characters of ${lengthMax}`);
      to.text(value);
    },
  };
}

/** Text for people, of at most `lengthMax` UTF-16 units: the writer cuts what is longer. */
export function prose(lengthMax: number): Schema<string> {
  const whole = text(lengthMax);
  return {
    ...whole,
    write(value, to) {
      const cut = value.length > lengthMax ? `${value.slice(0, lengthMax - 1)}…` : value;
      // Half a character would come back as more than it was.
      to.text(toWellFormed(cut));
    },
  };
}

/** At most `bytesMax` bytes; exactly that many when `exact`. */
export function bytes(bytesMax: number, exact = false): Schema<Uint8Array> {
  return {
    shape: exact ? `bytes(=${bytesMax})` : `bytes(${bytesMax})`,
    read(value, path, part = '') {
      if (!(value instanceof Uint8Array)) throw invalid(path + part, 'is not a byte string');
      const { length } = value;
      if (length > bytesMax) throw invalid(path + part, `is longer than ${bytesMax} bytes`);
      if (exact && length < bytesMax) throw invalid(path + part, `is not ${bytesMax} bytes`);
      return value;
    },
    take(from) {
      const taken = from.bytes();
      const { length } = taken;
      return length > bytesMax || (exact && length < bytesMax) ? from.refuse() : taken;
    },
    write(value, to, name) {
      const fits = !exact || value.length === bytesMax;
      if (!fits) throw unwritable(name, `has ${value.length} bytes, not ${bytesMax}`);
      to.bytes(value);
    },
  };
}

/** One of a closed set of words, as its position. New words are added at the end. */
export function choice<const W extends string>(words: readonly W[]): Schema<W> {
  const positions = new Map(words.map((word, index) => [word, index]));
  return {
    shape: `choice(${words.join('|')})`,
    read(value, path, part = '') {
      const word = typeof value === 'number' ? words[value] : undefined;
      if (word === undefined) throw invalid(path + part, `is none of ${words.join(', ')}`);
      return word;
    },
    take: (from) => words[from.uint()] ?? from.refuse(),
    write(value, to, name) {
      const position = positions.get(value);
      if (position === undefined) {
        throw unwritable(name, `is ${value}, none of ${words.join(', ')}`);
      }
      to.uint(position);
    },
  };
}

/**
 * One of these words, or one that a later version has added at their end: that one is read as
 * `unknown`, and cannot be written.
 */
export function openChoice<const W extends string>(words: readonly W[]): Schema<W | 'unknown'> {
  const closed = choice(words);
  return {
    shape: closed.shape.replace('choice', 'openChoice'),
    read(value, path, part = '') {
      const isLater = Number.isSafeInteger(value) && Number(value) >= words.length;
      return isLater ? 'unknown' : closed.read(value, path, part);
    },
    take: (from) => words[from.uint()] ?? 'unknown',
    write(value, to, name) {
      if (value === 'unknown') throw unwritable(name, 'is of a later version');
      closed.write(value, to, name);
    },
  };
}

/** At most `lengthMax` items of one kind. */
export function list<T>(item: Schema<T>, lengthMax: number): Schema<readonly T[]> {
  return {
    shape: `list(${item.shape},${lengthMax})`,
    read(value, path, part = '') {
      if (!Array.isArray(value)) throw invalid(path + part, 'is not a list');
      if (value.length > lengthMax) throw invalid(path + part, `has more than ${lengthMax} items`);
      try {
        return value.map((each) => item.read(each, path, part));
      } catch {
        // Which one it is, is put in words only then: that takes longer than to read it.
        return value.map((each, index) => item.read(each, `${path}${part}[${index}]`));
      }
    },
    take(from) {
      const count = from.array();
      if (count > lengthMax) from.refuse();
      const items: T[] = [];
      for (let index = 0; index < count; index += 1) items.push(item.take(from));
      return items;
    },
    write(value, to, name) {
      const { length } = value;
      if (length > lengthMax) throw unwritable(name, `has ${length} items of ${lengthMax}`);
      to.array(length);
      for (const each of value) item.write(each, to, name);
    },
  };
}

/** A byte string where that is all there is to say, else a record. */
export function orBytes<T>(plain: Schema<Uint8Array>, more: Schema<T>): Schema<Uint8Array | T> {
  return {
    shape: `orBytes(${plain.shape},${more.shape})`,
    read: (value, path) =>
      value instanceof Uint8Array ? plain.read(value, path) : more.read(value, path),
    take: (from) => (from.isBytes() ? plain.take(from) : more.take(from)),
    write: (value, to, name) =>
      value instanceof Uint8Array ? plain.write(value, to, name) : more.write(value, to, name),
  };
}

/** Exactly three items, one a lane. */
export function perLane<T>(item: Schema<T>): Schema<readonly [T, T, T]> {
  const items = list(item, 3);
  return {
    shape: `perLane(${item.shape})`,
    read(value, path, part = '') {
      const [urgent, normal, bulk] = items.read(value, path, part);
      if (urgent === undefined || normal === undefined || bulk === undefined) {
        throw invalid(path + part, 'does not have one item a lane');
      }
      return [urgent, normal, bulk];
    },
    take(from) {
      if (from.array() !== 3) from.refuse();
      return [item.take(from), item.take(from), item.take(from)];
    },
    write: (value, to, name) => items.write(value, to, name),
  };
}

type Fields = Readonly<Record<string, Schema<unknown>>>;
type Row<F extends Fields> = { readonly [K in keyof F]: Infer<F[K]> };

/** A positional array, one item a field, in the order of `fields`. */
export function record<F extends Fields>(fields: F): RecordSchema<Row<F>> {
  const parts = Object.entries(fields).map(([name, field]) => ({ name, field, part: `.${name}` }));
  const readInto = <K extends object>(target: K, value: unknown, path: string): K & Row<F> => {
    if (!Array.isArray(value)) throw invalid(path, 'is not an array');
    const row: Record<string, unknown> = target as Record<string, unknown>;
    for (let index = 0; index < parts.length; index += 1) {
      const { name, field, part } = parts[index]!; // Below its length.
      row[name] = field.read(value[index], path, part);
    }
    return row as K & Row<F>;
  };
  const takeInto = <K extends object>(target: K, from: Source): K & Row<F> => {
    const row: Record<string, unknown> = target as Record<string, unknown>;
    for (let index = 0; index < parts.length; index += 1) {
      const { name, field } = parts[index]!; // Below its length.
      row[name] = field.take(from);
    }
    return row as K & Row<F>;
  };
  const writeItems = (value: Row<F>, to: Sink): void => {
    const row: Readonly<Record<string, unknown>> = value;
    for (const { name, field } of parts) field.write(row[name], to, name);
  };
  return {
    count: parts.length,
    names: Object.keys(fields),
    shape: `[${parts.map(({ name, field }) => `${name}:${field.shape}`).join(',')}]`,
    readInto,
    takeInto,
    read: (value, path, part = '') => readInto({}, value, path + part),
    // A row of another version is longer.
    take: (from) => (from.array() === parts.length ? takeInto({}, from) : from.refuse()),
    writeItems,
    write(value, to) {
      to.array(parts.length);
      writeItems(value, to);
    },
  };
}
