import test from 'ava';
import type * as Log from '../../../gateway/web/device-lines.js';
import type * as Uptimes from '../../../gateway/web/uptime.js';
import { pageModule } from '../../support/pages/page-module.ts';

const { uptimeOf } = await pageModule<typeof Uptimes>('gateway/web/uptime.ts');
const { linesOf } = await pageModule<typeof Log>('gateway/web/device-lines.ts');

const HOUR_MS = 3_600_000;
const START = Date.parse('2026-03-01T12:00:00Z');
const at = (hours: number) => new Date(START + hours * HOUR_MS).toISOString();

test('a device was up for as long as no outage says otherwise', (t) => {
  const outages = [
    { from: at(1), to: at(4) },
    { from: at(9), to: null },
  ];
  const uptime = uptimeOf({ at: at(10), since: at(0), firstSeenAt: at(-50), outages });
  t.is(uptime?.upPart.toFixed(3), '0.600');
  t.is(uptime?.longestMs, 3 * HOUR_MS);
  const endings = uptime?.outages.map(({ endMs }) => (endMs - START) / HOUR_MS);
  t.deepEqual(endings, [4, 10]);
});

test('it counts from a week ago, from the start of the gateway, or from when it was met', (t) => {
  const hoursOf = (since: number, first: number) => {
    const seen = { at: at(200), since: at(since), firstSeenAt: at(first), outages: [] };
    const { fromMs = Number.NaN, upPart } = uptimeOf(seen) ?? {};
    t.is(upPart, 1);
    return (fromMs - START) / HOUR_MS;
  };
  t.deepEqual([hoursOf(0, 0), hoursOf(150, 0), hoursOf(100, 180)], [200 - 7 * 24, 150, 180]);
});

test('of an outage from before, what lies within counts; of an unknown device nothing', (t) => {
  const outages = [{ from: at(-5), to: at(5) }];
  const known = { at: at(10), since: at(0), firstSeenAt: at(-99) };
  t.is(uptimeOf({ ...known, outages })?.upPart, 0.5);
  t.is(uptimeOf({ ...known, since: null, outages }), undefined);
  t.is(uptimeOf({ ...known, firstSeenAt: null, outages }), undefined);
});

test('what was noticed of a device is told with the newest first', (t) => {
  const key = { acceptedAt: null, certificateTo: null };
  const lines = linesOf(
    {
      firstSeenAt: at(0),
      epochs: [
        ...[{ epoch: 2, beganAt: at(8), cause: 'salvaged', why: 'the store was damaged' }],
        ...[{ epoch: 1, beganAt: at(0), cause: null, why: '' }],
      ].map((each) => ({ ...each, machine: null, oldEpoch: null, lanes: [] })),
      keys: [{ ...key, key: 'ab:cd', since: at(1), revokedAt: at(9) }],
    },
    [
      { from: at(2), to: at(5) },
      { from: at(10), to: null },
    ],
  );
  t.deepEqual(
    lines.map(({ says }) => says),
    [
      'it was heard last before an outage',
      'its key ab:cd counted no more',
      'epoch 2 of its journal began: salvaged: the store was damaged',
      'it was back after 3h',
      'it was heard last before an outage',
      'it greeted with its key ab:cd',
      'it was seen first',
    ],
  );
});
