import { Journal, sha256, verifyChains } from '@holdfast/agent/internal';
import { HoldfastError, codeOf, encodeValue, type EntryBody } from '@holdfast/protocol';
import test from 'ava';
import { SimClock } from '../../support/sim-clock.ts';
import { SimStore } from '../../support/sim-store.ts';

const device = 'r-1';

const event = (name: string): EntryBody => ({
  ...{ kind: 'event.emitted', run: '', n: 0, op: 0 },
  ...{ name, payload: encodeValue(name) },
});

async function open(store: SimStore, clock: SimClock): Promise<Journal> {
  const reopen = (): Promise<void> => store.reopen();
  return Journal.open({ device, epoch: 1, boot: 1, clock, sha256, store, reopen });
}

const put = (journal: Journal, name: string) =>
  journal.append([{ lane: 'normal', body: event(name) }]);

const turn = () => new Promise((resolve) => setImmediate(resolve));

async function names(journal: Journal): Promise<string[]> {
  const rows = await journal.entries('normal', 1, 100);
  return rows.map(
    ({ seq, bytes }) => `${seq} ${Buffer.from(bytes).includes('late') ? 'late' : ''}`,
  );
}

for (const outcome of ['kept', 'lost'] as const) {
  test(`a failed write that the disk has ${outcome} is there once, under its number`, async (t) => {
    const store = new SimStore();
    const clock = new SimClock();
    const journal = await open(store, clock);
    await put(journal, 'before');
    store.failNextWrite(new Error('no space left'), outcome);

    const failed = put(journal, 'first');
    const queued = [put(journal, 'second'), put(journal, 'third')];
    await turn();
    const later = put(journal, 'fourth');
    await clock.advance(10_000);
    const refs = await Promise.all([failed, ...queued, later]);

    t.deepEqual(
      refs.map(([ref]) => ref?.seq),
      [2, 3, 4, 5],
    );
    t.is((await names(journal)).length, 5);
    const report = await verifyChains({ store, sha256, device, epoch: 1 });
    t.deepEqual(report, { entries: 5, faults: [] });
    t.is(journal.trouble, undefined);
    const again = await open(store.crash(), clock);
    t.is(again.positions()[1].head, 5);
  });
}

test('while the disk fails what is outside is refused, and what is under way waits', async (t) => {
  const store = new SimStore();
  const clock = new SimClock();
  const journal = await open(store, clock);
  let settled = 0;
  store.failNextWrite();
  store.failReopen(...Array.from({ length: 5 }, () => new Error('input/output error')));

  const waiting = put(journal, 'a').then(() => (settled += 1));
  await turn();
  const refusal = t.throws(() => journal.checkRoom());
  await clock.advance(2_000);

  t.is(codeOf(refusal), 'HF_JOURNAL_FAILED');
  t.is(refusal instanceof HoldfastError && refusal.retry, 'later');
  t.is(settled, 0);
  t.is(journal.trouble?.error.why, 'input/output error');
  t.is(journal.positions()[1].head, 0, 'nothing is believed that is not known to be there');
  await clock.advance(30_000);
  await waiting;
  t.notThrows(() => journal.checkRoom());
});

test('a disk that has lost what it had acknowledged is not believed', async (t) => {
  const store = new SimStore();
  const clock = new SimClock();
  const journal = await open(store, clock);
  await put(journal, 'kept');
  const [row] = await store.scan({ from: Uint8Array.of(0x65), to: Uint8Array.of(0x66), limit: 1 });
  store.failNextWrite();
  const lost = put(journal, 'b');
  await turn();
  await store.reopen();
  await store.write([{ kind: 'delete', key: row?.key ?? new Uint8Array() }]);
  await clock.advance(1_000);

  await t.throwsAsync(lost, { code: 'HF_STORE_DAMAGED' });
  t.is((await journal.failed).code, 'HF_STORE_DAMAGED');
  await t.throwsAsync(put(journal, 'c'), { code: 'HF_STORE_DAMAGED' });
});

test('a journal that is closed while the disk fails does not wait for it', async (t) => {
  const store = new SimStore();
  const clock = new SimClock();
  const journal = await open(store, clock);
  store.failNextWrite();
  store.failReopen(...Array.from({ length: 100 }, () => new Error('read-only file system')));
  const waiting = put(journal, 'a');
  await turn();

  const closing = journal.close(new HoldfastError('HF_AGENT_CLOSED'));

  await t.throwsAsync(waiting, { code: 'HF_AGENT_CLOSED' });
  await closing;
  t.is(clock.pending, 0, 'no wake-up is left');
});
