import test from 'ava';
import { openPostgresLedger, sha256, systemClock } from '@holdfast/gateway/internal';
import {
  HoldfastError,
  chainNext,
  encodeEntry,
  encodeThrown,
  encodeValue,
  entryKinds,
} from '@holdfast/protocol';
import { HandJournal, newSigner, requested, started } from '../support/hand-journal.ts';
import { sharedPostgres, skippedLedgers } from '../support/ledgers.ts';

const inPostgres = skippedLedgers === '' ? test : test.skip;
const needs = skippedLedgers === '' ? '' : ` (${skippedLedgers})`;
const log = { error: () => {}, info: () => {}, debug: () => {} };
const receivedAtMs = Date.UTC(2026, 1, 1);

inPostgres(`what a ledger holds is there in columns${needs}`, async (t) => {
  const server = await sharedPostgres();
  const url = await server.empty();
  const parts = { address: url.href, sha256, clock: systemClock, log, isNew: true };
  const { ledger } = await openPostgresLedger(parts);
  t.teardown(() => ledger.close());
  const { publicKey } = newSigner();
  const journal = new HandJournal('d1').append('urgent', started('r1'), requested('r1'));
  const output = encodeValue({ at: -1.5, name: 'Zoë' });
  const event = { kind: 'event.emitted', run: '', n: 0, op: 0, name: 'fact' } as const;
  journal.append('bulk', { ...event, payload: output });
  await ledger.greet({ device: 'd1', epoch: 1, publicKey, atMs: 1_000 });
  await ledger.ingest({ ...journal.ingest('urgent', 1, 2), receivedAtMs });
  await ledger.ingest({ ...journal.ingest('bulk', 1, 1), receivedAtMs });
  const ask = (text: string) => server.ask(url, text);

  t.deepEqual(
    await ask('select device, epoch::int, last_command::int from holdfast_views.device'),
    [['d1', 1, 0]],
  );
  t.deepEqual(
    await ask('select lane, watermark::int from holdfast_views.position order by lane'),
    [
      ['bulk', 1],
      ['normal', 0],
      ['urgent', 2],
    ],
  );
  const runs = 'select run, workflow, state, entries::int from holdfast_views.run';
  t.deepEqual(await ask(runs), [['r1', 'checkout', 'waiting-call', 2]]);
  const error = encodeThrown(new HoldfastError('HF_STEP_FAILED'));
  const step = { kind: 'step.failed', run: 'r1', n: 2, op: 2, name: 'charge' } as const;
  journal.append('urgent', { ...step, attempt: 1, error });
  journal.append('urgent', { kind: 'run.failed', run: 'r1', n: 3, error });
  await ledger.ingest({ ...journal.ingest('urgent', 3, 4), receivedAtMs });
  t.deepEqual(
    await ask('select state, code, step from holdfast_views.run'),
    [['failed', 'HF_STEP_FAILED', 'charge']],
  );
  const calls = 'select device, run, service, key from holdfast_views.pending_call';
  t.deepEqual(await ask(calls), [['d1', 'r1', 'stock', 'uid-r1/1']]);
  const at = new Date(receivedAtMs);
  const blocks = 'select lane, entries::int, received_at from holdfast_views.block order by lane';
  t.deepEqual(await ask(blocks), [
    ['bulk', 1, at],
    ['urgent', 2, at],
    ['urgent', 2, at],
  ]);
  const entries = `select lane, seq::int, kind, run from holdfast_views.entry order by lane, seq`;
  t.deepEqual(await ask(entries), [
    ['bulk', 1, 'event.emitted', ''],
    ['urgent', 1, 'run.started', 'r1'],
    ['urgent', 2, 'call.requested', 'r1'],
    ['urgent', 3, 'step.failed', 'r1'],
    ['urgent', 4, 'run.failed', 'r1'],
  ]);
  const values = `select holdfast.cbor(decode(fields ->> 7, 'hex')) from holdfast_views.entry
    where kind = 'event.emitted'`;
  t.deepEqual(await ask(values), [[{ at: -1.5, name: 'Zoë' }]]);
  const kinds = 'select name from holdfast.entry_kind order by number';
  t.deepEqual((await ask(kinds)).flat(), [...entryKinds]);
});

inPostgres(`no entry of a device breaks a query over all${needs}`, async (t) => {
  const server = await sharedPostgres();
  const url = await server.empty();
  const parts = { address: url.href, sha256, clock: systemClock, log, isNew: true };
  const { ledger } = await openPostgresLedger(parts);
  t.teardown(() => ledger.close());
  const { publicKey } = newSigner();
  await ledger.greet({ device: 'd1', epoch: 1, publicKey, atMs: 1_000 });
  const stamp = { atMs: 1, boot: 1, monoMs: 1, run: '', n: 0, op: 0, payload: new Uint8Array(0) };
  const hostile = [
    Uint8Array.of(0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff),
    new Uint8Array(20_000).fill(0x81),
    Uint8Array.of(0x7b, 0, 0, 0, 1, 0, 0, 0, 0),
    Uint8Array.of(0x62, 0xff, 0xfe),
    Uint8Array.of(0x1c),
    new Uint8Array(0),
    encodeEntry({ kind: 'event.emitted', ...stamp, name: 'a\u0000b' }),
  ];
  const base = new HandJournal('d1').facts('normal', 1).ingest('normal', 1, 1);
  const next = (before: Uint8Array, bytes: Uint8Array) => chainNext(sha256, before, bytes);
  const hash = hostile.reduce(next, base.previousHash);
  await ledger.ingest({ ...base, entries: hostile, hash });

  const all = 'select seq::int, kind from holdfast_views.entry order by seq';
  const read = await server.ask(url, all);

  t.deepEqual(
    read.map(([seq]) => seq),
    hostile.map((_, index) => index + 1),
  );
  t.is(read.at(-1)?.[1], 'event.emitted');
});
