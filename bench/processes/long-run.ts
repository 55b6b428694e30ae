// long-run DATA_DIR STEPS make|go-on: has one run of so many steps that then waits. `make` says how
// long the first thousand and the last thousand took, and ends; `go-on` says how long it took from
// the signal that wakes the run until its code is where it waits.
import { Agent, workflow } from '@holdfast/agent';
import { argument, say } from './say.ts';

const steps = Number(argument(1));
const part = Math.min(1_000, Math.floor(steps / 2));
const times: number[] = [];
let arrived = (): void => {};
const arrival = new Promise<void>((resolve) => (arrived = resolve));

const long = workflow('long', async (ctx) => {
  for (let index = 0; index < steps; index += 1) {
    await ctx.step('weigh', () => ({ grams: index, stable: true }));
    times.push(performance.now());
  }
  arrived();
  await ctx.waitFor('end');
});

const agent = await Agent.open({
  dataDir: argument(0),
  device: 'bench-1',
  workflows: [long],
});
if (argument(2) === 'make') {
  const startedAt = performance.now();
  await agent.start(long, undefined, { id: 'long' });
  await arrival;
  const [firstAt = startedAt, beforeAt = startedAt, lastAt = startedAt] = [
    times[part - 1],
    times[steps - part - 1],
    times[steps - 1],
  ];
  // Put away, so that waking it means to read its history again.
  while ((await agent.run('long').then((run) => run.status())).state !== 'waiting-signal') {
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  await agent.close();
  say({ firstMs: firstAt - startedAt, lastMs: lastAt - beforeAt });
} else {
  const startedAt = performance.now();
  const run = await agent.run('long');
  await run.signal('other');
  await arrival;
  say({ ms: performance.now() - startedAt });
  await agent.close();
}
