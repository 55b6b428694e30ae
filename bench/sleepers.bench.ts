import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Benchmark, Effort, Measured } from './benchmark.ts';
import { processFile, startChild, untilSaid } from './child.ts';
import { residentMib } from './resident.ts';
import { inScratch } from './scratch.ts';

/**
 * What do runs cost that only sleep: memory, and time at a start?
 *
 * 100,000 of them, each behind one step, in a new process without a gateway. The limit: the same
 * with none. Among the facts is the same with 1,000.
 */
const RUNS = 100_000;
const RUNS_SMOKE = 100;
const FEW = 1_000;
const FEW_SMOKE = 10;
const SETTLED_MS = 2_000;

interface Seen {
  readonly ms: number;
  readonly mib: number;
}

async function look(dir: string, count: number, effort: Effort): Promise<Seen> {
  const startedAt = performance.now();
  const child = startChild(processFile('sleepers'), dir, String(count), 'open');
  await child.line();
  const ms = performance.now() - startedAt;
  await pause(effort.isSmoke ? 50 : SETTLED_MS);
  const mib = residentMib(child.pid);
  await child.end('SIGKILL');
  return { ms, mib };
}

/** Makes a store with so many of them, and looks at it. */
async function lookAt(dir: string, count: number, effort: Effort): Promise<Seen> {
  const path = join(dir, String(count));
  const maker = startChild(processFile('sleepers'), path, String(count), 'make');
  await untilSaid(maker, 'all');
  await maker.ended;
  return look(path, count, effort);
}

interface All {
  readonly ours: Seen;
  readonly few: Seen;
  readonly none: Seen;
}

/** Memory and time are of the same starts: the stores are made once for both rows. */
let seen: Promise<All> | undefined;

function lookAtAll(effort: Effort): Promise<All> {
  return inScratch(async (dir) => {
    const ours = await lookAt(dir, effort.isSmoke ? RUNS_SMOKE : RUNS, effort);
    const few = await lookAt(dir, effort.isSmoke ? FEW_SMOKE : FEW, effort);
    const none = await look(join(dir, 'none'), 0, effort);
    return { ours, few, none };
  });
}

async function measure(of: keyof Seen, effort: Effort): Promise<Measured> {
  const { ours, few, none } = await (seen ??= lookAtAll(effort));
  const facts = { ...ours, 'ms with 1,000': few.ms, 'mib with 1,000': few.mib };
  return { ours: ours[of], limit: none[of], ratio: ours[of] / none[of], facts };
}

export const sleepers: readonly Benchmark[] = [
  {
    name: 'sleepers-memory',
    about: 'resident size of an agent with 100,000 sleeping runs; limit: with none',
    unit: 'MiB',
    run: (effort) => measure('mib', effort),
  },
  {
    name: 'sleepers-start',
    about: 'a start with 100,000 sleeping runs, until the agent is ready; limit: with none',
    unit: 'ms',
    run: (effort) => measure('ms', effort),
  },
];
