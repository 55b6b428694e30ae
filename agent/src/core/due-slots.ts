import type { Coverage } from './coverage.ts';
import type { Calendar } from './slots.ts';

/** What becomes of slots that nobody was there for. */
export const missedPolicies = ['skip', 'latest', 'all'] as const;
export type MissedPolicy = (typeof missedPolicies)[number];

/** A slot that is later than this was missed. */
const ON_TIME_MS = 60_000;
/** With `all`: more missed slots than that are too many; the newest have their turn. */
export const MISSED_MAX = 256;
/** Slots that were passed over are counted one by one up to here, and estimated beyond. */
const COUNTED_MAX = 1_000;

/** Slots that are passed over. */
export interface SkippedSlots {
  readonly count: number;
  readonly firstAtMs: number;
  readonly lastAtMs: number;
}

export interface DueSlots {
  /** Those that have their turn, oldest first. */
  readonly fire: readonly number[];
  /** Those before them that have none. */
  readonly skipped: SkippedSlots | undefined;
}

export interface DueQuery {
  readonly calendar: Calendar;
  /** Slots in it have had their turn. */
  readonly coverage: Coverage;
  /** Slots through it have had their turn, or were passed over. */
  readonly afterMs: number;
  readonly throughMs: number;
  readonly missed: MissedPolicy;
  /** Older slots are passed over. */
  readonly maxAgeMs: number;
}

/** Sorts out the slots that have come since the last look. */
export function dueSlots(query: DueQuery): DueSlots {
  const { afterMs, throughMs, missed, maxAgeMs } = query;
  const first = nextUntaken(query, afterMs);
  if (first > throughMs) return { fire: [], skipped: undefined };
  const ageMsMax = missed === 'skip' ? Math.min(maxAgeMs, ON_TIME_MS) : maxAgeMs;
  const due = missed === 'all' ? newest(query, first) : [latestUntaken(query, first, throughMs)];
  const fire = due.filter((slotAtMs) => throughMs - slotAtMs <= ageMsMax);
  const beyond = (fire[0] ?? throughMs + 1) - 1;
  return { fire, skipped: beyond < first ? undefined : slotsBetween(query, first, beyond) };
}

/** The first slot after that time that has not had its turn. */
export function nextUntaken(
  { calendar, coverage }: Pick<DueQuery, 'calendar' | 'coverage'>,
  afterMs: number,
): number {
  let slotAtMs = calendar.nextAfter(afterMs);
  for (let taken = coverage.find(slotAtMs); taken; taken = coverage.find(slotAtMs)) {
    slotAtMs = calendar.nextAfter(taken.toMs);
  }
  return slotAtMs;
}

function newest({ calendar, coverage, throughMs, maxAgeMs }: DueQuery, first: number): number[] {
  const fromMs = Math.max(first, throughMs - maxAgeMs) - 1;
  const slots = newestBetween(calendar, { fromMs, toMs: throughMs }, MISSED_MAX);
  return slots.filter((slotAtMs) => coverage.find(slotAtMs) === undefined);
}

interface Span {
  /** Exclusive. */
  readonly fromMs: number;
  readonly toMs: number;
}

/** The newest slots of a span, at most `max`. Halves it until one look at each part is enough. */
function newestBetween(calendar: Calendar, span: Span, max: number): number[] {
  const slots = walk(calendar, span, max + 1);
  if (slots.length <= max) return slots;
  const middleMs = Math.floor((span.fromMs + span.toMs) / 2);
  const later = newestBetween(calendar, { fromMs: middleMs, toMs: span.toMs }, max);
  if (later.length === max) return later;
  const rest = max - later.length;
  return [...newestBetween(calendar, { fromMs: span.fromMs, toMs: middleMs }, rest), ...later];
}

/** The first slots of a span, at most `max`. */
function walk(calendar: Calendar, { fromMs, toMs }: Span, max: number): number[] {
  const slots: number[] = [];
  let slotAtMs = calendar.nextAfter(fromMs);
  while (slotAtMs <= toMs && slots.length < max) {
    slots.push(slotAtMs);
    slotAtMs = calendar.nextAfter(slotAtMs);
  }
  return slots;
}

/** @param first A slot, the first that counts. */
function slotsBetween({ calendar }: DueQuery, first: number, throughMs: number): SkippedSlots {
  const slots = walk(calendar, { fromMs: first - 1, toMs: throughMs }, COUNTED_MAX);
  const lastAtMs = latestSlot(calendar, first, throughMs);
  const counted = slots.at(-1) ?? first;
  const perSlotMs = (counted - first) / Math.max(1, slots.length - 1);
  const uncounted = perSlotMs === 0 ? 0 : Math.round((lastAtMs - counted) / perSlotMs);
  return { count: slots.length + uncounted, firstAtMs: first, lastAtMs };
}

function latestUntaken({ calendar, coverage }: DueQuery, first: number, throughMs: number): number {
  let slotAtMs = latestSlot(calendar, first, throughMs);
  for (let taken = coverage.find(slotAtMs); taken; taken = coverage.find(slotAtMs)) {
    // Ends at `first` at the latest, which is in no past stretch.
    slotAtMs = latestSlot(calendar, first, taken.fromMs - 1);
  }
  return slotAtMs;
}

/**
 * The last slot from `slotAtMs`, itself one, through `throughMs`. Halves the stretch: a day of
 * seconds takes 17 looks at the calendar.
 */
function latestSlot(calendar: Calendar, slotAtMs: number, throughMs: number): number {
  let latestMs = slotAtMs;
  let beyondMs = throughMs;
  while (beyondMs - latestMs >= 1_000) {
    const middleMs = Math.ceil((latestMs + beyondMs) / 2);
    const nextMs = calendar.nextAfter(middleMs - 1);
    if (nextMs <= throughMs) latestMs = nextMs;
    else beyondMs = middleMs - 1;
  }
  return latestMs;
}
