// Durable steps a second, with so many runs at work at once: runs of a hundred steps that give a
// small object, one after another.
import { join } from 'node:path';
import { Agent, workflow } from '@holdfast/agent';
import { DBOS } from '@dbos-inc/dbos-sdk';
import * as restate from '@restatedev/restate-sdk';
import * as clients from '@restatedev/restate-sdk-clients';
import { openPostgres, startRestate } from './servers.mjs';

const STEPS_A_RUN = 100;
let done = 0;

function result(index) {
  done += 1;
  return { grams: index, stable: true };
}

/** Has so many callers run one run after another for that long. Gives steps a second. */
async function rate(startRun, runs, ms) {
  const [before, startedAt] = [done, performance.now()];
  const isOver = () => performance.now() - startedAt >= ms;
  const caller = async () => {
    while (!isOver()) await startRun();
  };
  await Promise.all(Array.from({ length: runs }, caller));
  return ((done - before) * 1_000) / (performance.now() - startedAt);
}

async function holdfast(dir) {
  const work = workflow('work', async (ctx) => {
    for (let index = 0; index < STEPS_A_RUN; index += 1)
      await ctx.step('weigh', () => result(index));
  });
  const agent = await Agent.open({
    dataDir: join(dir, 'device'),
    device: 'bench',
    workflows: [work],
  });
  const startRun = async () => (await agent.start(work)).result();
  return { name: 'Holdfast', startRun, close: () => agent.close() };
}

async function restateSteps(dir) {
  const work = restate.service({
    name: 'work',
    handlers: {
      run: async (ctx) => {
        for (let index = 0; index < STEPS_A_RUN; index += 1) {
          await ctx.run('weigh', () => result(index));
        }
      },
    },
  });
  const server = await startRestate(join(dir, 'restate'), work);
  const ingress = clients.connect({ url: server.ingress });
  const startRun = () => ingress.serviceClient({ name: 'work' }).run();
  return { name: 'Restate', startRun, close: () => server.close() };
}

async function dbosSteps() {
  const postgres = await openPostgres();
  const work = DBOS.registerWorkflow(
    async () => {
      for (let index = 0; index < STEPS_A_RUN; index += 1) {
        await DBOS.runStep(() => Promise.resolve(result(index)), { name: 'weigh' });
      }
    },
    { name: 'work' },
  );
  DBOS.setConfig({ name: 'bench', systemDatabaseUrl: postgres.url, logLevel: 'error' });
  await DBOS.launch();
  const close = async () => {
    await DBOS.shutdown();
    await postgres.close();
  };
  return { name: 'DBOS', startRun: () => work(), close };
}

/** Rows `{ work, name, value, unit }`. */
export async function measureSteps(dir, ms) {
  const contestants = [await holdfast(dir), await restateSteps(dir), await dbosSteps()];
  const rows = [];
  for (const runs of [1, 16, 128]) {
    for (const { name, startRun } of contestants) {
      await rate(startRun, runs, ms / 4); // What the compiler learns belongs to nobody.
      const value = await rate(startRun, runs, ms);
      rows.push({ work: `durable steps, ${runs} at once`, name, value, unit: 'steps/s' });
    }
  }
  for (const { close } of contestants) await close();
  return rows;
}
