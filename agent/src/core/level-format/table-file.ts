import { CRC_START, crcStored, crcUpdate } from './crc32c.ts';
import { Cursor } from './cursor.ts';
import { unsnap } from './snappy.ts';
import type { LevelRow } from './write-batch.ts';

/**
 * LevelDB's tables: blocks of rows, then an index block that says where they are, then a footer of
 * 48 bytes that says where the index is. Each block has a type and a masked CRC-32C behind it.
 * LevelDB itself does not look at that when it reads; this does.
 */
const FOOTER = 48;
const TRAILER = 5;
const MAGIC_LOW = 0x8b80fb57;
const MAGIC_HIGH = 0xdb477524;
const KEY_TAIL = 8;

export interface TableFile {
  readonly rows: readonly LevelRow[];
  /** Blocks that cannot be read; each had some rows. */
  readonly badBlocks: number;
}

interface Handle {
  readonly offset: number;
  readonly bytes: number;
}

/** Whether the last bytes of a table say that it is one. */
export function hasTableFooter(tail: Uint8Array): boolean {
  if (tail.byteLength < FOOTER) return false;
  const view = new DataView(tail.buffer, tail.byteOffset + tail.byteLength - 8, 8);
  return view.getUint32(0, true) === MAGIC_LOW && view.getUint32(4, true) === MAGIC_HIGH;
}

/** Whether every block of a table is as it was written. */
export function isTableIntact(file: Uint8Array): boolean {
  const index = indexOf(file);
  if (index === undefined) return false;
  const check = (): boolean => {
    const footer = new Cursor(file, file.byteLength - FOOTER);
    const blocks = [...index.map(({ value }) => new Cursor(value)), footer];
    return blocks.every((cursor) => isBlockIntact(file, handleOf(cursor)));
  };
  return attempt(check) ?? false;
}

/** Every row of a table that is as it was written. */
export function readTable(file: Uint8Array): TableFile {
  const index = indexOf(file);
  if (index === undefined) return walkBlocks(file);
  const rows: LevelRow[] = [];
  let badBlocks = 0;
  for (const { value } of index) {
    const found = attempt(() => blockRows(blockAt(file, handleOf(new Cursor(value)))));
    if (found === undefined) badBlocks += 1;
    else rows.push(...found.map(levelRow));
  }
  return { rows, badBlocks };
}

/**
 * The newest row of a table with this key.
 *
 * @throws RangeError for a table that cannot be read there.
 */
export function findInTable(file: Uint8Array, key: Uint8Array): LevelRow | undefined {
  const index = indexOf(file);
  if (index === undefined) throw new RangeError('the index of a table cannot be read');
  for (const { key: last, value } of index) {
    if (compare(last.subarray(0, Math.max(0, last.byteLength - KEY_TAIL)), key) < 0) continue;
    const rows = blockRows(blockAt(file, handleOf(new Cursor(value)))).map(levelRow);
    const found = rows.find((row) => compare(row.key, key) === 0);
    if (found !== undefined || rows.some((row) => compare(row.key, key) > 0)) return found;
  }
  return undefined;
}

/** Bytes as LevelDB orders them. */
export function compare(a: Uint8Array, b: Uint8Array): number {
  const common = Math.min(a.byteLength, b.byteLength);
  for (let at = 0; at < common; at += 1) {
    const difference = (a[at] ?? 0) - (b[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return a.byteLength - b.byteLength;
}

interface BlockRow {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

function indexOf(file: Uint8Array): readonly BlockRow[] | undefined {
  if (!hasTableFooter(file)) return undefined;
  return attempt(() => {
    const footer = new Cursor(file, file.byteLength - FOOTER);
    handleOf(footer); // Of the filter's block.
    return blockRows(blockAt(file, handleOf(footer)));
  });
}

function handleOf(cursor: Cursor): Handle {
  return { offset: cursor.varint(), bytes: cursor.varint() };
}

function blockAt(file: Uint8Array, handle: Handle): Uint8Array {
  if (!isBlockIntact(file, handle)) throw new RangeError('a block of a table has changed');
  const end = handle.offset + handle.bytes;
  return plainBlock(file.subarray(handle.offset, end), file[end] ?? 0);
}

function isBlockIntact(file: Uint8Array, { offset, bytes }: Handle): boolean {
  const end = offset + bytes;
  if (end + TRAILER > file.byteLength) return false;
  return crcStored(crcUpdate(CRC_START, file, offset, end + 1)) === storedCrc(file, end);
}

function storedCrc(file: Uint8Array, end: number): number {
  return new DataView(file.buffer, file.byteOffset + end + 1, 4).getUint32(0, true);
}

function plainBlock(packed: Uint8Array, type: number): Uint8Array {
  if (type > 1) throw new RangeError('a block is packed in an unknown way');
  return type === 0 ? packed : unsnap(packed);
}

function blockRows(block: Uint8Array): BlockRow[] {
  const view = new DataView(block.buffer, block.byteOffset, block.byteLength);
  const end = block.byteLength - 4 - 4 * view.getUint32(block.byteLength - 4, true);
  const cursor = new Cursor(block.subarray(0, Math.max(0, end)));
  const rows: BlockRow[] = [];
  let key: Uint8Array = new Uint8Array(0);
  while (!cursor.isAtEnd) {
    const [shared, unshared, length] = [cursor.varint(), cursor.varint(), cursor.varint()];
    const next = new Uint8Array(shared + unshared);
    next.set(key.subarray(0, shared));
    next.set(cursor.take(unshared), shared);
    key = next;
    rows.push({ key, value: cursor.take(length) });
  }
  return rows;
}

function levelRow({ key, value }: BlockRow): LevelRow {
  const tail = new Cursor(key, key.byteLength - KEY_TAIL);
  const isPut = tail.byte() === 1;
  const sequence = tail.fixed(7);
  return {
    key: key.subarray(0, key.byteLength - KEY_TAIL),
    value: isPut ? value : undefined,
    sequence,
  };
}

/**
 * Finds the blocks of a table whose index is gone: they lie one behind the other from the start,
 * and each ends where its checksum does.
 */
function walkBlocks(file: Uint8Array): TableFile {
  const rows: LevelRow[] = [];
  for (let start = 0; ;) {
    const end = endOfBlock(file, start);
    const found =
      end === undefined
        ? undefined
        : attempt(() => blockRows(plainBlock(file.subarray(start, end), file[end] ?? 0)));
    // Behind the rows comes the filter, which is none.
    if (end === undefined || found === undefined) return { rows, badBlocks: 1 };
    rows.push(...found.filter(({ key }) => key.byteLength > KEY_TAIL).map(levelRow));
    start = end + TRAILER;
  }
}

function endOfBlock(file: Uint8Array, start: number): number | undefined {
  let crc = CRC_START;
  for (let end = start; end + TRAILER <= file.byteLength; end += 1) {
    const withType = crcUpdate(crc, file, end, end + 1);
    const isEnd = (file[end] ?? 2) < 2 && crcStored(withType) === storedCrc(file, end);
    if (isEnd && end > start) return end;
    crc = withType;
  }
  return undefined;
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
