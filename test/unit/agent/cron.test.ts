import test from 'ava';
import { createCron, nextSlotMs } from '@holdfast/agent/internal';
import { HoldfastError } from '@holdfast/protocol';
import { SimClock } from '../../support/sim-clock.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const log = { error: () => {}, info: () => {}, debug: () => {} };
const iso = (atMs: number): string => new Date(atMs).toISOString().replace('.000Z', '');
const at = (text: string): number => Date.parse(`${text}Z`);

/** A schedule in virtual time, and what has fired. */
function scheduled(expression: string, startAt = '2026-03-01T10:00:30'): {
  clock: SimClock;
  fired: string[];
  stop: () => void;
} {
  const clock = new SimClock(at(startAt));
  const fired: string[] = [];
  const onSlot = (slotAtMs: number): void => void fired.push(iso(slotAtMs));
  return { clock, fired, stop: createCron(clock, log).schedule(expression, { onSlot }) };
}

test('a schedule fires at its slots until it is stopped', async (t) => {
  const { clock, fired, stop } = scheduled('*/15 * * * *');
  await clock.advance(45 * MINUTE);
  stop();
  stop();
  await clock.advance(DAY);

  t.deepEqual(fired, ['2026-03-01T10:15:00', '2026-03-01T10:30:00', '2026-03-01T10:45:00']);
  t.is(clock.pending, 0);
});

test('six fields fire by the second', async (t) => {
  const { clock, fired } = scheduled('*/2 * * * * *');
  await clock.advance(10 * SECOND);

  t.is(fired.length, 5);
  t.is(fired[0], '2026-03-01T10:00:32');
});

test('schedules share one wake-up, and one of them may stop or add others', async (t) => {
  const clock = new SimClock(at('2026-03-01T10:00:30'));
  const cron = createCron(clock, log);
  const fired: string[] = [];
  const stops = [
    cron.schedule('* * * * *', {
      onSlot: () => {
        fired.push('first');
        stops[1]?.();
        stops.push(cron.schedule('* * * * *', { onSlot: () => fired.push('third') }));
        stops[0]?.();
      },
    }),
    cron.schedule('* * * * *', { onSlot: () => fired.push('second') }),
  ];
  await clock.advance(2 * MINUTE);

  t.deepEqual(fired, ['first', 'third']);
  t.is(clock.pending, 1);
});

test('a clock set forward fires the latest slot that it passed over, once', async (t) => {
  const { clock, fired } = scheduled('* * * * * *');
  await clock.advance(2 * SECOND);
  clock.setWall(at('2026-03-05T07:30:00') + 500);
  const startedAtMs = performance.now();
  await clock.advance(2 * SECOND);

  t.deepEqual(fired, [
    '2026-03-01T10:00:31',
    '2026-03-01T10:00:32',
    '2026-03-05T07:30:01',
    '2026-03-05T07:30:02',
  ]);
  t.true(performance.now() - startedAtMs < 1_000, 'four days of seconds block nobody');
});

test('a clock set from 1970 to now fires one slot of now', async (t) => {
  const { clock, fired } = scheduled('0 3 * * *', '1970-01-01T00:00:05');
  await clock.advance(MINUTE);
  clock.setWall(at('2026-03-01T10:00:00'));
  await clock.advance(DAY);

  t.deepEqual(fired, ['2026-03-01T03:00:00', '2026-03-02T03:00:00']);
});

test('a clock set forward by less than to the next slot only brings it nearer', async (t) => {
  const { clock, fired } = scheduled('0 * * * *');
  clock.setWall(at('2026-03-01T10:59:50'));
  await clock.advance(9 * SECOND);
  t.deepEqual(fired, []);
  await clock.advance(11 * SECOND);
  t.deepEqual(fired, ['2026-03-01T11:00:00']);
});

test('a clock set back fires no slot again, and misses none after', async (t) => {
  const { clock, fired } = scheduled('*/10 * * * *');
  await clock.advance(HOUR);
  t.is(fired.length, 6);
  clock.setWall(at('2026-03-01T10:00:00'));
  await clock.advance(90 * MINUTE);

  const minutes = ['00', '10', '20', '30'];
  t.deepEqual(
    fired.slice(5),
    minutes.map((minute) => `2026-03-01T11:${minute}:00`),
  );
});

