import {
  Journal,
  holesBetween,
  parseStored,
  seqOfEntryKey,
  sha256,
  tableRange,
  verifyChains,
  type LaneRead,
} from '@holdfast/agent/internal';
import { StoreLedger, newLedgerRow } from '@holdfast/gateway/internal';
import {
  encodeValue,
  type EntryBody,
  type HoleReason,
  type Lane,
} from '@holdfast/protocol';
import test from 'ava';
import { newSigner } from '../../support/hand-journal.ts';
import { SimChance } from '../../support/sim-chance.ts';
import { SimClock } from '../../support/sim-clock.ts';
import { SimStore } from '../../support/sim-store.ts';

const device = 'h-1';

function open(store: SimStore, clock = new SimClock()): Promise<Journal> {
  const reopen = (): Promise<void> => store.reopen();
  return Journal.open({ device, epoch: 1, boot: 1, clock, sha256, store, reopen });
}

function event(size: number): EntryBody {
  const payload = encodeValue('x'.repeat(size));
  return { kind: 'event.emitted', run: '', n: 0, op: 0, name: 'e', payload };
}

/** The ledger has what is here. */
async function acknowledge(journal: Journal, seq: number): Promise<void> {
  const hash = await journal.hashAt('bulk', seq);
  await journal.acknowledge('bulk', seq, hash ?? new Uint8Array(32));
}

async function filled(count: number): Promise<{ store: SimStore; journal: Journal }> {
  const store = new SimStore();
  const journal = await open(store);
  for (let index = 1; index <= count; index += 1) {
    await journal.append([{ lane: 'bulk', body: event(index) }]);
  }
  return { store, journal };
}

const upTo = (last: number, first = 1): number[] =>
  Array.from({ length: last - first + 1 }, (_, index) => first + index);

const settle = () => new Promise((resolve) => setImmediate(resolve));

/** What an uplink would send of the lane from `seqFirst` on, in words. */
async function walk(journal: Journal, seqFirst = 1, lane: Lane = 'bulk'): Promise<string[]> {
  const parts: string[] = [];
  const { head } = journal.positions()[2];
  for (let seq = seqFirst; seq <= head;) {
    const read: LaneRead = await journal.read(lane, seq, { entriesMax: 100, bytesMax: 1e6 });
    const last = read.hole?.seqLast ?? seq + read.entries.length - 1;
    const what = read.hole ? `${read.hole.reason} ${read.hole.seqFirst}` : `entries ${seq}`;
    parts.push(`${what}-${last}`);
    seq = last + 1;
  }
  return parts;
}

async function faults(store: SimStore): Promise<readonly string[]> {
  const report = await verifyChains({ store, sha256, device, epoch: 1 });
  return report.faults.map(({ seq, why }) => `${seq} ${why}`);
}

test('entries that are removed leave holes that touch each other once', async (t) => {
  const { store, journal } = await filled(20);

  await journal.remove('bulk', upTo(5, 3), { reason: 'shed' });
  await journal.remove('bulk', upTo(12, 10), { reason: 'damaged' });
  await journal.remove('bulk', upTo(9, 6), { reason: 'shed' });
  await journal.remove('bulk', [1, 14, 16, 2], { reason: 'shed' });

  const expected = [
    'shed 1-9',
    'damaged 10-12',
    'entries 13-13',
    'shed 14-14',
    'entries 15-15',
    'shed 16-16',
    'entries 17-20',
  ];
  t.deepEqual(await walk(journal), expected);
  t.deepEqual(await walk(journal, 4), expected, 'from within a hole it is the whole hole');
  t.deepEqual(await faults(store), []);
  const again = await open(store.crash());
  t.deepEqual(await walk(again), expected);
});

test('the last entry of a lane stays, whatever is to be removed', async (t) => {
  const { journal } = await filled(3);

  const removed = await journal.remove('bulk', upTo(3), { reason: 'shed' });
  const none = await journal.remove('bulk', upTo(3), { reason: 'shed' });

  t.is(removed.entries, 2);
  t.is(none.entries, 0);
  t.deepEqual(await walk(journal), ['shed 1-2', 'entries 3-3']);
});

test('a watermark inside a hole acknowledges up to it; behind it, all of it', async (t) => {
  const { store, journal } = await filled(10);
  await journal.remove('bulk', upTo(7, 4), { reason: 'shed' });

  await acknowledge(journal, 5);
  await settle();
  t.is(journal.positions()[2].acked, 0, 'the chain is not known inside a hole');
  await acknowledge(journal, 7);
  await settle();
  await settle();

  t.is(journal.positions()[2].acked, 7);
  t.deepEqual(journal.pendingHoles('bulk'), { count: 0, entries: 0, bytes: 0 });
  await journal.flush();
  const again = await open(store.crash());
  t.deepEqual(again.positions(), journal.positions());
  t.is(again.backlogBytes('bulk'), journal.backlogBytes('bulk'));
});

test('holes on both sides of the watermark stay two', async (t) => {
  const { journal } = await filled(10);
  await acknowledge(journal, 5);
  await settle();

  await journal.remove('bulk', upTo(8, 2), { reason: 'trimmed' });

  t.deepEqual(await walk(journal, 6), ['trimmed 6-8', 'entries 9-10']);
  t.deepEqual(await walk(journal), ['entries 1-1', 'trimmed 2-5', 'trimmed 6-8', 'entries 9-10']);
  t.like(journal.pendingHoles('bulk'), { count: 1, entries: 3 });
});

