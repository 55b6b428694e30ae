import { join } from 'node:path';
import { processFile, startChild, untilSaid } from '../child.ts';
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
      let there = 0;
      await agentAtWork(dataDir, 0, ms); // What the steps of one point leave is under each.
      for (const x of xs) {
        if (x > there) {
          const maker = startChild(processFile('sleepers'), dataDir, String(x - there), 'make');
          await untilSaid(maker, 'all');
          await maker.ended;
          there = x;
        }
        each(await agentAtWork(dataDir, x, ms));
      }
    }),
};
