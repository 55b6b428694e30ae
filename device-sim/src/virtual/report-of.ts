import { catchUpReport, type DeviceReport, type SimulationReport } from '../report/report.ts';
import type { Requests } from './drive.ts';
import type { Lived } from './simulate.ts';
import type { World, WorldOptions } from './world.ts';

/** What there is to tell of a world. */
export function reportOf(
  world: World,
  { scenario, seed }: WorldOptions,
  { requests, became, endedMs }: Lived,
): SimulationReport {
  const { witness, network, observer, timeline, gateway, machines, outside } = world;
  const asked = [[...requests.runs.values()], ...requests.events.values()];
  const acknowledged = asked.reduce(
    (sum, each) => sum + each.filter(({ isAcknowledged }) => isAcknowledged).length,
    0,
  );
  const boots = machines.reduce((sum, { agent }) => sum + agent.boots, 0);
  const virtualMs = Math.round(endedMs);
  const { orders, losses } = became;
  return {
    schema: 'holdfast.simulation/1',
    ...{ scenario: scenario.name, seed, devices: scenario.devices },
    ...{ isReal: false, isCutShort: world.isStopped },
    ...{ virtualMs, healedMs: Math.max(0, Math.round(virtualMs - scenario.durationMs)) },
    ...{ events: world.events, runs: requests.runs.size, acknowledged, entries: witness.entries },
    ...{ messages: network.messages, bytes: network.bytes },
    mishaps: world.mishaps,
    ...{ boots, gatewayStarts: gateway.starts, orders },
    checked: {
      P1: witness.entries + acknowledged,
      P2: requests.runs.size,
      P3: witness.answers,
      P4: losses + requests.refused,
      P5: outside.deeds,
      P6: outside.calls.size + orders.applied + orders.expired + orders.rejected,
      P7: boots + gateway.starts,
      P8: world.wire.told,
      P9: witness.answers + witness.tornBackups,
      P10: world.wire.searched,
      P11: scenario.devices,
      P12: outside.naps.length + world.times.compared,
    },
    catchUp: catchUpReport(observer.catchUps),
    fleet: fleetOf(world, requests),
    ...{ samples: observer.samples, timeline: timeline.happened },
    ...{ digest: world.digest, violations: witness.violations },
  };
}

function fleetOf({ machines, witness, observer }: World, requests: Requests): DeviceReport[] {
  const runs = countBy([...requests.runs.values()].map(({ device }) => device));
  const violations = countBy(witness.violations.map(({ device }) => device));
  const catchUps = countBy(observer.catchUps.map(({ device }) => device));
  const worst = new Map<string, number>();
  for (const { device, tookMs } of observer.catchUps) {
    worst.set(device, Math.max(worst.get(device) ?? 0, tookMs));
  }
  return machines.map(({ name: device, agent }) => ({
    device,
    entries: witness.entriesOf(device),
    pending: witness.pendingOf(device),
    pendingMax: observer.pendingMax.get(device) ?? 0,
    runs: runs.get(device) ?? 0,
    boots: agent.boots,
    catchUps: catchUps.get(device) ?? 0,
    worstCatchUpMs: worst.get(device) ?? 0,
    violations: violations.get(device) ?? 0,
  }));
}

function countBy(names: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}
