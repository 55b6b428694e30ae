import { join } from 'node:path';
import type { Benchmark, Effort, Measured } from './benchmark.ts';
import { processFile, startChild } from './child.ts';
import { inScratch } from './scratch.ts';

/**
 * How much memory does a run take that begins 10,000 steps at once?
 *
 * The largest resident size of a process until all are done; the limit: the same with one step.
 */
const STEPS = 10_000;
const STEPS_SMOKE = 100;

async function peakMib(dir: string, steps: number): Promise<number> {
  const child = startChild(processFile('parallel-steps'), dir, String(steps));
  const { peakMib: peak } = await child.line();
  await child.ended;
  return Number(peak);
}

function measure(effort: Effort): Promise<Measured> {
  return inScratch(async (dir) => {
    const ours = await peakMib(join(dir, 'wide'), effort.isSmoke ? STEPS_SMOKE : STEPS);
    const limit = await peakMib(join(dir, 'narrow'), 1);
    return { ours, limit, ratio: ours / limit };
  });
}

export const parallelMemory: Benchmark = {
  name: 'parallel-memory',
  about: 'largest size of a process with a run of 10,000 steps at once; limit: with one step',
  unit: 'MiB',
  run: measure,
};
