import { setTimeout as pause } from 'node:timers/promises';
import { lanes } from '@holdfast/protocol';
import type { Fleet, FleetDevice } from './fleet.ts';

/** How long what has ended is kept in a fleet, by its agents. */
export const FLEET_RETENTION_MS = 2_000;
/** A pass of the retention may just be over, and the machine be busy. */
const PATIENCE_MS = 60_000;
const LOOK_EVERY_MS = 500;
/** Both ways: reports, acks of them, and pings. */
const BYTES_A_SECOND_MAX = 4_096;

type Blame = (promise: string, device: string, what: string) => void;

/**
 * P11: once nothing happens any more, the disks let go of what has ended, and the wires are silent
 * but for reports. The last entry of each lane stays, and with it the run that it is of.
 */
export async function checkRest(fleet: Fleet, blame: Blame): Promise<number> {
  const endMs = performance.now() + PATIENCE_MS;
  let kept = await keptOf(fleet.devices);
  while (kept.size > 0 && performance.now() < endMs) {
    await pause(LOOK_EVERY_MS);
    kept = await keptOf(fleet.devices);
  }
  for (const [device, count] of kept) blame('P11', device, `keeps ${count} runs that have ended`);
  const [before, startMs] = [passedOf(fleet), performance.now()];
  await pause(FLEET_RETENTION_MS);
  const seconds = (performance.now() - startMs) / 1_000;
  for (const [device, bytes] of passedOf(fleet)) {
    const perS = (bytes - (before.get(device) ?? 0)) / seconds;
    if (perS > BYTES_A_SECOND_MAX) blame('P11', device, `${Math.round(perS)} B/s pass at rest`);
  }
  return fleet.devices.length;
}

async function keptOf(devices: readonly FleetDevice[]): Promise<ReadonlyMap<string, number>> {
  const all = await Promise.all(
    devices.map(async ({ name, socket }) => {
      const { runs } = await socket.status();
      return [name, Object.values(runs).reduce((sum, count) => sum + count, 0)] as const;
    }),
  );
  return new Map(all.filter(([, count]) => count > lanes.length));
}

function passedOf({ devices }: Fleet): ReadonlyMap<string, number> {
  return new Map(devices.map(({ name, proxy }) => [name, proxy.passed.up + proxy.passed.down]));
}
