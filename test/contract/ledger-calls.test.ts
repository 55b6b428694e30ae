import {
  everything,
  openPostgresLedger,
  sha256,
  systemClock,
  type CallResult,
  type Ledger,
  type PendingCall,
  type Subscriber,
} from '@holdfast/gateway/internal';
import { encodeValue } from '@holdfast/protocol';
import test from 'ava';
import { HandJournal, newSigner, requested, started } from '../support/hand-journal.ts';
import { ledgers, sharedPostgres, skippedLedgers } from '../support/ledgers.ts';

const { publicKey } = newSigner();
const parking = { atMs: 5_000, attempts: 10, code: 'HF_HANDLER_TIMEOUT', why: 'no result' };
const result: CallResult = { kind: 'call.completed', payload: encodeValue(1) };

/** A ledger with three calls of `stock`, and one of `mail` between them. */
async function withCalls(ledger: Ledger): Promise<HandJournal> {
  const journal = new HandJournal('d1').append('urgent', started('r1'));
  const mail = { ...requested('r1', 2), name: 'mail' };
  journal.append('urgent', requested('r1', 1), mail, requested('r1', 3), requested('r1', 4));
  await ledger.greet({ device: 'd1', epoch: 1, publicKey, atMs: 1 });
  await ledger.ingest(journal.ingest('urgent', 1, 5));
  return journal;
}

const ops = (calls: readonly PendingCall[]): readonly number[] => calls.map(({ op }) => op);

async function firstOf(ledger: Ledger, service: string) {
  const [call] = await ledger.pendingCalls(1, service);
  if (call === undefined) throw new Error(`no call of ${service}`);
  return call;
}

for (const [name, open] of Object.entries(ledgers)) {
  test(`${name}: calls are read by service, page by page`, async (t) => {
    const { ledger } = await open(t);
    await withCalls(ledger);

    t.deepEqual([...(await ledger.callServices('pending'))].toSorted(), ['mail', 'stock']);
    t.deepEqual(ops(await ledger.pendingCalls(9, 'stock')), [1, 3, 4]);
    t.deepEqual(ops(await ledger.pendingCalls(9, 'mail')), [2]);
    t.deepEqual(ops(await ledger.pendingCalls(9, 'mai')), []);
    t.is((await ledger.pendingCalls(9)).length, 4);
    const first = await ledger.calls({ state: 'pending', service: 'stock', limit: 2 });
    t.deepEqual(ops(first), [1, 3]);
    const after = first.at(-1);
    const second = await ledger.calls({ state: 'pending', service: 'stock', after, limit: 2 });
    t.deepEqual(ops(second), [4]);
  });

  test(`${name}: a parked call waits for a person, and is answered once`, async (t) => {
    const { ledger, next } = await open(t);
    await withCalls(ledger);
    const call = await firstOf(ledger, 'stock');
    t.true(await ledger.parkCall(call, parking));
    t.false(await ledger.parkCall(call, parking), 'it is parked already');

    const later = await next();
    t.deepEqual(ops(await later.pendingCalls(9, 'stock')), [3, 4]);
    t.deepEqual(await later.callServices('parked'), ['stock']);
    const [parked] = await later.calls({ state: 'parked', limit: 9 });
    t.like(parked, { op: 1, service: 'stock', state: 'parked', parking, ordinal: call.ordinal });
    if (parked === undefined) return;
    t.is(await later.requeueCalls([parked, parked]), 1);
    t.deepEqual(await later.calls({ state: 'parked', limit: 9 }), []);
    t.deepEqual(ops(await later.pendingCalls(9, 'stock')), [1, 3, 4], 'it is the oldest again');

    await later.parkCall(call, parking);
    t.is((await later.completeCall(parked, result))?.number, 1, 'a person answers it');
    t.is(await later.completeCall(call, result), undefined);
    t.deepEqual(await later.calls({ state: 'parked', limit: 9 }), []);
    t.is(await later.requeueCalls([parked]), 0);
    t.false(await later.parkCall(call, parking), 'it has its result');
  });

  test(`${name}: a parked call that its device gave up waits no longer`, async (t) => {
    const { ledger } = await open(t);
    const journal = await withCalls(ledger);
    await ledger.parkCall(await firstOf(ledger, 'mail'), parking);
    const at = { run: 'r1', n: 9, op: 2, name: 'mail' };
    const error = Uint8Array.of(1);
    journal.append('urgent', { kind: 'call.failed', command: 0, ...at, error });
    await ledger.ingest(journal.ingest('urgent', 6, 6));

    t.deepEqual(await ledger.calls({ state: 'parked', limit: 9 }), []);
    t.deepEqual(await ledger.callServices('parked'), []);
  });

  test(`${name}: calls of the next life are numbered behind those of the one before`, async (t) => {
    const { ledger, next } = await open(t);
    const journal = await withCalls(ledger);
    const before = await ledger.pendingCalls(9);
    await ledger.parkCall(await firstOf(ledger, 'stock'), parking);

    const later = await next();
    const alone = { ...requested('r1', 5), name: 'alone' };
    journal.append('urgent', alone);
    await later.ingest(journal.ingest('urgent', 6, 6));
    const { ordinal } = await firstOf(later, 'alone');

    t.true(before.every((each) => each.ordinal < ordinal));
  });

  test(`${name}: a rebuilt ledger has what was parked wait for its handler`, async (t) => {
    const { ledger } = await open(t);
    await withCalls(ledger);
    await ledger.parkCall(await firstOf(ledger, 'stock'), parking);

    t.is((await ledger.rebuild()).calls, 4);
    t.deepEqual(await ledger.calls({ state: 'parked', limit: 9 }), []);
  });

  test(`${name}: whom to tell is kept, with how far that came and what was refused`, async (t) => {
    const { ledger, next } = await open(t);
    const tags = [{ name: 'site', value: 'oslo' }];
    const filter = { ...everything, tags, kinds: ['run.failed'] };
    const subscriber: Subscriber = {
      ...{ id: 'wh-1', url: 'https://x/', secret: new Uint8Array(32), createdAtMs: 5, by: 'ola' },
      ...{ filter, isPersonal: true, state: 'active', why: '', failingSinceMs: 0 },
      ...{ refusedInARow: 0, deliveredAtMs: 0 },
    };
    const place = (seq: number) => ({ device: 'd1', epoch: 1, lane: 'normal', seq }) as const;
    const event = { atMs: 1, attempts: 3, status: 422, why: 'no', isQueued: false };
    const dead = [1, 2, 3].map((seq) => ({ ...event, place: place(seq) }));
    const cursor = { epoch: 1, seqs: [1, 2, 3] as const };
    const id = 'wh-1';
    await ledger.out.saveSubscriber(subscriber);
    await ledger.out.saveSubscriber({ ...subscriber, id: 'wh-10' });
    await ledger.out.advance({ id, cursors: new Map([['d1', cursor]]), dead });
    t.true(await ledger.out.claimSubscriber(id, 'me', 60_000));

    const { out } = await next();
    const stored = await out.subscriber(id);
    t.deepEqual({ ...stored, secret: '' }, { ...subscriber, secret: '' });
    t.deepEqual(await out.cursors(id, ['d1', 'd2']), [cursor, undefined]);
    const after = place(1);
    t.deepEqual(await out.deadEvents({ id, after, limit: 1 }), dead.slice(1, 2));
    const again = { ...event, place: place(3), isQueued: true };
    await out.changeDead({ id, put: [again], gone: [after] });
    const left = await out.deadEvents({ id, limit: 9 });
    t.deepEqual(
      left.map(({ place: at, isQueued }) => [at.seq, isQueued]),
      [
        [2, false],
        [3, true],
      ],
    );

    t.true(await out.removeSubscriber(id));
    t.false(await out.removeSubscriber(id));
    t.deepEqual(
      (await out.subscribers()).map((each) => each.id),
      ['wh-10'],
    );
    t.deepEqual(await out.cursors(id, ['d1']), [undefined]);
    t.deepEqual(await out.deadEvents({ id, limit: 9 }), []);
  });
}

