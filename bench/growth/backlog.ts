import { join } from 'node:path';
import { processFile, startChild } from '../child.ts';
import { inScratch } from '../scratch.ts';
import { agentAtWork, atWorkMeasures } from './agent-at-work.ts';
import type { Curve } from './curve.ts';

const PAYLOAD_BYTES = '100';

/** Steps on top of so many entries that the ledger lacks. */
export const backlog: Curve = {
  name: 'backlog',
  about: 'steps a second of 16 runs on top of so many entries that the ledger lacks',
  of: 'entries in the backlog',
  measures: { ...atWorkMeasures, ready: { unit: 'ms', grows: 'flat', better: 'lower' } },
  xs: [0, 1_000, 10_000, 100_000, 1_000_000, 10_000_000],
  smokeXs: [100],
  run: (xs, ms, each) =>
    inScratch(async (dir) => {
      const dataDir = join(dir, 'device');
      let there = 0;
      for (const x of xs) {
        if (x > there) {
          const events = String(x - there);
          const maker = startChild(processFile('backlog'), dataDir, events, '0', PAYLOAD_BYTES);
          await maker.line();
          await maker.ended;
          there = x;
        }
        each(await agentAtWork(dataDir, x, ms));
      }
    }),
};
