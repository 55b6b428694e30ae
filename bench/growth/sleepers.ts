import { join } from 'node:path';
import { processFile, startChild } from '../child.ts';
import { inScratch } from '../scratch.ts';
import { agentAtWork, atWorkMeasures } from './agent-at-work.ts';
import type { Curve } from './curve.ts';

/** Steps beside so many runs that sleep. */
export const sleepers: Curve = {
  name: 'sleepers',
  about: 'steps a second of 16 runs beside so many that sleep',
  of: 'sleeping runs',
  measures: atWorkMeasures,
  xs: [0, 1_000, 10_000, 100_000, 1_000_000],
  smokeXs: [20],
  run: (xs, ms, each) =>
    inScratch(async (dir) => {
      const dataDir = join(dir, 'device');
      for (const x of xs) {
        if (x > 0) {
          const maker = startChild(processFile('sleepers'), dataDir, String(x), 'make');
          await maker.line();
          await maker.ended;
        }
        each(await agentAtWork(dataDir, x, ms));
      }
    }),
};
