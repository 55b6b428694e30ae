import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  StoreLedger,
  contentKey,
  newLedgerRow,
  openLevelLedger,
  sha256,
  type Ledger,
  type PendingCall,
} from '@holdfast/gateway/internal';
import {
  decodeValue,
  displayValue,
  encodeValue,
  hex,
  valueIn,
  type EntryBody,
  type StoreRange,
} from '@holdfast/protocol';
import test from 'ava';
import { HandJournal, newSigner, requested, started } from '../support/hand-journal.ts';
import { ledgers } from '../support/ledgers.ts';
import { SimStore } from '../support/sim-store.ts';
import { tempDir } from '../support/temp-dir.ts';

const { publicKey } = newSigner();
const SECRET = 'ada.lovelace@example.org';
const ERASED_AT_MS = Date.UTC(2026, 5, 1);
const request = { subject: 'customer-42', atMs: ERASED_AT_MS, by: 'dpo', reason: 'ticket 7' };

function event(payload: unknown, run = ''): EntryBody {
  return { kind: 'event.emitted', run, n: 0, op: 0, name: 'seen', payload: encodeValue(payload) };
}

function status(run: string, n: number, says: unknown): EntryBody {
  return { kind: 'run.status', run, n, op: 1, name: 'status', status: encodeValue(says) };
}

function call(run: string): EntryBody {
  return { ...requested(run), input: encodeValue({ to: SECRET }) } as EntryBody;
}

/** A run about a customer, a fact about them outside of runs, and one about another. */
function lived(device = 'd1', epoch = 1): HandJournal {
  return new HandJournal(device, epoch)
    .append('normal', started('plain'))
    .about('normal', 'customer-42', started('order'))
    .about('normal', 'customer-42', status('order', 1, `mail to ${SECRET}`))
    .about('urgent', 'customer-42', call('order'))
    .about('bulk', 'customer-42', event({ email: SECRET }))
    .about('bulk', 'customer-43', event({ email: 'other' }));
}

async function greet(ledger: Ledger, { device, epoch }: HandJournal): Promise<void> {
  await ledger.greet({ device, epoch, publicKey, atMs: 1 });
}

/** @param receivedAtMs Default: before anything was erased. */
async function take(ledger: Ledger, journal: HandJournal, receivedAtMs?: number): Promise<void> {
  await greet(ledger, journal);
  for (const lane of ['urgent', 'normal', 'bulk'] as const) {
    const { length } = journal.entries(lane);
    const batch = journal.ingest(lane, 1, length);
    const at = receivedAtMs ?? batch.receivedAtMs;
    const outcome = await ledger.ingest({ ...batch, receivedAtMs: at });
    if (outcome.kind !== 'committed') throw new Error(outcome.kind);
  }
}

async function values(ledger: Ledger, lane: 'normal' | 'urgent' | 'bulk', device = 'd1') {
  const entries = await ledger.entries({ device, lane, after: 0, limit: 100 });
  return entries.map(({ entry }) => entry && displayValue(valueIn(entry)));
}

async function chains(ledger: Ledger): Promise<unknown> {
  const record = await ledger.device('d1');
  return record?.lanes.map(({ watermark, hash }) => `${watermark} ${hex(hash)}`);
}

async function statusOf(ledger: Ledger, id: string): Promise<Uint8Array> {
  const runs = await ledger.runs({ device: 'd1', limit: 10 });
  return runs.find(({ run }) => run === id)?.status ?? new Uint8Array();
}

async function firstCall(ledger: Ledger): Promise<PendingCall> {
  const [pending] = await ledger.pendingCalls(10);
  if (pending === undefined) throw new Error('no call is pending');
  return pending;
}