test('without a database a handler can share no transaction, and is told so', async (t) => {
  const open = ledgers['the ledger in the simulated store'];
  if (open === undefined) return t.fail('no such ledger');
  const { ledger } = await open(t);
  await withCalls(ledger);
  const call = await firstOf(ledger, 'stock');

  const failure = ledger.completeCallWith(call, async () => result);
  await t.throwsAsync(failure, { code: 'HF_HANDLER_TRANSACTION' });
  t.is((await ledger.pendingCalls(9, 'stock')).length, 3);
});

const inPostgres = skippedLedgers === '' ? test : test.skip;
const needs = skippedLedgers === '' ? '' : ` (${skippedLedgers})`;

inPostgres(`what a handler writes is there with its result, or not at all${needs}`, async (t) => {
  const server = await sharedPostgres();
  const url = await server.empty();
  const log = { error: () => {}, info: () => {}, debug: () => {} };
  const parts = { address: url.href, sha256, clock: systemClock, log, isNew: true };
  const { ledger } = await openPostgresLedger(parts);
  t.teardown(() => ledger.close());
  await server.ask(url, 'create table sold (op int)');
  await withCalls(ledger);
  const sell = (call: PendingCall, then: () => void = () => {}) =>
    ledger.completeCallWith(call, async (sql) => {
      await sql.query('insert into sold values ($1)', [call.op]);
      const { rows } = await sql.query('select count(*)::int as sold from sold');
      then();
      return { kind: 'call.completed', payload: encodeValue(rows[0]?.['sold']) };
    });
  const sold = async () => (await server.ask(url, 'select op from sold order by op')).flat();
  const [one, two, three] = await ledger.pendingCalls(3, 'stock');
  if (one === undefined || two === undefined || three === undefined) return t.fail('three calls');

  const broken = sell(one, () => {
    throw new Error('out of stock');
  });
  await t.throwsAsync(broken, { message: 'out of stock' });
  t.deepEqual([await sold(), (await ledger.pendingCalls(9, 'stock')).length], [[], 3]);

  t.is((await sell(one))?.number, 1);
  t.is(await sell(one), undefined, 'it has its result: nothing is sold twice');
  t.deepEqual(await sold(), [1]);

  const both = await Promise.all([sell(two), sell(two), ledger.completeCall(two, result)]);
  t.is(both.filter((command) => command !== undefined).length, 1);
  t.is(new Set(await sold()).size, (await sold()).length, 'nothing is sold twice');

  const ended = ledger.completeCallWith(three, async (sql) => {
    await sql.query('insert into sold values (-1)');
    await sql.query(' COMMIT ');
    return result;
  });
  await t.throwsAsync(ended, { code: 'HF_HANDLER_TRANSACTION', message: /begins and ends/ });
  t.false((await sold()).includes(-1));
});
