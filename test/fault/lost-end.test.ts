import { readFileSync, readdirSync } from 'node:fs';
import { cp, rename, rm, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { Journal, noteHeads, openDataDir, sha256 } from '@holdfast/agent/internal';
import { until } from '@holdfast/device-sim';
import { entriesOf, liveOn } from '../support/lived-store.ts';
import { SimClock } from '../support/sim-clock.ts';
import { tempDir } from '../support/temp-dir.ts';

test('an end of the log that is gone is missed, however cleanly it was cut', async (t) => {
  const dir = await tempDir(t);
  await liveOn(dir, 1);
  const before = await entriesOf(dir);
  const older = join(await tempDir(t), 'older');
  await cp(join(dir, 'store'), older, { recursive: true });
  await liveOn(dir, 1);
  await rm(join(dir, 'store'), { recursive: true });
  await rename(older, join(dir, 'store'));

  const { salvage, release } = await openDataDir(dir, { device: 'd1' });
  await release();

  t.is(salvage?.why, 'the end of lane urgent is missing');
  t.is(salvage?.entriesKept, before.length);
  t.is(salvage?.lost, 'urgent 7-12, bulk 7-12');
});

test('the end of the log of a process that was killed is missed, once it was noted', async (t) => {
  const dir = await tempDir(t);
  const held = await openDataDir(dir, { device: 'd1' });
  const clock = new SimClock();
  const journal = await Journal.open({ ...held, boot: 1, clock, sha256 });
  const stop = noteHeads(held, { journal, clock });
  const body = { kind: 'event.emitted', run: '', n: 0, op: 0, name: 'e' } as const;
  const event = { lane: 'bulk', body: { ...body, payload: new Uint8Array([0xf6]) } } as const;
  for (let n = 0; n < 3; n += 1) await journal.append([event]);
  await clock.advance(10_000);
  const heads = () => readFileSync(join(dir, 'store.heads'), 'utf8');
  await until('the heads are noted', async () => heads().includes('[0,0,3]'));
  const killed = await tempDir(t);
  await cp(join(dir, 'store'), join(killed, 'store'), { recursive: true });
  for (const name of ['device.json', 'store.heads']) await cp(join(dir, name), join(killed, name));
  stop();
  await held.release();
  for (const name of readdirSync(join(killed, 'store'))) {
    if (name.endsWith('.log')) await truncate(join(killed, 'store', name), 0);
  }

  const { salvage, release } = await openDataDir(killed, { device: 'd1' });
  await release();

  t.like(salvage, { why: 'the end of lane bulk is missing', lost: 'bulk 1-3' });
});
