import { laneIndex, lanes, type StoreOp } from '@holdfast/protocol';
import type { Place } from './contents.ts';
import { historyKey } from './keys.ts';
import { getVarint, putVarint, varintBytes } from './varint.ts';

/** Stands for an entry that is lost. */
export const LOST: Place = Object.freeze({ lane: 'normal', seq: 0 });

/** So a row stays small, however long the history is. */
const PLACES_MAX = 4_096;
/** Of the bits of a place, what tells the lane; no lane has the last one. */
const KINDS = 4;
const KIND_LOST = 3;

/** The rows of consecutive places of a history. */
export function packRows(run: number, nFirst: number, places: readonly Place[]): StoreOp[] {
  const count = Math.ceil(places.length / PLACES_MAX);
  return Array.from({ length: count }, (_, index): StoreOp => {
    const at = index * PLACES_MAX;
    const value = encodePack(places.slice(at, at + PLACES_MAX));
    return { kind: 'put', key: historyKey(run, nFirst + at), value };
  });
}

/**
 * Places as numbers: how far the seq is from that of the place before in its lane, folded so that
 * both directions are short, times four, plus the lane; 3 for an entry that is lost.
 */
export function encodePack(places: readonly Place[]): Uint8Array {
  const before = [0, 0, 0];
  const numbers = places.map(({ lane, seq }) => {
    if (seq === 0) return KIND_LOST;
    const index = laneIndex(lane);
    const step = seq - (before[index] ?? 0);
    before[index] = seq;
    return (step < 0 ? -2 * step - 1 : 2 * step) * KINDS + index;
  });
  const value = new Uint8Array(numbers.reduce((sum, number) => sum + varintBytes(number), 0));
  let at = 0;
  for (const number of numbers) at = putVarint(value, at, number);
  return value;
}

/** What cannot be read is an entry that is lost, and the last one. */
export function decodePack(value: Uint8Array): Place[] {
  const before = [0, 0, 0];
  const places: Place[] = [];
  for (let at = 0; at < value.length;) {
    const number = getVarint(value, at);
    at += varintBytes(number);
    if (number === KIND_LOST) {
      places.push(LOST);
      continue;
    }
    const index = number % KINDS;
    const lane = lanes[index];
    const folded = Math.floor(number / KINDS);
    const step = folded % 2 === 0 ? folded / 2 : -(folded + 1) / 2;
    const seq = (before[index] ?? 0) + step;
    if (lane === undefined || seq < 1) return [...places, LOST];
    before[index] = seq;
    places.push({ lane, seq });
  }
  return places;
}
