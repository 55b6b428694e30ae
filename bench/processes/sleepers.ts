// sleepers DATA_DIR COUNT make|open: has so many runs, each asleep behind a step. `make` ends once
// all sleep; `open` says when the agent is ready, and stays.
import { setTimeout as pause } from 'node:timers/promises';
import { Agent, workflow } from '@holdfast/agent';
import { argument, say } from './say.ts';

const AT_ONCE = 1_000;
const count = Number(argument(1));

const sleeper = workflow('sleeper', async (ctx) => {
  await ctx.step('weigh', () => 1);
  await ctx.sleep('30d');
});

const agent = await Agent.open({ dataDir: argument(0), device: 'bench-1', workflows: [sleeper] });
if (argument(2) === 'make') {
  for (let from = 0; from < count; from += AT_ONCE) {
    const some = Array.from({ length: Math.min(AT_ONCE, count - from) });
    // A thousand share their commits.
    await Promise.all(some.map(() => agent.start(sleeper, undefined)));
  }
  while ((await agent.status()).runs.sleeping !== count) await pause(100);
  await pause(2_500);
  await agent.close();
  say({ sleeping: count });
} else {
  say({ sleeping: (await agent.status()).runs.sleeping ?? 0 });
}
