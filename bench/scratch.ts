import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Gives the work a directory of its own, gone after it. `HOLDFAST_BENCH_DIR` says on which disk:
 * where the default is in memory, syncs cost nothing and the ratios mean little.
 */
export async function inScratch<T>(work: (dir: string) => Promise<T>): Promise<T> {
  const parent = process.env['HOLDFAST_BENCH_DIR'] ?? tmpdir();
  const dir = await mkdtemp(join(parent, 'holdfast-bench-'));
  try {
    return await work(dir);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}
