import { findScenario, simulate, type Scenario } from '@holdfast/device-sim/internal';
import type { Benchmark, Effort, Measured } from './benchmark.ts';
import { cpuMs } from './cpu-time.ts';

/**
 * How much of a fleet's life does the virtual world show in a second of one processor?
 *
 * Idle: devices at which nothing happens, connected over a link that costs, which report each 15
 * minutes (docs/guides/metered.md): the month of `idle-bytes`. Light: the same with a run in half a
 * day, of whatever the workload has, and an event each six hours. Busy: three devices that emit
 * 1,024 events at once, each second. All is in it: both ends of the protocol, disks, chains,
 * retention, and the judging of every promise.
 */
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const SMOKE_PART = 0.02;

const idle: Scenario = {
  ...findScenario('calm'),
  ...{ devices: 20, durationMs: 240 * HOUR_MS, reportEveryMs: 15 * MINUTE_MS },
  ...{ runEveryMs: 0, emitEveryMs: 0, orderEveryMs: 0 },
};
const light: Scenario = { ...idle, runEveryMs: 12 * HOUR_MS, emitEveryMs: 6 * HOUR_MS };
const busy: Scenario = {
  ...findScenario('calm'),
  ...{ devices: 3, durationMs: 2 * MINUTE_MS, reportEveryMs: 15 * MINUTE_MS },
  ...{ runEveryMs: 0, emitEveryMs: 1_000, emitAtOnce: 1_024, orderEveryMs: 0 },
};

async function measure(
  scenario: Scenario,
  { isSmoke }: Effort,
  unit: 'deviceHours' | 'entries',
): Promise<Measured> {
  const size = isSmoke ? SMOKE_PART : 1;
  const sized = { ...scenario, durationMs: scenario.durationMs * size };
  // Code warms up.
  const short = { ...scenario, durationMs: scenario.durationMs / 10 };
  if (!isSmoke) await simulate({ scenario: short, seed: 1 });
  const beforeMs = cpuMs('self');
  const { devices, virtualMs, entries, violations } = await simulate({ scenario: sized, seed: 2 });
  const seconds = Math.max(1, cpuMs('self') - beforeMs) / 1_000;
  const deviceHours = (devices * virtualMs) / HOUR_MS;
  const ours = (unit === 'entries' ? entries : deviceHours) / seconds;
  const facts = { seconds, entries, 'device-hours': deviceHours };
  return { ours, limit: 0, ratio: null, facts, isRight: violations.length === 0 };
}

export const virtualWorld: readonly Benchmark[] = [
  {
    name: 'sim-idle',
    about: 'virtual device-hours a second of processor time, of devices at which nothing happens',
    unit: 'hours/s',
    run: (effort) => measure(idle, effort, 'deviceHours'),
  },
  {
    name: 'sim-light',
    about: 'the same, of devices that do little',
    unit: 'hours/s',
    run: (effort) => measure(light, effort, 'deviceHours'),
  },
  {
    name: 'sim-busy',
    about: 'entries a second of processor time, from journal to ledger in the virtual world',
    unit: 'entries/s',
    run: (effort) => measure(busy, effort, 'entries'),
  },
];
