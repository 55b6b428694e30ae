import test from 'ava';
import { encodeValue, type StoreRow } from '@holdfast/protocol';
import { workflow, type Workflow } from '@holdfast/agent/internal';
import type { Outcome } from '@holdfast/agent/testing';
import { SimDevice } from '../../support/sim-device.ts';

const EVERYTHING = { from: new Uint8Array(), to: Uint8Array.of(255), limit: 100_000 };

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const quick = workflow('quick', (ctx) => ctx.step('once', () => 1));
const waiter = workflow('waiter', (ctx) => ctx.waitFor('go'));
const family = workflow('family', async (ctx) => ctx.child(waiter, null, { id: 'child' }));

async function started(...workflows: readonly Workflow<never, unknown>[]): Promise<SimDevice> {
  const device = new SimDevice();
  await device.start(...workflows);
  return device;
}

/** The ledger has all of it, and another entry behind it says where each lane stands. */
async function acknowledged(device: SimDevice): Promise<void> {
  const payload = encodeValue(null);
  for (const lane of ['urgent', 'normal'] as const) {
    await device.runtime.emit({ name: 'last', payload, lane });
  }
  await device.acknowledge();
}

test('O5 only runs that ended, long ago, and that the ledger has are purged', async (t) => {
  const device = await started(waiter);
  for (const id of ['waits', 'ended', 'young', 'unsent']) await device.begin(waiter, null, id);
  await device.signal('go', 1, { run: 'ended' });
  await device.advance(60_000);
  await device.signal('go', 1, { run: 'young' });
  await acknowledged(device);
  await device.signal('go', 1, { run: 'unsent' });
  await device.advance(1);

  t.is(await device.sweep(30_000), 3);

  const ids = (await device.inspector.runs({ all: true, limit: 9 })).runs.map(({ id }) => id);
  t.deepEqual(ids.toSorted(), ['unsent', 'waits', 'young']);
  await acknowledged(device);
  await device.advance(60_000);
  await device.sweep(0);
  await device.restart(waiter);
  t.is(await device.state('waits'), 'waiting-signal', 'however old it is');
});

test('O5 children that have ended go like any run, and leave nothing of theirs', async (t) => {
  const device = await started(waiter, family);
  await device.begin(family, null);
  await device.signal('go', 1, { run: 'child' });
  t.is(await device.state(), 'completed');
  await acknowledged(device);
  await device.advance(1);
  await device.sweep();

  const tables = (await device.store.scan(EVERYTHING)).map(({ key }) => key[0]);
  const ofRuns = ['o', 'f', 'h', 'i', 't'].map((table) => table.charCodeAt(0));
  t.deepEqual(
    tables.filter((table) => ofRuns.includes(table ?? 0)),
    [],
  );
});

/** A device with a long run that has ended, ready to be purged, and one that waits. */
async function purgeable(): Promise<SimDevice> {
  const long = workflow('long', async (ctx) => {
    for (let i = 0; i < 600; i += 1) await ctx.emit('n');
  });
  const device = await started(long, waiter);
  await device.begin(waiter, null, 'waits');
  await device.begin(long, null, 'long');
  while ((await device.state('long')) !== 'completed') await device.settle();
  await acknowledged(device);
  await device.advance(1);
  return device;
}

test('O5 H5 a purge that is cut short is taken up again, and shows no half run', async (t) => {
  const whole = await purgeable();
  const before = whole.store.writes;
  await whole.sweep();
  const purged = await rowsOf(whole);
  const writes = whole.store.writes - before;
  t.true(writes > 3, 'there is something to be cut');

  for (let cut = 1; cut <= writes; cut += 1) {
    for (const outcome of ['lost', 'kept'] satisfies Outcome[]) {
      const device = await purgeable();
      device.store.failWriteNumber(device.store.writes + cut, outcome);
      await t.throwsAsync(device.sweep(), { code: 'HF_JOURNAL_FAILED' });
      await device.restart(waiter);
      const isThere = cut === 1 && outcome === 'lost';
      const found = device.result('long');
      await (isThere
        ? t.notThrowsAsync(found)
        : t.throwsAsync(found, { code: 'HF_RUN_UNKNOWN' }, `${cut} ${outcome}`));
      // What was acknowledged is written with the next commit: it may have been lost with that one.
      await device.acknowledge();
      await device.sweep();
      t.deepEqual(await rowsOf(device), purged, `${cut} ${outcome}`);
      t.is(await device.state('waits'), 'waiting-signal');
    }
  }
});

