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
 * threads are among them; what the disk makes of them, pages and its own journal, is not. Runs of
 * a hundred steps, one after another: starts and ends are part of it; compaction is, once enough
 * was written. The limit: bare synced puts of the same payload.
 */
const STEPS_A_RUN = 100;
const RUNS = 20;
const RUNS_SMOKE = 1;

const result = { grams: 412, stable: true };

const work = workflow('work', async (ctx) => {
  for (let index = 0; index < STEPS_A_RUN; index += 1) await ctx.step('weigh', () => result);
});

/** Bytes that this process has handed to write calls. Linux. */
async function bytesWritten(): Promise<number> {
  return Number(/^wchar: (\d+)$/m.exec(await readFile('/proc/self/io', 'utf8'))?.[1]);
}

async function bytesEach(times: number, once: () => Promise<unknown>): Promise<number> {
  const before = await bytesWritten();
  for (let index = 0; index < times; index += 1) await once();
  return ((await bytesWritten()) - before) / times;
}

async function measure(effort: Effort): Promise<Measured> {
  return inScratch(async (dir) => {
    const payload = encodeValue(result);
    const runs = effort.isSmoke ? RUNS_SMOKE : RUNS;
    const puts = await BarePuts.open(join(dir, 'bare'));
    const dataDir = join(dir, 'device');
    const agent = await Agent.open({ dataDir, device: 'bench-1', workflows: [work] });
    const limit = await bytesEach(runs * STEPS_A_RUN, () => puts.put(payload));
    const runOnce = async () => (await agent.start(work, undefined)).result();
    const ours = (await bytesEach(runs, runOnce)) / STEPS_A_RUN;
    await agent.close();
    await puts.close();
    return { ours, limit, ratio: ours / limit, facts: { payload: payload.byteLength } };
  });
}

export const flash: Benchmark = {
  name: 'flash',
  about: 'bytes written for a small step; limit: bare synced puts of its payload',
  unit: 'B/step',
  run: measure,
};
