import test from 'ava';
import type * as Timeline from '../../../protocol/web/timeline.js';
import type { ShownEntry } from '../../../protocol/web/shown.js';
import { pageModule } from '../../support/pages/page-module.ts';

const { aheadOf, axisOf, ofRun, placeOn, spansOf, workedMs } = await pageModule<typeof Timeline>(
  'protocol/web/timeline.ts',
);

const HOUR = 3_600_000;
const START = Date.parse('2026-03-01T12:00:00Z');
const at = (ms: number) => new Date(START + ms).toISOString();

function entry(more: Partial<ShownEntry>): ShownEntry {
  return {
    ...{ lane: 'normal', seq: 1, kind: 'step.completed', at: at(0), arrivedAt: at(0) },
    ...{ isPending: false, run: 'r', name: 'a', n: 1, op: 1, attempt: 1, tookMs: 0 },
    ...{ bytes: null, value: null, valueIs: '', uid: '', ...more },
  };
}

test('an outage of hours beside steps of milliseconds is drawn short, and said to be', (t) => {
  const axis = axisOf([0, 14, 14 + 3 * HOUR, 45 + 3 * HOUR]);
  t.deepEqual(axis.map(({ isCollapsed }) => isCollapsed), [false, true, false]);
  const wait = placeOn(axis, 14 + 3 * HOUR) - placeOn(axis, 14);
  t.true(wait > 0.05 && wait < 0.3, `${wait}`);
  t.true(placeOn(axis, 14) > 0.2, 'what was done can be read');
  t.is(placeOn(axis, 45 + 3 * HOUR).toFixed(6), '1.000000');
});

test('by the clock an hour is an hour', (t) => {
  const axis = axisOf([0, HOUR, 4 * HOUR], 'clock');
  t.deepEqual(axis.map(({ isCollapsed }) => isCollapsed), [false, false]);
  t.is(placeOn(axis, HOUR).toFixed(3), '0.250');
});

test('a moment out of the axis is at its ends, and an axis of one moment is none', (t) => {
  const axis = axisOf([10, 20]);
  t.deepEqual([placeOn(axis, 0), placeOn(axis, 99)], [0, 1]);
  t.deepEqual(axisOf([7]), []);
});

test('a device was ahead from what it did until that arrived, or until now', (t) => {
  const late = entry({ at: at(0), arrivedAt: at(60_000) });
  const later = entry({ at: at(30_000), arrivedAt: at(90_000) });
  const prompt = entry({ at: at(200_000), arrivedAt: at(200_500) });
  const waiting = entry({ at: at(300_000), arrivedAt: null, isPending: true });
  t.deepEqual(aheadOf([late, prompt, later, waiting], START + 400_000), [
    { fromMs: START, toMs: START + 90_000 },
    { fromMs: START + 300_000, toMs: START + 400_000 },
  ]);
});

test('what a run did is in the order of its operations, with its attempts and its end', (t) => {
  const spans = spansOf([
    entry({ n: 4, op: 2, kind: 'call.completed', name: '', at: at(9_000) }),
    entry({ n: 3, op: 2, kind: 'call.requested', name: 'stock', at: at(2_000) }),
    entry({ n: 1, op: 1, kind: 'step.retrying', attempt: 1, at: at(0) }),
    entry({ n: 2, op: 1, kind: 'step.failed', attempt: 2, at: at(1_000) }),
    entry({ n: 5, op: 3, kind: 'timer.set', name: '', at: at(9_500) }),
  ]);
  t.deepEqual(
    spans.map(({ name, kind, state, attempts }) => [name, kind, state, attempts]),
    [
      ['a', 'step', 'failed', 2],
      ['stock', 'call', 'done', 1],
      ['timer.set', 'sleep', 'open', 1],
    ],
  );
});

test('steps at the same time were at work once, and waits were no work', (t) => {
  const spans = spansOf([
    entry({ n: 1, op: 1, at: at(1_000), tookMs: 1_000 }),
    entry({ n: 2, op: 2, at: at(1_500), tookMs: 1_000 }),
    entry({ n: 3, op: 3, kind: 'step.retrying', at: at(5_000), tookMs: 300 }),
    entry({ n: 4, op: 3, at: at(HOUR), tookMs: 200, attempt: 2 }),
    entry({ n: 5, op: 4, kind: 'timer.fired', at: at(2 * HOUR), tookMs: 9_999 }),
  ]);
  t.is(workedMs(spans), 2_000);
});

test('how a run began and ended is of no operation', (t) => {
  const own = ofRun([
    entry({ n: 9, op: 0, kind: 'run.completed' }),
    entry({ n: 3, op: 0, kind: 'run.status' }),
    entry({ n: 4, op: 0, kind: 'value.part' }),
    entry({ n: 1, op: 1 }),
    entry({ n: 0, op: 0, kind: 'run.started' }),
  ]);
  t.deepEqual(own.map(({ kind }) => kind), ['run.started', 'run.completed']);
});

test('ten thousand steps are placed in a moment', (t) => {
  const many = Array.from({ length: 10_000 }, (_, index) =>
    entry({ n: index, op: index + 1, at: at(index * 50), tookMs: 20 }),
  );
  const before = process.cpuUsage();
  const spans = spansOf(many);
  const axis = axisOf(spans.flatMap(({ fromMs, toMs = 0 }) => [fromMs, toMs]));
  const places = spans.map(({ fromMs }) => placeOn(axis, fromMs));
  t.true(process.cpuUsage(before).user < 2_000_000, 'two seconds');
  t.true(places.every((place, index) => index === 0 || place > (places[index - 1] ?? 0)));
});
