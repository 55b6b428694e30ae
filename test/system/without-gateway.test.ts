import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { Agent, workflow } from '@holdfast/agent';
import { openStore } from '@holdfast/agent/internal';
import { until } from '@holdfast/device-sim';
import { Gateway } from '@holdfast/gateway';
import { tempDir } from '../support/temp-dir.ts';

const LOOPS = 16;
/** `ROUNDS=20000` for more of them. */
const ROUNDS = Number(process.env['ROUNDS'] ?? 6_400);

/** A run that goes on in new histories until it has made so many rounds. */
const loop = workflow('loop', async (ctx, { round, last }: { round: number; last: number }) => {
  await ctx.step('work', () => ({ round, grams: 12.5 }));
  if (round >= last) await ctx.waitFor('more');
  return ctx.continueAsNew({ round: round + 1, last: round >= last ? last * 10 : last });
});

async function openAgent(t: ExecutionContext, dataDir: string, gateway?: string): Promise<Agent> {
  const to = gateway === undefined ? {} : { gateway };
  const agent = await Agent.open({ dataDir, device: 'd1', workflows: [loop], ...to });
  t.teardown(() => agent.close().catch(() => undefined));
  return agent;
}

async function rowsOf(dataDir: string): Promise<number> {
  const store = await openStore(join(dataDir, 'store'));
  let rows = 0;
  await store.each({ from: new Uint8Array(), to: Uint8Array.of(255) }, () => (rows += 1));
  await store.close();
  return rows;
}

/** All loops have made their rounds and wait. */
async function idle(agent: Agent, runs = LOOPS): Promise<void> {
  const areThere = async () => (await agent.status()).runs['waiting-signal'] === runs;
  await until('every run waits', areThere, 240_000);
}

test('M3 the store of runs that go on for ever does not grow with their rounds', async (t) => {
  const dataDir = await tempDir(t);
  const ids = Array.from({ length: LOOPS }, (_, index) => `loop-${index}`);
  const first = await openAgent(t, dataDir);
  for (const id of ids) await first.start(loop, { round: 1, last: ROUNDS / 10 / LOOPS }, { id });
  await idle(first);
  await first.close();
  const rowsBefore = await rowsOf(dataDir);

  const second = await openAgent(t, dataDir);
  for (const id of ids) await (await second.run(id)).signal('more');
  await idle(second);
  await second.close();
  const rowsAfter = await rowsOf(dataDir);

  t.log(`${rowsBefore} rows, then ${rowsAfter}`);
  t.true(rowsAfter < rowsBefore + 500, `${rowsBefore} rows, then ${rowsAfter}`);
  t.true(rowsAfter < 2_000, `${rowsAfter} rows`);
});

test('a gateway that comes late is told what was deleted, and gets the rest', async (t) => {
  const dataDir = await tempDir(t);
  const alone = await openAgent(t, dataDir);
  await alone.start(loop, { round: 1, last: 200 }, { id: 'loop-0' });
  await idle(alone, 1);
  await alone.close();

  const gateway = await Gateway.open({ dataDir: await tempDir(t), mqttPort: 0 });
  t.teardown(() => gateway.close());
  const agent = await openAgent(t, dataDir, gateway.mqttUrl);
  await agent.synced({ timeout: '60s' });

  const { faults, holes, entries } = await gateway.ledger.verify();
  t.deepEqual(faults, []);
  t.true(holes.entries > 300, `${holes.entries} entries in ${holes.count} holes`);
  t.true(entries > 2 && entries < 200, `${entries} entries`);
  t.is((await agent.status()).epoch, 1, 'it was no damage');
});
