import test from 'ava';
import {
  chainNext,
  chainStart,
  decodeEntry,
  entryOf,
  encodeValue,
  type EntryBody,
  type Lane,
  type StoreOp,
} from '@holdfast/protocol';
import { Journal, Retention, sha256, workflow, type ReadLimits } from '@holdfast/agent/internal';
import { SimClock } from '../../support/sim-clock.ts';
import { SimDevice } from '../../support/sim-device.ts';
import { SimStore } from '../../support/sim-store.ts';

const event = (name: string): EntryBody => ({
  ...{ kind: 'event.emitted', run: '', n: 0, op: 0 },
  ...{ name, payload: encodeValue(name) },
});

function open(store: SimStore, clock = new SimClock()): Promise<Journal> {
  return Journal.open({ device: 'j-1', epoch: 1, boot: 1, clock, sha256, store });
}

const put = (journal: Journal, name: string, lane: Lane = 'normal') =>
  journal.append([{ lane, body: event(name) }]);

test('L7 appends that arrive while a commit is in flight share the next one', async (t) => {
  const store = new SimStore();
  const journal = await open(store);

  store.holdWrites();
  const first = put(journal, 'first');
  await new Promise((resolve) => setImmediate(resolve));
  const others = Array.from({ length: 50 }, (_, index) => put(journal, `other ${index}`));
  store.releaseWrites();
  const [[ref], ...rest] = await Promise.all([first, ...others]);

  t.is(ref?.seq, 1);
  t.deepEqual(
    rest.map(([each]) => each?.seq),
    Array.from({ length: 50 }, (_, index) => index + 2),
  );
  t.is(store.writes, 2);
});

test('L7 half of a crowd is told while what the other half appends is synced', async (t) => {
  const store = new SimStore();
  const journal = await open(store);
  let told = 0;
  const work = async (name: string): Promise<void> => {
    await put(journal, `first of ${name}`);
    told += 1;
    await put(journal, `second of ${name}`);
  };
  store.holdWrites();
  const all = Array.from({ length: 64 }, (_, index) => work(String(index)));
  await new Promise((resolve) => setImmediate(resolve));
  t.is(told, 0);

  store.releaseWrites();
  store.holdWrites();
  await new Promise((resolve) => setImmediate(resolve));

  t.is(store.writes, 1);
  t.is(told, 64, 'those of the other half do not wait for the second commit');
  store.releaseWrites();
  await Promise.all(all);
  t.is(store.writes, 3, 'one for all, and one for each half');
});

test('L7 a crowd of which half has nothing more to append is told whole', async (t) => {
  const store = new SimStore();
  const journal = await open(store);

  const all = Array.from({ length: 64 }, (_, index) => put(journal, String(index)));

  t.is((await Promise.all(all)).length, 64);
  t.is(store.writes, 1);
});

/** A card that takes its time. */
class SlowStore extends SimStore {
  readonly #clock: SimClock;

  constructor(clock: SimClock) {
    super();
    this.#clock = clock;
  }

