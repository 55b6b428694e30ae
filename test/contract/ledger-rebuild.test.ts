import { join } from 'node:path';
import test from 'ava';
import {
  callKeyKey,
  copyLedger,
  createAccess,
  openAccessStore,
  openLevelLedger,
  openPostgresLedger,
  runKey,
  sha256,
  systemClock,
  type Ledger,
} from '@holdfast/gateway/internal';
import { assert, codeOf, encodeValue, type EntryBody } from '@holdfast/protocol';
import { runGateway } from '../support/gateway-process.ts';
import { HandJournal, newSigner, requested, started } from '../support/hand-journal.ts';
import { ledgers, sharedPostgres, skippedLedgers } from '../support/ledgers.ts';
import { tempDir } from '../support/temp-dir.ts';

const { publicKey } = newSigner();
const tag = { name: 'site', value: 'oslo' };

function completed(run: string, n: number): EntryBody {
  return { kind: 'run.completed', run, n, output: encodeValue('done') };
}

function answered(run: string, command: number): EntryBody {
  const result = encodeValue(1);
  return { kind: 'call.completed', run, n: 2, op: 1, name: 'stock', command, result };
}

/** Two devices, one of them with two lives; calls that wait, are answered, and have receipts. */
async function live(ledger: Ledger): Promise<void> {
  const first = new HandJournal('d1').append('urgent', started('r1'), requested('r1'));
  const other = new HandJournal('d2').append('urgent', started('r1'), requested('r1'));
  const second = new HandJournal('d1', 2).append('normal', started('r2'), requested('r2'));
  const take = async (journal: HandJournal, lane: 'urgent' | 'normal', seqs: number[]) => {
    const [from = 1, to = 1] = seqs;
    const receivedAtMs = (now += 1);
    await ledger.ingest({ ...journal.ingest(lane, from, to), receivedAtMs });
  };
  let now = 1_000;
  await ledger.greet({ device: 'd1', epoch: 1, publicKey, atMs: 1 });
  await ledger.greet({ device: 'd2', epoch: 1, publicKey, atMs: 1 });
  await take(other, 'urgent', [1, 2]);
  await take(first, 'urgent', [1, 2]);
  for (const call of await ledger.pendingCalls(10)) {
    await ledger.completeCall(call, { kind: 'call.completed', payload: encodeValue(1) });
  }
  other.append('urgent', answered('r1', 1)).append('normal', completed('r1', 3));
  await take(other, 'normal', [1, 1]);
  await take(other, 'urgent', [3, 3]);
  await ledger.greet({ device: 'd1', epoch: 2, publicKey, atMs: 2 });
  const cause = { cause: 'salvaged', oldEpoch: 1, why: 'a cut' } as const;
  const lost = { entriesKept: 3, entriesLost: 0 };
  second.append('normal', { kind: 'epoch.began', ...cause, ...lost });
  await take(second, 'normal', [1, 3]);
  await ledger.tag({ device: 'd2', tags: [tag] });
}

/** As it can be compared: bytes are bytes, and the numbers that order runs are not the same. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  const fields = Object.entries(value).filter(([name]) => name !== 'ordinal');
  return Object.fromEntries(fields.map(([name, field]) => [name, plain(field)]));
}

/** All that is derived. */
async function derived(ledger: Ledger): Promise<unknown> {
  return plain({
    runs: await ledger.runs({ limit: 100 }),
    own: await ledger.runs({ device: 'd1', limit: 100 }),
    waiting: await ledger.runs({ states: ['waiting-call'], limit: 100 }),
    calls: await ledger.pendingCalls(100),
    commands: await ledger.commands({ device: 'd1', after: 0, limit: 100 }),
    devices: (await ledger.devices({ limit: 100 })).records,
    count: await ledger.deviceCount(),
    lives: await ledger.newLives({ sinceMs: 0, limit: 100 }),
    tagged: (await ledger.devices({ tags: [tag], limit: 100 })).records,
  });
}

for (const [name, open] of Object.entries(ledgers)) {
  test(`${name}: what is derived is the same when it is derived anew`, async (t) => {
    const { ledger, tamper } = await open(t);
    await live(ledger);
    const before = await derived(ledger);
    const calls = await ledger.pendingCalls(10);
    t.is(calls.length, 1);
    t.deepEqual(
      (await ledger.runs({ limit: 10 })).map(({ device, run, state }) => [device, run, state]),
      [
        ['d1', 'r2', 'waiting-call'],
        ['d1', 'r1', 'waiting-call'],
        ['d2', 'r1', 'completed'],
      ],
    );

    const damaged = await tamper(async () => [
      { kind: 'delete', key: runKey('d1', 'r1') },
      { kind: 'put', key: runKey('d2', 'r1'), value: Uint8Array.of(1) },
      { kind: 'delete', key: callKeyKey({ device: 'd1', epoch: 1, key: 'uid-r1/1' }) },
    ]);
    const report = await damaged.rebuild();

    t.deepEqual(report, { entries: 9, runs: 3, calls: 1 });
    t.deepEqual(await derived(damaged), before);
    const [call] = calls;
    assert(call !== undefined, 'a call waits');
    const old = { ...call, epoch: 1, run: 'r1', key: 'uid-r1/1' };
    const result = { kind: 'call.completed', payload: encodeValue(2) } as const;
    t.is(await damaged.completeCall(old, result), undefined);
    t.is((await damaged.completeCall(call, result))?.number, 2);
  });
}

