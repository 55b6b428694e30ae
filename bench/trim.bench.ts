import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { fillBacklog, type BacklogSize } from './backlog-store.ts';
import type { Benchmark, Effort, Measured } from './benchmark.ts';
import { processFile, startChild } from './child.ts';
import { inScratch } from './scratch.ts';

/**
 * How fast is the room of a backlog given back, once the ledger has it, and who waits for that?
 *
 * An agent starts on a backlog of 100,000 entries of 1 KiB, a tenth of them of ended runs, that the
 * ledger has; it may keep 1 MiB of them. From the start until its files take no more than that and
 * as much again, while an event is emitted every 10 ms. With 60 seconds or more to measure for,
 * 1,000,000 entries. The limit: a bare LevelDB of the same rows, which are read, deleted, and
 * compacted.
 */
const LARGE: BacklogSize = { events: 900_000, runs: 10_000 };
const USUAL: BacklogSize = { events: 90_000, runs: 1_000 };
const SMOKE: BacklogSize = { events: 3_000, runs: 10 };
const LARGE_MS = 60_000;
const KEPT_BYTES = 2 ** 20;
/** What is kept, as much of what was deleted, and LevelDB's own notes. */
const LEFT_BYTES = 2.25 * KEPT_BYTES;
const MB = 1e6;

function sizeOf({ isSmoke, ms }: Effort): BacklogSize {
  if (isSmoke) return SMOKE;
  return ms >= LARGE_MS ? LARGE : USUAL;
}

async function measure(effort: Effort): Promise<Measured> {
  return inScratch(async (dir) => {
    const [device, bare] = [join(dir, 'device'), join(dir, 'bare')];
    await fillBacklog(device, sizeOf(effort));
    await cp(join(device, 'store'), bare, { recursive: true });
    const trimmer = startChild(processFile('trim'), device, String(KEPT_BYTES), String(LEFT_BYTES));
    const told = await trimmer.line();
    await trimmer.ended;
    const limiter = startChild(processFile('bare-trim'), bare);
    const { ms: bareMs } = await limiter.line();
    await limiter.ended;
    const number = (name: string): number => Number(told[name]);
    const mb = (number('before') - number('after')) / MB;
    const ours = (mb * 1_000) / number('ms');
    const limit = (mb * 1_000) / Number(bareMs);
    const facts = {
      ...{ 'MB at first': number('before') / MB, 'MB at the end': number('after') / MB },
      'MB a second of processor time': (mb * 1_000) / number('cpuMs'),
      'ms an append, median': number('appendMs'),
      'ms an append, 99 of 100': number('appendMs99'),
      'ms an append, at most': number('appendMsMax'),
      'ms the event loop was late, 99 of 100': number('loopMs99'),
    };
    return { ours, limit, ratio: ours / limit, facts };
  });
}

export const trim: Benchmark = {
  name: 'trim',
  about: 'room given back once the ledger has 100 MB; limit: a bare LevelDB read and emptied',
  unit: 'MB/s',
  run: measure,
};
