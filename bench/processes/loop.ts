// loop DATA_DIR RUNS ROUNDS: has so many runs that go on in new histories for ever, without a
// gateway, makes so many rounds with them, and says how large the store is then.
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Agent, workflow } from '@holdfast/agent';
import { argument, say } from './say.ts';

const [runs = 0, rounds = 0] = [argument(1), argument(2)].map(Number);
let made = 0;
let enough = (): void => {};
const all = new Promise<void>((resolve) => (enough = resolve));

const loop = workflow('loop', async (ctx, round: number) => {
  await ctx.step('weigh', () => ({ grams: round, stable: true }));
  made += 1;
  if (made >= rounds) {
    enough();
    await ctx.waitFor('more');
  }
  return ctx.continueAsNew(round + 1);
});

const dataDir = argument(0);
const agent = await Agent.open({ dataDir, device: 'bench-1', workflows: [loop] });
for (let index = 0; index < runs; index += 1) await agent.start(loop, 1);
await all;
await agent.close();
const store = join(dataDir, 'store');
const bytes = readdirSync(store).reduce((sum, name) => sum + statSync(join(store, name)).size, 0);
say({ kib: bytes / 1_024 });
