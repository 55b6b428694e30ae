import test from 'ava';
import { encodeValue, type ScanRange, type StoreOp, type StoreRow } from '@holdfast/protocol';
import { turn, workflow } from '@holdfast/agent/internal';
import { SimStore } from '@holdfast/agent/testing';
import { SimDevice } from '../../support/sim-device.ts';

/** Takes signals for ever, three to a history. */
const counter = workflow('counter', async (ctx, input: { readonly taken: readonly number[] }) => {
  const taken = [...input.taken];
  await ctx.setStatus(taken);
  for (let count = 0; count < 3; count += 1) taken.push(await ctx.waitFor<number>('number'));
  return ctx.continueAsNew({ taken });
});

/** Counts the rows that are written, and what is read. */
class CountingStore extends SimStore {
  reads = 0;
  rows = 0;
  bytes = 0;

  override get(key: Uint8Array): Promise<Uint8Array | undefined> {
    this.reads += 1;
    return super.get(key);
  }
  override getMany(keys: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]> {
    this.reads += 1;
    return super.getMany(keys);
  }
  override scan(range: ScanRange): Promise<StoreRow[]> {
    this.reads += 1;
    return super.scan(range);
  }
  override write(ops: readonly StoreOp[]): Promise<void> {
    this.rows += ops.length;
    for (const op of ops) this.bytes += op.kind === 'put' ? op.value.byteLength : 0;
    return super.write(ops);
  }
}

test('M2 a step in a long history writes what one in a short history does', async (t) => {
  const store = new CountingStore();
  const device = new SimDevice();
  device.store = store;
  const costs: { reads: number; rows: number; bytes: number }[] = [];
  const long = workflow('long', async (ctx) => {
    for (let i = 0; i < 3_000; i += 1) {
      const { reads, rows, bytes } = store;
      await ctx.step('same', () => 'the same');
      costs.push({
        reads: store.reads - reads,
        rows: store.rows - rows,
        bytes: store.bytes - bytes,
      });
    }
  });
  await device.start(long);
  await device.begin(long, null);
  while ((await device.state()) !== 'completed') await device.settle();

  const [early, late] = [costs[30], costs.at(-1)];
  t.deepEqual([late?.reads, late?.rows], [early?.reads, early?.rows]);
  // Seqs and places take a byte or two more.
  t.true((late?.bytes ?? 0) - (early?.bytes ?? 0) <= 8, `${early?.bytes} and ${late?.bytes}`);
});

test('a signal that comes while a run changes histories is neither lost nor refused', async (t) => {
  for (let gap = 0; gap < 8; gap += 1) {
    const device = new SimDevice();
    await device.start(counter);
    await device.begin(counter, { taken: [] });

    const numbers = Array.from({ length: 30 }, (_, index) => index);
    const sent: Promise<void>[] = [];
    for (const number of numbers) {
      const payload = encodeValue(number);
      sent.push(device.runtime.signal({ run: 'run-1', name: 'number', payload }));
      for (let turns = 0; turns < gap; turns += 1) await new Promise<void>(turn);
    }
    await Promise.all(sent);
    for (let count = 0; count < numbers.length / 3; count += 1) await device.settle();

    const { status } = await device.inspector.run('run-1');
    t.deepEqual(status, numbers, `${gap} turns between two signals`);
  }
});

test('a cancellation that comes while a run changes histories holds', async (t) => {
  for (let gap = 0; gap < 12; gap += 1) {
    const device = new SimDevice();
    await device.start(counter);
    await device.begin(counter, { taken: [] });

    const payload = encodeValue(1);
    for (let count = 0; count < 3; count += 1) {
      await device.runtime.signal({ run: 'run-1', name: 'number', payload });
    }
    for (let turns = 0; turns < gap; turns += 1) await new Promise<void>(turn);
    await device.runtime.cancel({ run: 'run-1', reason: 'enough' });
    await device.settle();

    t.is(await device.state(), 'cancelled', `${gap} turns behind the last signal`);
  }
});

