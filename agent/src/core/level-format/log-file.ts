import { concat } from '@holdfast/protocol';
import { CRC_START, crcStored, crcUpdate } from './crc32c.ts';

/**
 * LevelDB's log format, which its MANIFEST has too: blocks of 32 KiB, filled with fragments of
 * records. A fragment has a masked CRC-32C (4 bytes), a length (2) and a type (1) before it.
 */
const BLOCK = 32 * 1024;
const HEADER = 7;
const FULL = 1;
const FIRST = 2;
const LAST = 4; // 3 is what lies between.

export interface LogFile {
  /** Whole records, in order. */
  readonly records: readonly LogRecord[];
  /** Where the good bytes end that come before the first bad ones; the size if none are bad. */
  readonly goodBytes: number;
  /**
   * Bytes that are no whole record: what a write leaves that a power cut has struck. 0: the file
   * ends with a record.
   */
  readonly tornBytes: number;
  /** A whole record follows bytes that are none: no cut leaves that. */
  readonly isBroken: boolean;
}

export interface LogRecord {
  /** Offset behind it in the file. */
  readonly end: number;
  readonly bytes: Uint8Array;
}

interface Fragment {
  readonly type: number;
  readonly data: Uint8Array;
  readonly end: number;
}

export function readLogFile(file: Uint8Array): LogFile {
  const records: LogRecord[] = [];
  let parts: Uint8Array[] | undefined;
  let goodBytes = 0;
  let isTorn = false;
  let isBroken = false;
  for (const fragment of fragments(file)) {
    const { type, data, end } = fragment;
    const isStart = type === FULL || type === FIRST;
    // A beginning within a record, or a middle without its beginning, is out of place.
    if (type === 0 || isStart === (parts !== undefined)) isTorn = true;
    if (type === 0 || (!isStart && parts === undefined)) {
      parts = undefined;
      continue;
    }
    parts = isStart ? [data] : [...(parts ?? []), data];
    if (type !== FULL && type !== LAST) continue;
    records.push({ end, bytes: parts.length === 1 ? data : concat(parts) });
    parts = undefined;
    if (isTorn) isBroken = true;
    else goodBytes = end;
  }
  const tornBytes = isTorn || parts !== undefined ? trimmedLength(file, goodBytes) - goodBytes : 0;
  return { records, goodBytes, tornBytes: Math.max(0, tornBytes), isBroken };
}

/** Every fragment with a right checksum; type 0 for a place that has none. */
function* fragments(file: Uint8Array): Generator<Fragment, void> {
  const bad = { type: 0, data: file.subarray(0, 0), end: 0 };
  for (let block = 0; block < file.byteLength; block += BLOCK) {
    const blockEnd = Math.min(block + BLOCK, file.byteLength);
    let at = block;
    while (at + HEADER <= blockEnd) {
      const fragment = fragmentAt(file, at, blockEnd);
      if (fragment === undefined) {
        // Zeros are what a file system shows of bytes that were never written.
        const isNothing = isZero(file, at, blockEnd);
        if (!isNothing || blockEnd === block + BLOCK) yield bad;
        const next = isNothing ? undefined : recordBehind(file, at, blockEnd);
        if (next === undefined) break;
        yield next;
        at = next.end;
        continue;
      }
      yield fragment;
      at = fragment.end;
    }
    if (blockEnd < block + BLOCK && at < blockEnd && at + HEADER > blockEnd) yield bad;
  }
}

function fragmentAt(file: Uint8Array, at: number, blockEnd: number): Fragment | undefined {
  const view = new DataView(file.buffer, file.byteOffset + at, HEADER);
  const type = view.getUint8(6);
  const end = at + HEADER + view.getUint16(4, true);
  if (type < FULL || type > LAST || end > blockEnd) return undefined;
  const crc = crcStored(crcUpdate(CRC_START, file, at + HEADER - 1, end));
  if (crc !== view.getUint32(0, true)) return undefined;
  return { type, data: file.subarray(at + HEADER, end), end };
}

/**
 * The next whole record in a block behind bytes that are none, whose length may be wrong, too.
 * There is one where a record was damaged that was durable; a cut strikes the last.
 */
function recordBehind(file: Uint8Array, badAt: number, blockEnd: number): Fragment | undefined {
  for (let at = badAt + 1; at + HEADER <= blockEnd; at += 1) {
    const fragment = file[at + HEADER - 1] === FULL ? fragmentAt(file, at, blockEnd) : undefined;
    if (fragment !== undefined) return fragment;
  }
  return undefined;
}

function isZero(file: Uint8Array, from: number, to: number): boolean {
  for (let at = from; at < to; at += 1) if (file[at] !== 0) return false;
  return true;
}

/** Length without the zeros at the end. */
function trimmedLength(file: Uint8Array, from: number): number {
  let end = file.byteLength;
  while (end > from && file[end - 1] === 0) end -= 1;
  return end;
}
