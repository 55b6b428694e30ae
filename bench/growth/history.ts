import { join } from 'node:path';
import { processFile, startChild } from '../child.ts';
import { inScratch } from '../scratch.ts';
import type { Curve } from './curve.ts';

/** A step at the end of a history of so many. */
export const history: Curve = {
  name: 'history',
  about: 'steps a second at the end of a run of so many steps, one run at work',
  of: 'steps in the history',
  measures: {
    steps: { unit: 'steps/s', grows: 'flat', better: 'higher' },
    resident: { unit: 'MiB', grows: 'linear', better: 'lower' },
  },
  xs: [10, 100, 1_000, 10_000, 100_000],
  smokeXs: [10],
  run: (xs, ms, each) =>
    inScratch(async (dir) => {
      for (const x of xs) {
        const numbers = [x, ms].map(String);
        const child = startChild(processFile('history-end'), join(dir, String(x)), ...numbers);
        const { perSecond, mib } = await child.line();
        await child.ended;
        each({ x, values: { steps: Number(perSecond), resident: Number(mib) } });
      }
    }),
};
