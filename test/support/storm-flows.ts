import { appendFileSync } from 'node:fs';
import { workflow } from '@holdfast/agent';

const STEPS = 6;

/** Says which body ran, outside of anything that Holdfast keeps. */
function ran(run: string, step: number): void {
  appendFileSync(process.env['STORM_LOG'] ?? '', `${run} ${step}\n`);
}

/** Long enough to be killed in; every way an entry comes about. */
export const storm = workflow('storm', async (ctx, input: { pauseMs: number }) => {
  let sum = 0;
  for (let step = 0; step < STEPS; step += 1) {
    sum += await ctx.step(`step-${step}`, async () => {
      ran(ctx.runId, step);
      await new Promise((resolve) => setTimeout(resolve, input.pauseMs));
      return step;
    });
    if (step === 1) await ctx.emit('measured', { sum }, { lane: 'bulk' });
    if (step === 2) await ctx.sleep(input.pauseMs);
    if (step === 3) sum += await ctx.call<number>('double', sum);
  }
  await ctx.setStatus('done');
  return sum;
});
