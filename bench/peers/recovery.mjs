// 1,000 runs, each in its fourth step, when everything is killed: from the start of the process,
// and of the servers that it needs, until all are in that step again.
import { contestantsIn } from './contestants.mjs';
import { orWhy } from './or-why.mjs';
import { memoryMib } from './process-tree.mjs';

/** Until all hang, or hang again. */
const PATIENCE_MS = 180_000;

/** Calls `show` with rows `{ work, name, value, unit }`. */
export async function measureRecovery(dir, count, show) {
  const work = `all killed: ${count} runs at work again`;
  for (const contestant of await contestantsIn(dir, count)) {
    const { name } = contestant;
    await orWhy({ work, name }, async () => {
      await contestant.start();
      contestant.order({ do: 'hang', count });
      await contestant.message(PATIENCE_MS);
      await contestant.kill();
      const startedAt = performance.now();
      await contestant.start();
      await contestant.message(PATIENCE_MS);
      show({ work, name, value: performance.now() - startedAt, unit: 'ms' });
      const value = memoryMib(contestant.pids);
      show({ work: 'memory with them', name, value, unit: 'MiB' });
    });
    await contestant.kill();
  }
}