test('a clock that was years ahead and is set right fires as if it never had been', async (t) => {
  const { clock, fired } = scheduled('0 * * * *');
  clock.setWall(at('2038-01-19T03:13:50'));
  await clock.advance(MINUTE);
  clock.setWall(at('2026-03-01T10:30:00'));
  await clock.advance(2 * HOUR);

  t.deepEqual(fired, ['2038-01-19T03:00:00', '2026-03-01T11:00:00', '2026-03-01T12:00:00']);
});

test('a clock set forward and back fires each slot at most once', async (t) => {
  const { clock, fired } = scheduled('*/5 * * * *');
  for (let round = 0; round < 40; round += 1) {
    const byMinutes = (round % 2 === 0 ? 1 : -1) * ((round * 7) % 60);
    clock.setWall(at('2026-03-01T12:00:00') + byMinutes * MINUTE);
    await clock.advance(((round * 3) % 8) * MINUTE + 17 * SECOND);
  }
  clock.setWall(at('2026-03-01T15:01:00'));
  await clock.advance(HOUR);

  t.is(new Set(fired).size, fired.length);
  t.is(fired.at(-13), '2026-03-01T15:00:00');
  t.is(fired.at(-1), '2026-03-01T16:00:00');
});

test('a schedule that is added after the clock was set knows nothing of before', async (t) => {
  const clock = new SimClock(at('2026-03-01T11:00:00'));
  const cron = createCron(clock, log);
  const fired: string[] = [];
  cron.schedule('@yearly', { onSlot: () => {} });
  clock.setWall(at('2026-03-01T10:00:00'));
  cron.schedule('30 * * * *', { onSlot: (slotAtMs) => fired.push(iso(slotAtMs)) });
  await clock.advance(HOUR);

  t.deepEqual(fired, ['2026-03-01T10:30:00']);
});

test('a clock that is slewed is no jump', async (t) => {
  const { clock, fired } = scheduled('* * * * *');
  for (let minute = 0; minute < 30; minute += 1) {
    await clock.advance(MINUTE);
    clock.setWall(clock.nowMs() + (minute % 2 === 0 ? 900 : -900));
  }

  t.is(fired.length, new Set(fired).size);
  t.is(fired.length, 30);
});

test('the next slot follows from expression, timezone and time', (t) => {
  const next = (expression: string, after: string, timezone?: string): string =>
    iso(nextSlotMs(expression, timezone, at(after)));

  t.is(next('*/5 * * * *', '2026-03-01T10:05:00'), '2026-03-01T10:10:00');
  t.is(next('*/5 * * * *', '2026-03-01T10:04:59.999'), '2026-03-01T10:05:00');
  t.is(next('* * * * * *', '2026-03-01T10:04:59.999'), '2026-03-01T10:05:00');
  t.is(next('@daily', '2026-03-01T10:00:00'), '2026-03-02T00:00:00');
  t.is(next('0 0 29 2 *', '2026-03-01T00:00:00'), '2028-02-29T00:00:00');
  t.is(next('0 9 * * 1', '2026-03-01T10:00:00'), '2026-03-02T09:00:00');
  t.is(next('0 9 * * *', '2026-03-01T10:00:00', 'Europe/Berlin'), '2026-03-02T08:00:00');
  t.is(next('0 9 * * *', '2026-07-01T10:00:00', 'Europe/Berlin'), '2026-07-02T07:00:00');
});

test('an expression that cannot be used is refused with what is wrong', (t) => {
  const whys = ['', '* * * *', '61 * * * *', '@every 5s', '0 0 31 2 *', '* * * * * * *'].map(
    (expression) => {
      const error = t.throws(() => nextSlotMs(expression, undefined, 0), {
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
  const unknown = t.throws(() => nextSlotMs('* * * * *', 'Mars/Olympus', 0), {
    instanceOf: HoldfastError,
  });
  t.is(unknown.why, 'there is no timezone "Mars/Olympus"');
});