for (const [name, open] of Object.entries(ledgers)) {
  test(`${name}: what goes beside an entry is read with it, wherever it is read`, async (t) => {
    const { ledger, next } = await open(t);
    await take(ledger, lived());

    for (const life of [1, 2]) {
      const each = life === 1 ? ledger : await next();
      t.deepEqual(await values(each, 'bulk'), [{ email: SECRET }, { email: 'other' }]);
      t.is(decodeValue(await statusOf(each, 'order')), `mail to ${SECRET}`);
      t.deepEqual(decodeValue((await firstCall(each)).input), { to: SECRET });
      const { faults, contents } = await each.verify();
      t.deepEqual(faults, []);
      t.deepEqual(contents, { held: 5, absent: 0, erased: 0 });
      const held = await each.held({ subject: 'customer-42', limit: 100 });
      t.is(held.entries.length, 4);
      t.is(held.next, undefined);
    }
  });

  test(`${name}: what is erased is gone, the chains are whole, a receipt stays`, async (t) => {
    const { ledger, next } = await open(t);
    await take(ledger, lived());
    const before = await chains(ledger);

    const receipt = await ledger.erase(request);

    t.like(receipt, { by: 'dpo', reason: 'ticket 7', contents: 4, isComplete: true });
    t.deepEqual(
      receipt.ranges.map(({ lane, seqFirst, seqLast }) => [lane, seqFirst, seqLast]),
      [
        ['urgent', 1, 1],
        ['normal', 2, 3],
        ['bulk', 1, 1],
      ],
    );
    for (const life of [1, 2]) {
      const each = life === 1 ? ledger : await next();
      t.deepEqual(await each.erasures(10), [receipt]);
      t.deepEqual(await chains(each), before);
      const { faults, contents } = await each.verify();
      t.deepEqual(faults, []);
      t.deepEqual(contents, { held: 1, absent: 0, erased: 4 });
      t.like((await values(each, 'bulk'))[0], { $: 'erased' });
      t.deepEqual((await values(each, 'bulk'))[1], { email: 'other' });
      t.like(displayValue(await statusOf(each, 'order')), { $: 'erased' });
      t.deepEqual(await each.held({ subject: 'customer-42', limit: 100 }), {
        ...{ entries: [], commands: [], next: undefined },
      });
    }
  });

  test(`${name}: what was erased does not come back, whatever is sent again`, async (t) => {
    const { ledger } = await open(t);
    const journal = lived().about('bulk', 'customer-42', event({ email: SECRET }));
    await greet(ledger, journal);
    await ledger.ingest(journal.ingest('bulk', 1, 2));
    await ledger.erase(request);

    await ledger.ingest(journal.ingest('bulk', 1, 2));
    await ledger.ingest(journal.ingest('bulk', 1, 3));
    await take(ledger, lived('d2'));
    await take(ledger, lived('d1', 2));

    t.like((await values(ledger, 'bulk', 'd2'))[0], { $: 'erased' });
    const { faults, contents } = await ledger.verify();
    t.deepEqual(faults, []);
    // Of each life the one of another customer is held.
    t.deepEqual(contents, { held: 3, absent: 0, erased: 2 + 4 + 4 });
    const ahead = new HandJournal('d4').about(
      ...(['bulk', 'customer-42', event({ email: SECRET }), ERASED_AT_MS * 2] as const),
    );
    await greet(ledger, ahead);
    const sample = { boot: 1, monoMs: 2, atMs: ERASED_AT_MS - 1_000, errorMs: 10 };
    await ledger.noteClock({ device: 'd4', epoch: 1, sample });
    await take(ledger, ahead, ERASED_AT_MS + 2);
    t.like((await values(ledger, 'bulk', 'd4'))[0], { $: 'erased' }, 'its clock is ahead');
    const later = new HandJournal('d3').about(
      ...(['bulk', 'customer-42', event({ email: 'new' }), ERASED_AT_MS + 1] as const),
    );
    await take(ledger, later, ERASED_AT_MS + 2);
    t.deepEqual(await values(ledger, 'bulk', 'd3'), [{ email: 'new' }], 'a new relation');
  });

  test(`${name}: the result of a call that was erased meanwhile is a failure`, async (t) => {
    const { ledger } = await open(t);
    await take(ledger, lived());
    const pending = await firstCall(ledger);
    const result = { kind: 'call.completed', payload: encodeValue({ of: SECRET }) } as const;
    await ledger.erase(request);

    const [sealed] = await ledger.pendingCalls(10);
    t.throws(() => decodeValue(sealed?.input ?? new Uint8Array()), { code: 'HF_VALUE_SEALED' });
    const command = await ledger.completeCall(pending, result);

    t.is(command?.kind, 'call.failed');
    t.like(decodeValue(command?.payload ?? new Uint8Array()), { code: 'HF_VALUE_SEALED' });
  });

  test(`${name}: the results of calls are found and erased with what they answer`, async (t) => {
    const { ledger } = await open(t);
    await take(ledger, lived());
    const result = { kind: 'call.completed', payload: encodeValue({ of: SECRET }) } as const;
    await ledger.completeCall(await firstCall(ledger), result);
    const held = await ledger.held({ subject: 'customer-42', limit: 100 });
    t.deepEqual(
      held.commands.map(({ device, number }) => [device, number]),
      [['d1', 1]],
    );

    const receipt = await ledger.erase(request);

    t.is(receipt.commands, 1);
    const [command] = await ledger.commands({ device: 'd1', after: 0, limit: 10 });
    t.like(command, { number: 1, kind: 'call.failed', run: 'order' });
    t.like(decodeValue(command?.payload ?? new Uint8Array()), { code: 'HF_VALUE_SEALED' });
  });

  test(`${name}: what is held on a subject comes in pages`, async (t) => {
    const { ledger } = await open(t);
    const journal = new HandJournal('d1');
    for (let n = 0; n < 25; n += 1) journal.about('bulk', 'customer-42', event({ n }));
    await take(ledger, journal);

    const seqs: number[] = [];
    let after: string | undefined;
    do {
      const page = await ledger.held({ subject: 'customer-42', after, limit: 10 });
      seqs.push(...page.entries.map(({ seq }) => seq));
      after = page.next;
    } while (after !== undefined);

    t.deepEqual(
      seqs,
      Array.from({ length: 25 }, (_, index) => index + 1),
    );
    t.is((await ledger.erase(request)).contents, 25);
  });

  test(`${name}: a content that was not sealed is not kept and stops no lane`, async (t) => {
    const { ledger } = await open(t);
    const journal = lived();
    const item = journal.carried('bulk').get(1);
    if (item) journal.carried('bulk').set(1, { ...item, content: encodeValue('forged') });
    journal.carried('bulk').delete(2);

    await take(ledger, journal);

    t.deepEqual((await ledger.verify()).contents, { held: 3, absent: 2, erased: 0 });
    t.like((await values(ledger, 'bulk'))[0], { $: 'erased' });
  });

  test(`${name}: the lives of a device are read where its values are erasable`, async (t) => {
    const { ledger, next } = await open(t);
    await take(ledger, lived());

    const epochs = (await (await next()).epochs('d1')).map(({ epoch }) => epoch);

    t.deepEqual(epochs, [1]);
  });

  test(`${name}: a content that was changed or has vanished is found`, async (t) => {
    const { ledger, tamper } = await open(t);
    await take(ledger, lived());
    const at = (lane: 'bulk' | 'normal', seq: number) =>
      contentKey({ device: 'd1', epoch: 1, lane, seq });

    const changed = await tamper(async (store) => {
      const row = await store.get(at('bulk', 1));
      const value = Uint8Array.from(row ?? [], (byte, index) => (index === 100 ? byte ^ 1 : byte));
      return [
        { kind: 'put', key: at('bulk', 1), value },
        { kind: 'delete', key: at('normal', 3) },
      ];
    });

    t.deepEqual(
      (await changed.verify()).faults.map(({ lane, seq, why }) => [lane, seq, why]),
      [
        ['normal', 3, 'has lost the content of its value, and nothing says why'],
        ['bulk', 1, 'has another content of its value than was journaled'],
      ],
    );
  });
}

