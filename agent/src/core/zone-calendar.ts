import type { Calendar } from './slots.ts';

/** What a calendar of a timezone is made of. Local times are counted as if they were UTC. */
export interface ZoneParts {
  /** The first slot after a local time, both in ms; knows nothing of clocks that are changed. */
  readonly nextLocal: (afterLocalMs: number) => number;
  /** Local time minus UTC at a moment, in ms. */
  readonly offsetAt: (atMs: number) => number;
  /** The expression names no hour: it means every so many minutes, not a time of the day. */
  readonly isHourly: boolean;
}

const DAY_MS = 86_400_000;

/**
 * Slots of a timezone whose clocks are changed twice a year:
 *
 *   names no hour   every 20 minutes: goes by elapsed time. The hour that comes twice has all of
 *                   its slots twice, the one that is left out has none.
 *   names hours     at 2:30: once a day. At the first of two 2:30, and when there is none, at the
 *                   moment at which the clocks are put forward.
 */
export function zoneCalendar(parts: ZoneParts): Calendar {
  const next = parts.isHourly ? nextElapsed : nextTold;
  return { nextAfter: (afterMs) => next(parts, afterMs) };
}

function nextElapsed({ nextLocal, offsetAt }: ZoneParts, afterMs: number): number {
  const offset = offsetAt(afterMs);
  const slotMs = nextLocal(afterMs + offset) - offset;
  if (offsetAt(slotMs) === offset) return slotMs;
  const changeMs = changeBetween(offsetAt, afterMs, slotMs);
  const later = offsetAt(changeMs);
  return nextLocal(changeMs + later - 1) - later;
}

function nextTold({ nextLocal, offsetAt }: ZoneParts, afterMs: number): number {
  // A later local time is never an earlier moment, so the first one that comes after is the next.
  let localMs = afterMs + offsetAt(afterMs);
  for (;;) {
    localMs = nextLocal(localMs);
    const slotMs = momentOf(offsetAt, localMs);
    if (slotMs > afterMs) return slotMs;
  }
}

/** The first moment at which clocks show this, or at which they are put forward beyond it. */
function momentOf(offsetAt: ZoneParts['offsetAt'], localMs: number): number {
  const before = offsetAt(localMs - DAY_MS);
  const after = offsetAt(localMs + DAY_MS);
  if (offsetAt(localMs - before) === before) return localMs - before;
  if (offsetAt(localMs - after) === after) return localMs - after;
  return changeBetween(offsetAt, localMs - DAY_MS, localMs + DAY_MS);
}

/** The first moment of the new offset, between a moment of the old one and one of the new. */
function changeBetween(offsetAt: ZoneParts['offsetAt'], oldMs: number, newMs: number): number {
  const offset = offsetAt(oldMs);
  let [before, behind] = [oldMs, newMs];
  while (behind - before > 1) {
    const middle = Math.floor((before + behind) / 2);
    if (offsetAt(middle) === offset) before = middle;
    else behind = middle;
  }
  return behind;
}
