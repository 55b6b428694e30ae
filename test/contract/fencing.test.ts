import test from 'ava';
import {
  openDatabase,
  openPostgresLedger,
  sha256,
  systemClock,
  type Ledger,
} from '@holdfast/gateway/internal';
import { encodeValue } from '@holdfast/protocol';
import { until } from '@holdfast/device-sim';
import { HandJournal, newSigner, requested, started } from '../support/hand-journal.ts';
import { sharedPostgres, skippedLedgers } from '../support/ledgers.ts';

const inPostgres = skippedLedgers === '' ? test : test.skip;
const needs = skippedLedgers === '' ? '' : ` (${skippedLedgers})`;
const log = { error: () => {}, info: () => {}, debug: () => {} };
const { publicKey } = newSigner();
/** What the database gives one that says nothing is 5 s; the rest is for a busy machine. */
const WAITED_MS_MAX = 20_000;

async function openAt(url: URL): Promise<Ledger> {
  const parts = { address: url.href, sha256, clock: systemClock, log, isNew: true };
  return (await openPostgresLedger(parts)).ledger;
}

inPostgres(`a call is one gateway's at a time, and its result counts once${needs}`, async (t) => {
  const url = await (await sharedPostgres()).empty();
  const [one, other] = [await openAt(url), await openAt(url)];
  t.teardown(() => Promise.all([one.close(), other.close()]));
  const journal = new HandJournal('d1').append('urgent', started('r1'), requested('r1'));
  await one.greet({ device: 'd1', epoch: 1, publicKey, atMs: 1 });
  await one.ingest(journal.ingest('urgent', 1, 2));
  const calls = await other.pendingCalls(9);
  const claim = async (ledger: Ledger, owner: string, forMs: number) =>
    (await ledger.claimCalls({ calls, owner, forMs })).length;

  t.is(await claim(one, 'one', 60_000), 1);
  t.is(await claim(other, 'other', 60_000), 0, 'it is held');
  t.is(await claim(one, 'one', 1), 1, 'whoever has it may renew it, and then says nothing more');
  await until('its time to be over', async () => (await claim(other, 'other', 60_000)) === 1);
  t.is(await claim(one, 'one', 60_000), 0, 'who wakes up has it no more');

  const [call] = calls;
  if (call === undefined) return t.fail('a call waits');
  const result = { kind: 'call.completed', payload: encodeValue(1) } as const;
  const both = await Promise.all([one, other].map((each) => each.completeCall(call, result)));
  t.is(both.filter((command) => command !== undefined).length, 1);
  t.is((await one.commands({ device: 'd1', after: 0, limit: 9 })).length, 1);
});

inPostgres(`who is stopped in a transaction keeps nobody waiting for long${needs}`, async (t) => {
  const url = await (await sharedPostgres()).empty();
  const ledger = await openAt(url);
  const stopped = openDatabase(url);
  t.teardown(() => Promise.all([ledger.close(), stopped.close()]));
  const journal = new HandJournal('d1').facts('normal', 2);
  await ledger.greet({ device: 'd1', epoch: 1, publicKey, atMs: 1 });
  const [asleep, wakeUp] = latch();
  const [holds, isHeld] = latch();
  const late = stopped.hold(async (db) => {
    await db.query('begin');
    await db.query('select 1 from holdfast.device for no key update');
    isHeld();
    await asleep;
    await db.query('delete from holdfast.block');
    await db.query('commit');
  });
  const found = t.throwsAsync(late, undefined, 'it finds that it has nothing any more');
  t.teardown(wakeUp);
  await Promise.race([holds, found]);

  const startedAt = performance.now();
  t.like(await ledger.ingest(journal.ingest('normal', 1, 2)), { kind: 'committed', fresh: 2 });
  t.true(performance.now() - startedAt < WAITED_MS_MAX);
  wakeUp();

  await found;
  t.like(await ledger.verify(), { entries: 2, faults: [] });
});

/** A promise, and what resolves it. */
function latch(): readonly [promise: Promise<void>, open: () => void] {
  let open = (): void => {};
  const promise = new Promise<void>((resolve) => (open = resolve));
  return [promise, () => open()];
}
