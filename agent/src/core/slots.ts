import type { Clock, Log } from '@holdfast/protocol';
import { Coverage } from './coverage.ts';

/** When the slots of one cron expression are. */
export interface Calendar {
  /** The first slot after that time, both in ms since 1970; on a whole second. */
  nextAfter(afterMs: number): number;
}

/** Told of a slot by its wall time; earlier than now if the slot was passed over. */
export type OnSlot = (slotAtMs: number) => void;

/** A wall clock that was set is noticed within this time. */
const WATCH_MS = 10_000;
/** What wall and monotonic time may differ by between two looks without it being a jump. */
const DRIFT_MS_MAX = 2_000;

interface Schedule {
  readonly calendar: Calendar;
  readonly onSlot: OnSlot;
  readonly coverage: Coverage;
  nextAtMs: number;
}

/**
 * Waits for the slots of all schedules with one wake-up, however the wall clock moves:
 *
 *   set forward, host suspended, process blocked   the latest slot passed over fires, once
 *   set back                                       a slot that has fired does not fire again
 */
export class Slots {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #schedules = new Set<Schedule>();
  #seen = { wallMs: 0, monoMs: 0 };
  #cancelWake: (() => void) | undefined;

  constructor(clock: Clock, log: Log) {
    this.#clock = clock;
    this.#log = log;
  }

  /** Calls `onSlot` at each slot from now on. @returns Stops. */
  add(calendar: Calendar, onSlot: OnSlot): () => void {
    this.#lookAtClock();
    const { wallMs } = this.#seen;
    const nextAtMs = calendar.nextAfter(wallMs);
    const schedule = { calendar, onSlot, coverage: new Coverage(wallMs), nextAtMs };
    this.#schedules.add(schedule);
    this.#wake();
    return () => {
      this.#schedules.delete(schedule);
      this.#wake();
    };
  }

  #wake(): void {
    this.#cancelWake?.();
    this.#cancelWake = undefined;
    if (this.#schedules.size === 0) return;
    const nextAtMs = Math.min(...Array.from(this.#schedules, ({ nextAtMs: atMs }) => atMs));
    const delayMs = Math.min(WATCH_MS, Math.max(1, nextAtMs - this.#clock.nowMs()));
    this.#cancelWake = this.#clock.wakeIn(delayMs, () => this.#fireDue());
  }

  #fireDue(): void {
    this.#lookAtClock();
    const { wallMs } = this.#seen;
    const fired = [...this.#schedules]
      .filter((schedule) => schedule.nextAtMs <= wallMs)
      .map((schedule) => ({ schedule, slotAtMs: takeLatest(schedule, wallMs) }));
    this.#wake();
    for (const { schedule, slotAtMs } of fired) {
      // One that fired before may have stopped it.
      if (this.#schedules.has(schedule)) schedule.onSlot(slotAtMs);
    }
  }

  #lookAtClock(): void {
    const before = this.#seen;
    const now = { wallMs: this.#clock.nowMs(), monoMs: this.#clock.monoMs() };
    this.#seen = now;
    const byMs = now.wallMs - before.wallMs - (now.monoMs - before.monoMs);
    if (this.#schedules.size === 0 || Math.abs(byMs) <= DRIFT_MS_MAX) return;
    this.#log.info('the clock was set; schedules follow it', { byMs: Math.round(byMs) });
    for (const schedule of this.#schedules) {
      schedule.coverage.jump(before.wallMs, now.wallMs);
      if (now.wallMs < before.wallMs) schedule.nextAtMs = nextUntaken(schedule, now.wallMs);
    }
  }
}

/** Takes the latest slot through `nowMs` that was not taken before, and finds the next one. */
function takeLatest(schedule: Schedule, nowMs: number): number {
  const { calendar, coverage, nextAtMs } = schedule;
  let slotAtMs = latestSlot(calendar, nextAtMs, nowMs);
  for (let taken = coverage.find(slotAtMs); taken; taken = coverage.find(slotAtMs)) {
    // Ends at `nextAtMs` at the latest, which is in no past stretch.
    slotAtMs = latestSlot(calendar, nextAtMs, taken.fromMs - 1);
  }
  coverage.take(slotAtMs);
  schedule.nextAtMs = nextUntaken(schedule, nowMs);
  return slotAtMs;
}

function nextUntaken({ calendar, coverage }: Schedule, afterMs: number): number {
  let slotAtMs = calendar.nextAfter(afterMs);
  for (let taken = coverage.find(slotAtMs); taken; taken = coverage.find(slotAtMs)) {
    slotAtMs = calendar.nextAfter(taken.toMs);
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
