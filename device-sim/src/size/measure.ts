import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { SimChance } from '@holdfast/agent/testing';
import { Fleet, type FleetDevice } from '../fleet/fleet.ts';
import { until } from '../real/until.ts';
import type { EntryCost } from './constants.ts';

const AT_ONCE = 64;
const DRAIN_MS_MAX = 120_000;

/**
 * What an entry costs on this machine, from a device that was cut off and came back.
 *
 * @param onDone Told how many were journaled and how many drained, together.
 */
export async function measureEntry(
  payloadBytes: number,
  entries: number,
  onDone: (done: number) => void = () => {},
): Promise<EntryCost> {
  const fleet = await Fleet.start({ devices: 1 });
  try {
    const [device] = fleet.devices;
    if (device === undefined) throw new TypeError('a fleet has a device');
    await until('the device to be synced', async () => (await pendingOf(device)) === 0);
    const [storeDir, ledgerDir] = [join(device.dataDir, 'store'), join(fleet.dir, 'gateway')];
    const before = [await bytesIn(storeDir), await bytesIn(ledgerDir), device.proxy.passed.up];
    device.proxy.setMode('cut');
    await emitAll(device, { payloadBytes, entries, onDone });
    const journal = await bytesIn(storeDir);
    device.proxy.setMode('up');
    await device.socket.nudge().catch(() => undefined);
    const startMs = performance.now();
    const isDrained = async (): Promise<boolean> => {
      const pending = await pendingOf(device);
      onDone(2 * entries - pending);
      return pending === 0;
    };
    await until('the backlog to be drained', isDrained, DRAIN_MS_MAX);
    const seconds = (performance.now() - startMs) / 1_000;
    const ledger = await bytesIn(ledgerDir);
    const [journalBefore = 0, ledgerBefore = 0, upBefore = 0] = before;
    return {
      payloadBytes,
      journalBytes: (journal - journalBefore) / entries,
      ledgerBytes: (ledger - ledgerBefore) / entries,
      wireBytes: (device.proxy.passed.up - upBefore) / entries,
      drainedPerS: entries / seconds,
    };
  } finally {
    await fleet.close();
  }
}

async function pendingOf({ socket }: FleetDevice): Promise<number> {
  return (await socket.backlog()).pending;
}

interface Emission {
  readonly payloadBytes: number;
  readonly entries: number;
  readonly onDone: (done: number) => void;
}

async function emitAll({ socket }: FleetDevice, emission: Emission): Promise<void> {
  const { payloadBytes, entries, onDone } = emission;
  const readings = readingsOf(payloadBytes);
  let [next, done] = [0, 0];
  const some = Array.from({ length: AT_ONCE }, async () => {
    while (next < entries) {
      next += 1;
      await socket.emit({ name: 'reading', payload: readings.next().value, lane: 'bulk' });
      onDone((done += 1));
    }
  });
  await Promise.all(some);
}

/** Readings as devices have them: names that come again, and numbers that do not. */
function* readingsOf(bytes: number): Generator<object, never> {
  const chance = new SimChance(1);
  for (let number = 1; ; number += 1) {
    const reading = { sensor: `pump-${number % 16}`, number, values: [] as number[] };
    while (JSON.stringify(reading).length < bytes) {
      reading.values.push(Math.floor(chance.next() * 1e6) / 1e3);
    }
    yield reading;
  }
}

async function bytesIn(dir: string): Promise<number> {
  const names = await readdir(dir, { recursive: true });
  const sizes = names.map(async (name) => {
    const found = await stat(join(dir, name)).catch(() => undefined);
    return found?.isFile() === true ? found.size : 0;
  });
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}
