// sleepers DATA_DIR COUNT make|open: `make` begins so many runs, each asleep behind a step, says
// how far it is, and ends once all sleep; `open` says when the agent is ready, and stays.
import { setTimeout as pause } from 'node:timers/promises';
import { Agent, workflow } from '@holdfast/agent';
import { argument, say } from './say.ts';

const AT_ONCE = 1_000;
const TOLD_EVERY = 100_000;
const count = Number(argument(1));

const sleeper = workflow('sleeper', async (ctx) => {
  await ctx.step('weigh', () => 1);
  await ctx.sleep('30d');
});

const agent = await Agent.open({
  ...{ dataDir: argument(0), device: 'bench-1', workflows: [sleeper] },
  journalMaxBytes: 64 * 2 ** 30,
});
const sleeping = async (): Promise<number> => (await agent.status()).runs.sleeping ?? 0;
if (argument(2) === 'make') {
  const before = await sleeping();
  for (let from = 0; from < count; from += AT_ONCE) {
    if (from > 0 && from % TOLD_EVERY === 0) say({ begun: from });
    const some = Array.from({ length: Math.min(AT_ONCE, count - from) });
    // A thousand share their commits.
    await Promise.all(some.map(() => agent.start(sleeper, undefined)));
  }
  while ((await sleeping()) < before + count) await pause(100);
  await pause(2_500);
  await agent.close();
  say({ all: before + count });
} else {
  say({ sleeping: await sleeping() });
}
