// Durable steps a second, with so many runs at work at once: runs of a hundred steps that give a
// small object, one after another. And what that takes of memory and of the disk.
import { contestantsIn } from './contestants.mjs';
import { orWhy } from './or-why.mjs';
import { memoryMib, writtenBytes } from './process-tree.mjs';

const AT_ONCE = [1, 16, 128];

/** What was begun ends, too: a hundred steps of each run. */
const END_MS = 60_000;

/** Calls `show` with rows `{ work, name, value, unit }`. */
export async function measureSteps(dir, ms, show) {
  const contestants = await contestantsIn(dir);
  for (const each of contestants) await each.start();
  const ask = async (contestant, order) => {
    contestant.order({ do: 'rate', ...order });
    return contestant.message(order.ms + END_MS);
  };
  for (const runs of AT_ONCE) {
    const work = `durable steps, ${runs} at once`;
    for (const contestant of contestants) {
      const { name, pids } = contestant;
      await orWhy({ work, name }, async () => {
        await ask(contestant, { runs, ms: ms / 4 }); // What the compiler learns belongs to nobody.
        const before = writtenBytes(pids);
        const { perSecond, steps } = await ask(contestant, { runs, ms });
        const bytes = (writtenBytes(pids) - before) / steps;
        show({ work, name, value: perSecond, unit: 'steps/s' });
        show({ work: `the same, pages written`, name, value: bytes, unit: 'B/step' });
      });
    }
  }
  for (const { name, pids } of contestants) {
    show({ work: 'memory after it', name, value: memoryMib(pids), unit: 'MiB' });
  }
  for (const each of contestants) await each.kill();
}
