import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Agent, workflow } from '@holdfast/agent';
import { BarePuts, STEP_ROW_BYTES } from './bare-puts.ts';
import {
  alternate,
  pairsOf,
  warmUp,
  type Benchmark,
  type Effort,
  type Measured,
} from './benchmark.ts';
import { inScratch } from './scratch.ts';

/**
 * How many durable steps a second does an agent make, with so many runs at work at once?
 *
 * One process, no gateway. Runs of a hundred steps follow one another, so their starts and ends
 * are part of it. The limit: as many callers, each waiting for one bare synced put of a row as
 * large as that of a step.
 */
const STEPS_A_RUN = 100;
const STEPS_A_RUN_SMOKE = 5;

let stepsDone = 0;

const work = workflow('work', async (ctx, steps: number) => {
  for (let index = 0; index < steps; index += 1) {
    await ctx.step('weigh', () => ({ grams: index, stable: true }));
    stepsDone += 1;
  }
});

async function rate(agent: Agent, runs: number, effort: Effort): Promise<number> {
  const steps = effort.isSmoke ? STEPS_A_RUN_SMOKE : STEPS_A_RUN;
  const startedAt = performance.now();
  const before = stepsDone;
  const workers = Array.from({ length: runs }, async () => {
    const isOver = () => performance.now() - startedAt >= effort.ms;
    while (!isOver()) await (await agent.start(work, steps)).result();
  });
  await pause(effort.ms);
  const perSecond = ((stepsDone - before) * 1_000) / (performance.now() - startedAt);
  // What was begun ends uncounted.
  await Promise.all(workers);
  return perSecond;
}

async function measure(runs: number, effort: Effort): Promise<Measured> {
  return inScratch(async (dir) => {
    const puts = await BarePuts.open(join(dir, 'bare'));
    const dataDir = join(dir, 'device');
    const agent = await Agent.open({ dataDir, device: 'bench-1', workflows: [work] });
    const pairs = pairsOf(effort);
    const ms = effort.ms / (2 * pairs);
    const load = { callers: runs, valueBytes: STEP_ROW_BYTES, ms };
    const ours = (): Promise<number> => rate(agent, runs, { ...effort, ms });
    const limit = (): Promise<number> => puts.rate(load);
    // What the compiler learns meanwhile belongs to neither side.
    if (!effort.isSmoke) for (const side of [ours, limit]) await warmUp(side);
    const measured = await alternate(pairs, { ours, limit });
    await agent.close();
    await puts.close();
    return measured;
  });
}

export const steps: readonly Benchmark[] = [1, 16, 128].map((runs) => ({
  name: `steps-${runs}`,
  about: `durable steps, runs at once: ${runs}; limit: as many callers of bare synced puts`,
  unit: 'steps/s',
  run: (effort) => measure(runs, effort),
}));
