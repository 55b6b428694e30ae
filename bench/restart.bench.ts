import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { alternate, type Benchmark, type Effort, type Measured } from './benchmark.ts';
import { processFile, startChild, type Child } from './child.ts';
import { inScratch } from './scratch.ts';

/**
 * How long after a kill until everything is at work again?
 *
 * 1,000 runs, each in its fourth step; the process gets SIGKILL; from the start of the next process
 * to the moment at which all are in that step again. The limit: a process that opens a copy of the
 * same store and reads it.
 */
const RUNS = 1_000;
const RUNS_SMOKE = 20;
const PAIRS = 5;

async function untilLine(start: () => Child): Promise<number> {
  const startedAt = performance.now();
  const child = start();
  await child.line();
  const ms = performance.now() - startedAt;
  await child.end('SIGKILL');
  return ms;
}

async function measure(effort: Effort): Promise<Measured> {
  return inScratch(async (dir) => {
    const runs = String(effort.isSmoke ? RUNS_SMOKE : RUNS);
    const [device, copy] = [join(dir, 'device'), join(dir, 'copy')];
    const agent = (how: string) => startChild(processFile('in-flight'), device, runs, how);
    await untilLine(() => agent('start'));
    await cp(join(device, 'store'), copy, { recursive: true });
    return alternate(effort.isSmoke ? 1 : PAIRS, {
      ours: () => untilLine(() => agent('go-on')),
      limit: () => untilLine(() => startChild(processFile('bare-open'), copy)),
    });
  });
}

export const restart: Benchmark = {
  name: 'restart',
  about: 'from the start of a process until 1,000 runs are at work again; limit: bare reading',
  unit: 'ms',
  run: measure,
};
