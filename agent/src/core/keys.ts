import { laneIndex, lanes, type Lane } from '@holdfast/protocol';
import { Slab } from './slab.ts';

/**
 * Keys of the store. All numbers are big-endian, so that keys sort as they count.
 *
 *   'e' lane[1] seq[6]      → the row of `entry-row.ts`             an entry of the journal
 *   'a' lane[1]             → watermark[6] hash[32]                 what the ledger has
 *   'x' lane[1] seqFirst[6] → hole                                  entries that are gone
 *   'x' lane[1]             → entries[6] bytes[6]                   sums of a lane's holes
 *   'h' run[6] n[4]         → places                                the history of a run
 *   'o' run[6]              → run record                            a run that has not ended
 *   'f' run[6]              → run record                            a run that has
 *   'i' id                  → run[6]                                the number of a run
 *   't' run[6] op[4]        → boot[6] dueMs[6]                      a timer
 *   'l' place[6]            → run[6]                                a run of several histories
 *   'k' boot[6]             → boot row                              a boot of the machine
 *   's' id                  → schedule record                       a schedule
 *   'p' lane[1] seq[6]      → content row                           what an entry keeps here
 *   'b' lane[1] seq[6]      → content row                           what goes beside an entry
 *   'c' name                → encoded value                         what the gateway has set
 *   'd' lane[1] seq[6]      → hole                                  an entry that no peer takes
 *   'm' name                → depends                               what there is one of
 *
 * `bytesThrough` sums the bytes of the lane's entries up to this one: the size of a backlog is a
 * difference of two. `run` is a number of seven bits a byte: 0, or in whose history the entry is. A
 * row of `h` has the places of many entries, the first of which is the nth of its history.
 */
const tables = {
  ...{ e: 0x65, a: 0x61, h: 0x68, o: 0x6f, f: 0x66, i: 0x69, l: 0x6c, t: 0x74, s: 0x73 },
  ...{ m: 0x6d, p: 0x70, b: 0x62, x: 0x78, k: 0x6b, c: 0x63, d: 0x64 },
} as const;

export const NUMBER_BYTES = 6;

/** Keys, and values that are but a place, are needed until the store has seen them. */
export const keyMemory = new Slab();

/** Widths of numbers, in bytes. */
type Width = 4 | 6;
const LOW_BYTES = 4;
const LOW_RANGE = 2 ** 32;

// Both take the low four bytes as one 32-bit integer: a start reads a number or two of every row,
// and arithmetic beyond 32 bits would leave garbage for each byte.

export function putNumber(target: Uint8Array, at: number, value: number, width: Width = 6): void {
  const middle = at + width - LOW_BYTES;
  let low = value >>> 0;
  for (let index = at + width - 1; index >= middle; index -= 1, low >>>= 8) target[index] = low;
  let high = Math.floor(value / LOW_RANGE);
  for (let index = middle - 1; index >= at; index -= 1, high >>>= 8) target[index] = high;
}

export function getNumber(source: Uint8Array, at: number, width: Width = 6): number {
  const middle = at + width - LOW_BYTES;
  let high = 0;
  for (let index = at; index < middle; index += 1) high = (high << 8) | (source[index] ?? 0);
  let low = 0;
  for (let index = middle; index < at + width; index += 1) low = (low << 8) | (source[index] ?? 0);
  return high * LOW_RANGE + (low >>> 0);
}

export function numberValue(value: number): Uint8Array {
  const bytes = new Uint8Array(NUMBER_BYTES);
  putNumber(bytes, 0, value);
  return bytes;
}

function placeKey(table: number, lane: Lane, seq: number): Uint8Array {
  const key = keyMemory.take(8);
  key[0] = table;
  key[1] = laneIndex(lane);
  putNumber(key, 2, seq);
  return key;
}

export const entryKey = (lane: Lane, seq: number): Uint8Array => placeKey(tables.e, lane, seq);
export const keptKey = (lane: Lane, seq: number): Uint8Array => placeKey(tables.p, lane, seq);
export const deadKey = (lane: Lane, seq: number): Uint8Array => placeKey(tables.d, lane, seq);
export const carriedKey = (lane: Lane, seq: number): Uint8Array => placeKey(tables.b, lane, seq);

/** The place in a key of an entry or of a content. */
export function placeOfKey(key: Uint8Array): { readonly lane: Lane; readonly seq: number } {
  return { lane: lanes[key[1] ?? 0] ?? 'normal', seq: seqOfEntryKey(key) };
}

export function seqOfEntryKey(key: Uint8Array): number {
  return getNumber(key, 2);
}

export function ackKey(lane: Lane): Uint8Array {
  return Uint8Array.of(tables.a, laneIndex(lane));
}

export function holeKey(lane: Lane, seqFirst: number): Uint8Array {
  const key = entryKey(lane, seqFirst);
  key[0] = tables.x;
  return key;
}

