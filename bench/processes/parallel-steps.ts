// parallel-steps DATA_DIR COUNT: has one run begin so many steps at once, waits for all, and says
// how large the process has been.
import { Agent, workflow } from '@holdfast/agent';
import { residentMib } from '../resident.ts';
import { argument, say } from './say.ts';

const count = Number(argument(1));

const wide = workflow('wide', async (ctx) => {
  const steps = Array.from({ length: count }, (_, index) =>
    ctx.step('weigh', () => ({ grams: index, stable: true })),
  );
  const results = await Promise.all(steps);
  return results.reduce((sum, { grams }) => sum + grams, 0);
});

const agent = await Agent.open({ dataDir: argument(0), device: 'bench-1', workflows: [wide] });
const sum = await (await agent.start(wide, undefined)).result();
say({ peakMib: residentMib('self', 'VmHWM'), sum });
await agent.close();
