import { HoldfastError, assert, messageOf } from '@holdfast/protocol';
import { createTask, parse, validateDetailed } from 'node-cron';
import type { Calendar } from '../core/slots.ts';
import { zoneCalendar } from '../core/zone-calendar.ts';

/**
 * The slots of an expression.
 *
 * node-cron reads the expression and knows which days it means. It is asked in UTC, where no hour
 * is left out or comes twice: of itself it loses every slot of the hour that comes twice. Nor does
 * it do the waiting: its timer walks each slot that a clock set forward has skipped (a day of
 * seconds blocks the process for 21 s) and stands still for an hour when it is set back by one.
 *
 * @param expression Five or six fields, or @daily and its like. The day of the month and the day
 *   of the week must both match.
 * @param timezone IANA name; default UTC.
 * @throws HF_CRON_INVALID.
 */
export function calendarOf(expression: string, timezone = 'UTC'): Calendar {
  const offsetAt = offsetOf(timezone);
  checkExpression(expression);
  const matcher = matcherOf(expression);
  const nextLocal = (afterMs: number): number => {
    try {
      return matcher.getNextMatch(new Date(afterMs)).getTime();
    } catch (cause) {
      throw invalid(expression, messageOf(cause), cause);
    }
  };
  nextLocal(0); // Refuses what never comes.
  if (timezone === 'UTC') return { nextAfter: nextLocal };
  return zoneCalendar({ nextLocal, offsetAt, isHourly: parse(expression).hour.length === 24 });
}

interface Matcher {
  getNextMatch(after: Date): Date;
}

/**
 * node-cron tells what comes after now, not after another time; its tasks carry the object that
 * knows. That is not in its types: the version is pinned, and the tests fail if it goes.
 */
function matcherOf(expression: string): Matcher {
  const task = createTask(expression, () => {}, { timezone: 'UTC' });
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

/** Local time minus UTC, by moment. @throws HF_CRON_INVALID for a zone that is not known. */
function offsetOf(timezone: string): (atMs: number) => number {
  const format = formatOf(timezone);
  return (atMs) => {
    // For example `1/1/2026, GMT+01:00`; `GMT` alone where it is zero.
    const match = /GMT(?:([+-])(\d\d):(\d\d)(?::(\d\d))?)?$/.exec(format.format(atMs));
    const [hours, minutes, seconds] = [match?.[2], match?.[3], match?.[4]].map(Number);
    const ms = ((hours || 0) * 3_600 + (minutes || 0) * 60 + (seconds || 0)) * 1_000;
    return match?.[1] === '-' ? -ms : ms;
  };
}

function formatOf(timezone: string): Intl.DateTimeFormat {
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone: timezone, timeZoneName: 'longOffset' });
  } catch (cause) {
    const why = `there is no timezone ${JSON.stringify(timezone)}`;
    throw new HoldfastError('HF_CRON_INVALID', { why, details: { timezone }, cause });
  }
}

function invalid(expression: string, why: string, cause?: unknown): HoldfastError {
  const details = { expression };
  return new HoldfastError('HF_CRON_INVALID', { why: `'${expression}': ${why}`, details, cause });
}
