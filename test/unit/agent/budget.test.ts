import {
  Journal,
  Relief,
  budgetOf,
  retainedBytes,
  sha256,
  usedBytes,
  verifyChains,
} from '@holdfast/agent/internal';
import { codeOf, encodeValue, type EntryBody, type Lane } from '@holdfast/protocol';
import test from 'ava';
import { SimClock } from '../../support/sim-clock.ts';
import { SimStore } from '../../support/sim-store.ts';

const budget = budgetOf(1024 * 1024);
const log = { error: () => {}, info: () => {}, debug: () => {} };

function event(run = ''): EntryBody {
  const payload = encodeValue('x'.repeat(1_000));
  return { kind: 'event.emitted', run, n: 0, op: 0, name: 'e', payload };
}

async function device() {
  const store = new SimStore();
  const clock = new SimClock();
  const journal = await Journal.open({
    ...{ device: 'b-1', epoch: 1, boot: 1, clock, sha256, store, budget },
  });
  const sweeps: number[] = [];
  const retention = {
    sweep: () => {
      sweeps.push(usedBytes(journal));
      return Promise.resolve(0);
    },
  };
  const relief = new Relief({ journal, retention, budget, clock, log });
  relief.start();
  const put = async (lane: Lane, count: number, run = ''): Promise<void> => {
    for (let index = 0; index < count; index += 1) {
      await journal.append([{ lane, body: event(run) }]);
    }
  };
  return { store, journal, relief, sweeps, put };
}

test('measurements shed their oldest, counted, and the lane goes on', async (t) => {
  const { store, journal, relief, sweeps, put } = await device();

  await put('bulk', 3_000);
  await relief.close();

  const { entries, bytes, count } = journal.pendingHoles('bulk');
  const kept = journal.kept('bulk');
  t.true(usedBytes(journal) < budget.refuseAt);
  t.is(count, 1, 'what goes from one end is one hole');
  t.is(entries + kept.entries, 3_000);
  t.true(entries > 1_500 && bytes > entries * 1_000);
  t.notThrows(() => journal.checkRoom('bulk'));
  t.true(sweeps.length > 0, 'what the ledger has goes first');
  const report = await verifyChains({ store, sha256, device: 'b-1', epoch: 1 });
  t.deepEqual(report, { entries: kept.entries, faults: [] });
});

test('what the ledger has is swept once it takes more than its part', async (t) => {
  const { journal, relief, sweeps, put } = await device();
  const acknowledge = async (seq: number): Promise<void> => {
    const hash = await journal.hashAt('normal', seq);
    await journal.acknowledge('normal', seq, hash ?? new Uint8Array(32));
  };
  await put('normal', 500);
  t.is(retainedBytes(journal), 0);
  await acknowledge(100);
  t.true(retainedBytes(journal) > 100_000);
  t.deepEqual(sweeps, [], 'that is less than a quarter of the budget');

  await acknowledge(400);
  await relief.close();

  t.is(sweeps.length, 1);
  t.true(retainedBytes(journal) > budget.retainedMax);
  t.true(usedBytes(journal) < budget.relieveAt, 'not because the end of it is near');
  t.is(codeOf(t.throws(() => budgetOf(undefined, -1))), 'HF_CONFIG_INVALID');
});

test('what is of a run is never shed, and has the reserve when new work is refused', async (t) => {
  const { journal, relief, put } = await device();

  await put('bulk', 500, 'run-1');
  await put('normal', 500, 'run-1');
  await relief.close();

  t.is(journal.pendingHoles('bulk').entries, 0);
  t.true(usedBytes(journal) >= budget.refuseAt);
  t.is(codeOf(t.throws(() => journal.checkRoom())), 'HF_JOURNAL_FULL');
  await put('normal', 1, 'run-1');
  t.is(journal.positions()[1].head, 501, 'an open run goes on');
});