test('a run that goes on in a new history leaves no child behind', async (t) => {
  const child = workflow('child', (ctx) => ctx.sleep('1h'));
  const parent = workflow('parent', async (ctx, round: number) => {
    if (round > 1) return round;
    void ctx.child(child, undefined, { id: 'child-1' });
    await ctx.sleep('1s');
    return ctx.continueAsNew(round + 1);
  });
  const device = new SimDevice();
  await device.start(parent, child);
  await device.begin(parent, 1);
  t.is(await device.state('child-1'), 'sleeping');

  await device.advance(1_000);

  t.is(await device.result(), 2);
  t.is(await device.state('child-1'), 'cancelled');
});

test('a crash in the moment a run changes histories leaves no child behind', async (t) => {
  const child = workflow('child', (ctx) => ctx.sleep('1h'));
  const parent = workflow('parent', async (ctx, round: number) => {
    if (round > 1) return ctx.sleep('1h');
    void ctx.child(child, undefined, { id: 'child-1' });
    await ctx.sleep('1s');
    return ctx.continueAsNew(round + 1);
  });
  for (let kill = 1; kill <= 8; kill += 1) {
    const device = new SimDevice();
    await device.start(parent, child);
    device.store.failWriteNumber(kill, 'kept');
    await device.begin(parent, 1).catch(() => undefined);
    await device.advance(1_000);

    await device.restart(parent, child);
    await device.begin(parent, 1);
    await device.advance(1_000);

    t.is(await device.state(), 'sleeping', `killed at commit ${kill}`);
    t.is((await device.history()).length, 2, 'it is in its second history');
    t.is(await device.state('child-1'), 'cancelled', `killed at commit ${kill}`);
  }
});

test('a scope that is cancelled takes its child with it', async (t) => {
  const child = workflow('child', (ctx) => ctx.sleep('1h'));
  const parent = workflow('parent', async (ctx) => {
    const scope = ctx.scope((inner) => inner.child(child, undefined, { id: 'child-1' }));
    await ctx.sleep('1s');
    scope.cancel('not needed any more');
    await ctx.sleep('1s');
    return 'done';
  });
  const device = new SimDevice();
  await device.start(parent, child);
  await device.begin(parent, undefined);

  await device.advance(1_000);
  t.is(await device.state('child-1'), 'cancelled');
  await device.advance(1_000);
  t.is(await device.result(), 'done');
});

test('a run that is seen to have failed is seen with its error', async (t) => {
  const failing = workflow('failing', async (ctx) => {
    await ctx.sleep('1s');
    throw new TypeError('as planned');
  });
  for (const moment of ['before', 'after'] as const) {
    const device = new SimDevice();
    await device.start(failing);
    await device.begin(failing, undefined);
    const { runs } = device;
    const places = runs.places.bind(runs);
    // The run ends in the middle of the look at it, before or after its history is read.
    runs.places = async (number) => {
      if (moment === 'before') await device.advance(1_000);
      const found = await places(number);
      if (moment === 'after') await device.advance(1_000);
      return found;
    };

    const { state, error } = await device.inspector.run('run-1');

    t.is(state === 'failed', error !== undefined, `${state}, ended ${moment}`);
  }
});

test('a timer that came due while the device was off fires in the middle of a start', async (t) => {
  const sleeper = workflow('sleeper', async (ctx) => {
    await ctx.sleep('200ms');
    return 'awake';
  });
  const device = new SimDevice();
  await device.start(sleeper);
  await device.begin(sleeper, undefined);
  device.crash();
  await device.clock.advance(5_000);

  // A disk that takes its time, as a real one does.
  const { store } = device;
  const scan = store.scan.bind(store);
  store.scan = async (range) => {
    await new Promise<void>(turn);
    return scan(range);
  };
  const start = { isOver: false };
  const starting = device.start(sleeper).finally(() => (start.isOver = true));
  while (!start.isOver) await device.clock.advance(1);
  await starting;

  t.is(await device.result().catch(() => 'asleep'), 'awake');
});
