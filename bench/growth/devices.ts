import { processFile, startChild } from '../child.ts';
import { inScratch } from '../scratch.ts';
import type { Curve } from './curve.ts';

/** Ingest in turns from so many devices. */
export const devices: Curve = {
  name: 'devices',
  about: 'entries of 200 B a second into the embedded ledger, 64 a batch, devices in turn',
  of: 'devices',
  measures: {
    ingest: { unit: 'entries/s', grows: 'flat', better: 'higher' },
    resident: { unit: 'MiB', grows: 'linear', better: 'lower' },
  },
  xs: [1, 10, 100, 1_000, 10_000],
  smokeXs: [3],
  run: (xs, ms, each) =>
    inScratch(async (dir) => {
      for (const x of xs) {
        const child = startChild(processFile('ingest'), `${dir}/${x}`, String(x), String(ms));
        const { perSecond, mib } = await child.line();
        await child.ended;
        each({ x, values: { ingest: Number(perSecond), resident: Number(mib) } });
      }
    }),
};
