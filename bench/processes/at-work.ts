// at-work DATA_DIR RUNS MS: opens whatever is there, and has so many runs at once make steps, a
// hundred each, one run after another. Says how soon it was ready, and what a step took.
import { Agent, workflow } from '@holdfast/agent';
import { cpuMs } from '../cpu-time.ts';
import { residentMib } from '../resident.ts';
import { argument, say } from './say.ts';

const STEPS_A_RUN = 100;
/** Rounds of it that the compiler has to itself. */
const WARM_UP = 0.5;
const [dataDir, runs, ms] = [argument(0), Number(argument(1)), Number(argument(2))];

let stepsDone = 0;
const work = workflow('work', async (ctx) => {
  for (let index = 0; index < STEPS_A_RUN; index += 1) {
    await ctx.step('weigh', () => ({ grams: index, stable: true }));
    stepsDone += 1;
  }
});
const sleeper = workflow('sleeper', async (ctx) => ctx.sleep('30d'));

const startedAt = performance.now();
const agent = await Agent.open({
  ...{ dataDir, device: 'bench-1', workflows: [work, sleeper] },
  journalMaxBytes: 64 * 2 ** 30,
});
const readyMs = performance.now() - startedAt;
const mib = residentMib('self');

async function makeSteps(forMs: number): Promise<{ perSecond: number; cpuUs: number }> {
  const [before, beganAt, usedMs] = [stepsDone, performance.now(), cpuMs('self')];
  const worker = async (): Promise<void> => {
    while (performance.now() - beganAt < forMs) await (await agent.start(work, undefined)).result();
  };
  await Promise.all(Array.from({ length: runs }, worker));
  const made = stepsDone - before;
  return {
    perSecond: (made * 1_000) / (performance.now() - beganAt),
    cpuUs: ((cpuMs('self') - usedMs) * 1_000) / made,
  };
}

await makeSteps(WARM_UP * ms);
say({ readyMs, mib, ...(await makeSteps(ms)) });
process.exit(0);
