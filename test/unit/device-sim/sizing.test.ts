import { readFileSync } from 'node:fs';
import test from 'ava';
import { sessionsLimits } from '@holdfast/gateway/internal';
import {
  CONNECTS_PER_S,
  IDLE_BYTES_A_MONTH,
  costOf,
  measuredCosts,
  sizingOf,
} from '@holdfast/device-sim/internal';

const DAY_MS = 86_400_000;
const question = {
  ...{ devices: 100, entriesPerDay: 10_000, payloadBytes: 200, offlineMs: DAY_MS },
  ...{ retentionMs: 7 * DAY_MS, linkBytesPerS: 125_000, ledgerMs: 365 * DAY_MS },
};

test('a size between two that were measured costs what lies between', (t) => {
  const [small, middle] = [costOf(60, measuredCosts), costOf(200, measuredCosts)];
  const between = costOf(130, measuredCosts);

  t.is(middle.wireBytes, 95);
  t.true(between.wireBytes > small.wireBytes && between.wireBytes < middle.wireBytes);
  t.true(between.drainedPerS < small.drainedPerS && between.drainedPerS > middle.drainedPerS);
  t.true(costOf(8, measuredCosts).journalBytes > 0);
  t.true(costOf(4_000, measuredCosts).drainedPerS > 0);
});

test('a fleet needs more of everything that it has more of', (t) => {
  const sizing = sizingOf(question, measuredCosts);
  const more = sizingOf({ ...question, devices: 100_000 }, measuredCosts);
  const longer = sizingOf({ ...question, offlineMs: 30 * DAY_MS }, measuredCosts);
  const narrow = sizingOf({ ...question, linkBytesPerS: 1_200 }, measuredCosts);

  t.is(sizing.gateways, 1);
  t.true(more.gateways > 1);
  t.is(more.deviceDiskBytes, sizing.deviceDiskBytes);
  t.true(longer.deviceDiskBytes > sizing.deviceDiskBytes);
  t.true(longer.fleetCatchUpS > sizing.fleetCatchUpS);
  // 10,000 entries of 95 B at 1,200 B/s.
  t.is(Math.round(narrow.deviceCatchUpS), Math.round((10_000 * 95) / 1_200));
  t.is(sizing.ledgerBytes, 365 * 100 * 10_000 * 284);
});

test('what is not measured by `--measure` is as the gateway has it, and the benchmarks', (t) => {
  const page = new URL('../../../../docs/BENCHMARKS.md', import.meta.url);
  const kilobytes = /^\| `idle-bytes`, kB\/month \| (\d+) \|/m.exec(
    readFileSync(page, 'utf8'),
  )?.[1];

  t.is(CONNECTS_PER_S, sessionsLimits.connectsPerS);
  // A run of the benchmark differs by some percent from the next.
  t.true(Math.abs(IDLE_BYTES_A_MONTH / (Number(kilobytes) * 1_000) - 1) < 0.1, kilobytes);
});
