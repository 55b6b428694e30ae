import test from 'ava';
import { pictureLine, pictureOf, type FleetLook } from '@holdfast/device-sim/internal';
import { sameScreen } from '../../support/snapshots.ts';

const HOUR_MS = 3_600_000;
const look: FleetLook = {
  ...{ scenario: 'city-outage', seed: 42, isReal: false, isHealing: false },
  ...{ atMs: 7.2 * HOUR_MS, durationMs: 24 * HOUR_MS },
  states: { online: 301, behind: 10, offline: 182, stopped: 0, down: 7 },
  ...{ entries: 1_204_118, pending: 192_328 },
  most: { pending: 260_114, atMs: 5.66 * HOUR_MS },
  mishaps: { outage: 411, kill: 96, duplicated: 5_120, delayed: 811, 'clock-jump': 12, cut: 0 },
  ...{ broken: new Set(['P3']), violations: 1 },
  recent: [
    { atMs: 7.19 * HOUR_MS, what: 'device-217 has caught up: 14 entries' },
    { atMs: 7.18 * HOUR_MS, what: 'kill of device-217' },
  ],
};
const options = { tookMs: 122_000, columns: 80, color: false };

test('a fleet that is under way is seen on a terminal of 80 by 24', (t) => {
  const lines = pictureOf(look, options);

  t.true(lines.length < 24);
  for (const line of lines) t.true(line.length <= 80, line);
  sameScreen(t, 'sim-run', lines.join('\n'));
});

test('no line of it is broken on a narrow terminal, in colours or not', (t) => {
  for (const columns of [20, 40, 79]) {
    for (const line of pictureOf(look, { ...options, columns, color: true })) {
      // eslint-disable-next-line no-control-regex -- Colours begin with a control character.
      t.true(line.replaceAll(/\u001b\[[0-9;]*m/g, '').length <= columns, line);
    }
  }
});

test('into a pipe it is a line', (t) => {
  t.is(
    pictureLine(look, 122_000),
    'city-outage: 30 % of virtual time, ×212 real time, 1,204,118 entries, ' +
      '192,328 pending, 182 offline, 7 down, 1 violations, about 4m 45s left',
  );
  t.regex(pictureLine({ ...look, isHealing: true }, 122_000), /everything heals$/);
});
