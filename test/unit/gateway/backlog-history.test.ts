import { BacklogHistory, BacklogSeries, type DeviceLive } from '@holdfast/gateway/internal';
import test from 'ava';

const limits = { keptMs: 100_000, pointsMax: 8, stepMs: 1_000 };

function live(
  state: DeviceLive['state'],
  pending: number,
  device = 'pump-1',
  more: Partial<DeviceLive> = {},
): DeviceLive {
  return {
    ...{ device, state, pending, arrived: 0, lastSeenAtMs: undefined, lastAckAtMs: undefined },
    ...{ reported: undefined, reportedAtMs: undefined, clockAheadMs: undefined },
    ...{ refusals: 0, refusal: undefined, ...more },
  };
}

/** The series of these numbers, a second apart. */
function seriesOf(pending: readonly number[], some = limits): BacklogSeries {
  const series = new BacklogSeries(some);
  pending.forEach((each, at) => {
    series.add({ atMs: at * 1_000, pending: each, arrived: 0, isHeard: true });
  });
  return series;
}

const numbers = (series: BacklogSeries, nowMs: number) =>
  series.points(nowMs).map(({ atMs, pending }) => [atMs, pending]);

test('what stands still is one point', (t) => {
  t.deepEqual(numbers(seriesOf([3, 3, 3, 4, 4]), 5_000), [[0, 3], [3_000, 4]]);
});

test('a peak between two steps stays, and the fall behind it is taken', (t) => {
  const series = new BacklogSeries(limits);
  const add = (atMs: number, pending: number) => {
    series.add({ atMs, pending, arrived: 0, isHeard: true });
  };
  add(0, 1);
  add(200, 90);
  add(400, 2);
  add(900, 2);
  add(1_100, 2);
  t.deepEqual(numbers(series, 2_000), [[0, 90], [1_100, 2]]);
});

test('when a device was not heard of is told at once', (t) => {
  const series = new BacklogSeries(limits);
  series.add({ atMs: 0, pending: 1, arrived: 0, isHeard: true });
  series.add({ atMs: 10, pending: 1, arrived: 0, isHeard: false });
  t.deepEqual(series.points(20).map(({ isHeard }) => isHeard), [true, false]);
});

test('however often a number changes, its points are bounded, and its peak stays', (t) => {
  const pending = Array.from({ length: 90 }, (_, at) => (at === 33 ? 500 : at % 7));
  const points = seriesOf(pending).points(90_000);
  t.true(points.length <= limits.pointsMax, `${points.length}`);
  t.is(Math.max(...points.map((each) => each.pending)), 500);
  t.true(points.every(({ atMs }, at) => at === 0 || atMs > (points[at - 1]?.atMs ?? 0)));
  t.is(points[0]?.atMs, 0);
});

test('what is older than is kept is forgotten, but for what it was then', (t) => {
  const series = new BacklogSeries({ ...limits, keptMs: 3_000 });
  [5, 6, 7, 8].forEach((pending, at) => {
    series.add({ atMs: at * 1_000, pending, arrived: 0, isHeard: true });
  });
  t.deepEqual(numbers(series, 5_500), [[2_000, 7], [3_000, 8]]);
  t.deepEqual(numbers(series, 99_000), [[3_000, 8]]);
});

test('a fleet is the sum of its devices, and one that is gone has no series', (t) => {
  const history = new BacklogHistory(0);
  history.look([live('syncing', 3), live('offline', 4, 'pump-2')], 0);
  history.look([live('synced', 0)], 60_000);
  t.deepEqual(
    history.points(undefined, 60_000).map(({ pending }) => pending),
    [7, 0],
  );
  t.deepEqual(history.points('pump-2', 60_000), []);
  t.deepEqual(
    history.points('pump-1', 60_000).map(({ pending, isHeard }) => [pending, isHeard]),
    [[3, true], [0, true]],
  );
});

test('who comes back with much is followed until it has caught up', (t) => {
  const history = new BacklogHistory(0);
  history.look([live('offline', 0)], 0);
  history.look([live('syncing', 1_000)], 1_000);
  t.is(history.catchingUp(1_000)[0]?.leftMs, undefined);
  history.look([live('syncing', 750)], 6_000);
  t.deepEqual(history.catchingUp(6_000), [
    { device: 'pump-1', pending: 750, peak: 1_000, sinceMs: 1_000, leftMs: 15_000 },
  ]);
  history.look([live('synced', 0)], 21_000);
  t.deepEqual(history.catchingUp(21_000), []);
  t.is(history.catchUpP95Ms, 20_000);
});

