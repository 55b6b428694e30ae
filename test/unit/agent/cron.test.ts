import test from 'ava';
import { calendarOf } from '@holdfast/agent/internal';
import { HoldfastError } from '@holdfast/protocol';

const iso = (atMs: number): string => new Date(atMs).toISOString().replace('.000Z', '');
const at = (text: string): number => Date.parse(`${text}Z`);

/** The slots of a stretch of time, given as `FROM/TO`. */
function slots(expression: string, stretch: string, timezone = 'Europe/Berlin'): string[] {
  const calendar = calendarOf(expression, timezone);
  const [from = '', to = ''] = stretch.split('/');
  const found: string[] = [];
  for (let ms = calendar.nextAfter(at(from)); ms <= at(to); ms = calendar.nextAfter(ms)) {
    found.push(iso(ms));
  }
  return found;
}

test('the next slot follows from expression, timezone and time', (t) => {
  const next = (expression: string, after: string, timezone?: string): string =>
    iso(calendarOf(expression, timezone).nextAfter(at(after)));

  t.is(next('*/5 * * * *', '2026-03-01T10:05:00'), '2026-03-01T10:10:00');
  t.is(next('*/5 * * * *', '2026-03-01T10:04:59.999'), '2026-03-01T10:05:00');
  t.is(next('* * * * * *', '2026-03-01T10:04:59.999'), '2026-03-01T10:05:00');
  t.is(next('@daily', '2026-03-01T10:00:00'), '2026-03-02T00:00:00');
  t.is(next('@hourly', '2026-03-01T10:00:00', 'Asia/Kolkata'), '2026-03-01T10:30:00');
  t.is(next('0 0 29 2 *', '2026-03-01T00:00:00'), '2028-02-29T00:00:00');
  t.is(next('0 9 * * 1', '2026-03-01T10:00:00'), '2026-03-02T09:00:00');
  t.is(next('0 9 * * *', '2026-03-01T10:00:00', 'Europe/Berlin'), '2026-03-02T08:00:00');
  t.is(next('0 9 * * *', '2026-07-01T10:00:00', 'Europe/Berlin'), '2026-07-02T07:00:00');
  t.is(next('0 9 * * *', '2026-07-01T10:00:00', 'America/St_Johns'), '2026-07-01T11:30:00');
});

// Berlin puts its clocks forward at 2026-03-29T01:00Z and back at 2026-10-25T01:00Z.

test('N4 a time of the day that is left out comes when the clocks are put forward', (t) => {
  t.deepEqual(slots('30 2 * * *', '2026-03-27T12:00:00/2026-03-31T00:00:00'), [
    '2026-03-28T01:30:00',
    '2026-03-29T01:00:00',
    '2026-03-30T00:30:00',
  ]);
  const many = slots('*/10 2 * * *', '2026-03-29T00:00:00/2026-03-29T12:00:00');
  t.deepEqual(many, ['2026-03-29T01:00:00'], 'once, however many slots are left out');
});

test('N4 a time of the day that comes twice is one slot, the first', (t) => {
  t.deepEqual(slots('30 2 * * *', '2026-10-24T12:00:00/2026-10-27T00:00:00'), [
    '2026-10-25T00:30:00',
    '2026-10-26T01:30:00',
  ]);
  const calendar = calendarOf('30 2 * * *', 'Europe/Berlin');
  t.is(iso(calendar.nextAfter(at('2026-10-25T01:15:00'))), '2026-10-26T01:30:00');
});

test('N4 every so many minutes goes on through both changes without a gap', (t) => {
  const spring = slots('*/20 * * * *', '2026-03-29T00:00:00/2026-03-29T03:00:00');
  const autumn = slots('*/20 * * * *', '2026-10-25T00:00:00/2026-10-25T03:00:00');
  const night = '2026-04-04T13:00:00/2026-04-04T17:00:00';
  const halfHour = slots('0 * * * *', night, 'Australia/Lord_Howe');

  t.is(spring.length, 9);
  t.is(autumn.length, 9);
  t.is(autumn[3], '2026-10-25T01:20:00');
  t.deepEqual(halfHour, [
    '2026-04-04T14:00:00',
    '2026-04-04T15:30:00',
    '2026-04-04T16:30:00',
  ]);
});

test('looking from any moment finds the same slots', (t) => {
  for (const expression of ['30 2 * * *', '*/20 * * * *', '0,30 1-3 * * *']) {
    for (const day of ['2026-03-29', '2026-10-25']) {
      const calendar = calendarOf(expression, 'Europe/Berlin');
      const known = slots(expression, `${day}T00:00:00/${day}T06:00:00`);
      for (let ms = at(`${day}T00:00:00`); ms < at(`${day}T04:00:00`); ms += 150_000) {
        const next = known.find((slot) => at(slot) > ms);
        if (next !== undefined) t.is(iso(calendar.nextAfter(ms)), next, `${expression} ${iso(ms)}`);
      }
    }
  }
});

test('an expression that cannot be used is refused with what is wrong', (t) => {
  const whys = ['', '* * * *', '61 * * * *', '@every 5s', '0 0 31 2 *', '* * * * * * *'].map(
    (expression) => {
      const error = t.throws(() => calendarOf(expression), {
        instanceOf: HoldfastError,
        code: 'HF_CRON_INVALID',
      });
      return error.why;
    },
  );

  t.deepEqual(whys, [
    "'': it is empty",
    "'* * * *': expected 5 or 6 fields but got 4",
    "'61 * * * *': 61 is a invalid expression for minute",
    "'@every 5s': with @ there are @yearly, @monthly, @weekly, @daily and @hourly",
    "'0 0 31 2 *': 31 2 is an impossible day of month for the given month",
    "'* * * * * * *': expected 5 or 6 fields but got 7",
  ]);
  const unknown = t.throws(() => calendarOf('* * * * *', 'Mars/Olympus'), {
    instanceOf: HoldfastError,
  });
  t.is(unknown.why, 'there is no timezone "Mars/Olympus"');
});