/** The row of what the holes of a lane add up to. Sorts before all of them. */
export const holeSumsKey = (lane: Lane): Uint8Array => Uint8Array.of(tables.x, laneIndex(lane));

/** Holes of a lane that begin at `seqFirst` or behind it. */
export function holeRange(lane: Lane, seqFirst = 0): { from: Uint8Array; to: Uint8Array } {
  return { from: holeKey(lane, seqFirst), to: Uint8Array.of(tables.x, laneIndex(lane) + 1) };
}

function runTableKey(table: number, run: number, tail = 0): Uint8Array {
  const key = keyMemory.take(7 + tail);
  key[0] = table;
  putNumber(key, 1, run);
  return key;
}

export const openRunKey = (run: number): Uint8Array => runTableKey(tables.o, run);
export const finalRunKey = (run: number): Uint8Array => runTableKey(tables.f, run);
/** Where a run that went on in new histories stands in lists: at the number of its first one. */
export const listPlaceKey = (place: number): Uint8Array => runTableKey(tables.l, place);
export const runOfKey = (key: Uint8Array): number => getNumber(key, 1);

export function historyKey(run: number, n: number): Uint8Array {
  const key = runTableKey(tables.h, run, 4);
  putNumber(key, 7, n, 4);
  return key;
}

export const nOfHistoryKey = (key: Uint8Array): number => getNumber(key, 7, 4);

export function timerKey(run: number, op: number): Uint8Array {
  const key = runTableKey(tables.t, run, 4);
  putNumber(key, 7, op, 4);
  return key;
}

export const opOfTimerKey = (key: Uint8Array): number => getNumber(key, 7, 4);

export const bootKey = (boot: number): Uint8Array => runTableKey(tables.k, boot);
export const bootOfKey = (key: Uint8Array): number => getNumber(key, 1);

const encodeUtf8 = (text: string): number[] =>
  // Core has no TextEncoder; ids are well-formed text, as `checkName` made sure.
  Array.from(text).flatMap((char) => {
    const code = char.codePointAt(0) ?? 0;
    if (code < 0x80) return [code];
    if (code < 0x800) return [0xc0 | (code >> 6), 0x80 | (code & 63)];
    if (code < 0x10000) return [0xe0 | (code >> 12), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63)];
    const [a, b, c] = [(code >> 12) & 63, (code >> 6) & 63, code & 63];
    return [0xf0 | (code >> 18), 0x80 | a, 0x80 | b, 0x80 | c];
  });

export function runIdKey(id: string): Uint8Array {
  return Uint8Array.from([tables.i, ...encodeUtf8(id)]);
}

export function scheduleKey(id: string): Uint8Array {
  return Uint8Array.from([tables.s, ...encodeUtf8(id)]);
}

export function configKey(name: string): Uint8Array {
  return Uint8Array.from([tables.c, ...encodeUtf8(name)]);
}

/** Core has no TextDecoder; the name is well-formed, as the key was made of it. */
export function nameOfConfigKey(key: Uint8Array): string {
  const escaped = Array.from(key.subarray(1), (byte) => `%${byte.toString(16).padStart(2, '0')}`);
  return decodeURIComponent(escaped.join(''));
}

export function metaKey(name: string): Uint8Array {
  return Uint8Array.from([tables.m, ...encodeUtf8(name)]);
}

/** The table that a key is of; `undefined`: none of ours. */
export function tableOfKey(key: Uint8Array): keyof typeof tables | undefined {
  const names = Object.keys(tables) as (keyof typeof tables)[];
  return names.find((name) => tables[name] === key[0]);
}

/** The range of one table, for scans. */
export function tableRange(table: keyof typeof tables): { from: Uint8Array; to: Uint8Array } {
  return { from: Uint8Array.of(tables[table]), to: Uint8Array.of(tables[table] + 1) };
}

/** Rows of a table that is keyed by numbers, from `first` on and below `below`. */
export function numbersRange(
  table: 'o' | 'f' | 'l',
  first: number,
  below: number,
): { from: Uint8Array; to: Uint8Array } {
  return { from: runTableKey(tables[table], first), to: runTableKey(tables[table], below) };
}

export function laneRange(lane: Lane, seqFirst = 0): { from: Uint8Array; to: Uint8Array } {
  return { from: entryKey(lane, seqFirst), to: Uint8Array.of(tables.e, laneIndex(lane) + 1) };
}

export function historyRange(run: number): { from: Uint8Array; to: Uint8Array } {
  return { from: historyKey(run, 0), to: runTableKey(tables.h, run + 1) };
}

export function timersOfRun(run: number): { from: Uint8Array; to: Uint8Array } {
  return { from: timerKey(run, 0), to: runTableKey(tables.t, run + 1) };
}
