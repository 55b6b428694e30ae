import { Cursor } from './cursor.ts';

/** A change of a key, as a log or a table holds it. */
export interface LevelRow {
  readonly key: Uint8Array;
  /** `undefined`: deleted. */
  readonly value: Uint8Array | undefined;
  /** Of two rows with one key the higher counts. */
  readonly sequence: number;
}

const BATCH_HEADER = 12;
const PUT = 1;

/** The sequences of a record of a log: first, and first of the next record. */
export function batchSpan(record: Uint8Array): { readonly first: number; readonly next: number } {
  const cursor = new Cursor(record);
  const first = cursor.fixed(7);
  cursor.byte(); // Sequences have 7 bytes in tables; the eighth is 0 here.
  return { first, next: first + cursor.fixed(4) };
}

/** The rows of a record of a log. Throws `RangeError` for bytes that are none. */
export function batchRows(record: Uint8Array): LevelRow[] {
  const { first, next } = batchSpan(record);
  const cursor = new Cursor(record, BATCH_HEADER);
  const rows: LevelRow[] = [];
  for (let sequence = first; sequence < next; sequence += 1) {
    const isPut = cursor.byte() === PUT;
    const key = cursor.string();
    rows.push({ key, value: isPut ? cursor.string() : undefined, sequence });
  }
  return rows;
}
