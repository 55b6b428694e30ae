import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';

/** A directory of its own for a test, gone after it. */
export async function tempDir(t: Pick<ExecutionContext, 'teardown'>): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'holdfast-test-'));
  t.teardown(() => rm(dir, { recursive: true, force: true }));
  return dir;
}
