import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import test from 'ava';
import { findScenario, runFleet, unreal } from '@holdfast/device-sim/internal';

/** Longer, with more: `FLEET_SECONDS=120 FLEET_DEVICES=60 npm test -- system/fleet`. */
const SECONDS = Number(process.env['FLEET_SECONDS'] ?? 4);
const DEVICES = Number(process.env['FLEET_DEVICES'] ?? 2);

const left = (): string[] =>
  readdirSync(tmpdir()).filter((name) => name.startsWith(`holdfast-fleet-${process.pid}-`));

test('real agents, killed, stopped and cut off, keep every promise', async (t) => {
  t.timeout(240_000 + SECONDS * 1_000);
  const storm = findScenario('storm');
  const kinds = ['kill', 'pause', 'outage', 'half-open', 'gateway-kill'];
  const faults = storm.faults
    .filter(({ kind }) => kinds.includes(kind))
    // Each of them happens, however short it is.
    .map((fault) => ({ ...fault, everyMs: 0, atMs: [storm.durationMs / 4] }));
  const scenario = { ...storm, faults, devices: DEVICES };

  const report = await runFleet({
    ...{ scenario, seed: 5, devices: DEVICES, durationMs: SECONDS * 1_000 },
  });

  t.deepEqual(report.violations, []);
  t.true(report.isReal && report.acknowledged > 0 && report.entries > 0);
  for (const kind of kinds) t.true((report.mishaps[kind] ?? 0) > 0, `no ${kind}`);
  t.true(report.boots > DEVICES);
  t.true(report.gatewayStarts > 1);
  t.deepEqual(left(), [], 'nothing is left behind');
});

test('what no real machine has on demand is named', (t) => {
  t.deepEqual(unreal(findScenario('storm').faults), [
    ...['slow-disk', 'full-disk', 'clock-jump', 'broker-down'],
    ...['restart-storm', 'failing-disk', 'clock-drift', 'clock-1970'],
  ]);
  t.deepEqual(unreal(findScenario('city-outage').faults), []);
});
