// Durable steps a second, with so many runs at work at once: runs of a hundred steps that give a
// small object, one after another. And what that takes of memory and of the disk.
import { contestantsIn } from './contestants.mjs';
import { memoryMib, writtenBytes } from './process-tree.mjs';

const AT_ONCE = [1, 16, 128];

/** Rows `{ work, name, value, unit }`. */
export async function measureSteps(dir, ms) {
  const contestants = await contestantsIn(dir);
  for (const each of contestants) await each.start();
  const ask = async (contestant, order) => {
    contestant.order({ do: 'rate', ...order });
    return contestant.message();
  };
  const rows = [];
  for (const runs of AT_ONCE) {
    for (const contestant of contestants) {
      const { name, pids } = contestant;
      await ask(contestant, { runs, ms: ms / 4 }); // What the compiler learns belongs to nobody.
      const before = writtenBytes(pids);
      const { perSecond, steps } = await ask(contestant, { runs, ms });
      const bytes = (writtenBytes(pids) - before) / steps;
      rows.push({
        work: `durable steps, ${runs} at once`,
        name,
        value: perSecond,
        unit: 'steps/s',
      });
      rows.push({ work: `the same, pages written`, name, value: bytes, unit: 'B/step' });
    }
  }
  for (const { name, pids } of contestants) {
    rows.push({ work: 'memory after it', name, value: memoryMib(pids), unit: 'MiB' });
  }
  for (const each of contestants) await each.kill();
  return rows;
}
