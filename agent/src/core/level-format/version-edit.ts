import { Cursor } from './cursor.ts';

/** A table that a MANIFEST counts in. */
export interface LiveTable {
  readonly number: number;
  readonly bytes: number;
  /** Keys of the first and the last row. */
  readonly first: Uint8Array;
  readonly last: Uint8Array;
}

/** What a MANIFEST says once all of it is read. `undefined`: it does not say. */
export interface Version {
  readonly comparator: string | undefined;
  readonly logNumber: number | undefined;
  readonly previousLogNumber: number;
  readonly nextFile: number | undefined;
  readonly lastSequence: number | undefined;
  readonly tables: readonly LiveTable[];
}

const COMPARATOR = 1;
const LOG_NUMBER = 2;
const NEXT_FILE = 3;
const LAST_SEQUENCE = 4;
const COMPACT_POINTER = 5;
const DELETED_FILE = 6;
const NEW_FILE = 7;
const PREVIOUS_LOG_NUMBER = 9;
/** Sequence and type, behind every key. */
const KEY_TAIL = 8;

/** Adds up the records of a MANIFEST. Throws `RangeError` for one that is none. */
export function readVersion(records: readonly Uint8Array[]): Version {
  const tables = new Map<number, LiveTable>();
  const numbers = new Map<number, number>();
  let comparator: string | undefined;
  for (const record of records) {
    const cursor = new Cursor(record);
    while (!cursor.isAtEnd) {
      const tag = cursor.varint();
      if (tag === COMPARATOR) comparator = latin1(cursor.string());
      else if (tag === NEW_FILE) {
        const table = newFile(cursor);
        tables.set(table.number, table);
      } else if (tag === DELETED_FILE) {
        cursor.varint();
        tables.delete(cursor.varint());
      } else if (tag === COMPACT_POINTER) {
        cursor.varint();
        cursor.string();
      } else if (numberTags.has(tag)) numbers.set(tag, cursor.varint());
      else throw new RangeError(`the MANIFEST has a field ${tag}`);
    }
  }
  return {
    comparator,
    logNumber: numbers.get(LOG_NUMBER),
    previousLogNumber: numbers.get(PREVIOUS_LOG_NUMBER) ?? 0,
    nextFile: numbers.get(NEXT_FILE),
    lastSequence: numbers.get(LAST_SEQUENCE),
    tables: [...tables.values()],
  };
}

const numberTags = new Set([LOG_NUMBER, NEXT_FILE, LAST_SEQUENCE, PREVIOUS_LOG_NUMBER]);

function newFile(cursor: Cursor): LiveTable {
  cursor.varint(); // The level.
  const number = cursor.varint();
  const bytes = cursor.varint();
  return { number, bytes, first: userKey(cursor.string()), last: userKey(cursor.string()) };
}

function userKey(key: Uint8Array): Uint8Array {
  if (key.byteLength < KEY_TAIL) throw new RangeError('a key is too short');
  return key.subarray(0, key.byteLength - KEY_TAIL);
}

function latin1(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}
