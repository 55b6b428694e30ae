import { HoldfastError, assert, messageOf, type Clock, type Log } from '@holdfast/protocol';
import { createTask, validateDetailed } from 'node-cron';
import { Slots, type Calendar, type OnSlot } from '../core/slots.ts';

export interface ScheduleOptions {
  /** IANA name. Default UTC, where no hour is skipped or comes twice. */
  readonly timezone?: string | undefined;
  readonly onSlot: OnSlot;
}

export interface Cron {
  /**
   * Calls `onSlot` at each slot from now on. A slot that was passed over, because the clock was
   * set forward or the process could not run, fires late; of several only the latest.
   *
   * @param expression Five or six fields, or @daily and its like. The day of the month and the
   * day of the week must both match.
   * @returns Stops.
   * @throws HF_CRON_INVALID.
   */
  schedule(expression: string, options: ScheduleOptions): () => void;
}

/**
 * Schedules over node-cron, which reads the expressions and knows the calendar. The waiting is
 * ours: the timer of node-cron walks each slot that a clock set forward has skipped (a day of
 * seconds blocks the process for 21 s) and stands still for an hour when it is set back by one.
 */
export function createCron(clock: Clock, log: Log): Cron {
  const slots = new Slots(clock, log);
  return {
    schedule: (expression, options) =>
      slots.add(calendarOf(expression, options.timezone), options.onSlot),
  };
}

/**
 * The first slot after a time, both in ms since 1970.
 *
 * @param timezone IANA name; default UTC.
 * @throws HF_CRON_INVALID.
 */
export function nextSlotMs(
  expression: string,
  timezone: string | undefined,
  afterMs: number,
): number {
  return calendarOf(expression, timezone).nextAfter(afterMs);
}

function calendarOf(expression: string, timezone = 'UTC'): Calendar {
  checkTimezone(timezone);
  checkExpression(expression);
  const matcher = matcherOf(expression, timezone);
  const nextAfter = (afterMs: number): number => {
    try {
      return matcher.getNextMatch(new Date(afterMs)).getTime();
    } catch (cause) {
      throw invalid(expression, messageOf(cause), cause);
    }
  };
  nextAfter(0); // Refuses what never comes.
  return { nextAfter };
}

interface Matcher {
  getNextMatch(after: Date): Date;
}

/**
 * node-cron tells what comes after now, not after another time; its tasks carry the object that
 * knows. That is not in its types: the version is pinned, and the tests fail if it goes.
 */
function matcherOf(expression: string, timezone: string): Matcher {
  const task = createTask(expression, () => {}, { timezone });
  void task.destroy(); // Out of node-cron's registry, which would keep it for ever.
  assert('timeMatcher' in task && isMatcher(task.timeMatcher), 'node-cron is the pinned version');
  return task.timeMatcher;
}

function isMatcher(value: unknown): value is Matcher {
  return typeof value === 'object' && value !== null && 'getNextMatch' in value;
}

function checkExpression(expression: string): void {
  if (typeof expression !== 'string') throw invalid(expression, 'it is not text');
  if (expression.trim() === '') throw invalid(expression, 'it is empty');
  const { valid, errors } = validateDetailed(expression);
  if (valid) return;
  if (expression.trim().startsWith('@')) {
    throw invalid(expression, 'with @ there are @yearly, @monthly, @weekly, @daily and @hourly');
  }
  throw invalid(expression, errors.map((error) => error.message).join('; '));
}

function checkTimezone(timezone: string): void {
  try {
    new Intl.DateTimeFormat('en', { timeZone: timezone }).format(0);
  } catch (cause) {
    const why = `there is no timezone ${JSON.stringify(timezone)}`;
    throw new HoldfastError('HF_CRON_INVALID', { why, details: { timezone }, cause });
  }
}

function invalid(expression: string, why: string, cause?: unknown): HoldfastError {
  const details = { expression };
  return new HoldfastError('HF_CRON_INVALID', { why: `'${expression}': ${why}`, details, cause });
}