/** Keys of what the store holds of runs and entries. */
async function rowsOf(device: SimDevice): Promise<readonly string[]> {
  const rows: readonly StoreRow[] = await device.store.scan(EVERYTHING);
  return rows.map(({ key }) => String(key)).filter((key) => !key.startsWith('109'));
}

test('O5 runs that end are purged many in a commit', async (t) => {
  const device = await started(waiter);
  for (let n = 0; n < 200; n += 1) await device.begin(waiter, null, `r-${n}`);
  for (let n = 0; n < 200; n += 1) await device.signal('go', 1, { run: `r-${n}` });
  await acknowledged(device);
  await device.advance(1);
  const before = device.store.writes;

  t.is(await device.sweep(), 600);

  t.true(device.store.writes - before < 20, `${device.store.writes - before} commits`);
  t.deepEqual((await device.inspector.runs({ all: true, limit: 9 })).runs, []);
});

test('O5 H1 purging leaves an id to the run that has it now', async (t) => {
  const device = await started(waiter);
  await device.begin(waiter, null);
  await device.signal('go', 1);
  const again = { workflow: 'waiter', input: encodeValue(null), id: 'run-1' } as const;
  await device.runtime.start({ ...again, reuse: 'allow-duplicate' });
  await acknowledged(device);
  await device.advance(1);

  t.true((await device.sweep()) > 0);

  t.is(await device.state(), 'waiting-signal');
  await device.restart(waiter);
  await device.signal('go', 2);
  t.is(await device.result(), 2);
});

test('H5 G5 whoever asks for a run that was purged is told that there is none', async (t) => {
  const loop = workflow('loop', async (ctx, round: number) => {
    await ctx.waitFor('go');
    return round === 2 ? round : ctx.continueAsNew(round + 1);
  });
  const device = await started(loop);
  await device.begin(loop, 1);
  for (const id of ['one', 'two']) await device.signal('go', null, { id });
  await acknowledged(device);
  await device.advance(1);
  await device.sweep();

  const unknown = { code: 'HF_RUN_UNKNOWN' };
  await t.throwsAsync(device.result(), unknown);
  await t.throwsAsync(device.inspector.run('run-1'), unknown);
  await t.throwsAsync(device.signal('go', null, { id: 'two' }), unknown);
  await t.throwsAsync(device.runtime.cancel({ run: 'run-1', reason: 'no' }), unknown);
  const texts = (await device.store.scan(EVERYTHING)).map(({ key }) => String.fromCharCode(...key));
  t.deepEqual(
    texts.filter((key) => key.includes('signals/')),
    [],
  );
});

/** A run that has ended, and a fact behind it: the last entry of a lane is never deleted. */
async function end(device: SimDevice, id: string): Promise<void> {
  await device.begin(quick, undefined, id);
  await device.runtime.emit({ name: 'note', payload: encodeValue(id), lane: 'normal' });
}

test('what comes of age is deleted though nothing else happens', async (t) => {
  const device = new SimDevice();
  await device.start(quick);
  const retention = device.retention({ keepMs: 30 * MINUTE, hasLedger: true });
  retention.start();
  await end(device, 'old');

  await device.advance(HOUR);
  t.is((await device.inspector.run('old')).state, 'completed', 'the ledger lacks it');
  await device.acknowledge();
  await device.advance(2 * MINUTE);
  await t.throwsAsync(device.inspector.run('old'), { code: 'HF_RUN_UNKNOWN' });

  await end(device, 'young');
  await device.acknowledge();
  await device.advance(29 * MINUTE);
  t.is((await device.inspector.run('young')).state, 'completed');
  await device.advance(2 * MINUTE);
  await t.throwsAsync(device.inspector.run('young'), { code: 'HF_RUN_UNKNOWN' });
  retention.close();
});

test('a device at which nothing happens is not woken to look for what is old', async (t) => {
  const device = new SimDevice();
  await device.start(quick);
  const before = device.clock.pending;
  const retention = device.retention({ keepMs: 30 * MINUTE, hasLedger: true });
  retention.start();

  await device.advance(2 * MINUTE);
  t.is(device.clock.pending, before, 'there is nothing that could become old');

  await end(device, 'one');
  await device.acknowledge();
  await device.advance(2 * MINUTE);
  t.is(device.clock.pending, before + 1);
  await device.advance(HOUR);
  t.is(device.clock.pending, before, 'what was old is gone');
  retention.close();
});
