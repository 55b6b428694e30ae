import { openSync, writeSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Level } from 'level';
import { Agent, workflow } from '@holdfast/agent';
import {
  Compaction,
  Journal,
  MARK_KEY,
  Retention,
  RunStore,
  encodeMark,
  openDataDir,
  rekeyDeeply,
  rekeyStore,
  restoreStore,
  sha256,
  systemClock,
  loadLevel,
} from '@holdfast/agent/internal';
import { encodeValue, lanes } from '@holdfast/protocol';
import { acknowledge } from '../acknowledge.ts';
import { useSmallTables } from '../lived-store.ts';
import { oldMigration } from '../old-store.ts';
import { powerKeys } from './survivor.ts';

/**
 * A process to be recorded, which says in `DIR/said` what it was told is durable.
 *
 *   agent DIR FROM COUNT     runs with two steps and a signal, on `DIR/data`
 *   migrate DIR              a start on a store of an older format
 *   journal DIR FROM COUNT   entries in three lanes, acknowledged and trimmed as they come
 *   epoch DIR                a start on a store whose life has ended, which begins a new epoch
 *   rekey DIR                another key for an encrypted store, and then a new data key as well
 *   restore DIR              `DIR/snapshot` in the place of the store, and a start on it
 *
 * With `STORE_KEY=1` the store is encrypted. With `BREAK=no-sync` LevelDB is not asked to sync;
 * with `BREAK=in-place` the store is made where it is to be: both are what the cuts must catch.
 */
const [task = '', dir = '', from = '0', count = '20'] = process.argv.slice(2);
const first = Number(from);
const last = first + Number(count);
const dataDir = join(dir, 'data');
const broken = process.env['BREAK'];
const encrypted = process.env['STORE_KEY'] === undefined ? {} : { storeKey: powerKeys[0] };
const file = openSync(join(dir, 'said'), 'a');

function say(...words: readonly (string | number)[]): void {
  writeSync(file, `${words.join(' ')}\n`);
}

/** Text of a length that does not compress. */
function noise(seed: number, length: number): string {
  let state = seed * 7_919 + 1;
  let text = '';
  while (text.length < length) {
    state = (state * 48_271) % 2_147_483_647;
    text += state.toString(36);
  }
  return text.slice(0, length);
}

const errand = workflow('errand', async (ctx, n: number) => {
  for (const name of ['first', 'second']) {
    await ctx.step(name, () => noise(n, 2_000));
    say('step', ctx.runId, name);
  }
  await ctx.waitFor('go');
  return n;
});

async function asAgent(): Promise<void> {
  const agent = await Agent.open({ dataDir, device: 'd1', workflows: [errand] });
  for (let n = first; n < last; n += 1) {
    const run = await agent.start(errand, n, { id: `errand-${n}` });
    say('started', run.id);
    await agent.emit(`reading-${n}`, noise(n, 500), { lane: 'bulk' });
    say('emitted', `reading-${n}`);
    if (n % 3 === 0) continue;
    await run.signal('go');
    say('signalled', run.id);
    await run.result();
    say('completed', run.id);
  }
  await agent.close();
}

async function asJournal(): Promise<void> {
  const { device, epoch, store, release } = await openDataDir(dataDir, {
    ...{ device: 'd1', ...encrypted },
  });
  const journal = await Journal.open({ device, epoch, boot: 1, store, sha256, clock: systemClock });
  const log = { error: () => {}, info: () => {}, debug: () => {} };
  const retention = new Retention({
    clock: { ...systemClock, sinceMs: () => 0 },
    ...{ log, journal, store: new RunStore(store, journal) },
    ...{ keepMs: 0, hasLedger: true, onPurged: () => {} },
  });
  const fileBytes = () => Promise.resolve(0);
  const looks = { fileBytes, freeBytes: () => Promise.resolve(Infinity), clock: systemClock, log };
  const compaction = await Compaction.open({ journal, store, ...looks });
  compaction.start();
  for (let n = first; n < last; n += 1) {
    const drafts = lanes.map((lane, index) => ({
      lane,
      body: {
        ...({ kind: 'event.emitted', run: '', n: 0, op: 0, name: `event-${n}` } as const),
        payload: encodeValue(noise(n, index * 1_500)),
      },
    }));
    const refs = await journal.append(drafts);
    for (const { lane, seq } of refs) say('entry', lane, seq, `event-${n}`);
    if (n % 10 !== 9) continue;
    for (const { lane, seq } of refs) {
      say('trimmed', lane, seq);
      await acknowledge(journal, lane, seq);
    }
    await journal.flush();
    await retention.sweep();
  }
  await compaction.close();
  await journal.flush();
  await release();
}

async function asMigration(): Promise<void> {
  const { release } = await openDataDir(dataDir, { device: 'd1', migrations: [oldMigration] });
  await release();
}

async function asEpoch(): Promise<void> {
  const ending = await openDataDir(dataDir, { device: 'd1' });
  await ending.end({ cause: 'rewound', why: 'the ledger has another life', above: 1 });
  await ending.release();
  const { epoch, release } = await openDataDir(dataDir, { device: 'd1' });
  say('epoch', epoch);
  await release();
}

async function asRekey(): Promise<void> {
  const [old, middle, newest] = powerKeys;
  await rekeyStore(dataDir, { from: old, to: middle });
  say('key', 1);
  await rekeyDeeply(dataDir, { from: middle, to: newest });
  say('key', 2);
}

async function asRestore(): Promise<void> {
  await restoreStore(join(dir, 'snapshot'), dataDir, { replace: true });
  say('restored');
  const { epoch, release } = await openDataDir(dataDir, { device: 'd1' });
  say('epoch', epoch);
  await release();
}

/** LevelDB's writes, without what makes them durable. */
async function stopSyncing(): Promise<void> {
  // The agent's own, which is in its bundle.
  const AgentLevel = await loadLevel();
  const sample = new AgentLevel<string, string>(join(dir, '..', `sample-${process.pid}`));
  await sample.open();
  // The prototype of a batch can only be had from a batch.
  const prototype = Object.getPrototypeOf(Object.getPrototypeOf(sample.batch())) as {
    write: (options: object) => Promise<void>;
  };
  const write = prototype.write;
  prototype.write = function unsynced(this: unknown): Promise<void> {
    return write.call(this, { sync: false });
  };
  await sample.close();
}

async function makeInPlace(): Promise<void> {
  await mkdir(join(dataDir, 'store'), { recursive: true });
  const db = new Level<string, Uint8Array>(join(dataDir, 'store'), { valueEncoding: 'view' });
  const mark = encodeMark({ format: 1, device: 'd1', epoch: 1, machine: '' });
  await db.put(Buffer.from(MARK_KEY).toString(), mark, { sync: true });
  await db.close();
}

await useSmallTables();
if (broken === 'no-sync') await stopSyncing();
if (broken === 'in-place') await makeInPlace();
const tasks = {
  ...{ agent: asAgent, journal: asJournal, migrate: asMigration },
  ...{ epoch: asEpoch, rekey: asRekey, restore: asRestore },
} as const;
await tasks[task as keyof typeof tasks]();
say('ended');
