import { join } from 'node:path';
import type { Benchmark, Effort, Measured } from './benchmark.ts';
import { processFile, startChild } from './child.ts';
import { inScratch } from './scratch.ts';

/**
 * Does the store of runs that go on for ever grow?
 *
 * Its size after 5,000 rounds of 16 runs without a gateway, each round a history of its own; the
 * limit: its size after 500. `node bench/dist/processes/loop.js DIR 16 1000000` makes a million.
 */
const RUNS = 16;
const ROUNDS = 5_000;
const ROUNDS_SMOKE = 400;
const TENTH = 10;

async function kibAfter(dir: string, rounds: number): Promise<number> {
  const args = [dir, String(RUNS), String(rounds)];
  const child = startChild(processFile('loop'), ...args);
  const { kib } = await child.line();
  await child.ended;
  return Number(kib);
}

function measure(effort: Effort): Promise<Measured> {
  return inScratch(async (dir) => {
    const rounds = effort.isSmoke ? ROUNDS_SMOKE : ROUNDS;
    const ours = await kibAfter(join(dir, 'long'), rounds);
    const limit = await kibAfter(join(dir, 'short'), rounds / TENTH);
    return { ours, limit, ratio: ours / limit, facts: { rounds } };
  });
}

export const loopStore: Benchmark = {
  name: 'loop-store',
  about: 'size of a store after 5,000 rounds of runs that go on for ever; limit: after 500',
  unit: 'KiB',
  run: measure,
};
