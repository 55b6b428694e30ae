import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import ava from 'ava';
import {
  faultKinds,
  findScenario,
  guarded,
  scenarioNames,
  scenarioText,
  simulate,
  type Fault,
  type Scenario,
} from '@holdfast/device-sim/internal';

// A virtual world takes the clock and chance of its whole process away: one at a time.
const test = ava.serial;
/** `SIM_SEEDS=2000` for more of them, `SIM_FIRST=5000` for others. */
const SEEDS = Number(process.env['SIM_SEEDS'] ?? 200);
/** Three minutes, for many seeds: what takes longer to meet is for `holdfast-sim soak`. */
const STORM_MS = Number(process.env['SIM_MINUTES'] ?? 3) * 60_000;
const FIRST = Number(process.env['SIM_FIRST'] ?? 1);

/** Faults that a storm has not: what they undo would hide what the others show. */
const others = scenarioNames().filter((name) => {
  const stormy = new Set(findScenario('storm').faults.map(({ kind }) => kind));
  const { faults, gateways } = findScenario(name);
  return gateways > 1 || faults.some(({ kind }) => !stormy.has(kind));
});
/** One seed in so many is of those. */
const OTHER_EVERY = 5;
/** They take longer to meet. */
const OTHER_MS = 2 * STORM_MS;

function scenarioOf(seed: number): Scenario {
  const other = others[Math.floor(seed / OTHER_EVERY) % others.length];
  if (seed % OTHER_EVERY > 0 || other === undefined) {
    return { ...findScenario('storm'), durationMs: STORM_MS };
  }
  const whole = findScenario(other);
  return { ...whole, devices: 2, durationMs: OTHER_MS, faults: whole.faults.map(soon) };
}

/** What would come too late comes once, and earlier. */
function soon(fault: Fault): Fault {
  if (fault.everyMs <= OTHER_MS / 2) return fault;
  const [atMs, forMs] = [[OTHER_MS / 4], Math.min(fault.forMs, OTHER_MS / 4)];
  return { ...fault, everyMs: 0, atMs, forMs };
}

test('in every storm each promise holds, and what was begun comes to its end', async (t) => {
  t.timeout(60_000 + SEEDS * 5_000);
  const met: Record<string, number> = {};
  for (const kind of Object.keys(faultKinds)) met[kind] = 0;
  for (let seed = FIRST; seed < FIRST + SEEDS; seed += 1) {
    const scenario = scenarioOf(seed);
    const report = await simulate({ scenario, seed });
    for (const [what, count] of Object.entries(report.mishaps)) {
      met[what] = (met[what] ?? 0) + count;
    }
    t.deepEqual(report.violations, [], `${scenario.name}, seed ${seed}: ${scenarioText(scenario)}`);
    if (report.violations.length > 0) return;
  }
  // A fault that never happened proves nothing.
  for (const [what, count] of Object.entries(met)) t.true(count > 0, `nothing was ${what}`);
});

for (const name of scenarioNames()) {
  test(`${name}: one seed gives one history, and every promise holds`, async (t) => {
    t.timeout(120_000);
    const whole = findScenario(name);
    const durationMs = Math.min(whole.durationMs, 10 * 60_000);
    const scenario = { ...whole, devices: 2, durationMs };
    const first = await simulate({ scenario, seed: 7 });
    const second = await simulate({ scenario, seed: 7 });
    const other = await simulate({ scenario: { ...scenario, durationMs: 60_000 }, seed: 8 });

    t.deepEqual(first.violations, []);
    t.true(first.entries > 0 || whole.runEveryMs > durationMs);
    t.deepEqual(first, second);
    t.not(first.digest, other.digest);
    // A fault that never happened proves nothing.
    for (const { kind, everyMs } of whole.faults) {
      t.true(everyMs > durationMs / 2 || (first.mishaps[kind] ?? 0) > 0, kind);
    }
  });
}

test('a virtual world that reaches for real time, chance or the network is told so', async (t) => {
  for (const reach of [
    () => Date.now(),
    () => Math.random(),
    () => performance.now(),
    () => setTimeout(() => {}, 0),
    () => fetch('http://127.0.0.1'),
    () => crypto.randomUUID(),
    () => readFileSync('/etc/hostname'),
    () => process.hrtime(),
    () => connect(1),
  ]) {
    await t.throwsAsync(
      guarded(async () => reach()),
      { message: /is real, and was reached from a virtual world/ },
    );
  }
  t.true(Date.now() > 0);
});
