// in-flight DATA_DIR COUNT start|go-on: has so many runs at work, each behind three steps and in
// a fourth that does not end, and says when all are there.
import { Agent, workflow } from '@holdfast/agent';
import { argument, say } from './say.ts';

const count = Number(argument(1));
let atWork = 0;

const inFlight = workflow('in-flight', async (ctx, order: number) => {
  for (const name of ['intake', 'weigh', 'price']) await ctx.step(name, () => ({ order, name }));
  await ctx.step('pack', () => {
    atWork += 1;
    if (atWork === count) say({ atWork });
    return new Promise(() => {});
  });
});

const agent = await Agent.open({
  dataDir: argument(0),
  device: 'bench-1',
  workflows: [inFlight],
  // By default fewer step bodies are at work at a time, and these never end.
  stepsAtOnce: Number.POSITIVE_INFINITY,
});
if (argument(2) === 'start') {
  await Promise.all(Array.from({ length: count }, (_, order) => agent.start(inFlight, order)));
}
// Steps that wait for nothing do not keep a process.
setInterval(() => {}, 60_000);
