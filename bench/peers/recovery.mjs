// 1,000 runs, each in its fourth step, when everything is killed: from the start of the process,
// and of the servers that it needs, until all are in that step again.
import { contestantsIn } from './contestants.mjs';

/** Rows `{ work, name, value, unit }`. */
export async function measureRecovery(dir, count) {
  const rows = [];
  for (const contestant of await contestantsIn(dir, count)) {
    await contestant.start();
    contestant.order({ do: 'hang', count });
    await contestant.message();
    await contestant.kill();
    const startedAt = performance.now();
    await contestant.start();
    await contestant.message();
    const value = performance.now() - startedAt;
    const { name } = contestant;
    rows.push({ work: `all killed: ${count} runs at work again`, name, value, unit: 'ms' });
    await contestant.kill();
  }
  return rows;
}
