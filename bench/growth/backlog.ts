import { join } from 'node:path';
import { fillBacklog } from '../backlog-store.ts';
import { inScratch } from '../scratch.ts';
import { agentAtWork, atWorkMeasures } from './agent-at-work.ts';
import type { Curve } from './curve.ts';

const PAYLOAD_BYTES = 100;

/** Steps on top of so many entries that the ledger lacks. */
export const backlog: Curve = {
  name: 'backlog',
  about: 'steps a second of 16 runs on top of so many entries that the ledger lacks',
  of: 'entries in the backlog',
  measures: atWorkMeasures,
  xs: [0, 1_000, 10_000, 100_000, 1_000_000, 10_000_000],
  smokeXs: [100],
  run: (xs, ms, each) =>
    inScratch(async (dir) => {
      const dataDir = join(dir, 'device');
      let there = 0;
      await agentAtWork(dataDir, 0, ms); // What the steps of one point leave is under each.
      for (const x of xs) {
        // Also without any: a store that is opened is compared with one that is opened.
        const size = { events: x - there, runs: 0, payloadBytes: PAYLOAD_BYTES };
        await fillBacklog(dataDir, size);
        there = x;
        each(await agentAtWork(dataDir, x, ms));
      }
    }),
};
