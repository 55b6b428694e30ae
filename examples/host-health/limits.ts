import { availableParallelism } from 'node:os';
import type { LoadReading, SpaceReading } from './readings.ts';

/** Where an alarm starts. A reading at the limit is still fine. */
export interface Limits {
  /** Of the load average over one minute. */
  readonly loadMax: number;
  readonly memoryPercentMax: number;
  readonly diskPercentMax: number;
  readonly celsiusMax: number;
}

/** Raises no alarm. */
export const unlimited: Limits = {
  loadMax: Infinity,
  memoryPercentMax: Infinity,
  diskPercentMax: Infinity,
  celsiusMax: Infinity,
};

/** One look at the machine. */
export interface Reading {
  readonly load: LoadReading;
  readonly memory: SpaceReading;
  readonly disk: SpaceReading;
  readonly celsius: number | null;
}

export interface Alarm {
  readonly what: 'load' | 'memory' | 'disk' | 'temperature';
  readonly value: number;
  readonly max: number;
}

/** The limits that the environment sets, and defaults for the rest. */
export function readLimits(env: Readonly<Record<string, string | undefined>>): Limits {
  const read = (name: string, fallback: number): number => {
    const value = Number(env[name] ?? fallback);
    if (Number.isFinite(value) && value >= 0 && env[name]?.trim() !== '') return value;
    throw new RangeError(`${name} is '${env[name]}', not a number from 0`);
  };
  return {
    // Twice as much to do as there are processors: it no longer keeps up.
    loadMax: read('HEALTH_LOAD_MAX', 2 * availableParallelism()),
    memoryPercentMax: read('HEALTH_MEMORY_PERCENT_MAX', 95),
    diskPercentMax: read('HEALTH_DISK_PERCENT_MAX', 90),
    celsiusMax: read('HEALTH_CELSIUS_MAX', 80),
  };
}

/** Which limits a reading passes. */
export function alarmsOf(reading: Reading, limits: Limits): readonly Alarm[] {
  const { load, memory, disk, celsius } = reading;
  const checks: readonly Alarm[] = [
    { what: 'load', value: load.load1, max: limits.loadMax },
    { what: 'memory', value: percentUsed(memory), max: limits.memoryPercentMax },
    { what: 'disk', value: percentUsed(disk), max: limits.diskPercentMax },
    { what: 'temperature', value: celsius ?? -Infinity, max: limits.celsiusMax },
  ];
  return checks.filter(({ value, max }) => value > max);
}

/** With one digit behind the point. */
function percentUsed({ totalBytes, freeBytes }: SpaceReading): number {
  return totalBytes === 0 ? 0 : Math.round(1_000 * (1 - freeBytes / totalBytes)) / 10;
}