test('what one brings that was away is what it was behind, however fast it drains', (t) => {
  const history = new BacklogHistory(0);
  history.look([live('offline', 2)], 0);
  history.look([live('synced', 0)], 60_000);
  history.arrived('pump-1', 700);
  history.look([live('synced', 0)], 61_000);
  history.arrived('pump-1', 3_000);
  history.look([live('synced', 0)], 66_000);
  const points = [[0, 2], [60_000, 700], [66_000, 0]];
  const told = (device?: string) =>
    history.points(device, 70_000).map(({ atMs, pending }) => [atMs, pending]);
  t.deepEqual(told('pump-1'), points);
  t.deepEqual(told(), points);
});

test('who is offline again has not caught up, and a few entries are not followed', (t) => {
  const history = new BacklogHistory(0);
  history.look([live('syncing', 1_000), live('syncing', 3, 'pump-2')], 1_000);
  t.deepEqual(history.catchingUp(1_000).map(({ device }) => device), ['pump-1']);
  history.look([live('offline', 900), live('synced', 0, 'pump-2')], 2_000);
  t.deepEqual(history.catchingUp(2_000), []);
  t.is(history.catchUpP95Ms, undefined);
});

test('the rate of arrivals is of the last seconds', (t) => {
  const history = new BacklogHistory(0);
  history.arrived('pump-1', 1_000);
  history.look([], 1_000);
  t.is(history.arrivingPerS(1_000), 1_000);
  for (let atMs = 2_000; atMs <= 10_000; atMs += 1_000) history.look([], atMs);
  t.is(history.arrivingPerS(10_000), 100);
  history.look([], 11_000);
  t.is(history.arrivingPerS(11_000), 0);
});

test('what arrives is told, also where nothing is pending, and once', (t) => {
  const history = new BacklogHistory(0);
  history.look([live('offline', 9, 'pump-1', { arrived: 40 })], 0);
  history.arrived('pump-1', 9);
  history.look([live('synced', 0, 'pump-1', { arrived: 49 })], 60_000);
  history.look([live('synced', 0, 'pump-1', { arrived: 49 })], 66_000);
  history.look([live('synced', 0, 'pump-1', { arrived: 55 })], 80_000);
  const told = history.points('pump-1', 90_000).map(({ arrived, pending }) => [arrived, pending]);
  t.deepEqual(told, [[40, 9], [40, 9], [49, 0], [55, 0]]);
  t.deepEqual(history.points(undefined, 90_000).at(-1)?.arrived, 55);
});

const HOUR = 3_600_000;

test('a day in hours has the peak of each, and nothing where nothing was heard', (t) => {
  const history = new BacklogHistory(0);
  const at = (hours: number, state: DeviceLive['state'], pending: number) =>
    history.look([live(state, pending)], hours * HOUR);
  at(1.5, 'syncing', 7);
  at(1.6, 'syncing', 70);
  at(1.7, 'synced', 0);
  at(3.2, 'offline', 4);
  at(5.1, 'syncing', 9);
  const peaks = history.peaks('pump-1', 6 * HOUR);
  t.is(peaks.length, 24);
  t.deepEqual(peaks.slice(-6), [null, 70, 0, 0, null, 9]);
  t.true(peaks.slice(0, -6).every((each) => each === null));
  t.true(history.peaks('nobody', 6 * HOUR).every((each) => each === null));
});

test('outages of a week are told from when a device was heard last to when it was again', (t) => {
  const history = new BacklogHistory(0);
  const at = (minutes: number, state: DeviceLive['state'], seen: number) =>
    history.look([live(state, 0, 'pump-1', { lastSeenAtMs: seen * 60_000 })], minutes * 60_000);
  at(0, 'new', 0);
  at(1, 'synced', 1);
  at(10, 'offline', 8);
  at(11, 'offline', 8);
  at(40, 'syncing', 40);
  at(50, 'offline', 48);
  const minute = (ms: number | undefined) => ms && ms / 60_000;
  const told = (minutes: number) =>
    history
      .outages('pump-1', minutes * 60_000)
      .map(({ fromMs, toMs }) => [minute(fromMs), minute(toMs)]);
  t.deepEqual(told(60), [[8, 40], [48, undefined]]);
  t.deepEqual(told(7 * 24 * 60 + 41), [[48, undefined]]);
  history.look([], 61 * 60_000);
  t.deepEqual(told(62), []);
});

test('of very many outages the shortest are left out', (t) => {
  const history = new BacklogHistory(0);
  for (let at = 0; at < 200; at += 1) {
    const [from, to] = [at * 100_000, at * 100_000 + 10_000 + at];
    history.look([live('offline', 0, 'pump-1', { lastSeenAtMs: from })], from);
    history.look([live('synced', 0, 'pump-1', { lastSeenAtMs: to })], to);
  }
  const outages = history.outages('pump-1', 200 * 100_000);
  t.true(outages.length <= 51, `${outages.length}`);
  t.is(outages[0]?.fromMs, 150 * 100_000);
});