const inPostgres = skippedLedgers === '' ? test : test.skip;
const needs = skippedLedgers === '' ? '' : ` (${skippedLedgers})`;
const log = { error: () => {}, info: () => {}, debug: () => {} };

inPostgres(`a ledger goes on in PostgreSQL where it was copied to${needs}`, async (t) => {
  const server = await sharedPostgres();
  const [dir, url] = [await tempDir(t), await server.empty()];
  const source = await openLevelLedger(join(dir, 'ledger'), { sha256, isNew: true });
  await live(source);
  const before = await derived(source);
  await source.close();
  const users = createAccess(await openAccessStore(join(dir, 'access')), systemClock);
  const order = { name: 'ci', role: 'viewer', lifeMs: null } as const;
  const { token } = await users.tokens.create(order, 'local');
  await users.close();

  const told: number[] = [];
  const copied = await copyLedger(dir, url.href, (rows) => told.push(rows));
  t.true((told.at(-1) ?? 0) >= 9, 'it tells how far it is');

  t.like(copied, { entries: 9, whole: true });
  const parts = { address: url.href, sha256, clock: systemClock, log, isNew: false };
  const { ledger, access } = await openPostgresLedger(parts);
  t.teardown(() => ledger.close());
  t.deepEqual(await derived(ledger), before);
  t.like(await createAccess(access, systemClock).bearer(token, false), { name: 'token:ci' });
  const later = new HandJournal('d2').append('bulk', started('r9'));
  await ledger.ingest(later.ingest('bulk', 1, 1));
  t.is((await ledger.runs({ limit: 1 }))[0]?.run, 'r9');
  const added = ['run_state', 'tagged', 'new_life', 'device_count', 'dispatch_tally'];
  for (const name of added) await server.ask(url, `drop table holdfast.${name}`);
  await server.ask(url, 'delete from holdfast.migration where number >= 4');
  t.is((await runGateway('ledger', 'migrate', '--ledger', url.href)).code, 0);
  const waiting = await ledger.runs({ states: ['waiting-call'], limit: 9 });
  t.deepEqual(waiting.map(({ run }) => run), ['r2', 'r1'], 'an older one is brought up to this');
  t.is(await ledger.deviceCount(), 2);
  const again = await t.throwsAsync(copyLedger(dir, url.href));
  t.is(codeOf(again), 'HF_REQUEST_INVALID');
});

inPostgres(`tables are made by migrations, which can be looked at before${needs}`, async (t) => {
  const server = await sharedPostgres();
  const url = await server.empty();
  const migrate = (...args: string[]) =>
    runGateway('ledger', 'migrate', '--ledger', url.href, '-o', 'json', ...args);

  const dry = await migrate('--dry-run');
  t.is(dry.code, 0, dry.stderr);
  const { migrations } = JSON.parse(dry.stdout) as { readonly migrations: readonly string[] };
  t.is(migrations[0], '0001-ledger.sql');
  t.deepEqual(await server.ask(url, `select to_regnamespace('holdfast')`), [[null]]);

  t.like(JSON.parse((await migrate()).stdout) as object, { dryRun: false, migrations });
  t.like(JSON.parse((await migrate()).stdout) as object, { migrations: [] });
});

test('a password on the command line is refused, and not repeated', async (t) => {
  const address = 'postgres://holdfast:hunter2@db.example/fleet';

  const { code, stderr } = await runGateway('ledger', 'migrate', '--ledger', address);

  t.is(code, 2);
  t.regex(stderr, /HOLDFAST_LEDGER/);
  t.notRegex(stderr, /hunter2/);
});

inPostgres(`tables of a newer version, and of others, are refused untouched${needs}`, async (t) => {
  const server = await sharedPostgres();
  const [newer, others] = [await server.empty(), await server.empty()];
  await runGateway('ledger', 'migrate', '--ledger', newer.href);
  const newest = `insert into holdfast.migration values (99, '0099-later.sql', 'x')`;
  await server.ask(newer, newest);
  await server.ask(others, 'create schema holdfast');
  await server.ask(others, 'create table holdfast.device (id integer)');

  const codes = [];
  for (const url of [newer, others]) {
    const parts = { address: url.href, sha256, clock: systemClock, log, isNew: true };
    codes.push(codeOf(await t.throwsAsync(openPostgresLedger(parts))));
  }

  t.deepEqual(codes, ['HF_STORE_FORMAT', 'HF_STORE_DAMAGED']);
  const tables = `select count(*)::int from pg_tables where schemaname = 'holdfast'`;
  t.deepEqual(await server.ask(others, tables), [[1]]);
});