/** What is counted, and what a scan of all rows finds. */
async function counts(store: SimStore, journal: Journal) {
  const { acked } = journal.positions()[2];
  const range = tableRange('e');
  const rows = await store.scan({ ...range, limit: 100_000 });
  const sizes = rows.map(({ key, value }) => {
    const { seq, bytes } = parseStored(seqOfEntryKey(key), value);
    return [seq, bytes.byteLength] as const;
  });
  const pending = sizes.filter(([seq]) => seq > acked);
  const sum = (list: typeof sizes) => list.reduce((total, [, size]) => total + size, 0);
  const holes = await holesBetween(store, 'bulk', { after: acked });
  const { head } = journal.positions()[2];
  const counted = {
    kept: journal.kept('bulk'),
    backlogBytes: journal.backlogBytes('bulk'),
    pending: head - acked - journal.pendingHoles('bulk').entries,
    holes: journal.pendingHoles('bulk'),
  };
  const scanned = {
    kept: { entries: sizes.length, bytes: sum(sizes) },
    backlogBytes: sum(pending),
    pending: pending.length,
    holes,
  };
  return { counted, scanned };
}

test('counts equal a full scan after removals, acks, failed commits and restarts', async (t) => {
  const reasons: readonly HoleReason[] = ['shed', 'damaged', 'trimmed'];
  for (let seed = 1; seed <= 40; seed += 1) {
    const chance = new SimChance(seed);
    const pick = (count: number): number => Math.floor(chance.next() * count);
    let { store } = await filled(40);
    const clock = new SimClock();
    let journal = await open(store, clock);
    const restart = async (): Promise<void> => {
      await journal.flush();
      store = store.crash();
      journal = await open(store, clock);
    };
    for (let act = 0; act < 25; act += 1) {
      const { head } = journal.positions()[2];
      const first = 1 + pick(head);
      const seqs = upTo(Math.min(head, first + pick(6)), first).filter(() => pick(5) > 0);
      const kind = pick(6);
      // The next commit fails, and is there or not: it is made again.
      const outcome = pick(2) === 0 ? 'lost' : 'kept';
      if (pick(5) === 0) store.failNextWrite(new Error('EIO'), outcome);
      const acts: readonly (() => Promise<unknown>)[] = [
        ...reasons.map((reason) => () => journal.remove('bulk', seqs, { reason })),
        () => acknowledge(journal, 1 + pick(head)),
        () => journal.append([{ lane: 'bulk', body: event(pick(50)) }]),
        restart,
      ];
      const done = acts[kind]?.();
      for (let turn = 0; turn < 6; turn += 1) {
        await settle();
        await clock.advance(10_000);
      }
      await done;
      const { counted, scanned } = await counts(store, journal);
      t.deepEqual(counted, scanned, `seed ${seed}, act ${act}`);
    }
    t.deepEqual(await faults(store), [], `seed ${seed}`);
  }
});

test('a ledger takes a lane with holes, and its chain is whole', async (t) => {
  const { journal } = await filled(40);
  await journal.remove('bulk', [...upTo(9, 1), ...upTo(17, 15), 30], { reason: 'shed' });
  const disk = new SimStore();
  await disk.write([{ kind: 'put', ...newLedgerRow() }]);
  const ledger = await StoreLedger.open(disk, sha256);
  await ledger.greet({ device, epoch: 1, publicKey: newSigner().publicKey, atMs: 1 });

  for (let seq = 1; seq <= 40;) {
    const read = await journal.read('bulk', seq, { entriesMax: 7, bytesMax: 1e6 });
    const outcome = read.hole
      ? await ledger.declareHole({ device, epoch: 1, hole: read.hole, receivedAtMs: 1 })
      : await ledger.ingest({
          ...{ device, epoch: 1, lane: 'bulk', seqFirst: seq, receivedAtMs: 1 },
          previousHash: read.previousHash,
          hash: read.hashAt(read.entries.length - 1),
          entries: read.entries.filter((entry) => entry instanceof Uint8Array),
        });
    t.is(outcome.kind, 'committed');
    if (outcome.kind !== 'committed') return;
    seq = outcome.position.watermark + 1;
  }

  const { faults: wrong, entries, holes } = await ledger.verify();
  t.deepEqual(
    { wrong, entries, holes },
    { wrong: [], entries: 27, holes: { count: 3, entries: 13 } },
  );
  t.deepEqual((await ledger.device(device))?.lanes[2].hash, journal.positions()[2].headHash);
});

test('what no message carries is declared as a hole, and stays where it is', async (t) => {
  const { store, journal } = await filled(7);
  await journal.setAside('bulk', 3, 'oversize');
  await journal.setAside('bulk', 7, 'oversize');
  const declared = ['entries 1-2', 'oversize 3-3', 'entries 4-6', 'oversize 7-7'];
  t.deepEqual(await walk(journal), declared);
  const { hole, previousHash } = await journal.read('bulk', 3, { entriesMax: 9, bytesMax: 1e6 });
  t.deepEqual(previousHash, await journal.hashAt('bulk', 2));
  t.deepEqual(hole?.hash, await journal.hashAt('bulk', 3));

  const again = await open(store);
  t.deepEqual(await walk(again), declared);
  t.deepEqual(
    again.dead.list().map(({ seq, reason }) => `${seq} ${reason}`),
    ['3 oversize', '7 oversize'],
  );
  t.is((await again.entries('bulk', 1, 9)).length, 7, 'all of them are here');
  t.deepEqual((await verifyChains({ store, sha256, device, epoch: 1 })).faults, []);

  await again.append([{ lane: 'bulk', body: event(8) }]);
  await acknowledge(again, 8);
  t.deepEqual(again.pendingHoles('bulk').entries, 0);
  await again.remove('bulk', upTo(7), { reason: 'trimmed' });
  t.deepEqual(await walk(again), ['trimmed 1-7', 'entries 8-8']);
  t.deepEqual((await open(store)).dead.list(), [], 'gone with their entries');
});