test('nothing of what is erased is left in the files of the ledger, nor its subject', async (t) => {
  const dir = join(await tempDir(t), 'ledger');
  const ledger = await openLevelLedger(dir, { sha256, isNew: true });
  const files = () =>
    readdirSync(dir)
      .map((name) => readFileSync(join(dir, name), 'latin1'))
      .join('\n');
  await take(ledger, lived());
  const result = { kind: 'call.completed', payload: encodeValue({ of: SECRET }) } as const;
  await ledger.completeCall(await firstCall(ledger), result);
  t.true(files().includes(SECRET));
  t.false(files().includes('customer-42'));

  await ledger.erase(request);

  t.false(files().includes(SECRET));
  t.true(files().includes('other'));
  await ledger.close();
  t.false(files().includes(SECRET));
});

test('each table that held what is erased has its files written anew', async (t) => {
  const store = new SimStore();
  await store.write([{ kind: 'put', ...newLedgerRow() }]);
  const rewritten: number[] = [];
  store.compact = async (...ranges: readonly StoreRange[]) => {
    rewritten.push(...ranges.map(({ from }) => from[0] ?? 0));
  };
  const ledger = await StoreLedger.open(store, sha256);
  await take(ledger, lived());

  await ledger.erase(request);

  // Contents, results that are on their way, and inputs of calls that wait.
  t.is(String.fromCharCode(...rewritten), 'vnc');
});
