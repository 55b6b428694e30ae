import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { alternate, type Benchmark, type Effort, type Measured } from './benchmark.ts';
import { processFile, startChild } from './child.ts';
import { inScratch } from './scratch.ts';

/**
 * What does a long history cost: to come back to its end, and each further step?
 *
 * One run of 10,000 steps that then waits. Resume: from the signal that wakes it in a new process
 * until its code is where it waits; the limit is a process that opens a copy of the same store and
 * reads it. Growth: the time of the last 1,000 steps against that of the first 1,000.
 */
const STEPS = 10_000;
const STEPS_SMOKE = 100;
const PAIRS = 3;

const stepsOf = (effort: Effort): string => String(effort.isSmoke ? STEPS_SMOKE : STEPS);

/** Says what it has to in one line, and ends. */
async function ask(...args: readonly [name: string, ...rest: string[]]): Promise<number[]> {
  const [name, ...rest] = args;
  const child = startChild(processFile(name), ...rest);
  const values = Object.values(await child.line()).map(Number);
  await child.ended;
  return values;
}

async function bareReadMs(dir: string): Promise<number> {
  const startedAt = performance.now();
  await ask('bare-open', dir);
  return performance.now() - startedAt;
}

function measureResume(effort: Effort): Promise<Measured> {
  return inScratch(async (dir) => {
    const [device, copy] = [join(dir, 'device'), join(dir, 'copy')];
    await ask('long-run', device, stepsOf(effort), 'make');
    await cp(join(device, 'store'), copy, { recursive: true });
    return alternate(effort.isSmoke ? 1 : PAIRS, {
      ours: async () => (await ask('long-run', device, stepsOf(effort), 'go-on'))[0] ?? Number.NaN,
      limit: () => bareReadMs(copy),
    });
  });
}

function measureGrowth(effort: Effort): Promise<Measured> {
  return inScratch(async (dir) => {
    const [first = Number.NaN, last = Number.NaN] = await ask(
      'long-run',
      ...[join(dir, 'device'), stepsOf(effort), 'make'],
    );
    return { ours: last, limit: first, ratio: last / first };
  });
}

export const history: readonly Benchmark[] = [
  {
    name: 'resume',
    about: 'waking a run of 10,000 steps in a new process; limit: a process that reads the store',
    unit: 'ms',
    run: measureResume,
  },
  {
    name: 'step-growth',
    about: 'the last 1,000 of 10,000 steps; limit: the first 1,000',
    unit: 'ms',
    run: measureGrowth,
  },
];