  override async write(ops: readonly StoreOp[]): Promise<void> {
    await new Promise<void>((resolve) => this.#clock.wakeIn(20, resolve));
    return super.write(ops);
  }
}

test('L7 on a slow disk those who go on after a commit share the next one', async (t) => {
  const clock = new SimClock();
  const store = new SlowStore(clock);
  const journal = await open(store, clock);
  const work = async (name: string): Promise<void> => {
    for (let index = 0; index < 10; index += 1) {
      await put(journal, `${name} ${index}`);
      await new Promise<void>((goOn) => clock.wakeIn(1, goOn));
    }
  };
  const some = Array.from({ length: 8 }, (_, index) => work(`early ${index}`));
  await clock.advance(10);
  const others = Array.from({ length: 8 }, (_, index) => work(`late ${index}`));
  await clock.advance(600);
  await Promise.all([...some, ...others]);

  // Each of both halves by itself would take twenty.
  t.true(store.writes <= 12, String(store.writes));

  const alone = put(journal, 'alone');
  await clock.advance(20);
  await alone;
  t.is(clock.pending, 0, 'nobody waits where nobody comes');
});

test('L7 nothing is seen of an entry before it is durable', async (t) => {
  const store = new SimStore();
  const journal = await open(store);
  let told = 0;
  journal.onCommit(() => (told += 1));

  store.holdWrites();
  const appended = put(journal, 'a');
  await new Promise((resolve) => setImmediate(resolve));
  t.is(journal.positions()[1].head, 0);
  t.is(told, 0);
  store.releaseWrites();
  await appended;

  t.is(journal.positions()[1].head, 1);
  t.is(told, 1);
});

async function entriesFrom(journal: Journal, seqFirst: number, limits: Partial<ReadLimits>) {
  const read = await journal.read('normal', seqFirst, {
    entriesMax: 1_000,
    bytesMax: 1_000_000,
    ...limits,
  });
  const { previousHash, entries } = read;
  return { previousHash, entries: entries.filter((entry) => entry instanceof Uint8Array) };
}

test('L7 a failed commit fails all that waits, and every later append', async (t) => {
  const store = new SimStore();
  const journal = await open(store);
  await put(journal, 'kept');
  store.failNextWrite();

  const results = await Promise.allSettled([put(journal, 'a'), put(journal, 'b', 'urgent')]);

  t.true(results.every((result) => result.status === 'rejected'));
  await t.throwsAsync(put(journal, 'c'), { code: 'HF_JOURNAL_FAILED' });
  t.is((await journal.failed).code, 'HF_JOURNAL_FAILED');
  const again = await open(store.crash());
  t.is(again.positions()[1].head, 1, 'what was acknowledged is there');
});

test('L12 each lane has its own seqs and chain, which go on over a restart', async (t) => {
  const store = new SimStore();
  const before = await open(store);
  for (const lane of ['normal', 'urgent', 'normal'] as const) await put(before, lane, lane);
  const after = await open(store.crash());
  await put(after, 'later');

  const [urgent, normal, bulk] = after.positions();
  t.deepEqual([urgent.head, normal.head, bulk.head], [1, 3, 0]);
  const { previousHash, entries } = await entriesFrom(after, 1, { entriesMax: 10 });
  const start = chainStart(sha256, { device: 'j-1', epoch: 1, lane: 'normal' });
  t.deepEqual(previousHash, start);
  const end = entries.map(entryOf).reduce((hash, entry) => chainNext(sha256, hash, entry), start);
  t.deepEqual(normal.headHash, end);
});

test('a read keeps to its bounds and gives at least one entry', async (t) => {
  const journal = await open(new SimStore());
  for (let index = 0; index < 10; index += 1) await put(journal, `entry ${index}`);

  const three = await entriesFrom(journal, 4, { entriesMax: 3 });
  const one = await entriesFrom(journal, 4, { entriesMax: 3, bytesMax: 1 });

  t.deepEqual(
    three.entries
      .map((item) => decodeEntry(entryOf(item)))
      .map((entry) => 'name' in entry && entry.name),
    ['entry 3', 'entry 4', 'entry 5'],
  );
  t.is(one.entries.length, 1);
});

test('a watermark rides on a commit, and one that was lost costs nothing else', async (t) => {
  const clock = new SimClock();
  const store = new SimStore();
  const journal = await open(store, clock);
  for (let index = 0; index < 5; index += 1) await put(journal, `entry ${index}`);
  const { writes } = store;

  const hashes = await Promise.all([1, 2, 3, 4, 5].map((seq) => journal.hashAt('normal', seq)));
  const acknowledge = (watermark: number, hash = hashes[watermark - 1]) =>
    journal.acknowledge('normal', watermark, hash ?? new Uint8Array(32));

  t.true(await acknowledge(3));
  t.is(journal.positions()[1].acked, 3);
  t.is(store.writes, writes, 'no commit of its own at once');
  await acknowledge(2);
  await acknowledge(9);
  t.false(await acknowledge(4, hashes[4]), 'the ledger has something else there');
  t.is(journal.positions()[1].acked, 3, 'neither backwards nor beyond the head');
  await clock.advance(2_000);

  const again = await open(store.crash());
  t.is(again.positions()[1].acked, 3);
  t.true(again.backlogBytes('normal') > 0);
});

test('retention deletes what the ledger has of ended runs, and nothing else', async (t) => {
  const device = new SimDevice();
  const quick = workflow('quick', (ctx) => ctx.step('s', () => 1));
  const waiting = workflow('waiting', (ctx) => ctx.waitFor('never'));
  await device.start(quick, waiting);
  for (const id of ['a', 'b', 'c']) await device.begin(quick, null, id);
  await device.begin(waiting, null, 'open');
  const retention = (): Retention =>
    new Retention({
      ...{ clock: device.time, journal: device.journal, store: device.runs },
      log: { error: () => {}, info: () => {}, debug: () => {} },
      keepMs: 60_000,
      hasLedger: true,
      onPurged: (state) => device.runtime.purged(state),
    });
  const { head, headHash } = device.journal.positions()[1];

  t.is(await retention().sweep(), 0, 'nothing is acknowledged');
  await device.journal.acknowledge('normal', head, headHash);
  t.is(await retention().sweep(), 0, 'nothing is old');
  await device.advance(61_000);
  t.is(await retention().sweep(), 9, 'three runs of three entries');
  await device.restart(quick, waiting);

  t.deepEqual(device.runtime.counts(), { 'waiting-signal': 1 });
  t.is(device.journal.positions()[1].head, head, 'the lane goes on where it was');
  await t.throwsAsync(device.runtime.numberOf('a'), { code: 'HF_RUN_UNKNOWN' });
  await device.begin(quick, null, 'a');
  t.is(await device.state('a'), 'completed', 'its id may be used again');
  t.is((await device.runs.history(await device.runtime.numberOf('open'))).length, 1);
});
