import { processFile, startChild } from '../child.ts';
import type { Curve, Point } from './curve.ts';

/** Runs at work while something else grows. */
const RUNS = '16';

/** What an agent gives and takes on what is in this directory. */
export async function agentAtWork(dir: string, x: number, ms: number): Promise<Point> {
  const child = startChild(processFile('at-work'), dir, RUNS, String(ms));
  const { perSecond, cpuUs, readyMs, mib } = await child.line();
  await child.ended;
  const values = { steps: perSecond, processor: cpuUs, ready: readyMs, resident: mib };
  const pairs = Object.entries(values).map(([name, value]) => [name, Number(value)]);
  return { x, values: Object.fromEntries(pairs) as Point['values'] };
}

export const atWorkMeasures: Curve['measures'] = {
  steps: { unit: 'steps/s', grows: 'flat', better: 'higher' },
  processor: { unit: 'µs a step', grows: 'flat', better: 'lower' },
  ready: { unit: 'ms', grows: 'linear', better: 'lower' },
  resident: { unit: 'MiB', grows: 'linear', better: 'lower' },
};
