import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Agent, workflow } from '@holdfast/agent';
import { encodeValue } from '@holdfast/protocol';
import { BarePuts } from './bare-puts.ts';
import type { Benchmark, Effort, Measured } from './benchmark.ts';
import { inScratch } from './scratch.ts';

/**
 * How many bytes are written for one small step?
 *
 * Bytes of write calls, as the kernel counts them for this process (`wchar`), so a few that wake
 * threads are among them; what the disk makes of them, pages and its own journal, is not. Starts
 * and ends of the runs, of a hundred steps each, are part of it. The limit: bare synced puts of the
 * same payload.
 *
 * `flash` has one run at a time, and so few that all is in LevelDB's log. `flash-lasting` has so
 * many, 64 at a time, that tables and their compactions are part of it.
 */
const STEPS_A_RUN = 100;

interface Amount {
  readonly runs: number;
  readonly runsSmoke: number;
  readonly atOnce: number;
}

const FEW: Amount = { runs: 20, runsSmoke: 1, atOnce: 1 };
const MANY: Amount = { runs: 640, runsSmoke: 2, atOnce: 64 };

const result = { grams: 412, stable: true };

const work = workflow('work', async (ctx) => {
  for (let index = 0; index < STEPS_A_RUN; index += 1) await ctx.step('weigh', () => result);
});

interface Written {
  /** Handed to write calls. */
  readonly bytes: number;
  /** Of the pages that were made dirty by them, as often as they were since they were synced. */
  readonly pageBytes: number;
}

/** What this process has written. Linux. */
async function written(): Promise<Written> {
  const io = await readFile('/proc/self/io', 'utf8');
  const [bytes, pageBytes] = [/^wchar: (\d+)$/m, /^write_bytes: (\d+)$/m].map((line) =>
    Number(line.exec(io)?.[1]),
  );
  return { bytes: bytes ?? Number.NaN, pageBytes: pageBytes ?? Number.NaN };
}

async function writtenBy(
  times: number,
  atOnce: number,
  once: () => Promise<unknown>,
): Promise<Written> {
  const before = await written();
  let begun = 0;
  const some = async (): Promise<void> => {
    while (begun < times) {
      begun += 1;
      await once();
    }
  };
  await Promise.all(Array.from({ length: atOnce }, some));
  const after = await written();
  return { bytes: after.bytes - before.bytes, pageBytes: after.pageBytes - before.pageBytes };
}

async function measure(effort: Effort, amount: Amount): Promise<Measured> {
  return inScratch(async (dir) => {
    const payload = encodeValue(result);
    const runs = effort.isSmoke ? amount.runsSmoke : amount.runs;
    const [steps, { atOnce }] = [runs * STEPS_A_RUN, amount];
    const puts = await BarePuts.open(join(dir, 'bare'));
    const dataDir = join(dir, 'device');
    const agent = await Agent.open({ dataDir, device: 'bench-1', workflows: [work] });
    const bare = await writtenBy(steps, atOnce, () => puts.put(payload));
    const runOnce = async () => (await agent.start(work, undefined)).result();
    const own = await writtenBy(runs, atOnce, runOnce);
    await agent.close();
    await puts.close();
    const [ours, limit] = [own.bytes / steps, bare.bytes / steps];
    const facts = { payload: payload.byteLength, 'page bytes': own.pageBytes / steps };
    return { ours, limit, ratio: ours / limit, facts };
  });
}

export const flash: readonly Benchmark[] = [
  {
    name: 'flash',
    about: 'bytes written for a small step; limit: bare synced puts of its payload',
    unit: 'B/step',
    run: (effort) => measure(effort, FEW),
  },
  {
    name: 'flash-lasting',
    about: 'the same of many steps, tables and compactions included; limit: bare puts likewise',
    unit: 'B/step',
    run: (effort) => measure(effort, MANY),
  },
];
