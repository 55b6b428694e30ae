// history-end DATA_DIR STEPS MS: runs of so many steps, for about that time, and says how fast the
// last tenth of them is.
import { Agent, workflow } from '@holdfast/agent';
import { residentMib } from '../resident.ts';
import { argument, say } from './say.ts';

const STEPS_A_MS = 3;
const WARM_STEPS = 100;
const steps = Number(argument(1));
/** Of each part: what the compiler has not seen for long is slow. */
const stepsMin = STEPS_A_MS * Number(argument(2));
const last = Math.max(1, Math.floor(steps / 10));
let [timed, ms] = [0, 0];

const long = workflow('long', async (ctx) => {
  let beganAt = 0;
  for (let index = 0; index < steps; index += 1) {
    if (index === steps - last) beganAt = performance.now();
    await ctx.step('weigh', () => ({ grams: index, stable: true }));
  }
  ms += performance.now() - beganAt;
  timed += last;
});
const warm = workflow('warm', async (ctx) => {
  for (let index = 0; index < WARM_STEPS; index += 1)
    await ctx.step('weigh', () => ({ grams: index }));
});

const agent = await Agent.open({
  ...{ dataDir: argument(0), device: 'bench-1', workflows: [long, warm] },
  journalMaxBytes: 8 * 2 ** 30,
});
for (let made = 0; made < stepsMin; made += WARM_STEPS) {
  await (await agent.start(warm, undefined)).result();
}
for (let made = 0; made === 0 || made + steps <= stepsMin; made += steps) {
  await (await agent.start(long, undefined)).result();
}
say({ perSecond: (timed * 1_000) / ms, mib: residentMib('self') });
await agent.close();
