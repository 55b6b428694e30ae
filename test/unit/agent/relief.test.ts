import {
  Compaction,
  Relief,
  budgetOf,
  retainedBytes,
  usedBytes,
  workflow,
} from '@holdfast/agent/internal';
import { encodeValue, type Lane, type StoreRange } from '@holdfast/protocol';
import test from 'ava';
import { SimDevice } from '../../support/sim-device.ts';

const MIB = 1024 * 1024;
const payload = encodeValue('x'.repeat(10_000));
const waiter = workflow('waiter', (ctx) => ctx.waitFor('go'));

/** Those in which rows go with an entry. */
const tables = ['b', 'e', 'f', 'h', 'i', 'l', 'p', 'x'];

/** Those of them that are in one of the ranges. */
function tablesIn(ranges: readonly StoreRange[]): string[] {
  return tables.filter((table) => {
    const code = table.charCodeAt(0);
    const isIn = ({ from, to }: StoreRange) => (from[0] ?? 0) <= code && code <= (to[0] ?? 0);
    return ranges.some(isIn);
  });
}

/** A device whose clock and store stand still unless a test says otherwise. */
class Kept {
  readonly device = new SimDevice();
  readonly budget = budgetOf(64 * MIB, MIB / 2);
  /** Ranges that were compacted, and what to wait for with the next ones. */
  readonly compacted: StoreRange[] = [];
  compacting: Promise<void> = Promise.resolve();
  freeBytes = Infinity;
  /** What had been deleted when they were written anew last. */
  goneBytes = 0;

  async start(): Promise<void> {
    await this.device.start(waiter);
    const { device, budget } = this;
    const { journal, clock } = device;
    const log = { error: () => {}, info: () => {}, debug: () => {} };
    const retention = device.retention({ keepMs: 1e12, hasLedger: true });
    const relief = new Relief({ journal, retention, budget, clock, log });
    const store = {
      get: (key: Uint8Array) => device.store.get(key),
      compact: async (range: StoreRange) => {
        this.compacted.push(range);
        // The first of them.
        if (range.from[0] === 'b'.charCodeAt(0)) this.goneBytes = this.gone.bytes;
        await this.compacting;
      },
    };
    const fileBytes = () => Promise.resolve(0);
    const freeBytes = () => Promise.resolve(this.freeBytes);
    const looks = { fileBytes, freeBytes, clock, log };
    const compaction = await Compaction.open({ journal, store, ...looks });
    relief.start();
    compaction.start();
    await device.settle();
  }

  /** SIGKILL, and the next process. */
  async restart(): Promise<void> {
    this.device.crash();
    await this.start();
  }

  async emit(count: number, lane: Lane = 'normal'): Promise<void> {
    const { runtime } = this.device;
    for (let made = 0; made < count; made += 1) await runtime.emit({ name: 'e', payload, lane });
  }

  async acknowledge(seq: number, lane: Lane = 'normal'): Promise<void> {
    const { journal } = this.device;
    const hash = await journal.hashAt(lane, seq);
    await journal.acknowledge(lane, seq, hash ?? new Uint8Array(32));
  }

  get gone(): { readonly entries: number; readonly bytes: number } {
    return this.device.journal.gone('normal');
  }

  get retained(): number {
    return retainedBytes(this.device.journal);
  }

  isTrimmed(): boolean {
    return this.retained <= this.budget.retainedMax;
  }
}

async function kept(): Promise<Kept> {
  const made = new Kept();
  await made.start();
  return made;
}

/** Ends what is written and all that follows from it. */
async function written({ device }: Kept): Promise<void> {
  device.store.releaseWrites();
  for (let round = 0; round < 5; round += 1) await device.settle();
}

test('an acknowledgement in the midst of a pass is looked at, though none follows', async (t) => {
  const one = await kept();
  await one.emit(300);
  await one.emit(100, 'bulk');
  one.device.store.holdWrites();
  await one.acknowledge(100, 'bulk');
  await one.device.settle();
  t.true(one.device.journal.gone('bulk').entries > 0, 'the pass is at its last lane');

  await one.acknowledge(300);
  await written(one);

  t.true(one.isTrimmed(), `${one.retained} bytes are kept`);
});

