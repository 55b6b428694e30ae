import { readdir, readFile, statfs } from 'node:fs/promises';
import { availableParallelism, freemem, loadavg, totalmem } from 'node:os';
import { join } from 'node:path';

const thermalDir = '/sys/class/thermal';

export interface LoadReading {
  /** Average number of running or waiting tasks over the last minute. */
  readonly load1: number;
  readonly cpus: number;
}

export interface SpaceReading {
  readonly totalBytes: number;
  /** What programs can still have: caches count as free, root's reserve does not. */
  readonly freeBytes: number;
}

export function readLoad(): LoadReading {
  const [load1 = 0] = loadavg();
  return { load1, cpus: availableParallelism() };
}

export function readMemory(): SpaceReading {
  return { totalBytes: totalmem(), freeBytes: freemem() };
}

/** The file system that holds `path`. */
export async function readDisk(path: string): Promise<SpaceReading> {
  const { bsize, blocks, bavail } = await statfs(path);
  return { totalBytes: bsize * blocks, freeBytes: bsize * bavail };
}

/** The hottest sensor, in degrees Celsius; `null` on a machine that has none to read. */
export async function readTemperature(): Promise<number | null> {
  const names = await readdir(thermalDir).catch((): string[] => []);
  const zones = names.filter((name) => name.startsWith('thermal_zone'));
  const texts = await Promise.all(
    // A sensor of a device that sleeps fails to read; the others still count.
    zones.map((zone) => readFile(join(thermalDir, zone, 'temp'), 'utf8').catch(() => '')),
  );
  const celsius = texts.filter((text) => /^-?\d+\s*$/.test(text)).map((text) => +text / 1_000);
  return celsius.length === 0 ? null : Math.max(...celsius);
}
