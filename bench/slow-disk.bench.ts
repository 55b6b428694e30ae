import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { alternate, type Benchmark, type Effort, type Measured } from './benchmark.ts';
import { checkoutFile, nodeCommand, processFile, startProgram } from './child.ts';
import { inScratch } from './scratch.ts';

/**
 * What do 128 runs make of a disk that takes 20 ms for a sync?
 *
 * The limit: as many callers of bare puts on the same disk. Both are processes whose syncs a
 * library that is loaded before libc makes slow.
 */
const RUNS = '128';
const SYNC_MS = 20;
const PAIRS = 3;

async function slowDisk(dir: string): Promise<Readonly<Record<string, string>>> {
  const [library, orders] = [join(dir, 'shim.so'), join(dir, 'orders')];
  const source = checkoutFile('test/support/faults/shim.c');
  await promisify(execFile)('cc', ['-shared', '-fPIC', '-O1', '-o', library, source, '-ldl']);
  await writeFile(orders, `slow ${SYNC_MS} 0`);
  const below = join(dir, 'disk');
  await mkdir(below);
  return { LD_PRELOAD: library, FAULT_DIR: below, FAULT_FILE: orders };
}

function measure(effort: Effort): Promise<Measured> {
  return inScratch(async (dir) => {
    const env = await slowDisk(dir);
    const pairs = effort.isSmoke ? 1 : PAIRS;
    const ms = String(effort.ms / (2 * pairs));
    let round = 0;
    const rate = async (name: string): Promise<number> => {
      const place = join(dir, 'disk', `${name}-${(round += 1)}`);
      const child = startProgram(nodeCommand(processFile(name), place, RUNS, ms), { env });
      const { perSecond } = await child.line();
      await child.ended;
      return Number(perSecond);
    };
    return alternate(pairs, { ours: () => rate('at-work'), limit: () => rate('bare-work') });
  });
}

export const slowDiskSteps: Benchmark = {
  name: 'slow-disk',
  about: 'durable steps, runs at once: 128, a sync takes 20 ms; limit: as many bare puts',
  unit: 'steps/s',
  run: measure,
};