test('an acknowledgement soon after a futile pass is looked at, though none follows', async (t) => {
  const one = await kept();
  const { device } = one;
  await device.begin(waiter, null);
  for (let sent = 0; sent < 20; sent += 1) await device.signal('no', 'x'.repeat(40_000));
  await device.acknowledge();
  t.false(one.isTrimmed(), 'what is of an open run stays');
  await one.emit(20, 'bulk');
  await device.advance(1_000);

  await device.acknowledge();
  await device.advance(1_000);
  t.is(device.journal.gone('bulk').entries, 0, 'it would read every ended run again');
  await device.advance(10_000);
  await written(one);

  t.is(device.journal.gone('bulk').entries, 19);
});

test('what the ledger has is kept up to its part: no page goes as a whole', async (t) => {
  const one = await kept();
  await one.emit(300);

  await one.acknowledge(300);
  await written(one);

  t.true(one.isTrimmed());
  t.true(one.retained > one.budget.retainedTarget - 11_000, `${one.retained} bytes are kept`);
});

test('each entry is read about once until it has gone, however small the acks are', async (t) => {
  const one = await kept();
  await one.emit(400);
  const before = one.device.store.bytesRead;

  for (let seq = 1; seq <= 400; seq += 1) {
    await one.acknowledge(seq);
    await one.device.settle();
  }

  t.true(one.isTrimmed());
  const read = one.device.store.bytesRead - before;
  t.true(read < 3 * 400 * payload.byteLength, `${read} bytes were read`);
});

test('what goes while the files are written anew is given back too', async (t) => {
  const one = await kept();
  await one.emit(600);
  let release = (): void => {};
  one.compacting = new Promise((resolve) => (release = resolve));
  await one.acknowledge(400);
  await written(one);
  t.is(one.compacted.length, 1, 'the first is at work');
  await one.acknowledge(600);
  await written(one);
  t.true(one.isTrimmed());

  release();
  await written(one);

  t.is(one.goneBytes, one.gone.bytes);
});

test('what an earlier process has deleted is given back by the next', async (t) => {
  const one = await kept();
  await one.emit(600);
  one.compacting = new Promise(() => {});
  await one.acknowledge(600);
  await written(one);
  t.true(one.isTrimmed());
  t.is(one.compacted.length, 1, 'it is not through');
  one.compacting = Promise.resolve();

  await one.restart();
  await written(one);
  const { length } = one.compacted;
  await one.restart();
  await written(one);

  t.deepEqual(tablesIn(one.compacted), tables);
  t.is(one.compacted.length, length, 'once');
});

test('after a drain no more of what was deleted is left than is kept, or 1 MiB', async (t) => {
  const one = await kept();
  await one.emit(600);

  for (let seq = 1; seq <= 600; seq += 1) {
    await one.acknowledge(seq);
    await one.device.settle();
  }
  await written(one);

  const { journal } = one.device;
  t.true(one.gone.bytes - one.goneBytes < Math.max(MIB, usedBytes(journal)));
  t.true(one.compacted.length < 80, `${one.compacted.length} ranges: each byte costs about one`);
});

test('without room on the disk nothing is written anew until there is some', async (t) => {
  const one = await kept();
  await one.emit(600);
  one.freeBytes = 4 * MIB;
  await one.acknowledge(600);
  await written(one);
  t.true(one.isTrimmed());
  await one.device.advance(60_000);
  t.deepEqual(one.compacted, [], 'what is kept is written anew too');

  one.freeBytes = 5 * MIB;
  await one.device.advance(60_000);
  await written(one);

  t.is(one.goneBytes, one.gone.bytes);
});

test('what could not be written anew is tried again, though nothing else goes', async (t) => {
  const one = await kept();
  await one.emit(600);
  const failing = Promise.reject(new Error('no space left'));
  failing.catch(() => undefined);
  one.compacting = failing;
  await one.acknowledge(600);
  await written(one);
  t.is(one.compacted.length, 1);

  one.compacting = Promise.resolve();
  await one.device.advance(60_000);
  await written(one);

  t.is(one.goneBytes, one.gone.bytes);
  t.deepEqual(tablesIn(one.compacted.slice(1)), tables, 'all of it');
  const { length } = one.compacted;
  await one.device.advance(600_000);
  t.is(one.compacted.length, length, 'once');
});
