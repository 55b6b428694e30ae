import { join } from 'node:path';
import test from 'ava';
import {
  StoreLedger,
  blockKey,
  encodeBlock,
  newLedgerRow,
  openLevelLedger,
  sha256,
  type IngestOutcome,
  type Ledger,
} from '@holdfast/gateway/internal';
import {
  assert,
  codeOf,
  encodeCbor,
  encodeEntry,
  type Lane,
  type Store,
  type StoreOp,
} from '@holdfast/protocol';
import {
  HandJournal,
  TRACEPARENT,
  fact,
  newSigner,
  requested,
  started,
} from '../support/hand-journal.ts';
import { ledgers, skippedLedgers } from '../support/ledgers.ts';
import { SimStore } from '../support/sim-store.ts';
import { tempDir } from '../support/temp-dir.ts';

const { publicKey } = newSigner();

async function greet(ledger: Ledger, { device, epoch }: HandJournal): Promise<void> {
  await ledger.greet({ device, epoch, publicKey, atMs: 1 });
}

async function seqs(ledger: Ledger, device: string, lane: Lane = 'normal'): Promise<number[]> {
  const entries = await ledger.entries({ device, lane, after: 0, limit: 100_000 });
  return entries.map(({ seq }) => seq);
}

function upTo(last: number, first = 1): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

/** What an outcome says, without the hash. */
function brief(outcome: IngestOutcome): string {
  if (outcome.kind === 'unknown') return 'unknown';
  const fresh = outcome.kind === 'committed' ? ` +${outcome.fresh}` : '';
  return `${outcome.kind} ${outcome.position.watermark}${fresh}`;
}

if (skippedLedgers !== '') {
  test.skip(`the contract of a ledger, in PostgreSQL (${skippedLedgers})`, () => {});
}

for (const [name, open] of Object.entries(ledgers)) {
  test(`${name}: clocks are kept for each boot of each epoch, and only news of them`, async (t) => {
    const { ledger, next } = await open(t);
    const of = { device: 'd1', epoch: 255 };
    const sample = { boot: 1, monoMs: 5_000, atMs: 2 ** 41, errorMs: 20 };
    await ledger.noteClock({ ...of, sample });
    await ledger.noteClock({ ...of, sample: { ...sample, monoMs: 6_000, atMs: 2 ** 41 + 1_000 } });
    await ledger.noteClock({ ...of, sample: { ...sample, boot: 2 ** 33 } });
    await ledger.noteClock({ ...of, epoch: 256, sample: { ...sample, atMs: 7 } });
    await ledger.noteClock({ ...of, device: 'd', sample: { ...sample, atMs: 8 } });

    const later = await next();

    const { boot: _, ...kept } = sample;
    const expected = [
      [1, [kept]],
      [2 ** 33, [kept]],
    ];
    t.deepEqual(
      [...(await later.clocks('d1', 255))].toSorted(([a], [b]) => a - b),
      expected,
    );
    t.deepEqual([...(await later.clocks('d1', 256))], [[1, [{ ...kept, atMs: 7 }]]]);
    t.deepEqual([...(await later.clocks('d2', 255))], []);
  });

  test(`${name}: a batch is taken once, however often and however cut it comes`, async (t) => {
    const { ledger } = await open(t);
    const journal = new HandJournal('d1').facts('normal', 10);
    await greet(ledger, journal);
    const parts: readonly (readonly [number, number])[] = [
      [1, 4],
      [1, 4],
      [2, 3],
      [3, 7],
      [1, 10],
      [10, 10],
    ];

    const outcomes: string[] = [];
    for (const [first, last] of parts) {
      outcomes.push(brief(await ledger.ingest(journal.ingest('normal', first, last))));
    }

    t.deepEqual(outcomes, [
      'committed 4 +4',
      'committed 4 +0',
      'committed 4 +0',
      'committed 7 +3',
      'committed 10 +3',
      'committed 10 +0',
    ]);
    t.deepEqual(await seqs(ledger, 'd1'), upTo(10));
    t.deepEqual((await ledger.verify()).faults, []);
  });

  test(`${name}: what does not join on is not stored, and says from where it is`, async (t) => {
    const { ledger } = await open(t);
    const journal = new HandJournal('d1').facts('normal', 9);
    await greet(ledger, journal);

    const outcomes = await Promise.all(
      [
        [4, 6],
        [1, 3],
        [7, 9],
        [4, 6],
        [7, 9],
      ].map(([first = 0, last = 0]) => ledger.ingest(journal.ingest('normal', first, last))),
    );

    t.deepEqual(outcomes.map(brief), [
      'gap 0',
      'committed 3 +3',
      'gap 3',
      'committed 6 +3',
      'committed 9 +3',
    ]);
    t.deepEqual(await seqs(ledger, 'd1'), upTo(9));
  });

  test(`${name}: another history is refused wherever it begins to differ`, async (t) => {
    const { ledger } = await open(t);
    const mine = new HandJournal('d1').facts('normal', 6);
    const other = new HandJournal('d1').facts('normal', 3).append('normal', fact(99));
    other.append('normal', fact(98), fact(97), fact(96), fact(95));
    await greet(ledger, mine);
    await ledger.ingest(mine.ingest('normal', 1, 6));

    const cuts: readonly (readonly [number, number])[] = [
      [7, 8],
      [5, 8],
      [1, 8],
      [4, 6],
      [4, 5],
      [1, 4],
    ];
    const outcomes: string[] = [];
    for (const [first, last] of cuts) {
      outcomes.push(brief(await ledger.ingest(other.ingest('normal', first, last))));
    }

    t.deepEqual(
      outcomes,
      Array.from(cuts, () => 'forked 6'),
    );
    t.is(brief(await ledger.ingest(other.ingest('normal', 1, 3))), 'committed 6 +0');
    t.deepEqual((await ledger.verify()).faults, []);
  });

  test(`${name}: lanes, devices and epochs are apart`, async (t) => {
    const { ledger } = await open(t);
    const first = new HandJournal('d1').facts('normal', 3).facts('urgent', 2);
    const second = new HandJournal('d1', 2).facts('normal', 1);
    const other = new HandJournal('d2').facts('normal', 2);
    await greet(ledger, first);
    await greet(ledger, other);
    await ledger.ingest(first.ingest('normal', 1, 3));
    await ledger.ingest(first.ingest('urgent', 1, 2));
    await ledger.ingest(other.ingest('normal', 1, 2));

    const early = await ledger.ingest(second.ingest('normal', 1, 1));
    await greet(ledger, second);
    const inTime = await ledger.ingest(second.ingest('normal', 1, 1));
    const late = await ledger.ingest(first.ingest('normal', 1, 3));
    const unknown = new HandJournal('d3').facts('bulk', 1);
    const stranger = await ledger.ingest(unknown.ingest('bulk', 1, 1));

    const outcomes = [early, inTime, late, stranger].map(brief);
    t.deepEqual(outcomes, ['unknown', 'committed 1 +1', 'unknown', 'unknown']);
    t.deepEqual(await seqs(ledger, 'd1'), [1]);
    t.deepEqual(await seqs(ledger, 'd2'), [1, 2]);
    const { lanes, entries, faults } = await ledger.verify();
    t.deepEqual({ lanes, entries, faults }, { lanes: 9, entries: 8, faults: [] });
  });

  test(`${name}: the first key stays, and an older epoch changes nothing`, async (t) => {
    const { ledger, next } = await open(t);
    await ledger.greet({ device: 'd1', epoch: 3, publicKey, atMs: 5, lastCommand: 7 });

    const again = await ledger.greet({
      device: 'd1',
      epoch: 2,
      publicKey: newSigner().publicKey,
      atMs: 9,
    });

    t.like(again, { epoch: 3, firstSeenAtMs: 5, lastCommand: 7 });
    t.deepEqual(Buffer.from(again.publicKey), Buffer.from(publicKey));
    const kept = await (await next()).device('d1');
    t.is(kept?.epoch, 3);
    t.is(kept?.lastCommand, 7);
  });

  test(`${name}: what was committed is there in the next life, and goes on there`, async (t) => {
    const { ledger, next } = await open(t);
    const journal = new HandJournal('d1').append('urgent', started('r1'), requested('r1'));
    journal.facts('normal', 5);
    await greet(ledger, journal);
    await ledger.ingest(journal.ingest('normal', 1, 4));
    await ledger.ingest(journal.ingest('urgent', 1, 2));

    const later = await next();

    t.deepEqual(await seqs(later, 'd1'), upTo(4));
    t.is(brief(await later.ingest(journal.ingest('normal', 3, 5))), 'committed 5 +1');
    t.is((await later.pendingCalls(10)).length, 1);
    const [run] = await later.runs({ limit: 10 });
    t.is(run?.state, 'waiting-call');
    t.deepEqual((await later.verify()).faults, []);
  });

  test(`${name}: a call is answered once, and its command is there in order`, async (t) => {
    const { ledger, next } = await open(t);
    const journal = new HandJournal('d1');
    journal.append('urgent', started('r1'), requested('r1', 1), requested('r1', 2));
    await greet(ledger, journal);
    const outcome = await ledger.ingest(journal.ingest('urgent', 1, 3));
    t.is(outcome.kind === 'committed' && outcome.calls, 2);
    const [one, two] = await ledger.pendingCalls(10);
    assert(one !== undefined && two !== undefined, 'two calls are pending');
    t.is(one.traceparent, TRACEPARENT);

    const payload = Uint8Array.of(7);
    const both = await Promise.all([
      ledger.completeCall(one, { kind: 'call.completed', payload }),
      ledger.completeCall(one, { kind: 'call.failed', payload }),
    ]);
    const later = await next();
    const again = await later.completeCall(one, { kind: 'call.completed', payload });
    const other = await later.completeCall(two, { kind: 'call.failed', payload });

    t.deepEqual(
      both.map((command) => command?.number),
      [1, undefined],
    );
    t.deepEqual([again?.number, other?.number], [undefined, 2]);
    t.deepEqual(await later.pendingCalls(10), []);
    const commands = await later.commands({ device: 'd1', after: 0, limit: 10 });
    t.deepEqual(
      commands.map(({ number, kind, key }) => ({ number, kind, key })),
      [
        { number: 1, kind: 'call.completed', key: 'uid-r1/1' },
        { number: 2, kind: 'call.failed', key: 'uid-r1/2' },
      ],
    );
    t.deepEqual((await later.commands({ device: 'd1', after: 1, limit: 10 })).length, 1);
    t.is((await later.device('d1'))?.lastCommand, 2);
  });

  test(`${name}: a call that its device gave up is pending no longer`, async (t) => {
    const { ledger } = await open(t);
    const journal = new HandJournal('d1').append('urgent', started('r1'), requested('r1'));
    const error = Uint8Array.of(1);
    const base = { run: 'r1', op: 1, name: 'stock', error };
    journal.append('urgent', { kind: 'call.failed', n: 2, command: 0, ...base });
    await greet(ledger, journal);

    await ledger.ingest(journal.ingest('urgent', 1, 2));
    const [call] = await ledger.pendingCalls(10);
    await ledger.ingest(journal.ingest('urgent', 3, 3));

    t.deepEqual(await ledger.pendingCalls(10), []);
    assert(call !== undefined, 'it was pending before');
    const payload = Uint8Array.of(7);
    t.is(await ledger.completeCall(call, { kind: 'call.completed', payload }), undefined);
  });

  test(`${name}: what is known of agents is changed by who saw what it is`, async (t) => {
    const { ledger, next } = await open(t);
    await greet(ledger, new HandJournal('d1'));
    const none = await ledger.incarnations('d1');
    const one = { ...none, current: 'a1', machine: 'm1', sessions: ['s1'] };
    const two = { ...one, current: 'a2', superseded: ['a1'], refusedUntilMs: 2 ** 41 };

    const kept = [
      await ledger.noteIncarnations({ device: 'd1', seen: none, next: one }),
      await ledger.noteIncarnations({ device: 'd1', seen: none, next: two }),
      await ledger.noteIncarnations({ device: 'd1', seen: one, next: two }),
    ];

    t.deepEqual(kept, [true, false, true]);
    const later = await next();
    t.deepEqual(await later.incarnations('d1'), two);
    t.deepEqual(await later.incarnations('d2'), none);
  });

  test(`${name}: receipts raise the last receipt, and never lower it`, async (t) => {
    const { ledger, next } = await open(t);
    const journal = new HandJournal('d1');
    for (const command of [3, 2]) {
      const receipt = { command, outcome: 'applied', reason: '', key: '' } as const;
      journal.append('urgent', { kind: 'command.receipt', ...receipt });
    }
    await greet(ledger, journal);

    await ledger.ingest(journal.ingest('urgent', 1, 1));
    const outcome = await ledger.ingest(journal.ingest('urgent', 2, 2));

    t.is(outcome.kind === 'committed' && outcome.lastReceipt, 3);
    t.is((await (await next()).device('d1'))?.lastReceipt, 3);
  });

  test(`${name}: runs follow their entries, whichever lane comes first`, async (t) => {
    const { ledger } = await open(t);
    const journal = new HandJournal('d1').append('urgent', requested('r1'));
    journal.append('normal', started('r1'), started('r2'));
    const status = Uint8Array.of(5);
    const op = { run: 'r1', op: 3, name: 'x' };
    journal.append('normal', { kind: 'run.status', n: 3, ...op, status });
    journal.append('normal', { kind: 'run.completed', run: 'r2', n: 1, output: status });
    await greet(ledger, journal);

    await ledger.ingest(journal.ingest('urgent', 1, 1));
    const [before] = await ledger.runs({ limit: 1 });
    await ledger.ingest(journal.ingest('normal', 1, 4));
    const after = await ledger.runs({ device: 'd1', limit: 10 });

    t.deepEqual([before?.run, before?.workflow, before?.state], ['r1', '', 'waiting-call']);
    t.deepEqual(
      after.map(({ run, workflow, state, entries }) => ({ run, workflow, state, entries })),
      [
        { run: 'r2', workflow: 'checkout', state: 'completed', entries: 2 },
        { run: 'r1', workflow: 'checkout', state: 'waiting-call', entries: 3 },
      ],
    );
    t.deepEqual(Array.from(after[1]?.status ?? []), [5]);
    t.is((await ledger.runs({ device: 'd9', limit: 10 })).length, 0);
    const one = await ledger.runs({ device: 'd1', run: 'r1', limit: 10 });
    t.deepEqual(one, after.slice(1));
    t.is((await ledger.runs({ device: 'd9', run: 'r1', limit: 10 })).length, 0);
  });

  test(`${name}: entries of kinds yet to come are kept like all others`, async (t) => {
    const { ledger } = await open(t);
    const journal = new HandJournal('d1').facts('normal', 1);
    await greet(ledger, journal);
    const bytes = Uint8Array.of(0x82, 0x18, 99, 0);
    const known = journal.ingest('normal', 1, 1);
    const hash = sha256(known.previousHash, bytes);
    const strange = { ...known, hash, entries: [bytes] };

    const outcome = await ledger.ingest(strange);

    t.is(brief(outcome), 'committed 1 +1');
    const [entry] = await ledger.entries({ device: 'd1', lane: 'normal', after: 0, limit: 1 });
    t.is(entry?.entry, undefined);
    t.deepEqual(Array.from(entry?.bytes ?? []), [0x82, 0x18, 99, 0]);
    t.deepEqual((await ledger.verify()).faults, []);
  });

  test(`${name}: entries are read by range, across batches`, async (t) => {
    const { ledger } = await open(t);
    const journal = new HandJournal('d1').facts('bulk', 30);
    await greet(ledger, journal);
    for (const first of [1, 11, 21]) {
      await ledger.ingest(journal.ingest('bulk', first, first + 9));
    }

    const page = async (after: number, limit: number): Promise<number[]> => {
      const found = await ledger.entries({ device: 'd1', lane: 'bulk', after, limit });
      return found.map(({ seq }) => seq);
    };

    t.deepEqual(await page(0, 5), upTo(5));
    t.deepEqual(await page(8, 15), upTo(23, 9));
    t.deepEqual(await page(20, 100), upTo(30, 21));
    t.deepEqual(await page(30, 100), []);
    t.deepEqual(await page(0, 0), []);
  });

  test(`${name}: a thousand batches of many devices go in at once`, async (t) => {
    const { ledger } = await open(t);
    const journals = upTo(10).map((n) => new HandJournal(`d${n}`).facts('normal', 1_000));
    await Promise.all(journals.map((journal) => greet(ledger, journal)));

    const outcomes = await Promise.all(
      upTo(100).flatMap((n) =>
        journals.map((journal) => ledger.ingest(journal.ingest('normal', n * 10 - 9, n * 10))),
      ),
    );

    t.true(outcomes.every((outcome) => outcome.kind === 'committed' && outcome.fresh === 10));
    const { entries, faults } = await ledger.verify();
    t.deepEqual({ entries, faults }, { entries: 10_000, faults: [] });
  });

  test(`${name}: verify names each entry that was changed, dropped, moved or added`, async (t) => {
    const { ledger, tamper } = await open(t);
    const chain = { device: 'd1', epoch: 1, lane: 'normal' } as const;
    const lanes = ['urgent', 'normal', 'bulk'] as const;
    const journal = new HandJournal('d1');
    await greet(ledger, journal);
    for (const lane of lanes) {
      journal.facts(lane, 6);
      for (const seq of upTo(6)) await ledger.ingest(journal.ingest(lane, seq, seq));
    }
    const read = async (store: Pick<Store, 'get'>, lane: Lane, seq: number): Promise<Uint8Array> =>
      (await store.get(blockKey({ ...chain, lane }, seq))) ?? new Uint8Array();
    const put = (lane: Lane, seq: number, value: Uint8Array): StoreOp => ({
      kind: 'put',
      key: blockKey({ ...chain, lane }, seq),
      value,
    });

    const later = await tamper(async (store) => {
      const changed = (await read(store, 'urgent', 2)).slice();
      changed[changed.length - 1] = (changed.at(-1) ?? 0) ^ 1;
      return [
        put('urgent', 2, changed),
        { kind: 'delete', key: blockKey({ ...chain, lane: 'urgent' }, 6) },
        put('normal', 2, await read(store, 'normal', 3)),
        put('normal', 3, await read(store, 'normal', 2)),
        { kind: 'delete', key: blockKey({ ...chain, lane: 'bulk' }, 3) },
        put('bulk', 7, await read(store, 'bulk', 6)),
      ];
    });
    const { faults } = await later.verify();

    const named = new Set(faults.map(({ lane, seq }) => `${lane} ${seq}`));
    for (const expected of ['urgent 2', 'urgent 6', 'normal 2', 'normal 3', 'bulk 3', 'bulk 7']) {
      t.true(named.has(expected), `${expected} is among ${[...named].join(', ')}`);
    }
    t.false(named.has('urgent 1') || named.has('urgent 3') || named.has('bulk 6'));
  });

  test(`${name}: verify is not fooled by a rewritten entry with a hash of its own`, async (t) => {
    const { ledger, tamper } = await open(t);
    const journal = new HandJournal('d1').facts('normal', 3);
    await greet(ledger, journal);
    for (const seq of upTo(3)) await ledger.ingest(journal.ingest('normal', seq, seq));
    const forged = encodeEntry({ atMs: 1, boot: 1, monoMs: 1, ...fact(77) });
    const rewrite = async (seq: number): Promise<readonly StoreOp[]> => {
      const previous = journal.hashes('normal')[seq - 1] ?? new Uint8Array();
      const value = encodeBlock({
        receivedAtMs: 1,
        previousHash: previous,
        entries: [{ bytes: forged, hash: sha256(Buffer.concat([previous, forged])) }],
      });
      const key = blockKey({ device: 'd1', epoch: 1, lane: 'normal' }, seq);
      return [{ kind: 'put', key, value }];
    };

    const last = await (await tamper(() => rewrite(3))).verify();

    t.deepEqual(
      last.faults.map(({ seq }) => seq),
      [3],
    );
  });
}

test('a ledger that is not there is not made by who only reads', async (t) => {
  const dir = join(await tempDir(t), 'ledger');

  const error = await t.throwsAsync(openLevelLedger(dir, { sha256, isNew: false }));

  t.is(codeOf(error), 'HF_DATA_DIR_MISSING');
});

test('a store of something else is refused, and one of a newer format too', async (t) => {
  const other = new SimStore();
  const newer = new SimStore();
  const { key } = newLedgerRow();
  const value = encodeCbor(['holdfast-ledger', 2]);
  await newer.write([{ kind: 'put', key, value }]);

  const errors = [
    await t.throwsAsync(StoreLedger.open(other, sha256)),
    await t.throwsAsync(StoreLedger.open(newer, sha256)),
  ];

  t.deepEqual(errors.map(codeOf), ['HF_STORE_DAMAGED', 'HF_STORE_FORMAT']);
});

test('once a write has failed nothing is taken, and nothing is acknowledged', async (t) => {
  const store = new SimStore();
  await store.write([{ kind: 'put', ...newLedgerRow() }]);
  const ledger = await StoreLedger.open(store, sha256);
  const journal = new HandJournal('d1').facts('normal', 3);
  await greet(ledger, journal);
  store.failNextWrite();

  const results = await Promise.allSettled(
    upTo(3).map((seq) => ledger.ingest(journal.ingest('normal', seq, seq))),
  );
  const after = await t.throwsAsync(ledger.ingest(journal.ingest('normal', 1, 1)));

  const codes = results.map((result) => result.status === 'rejected' && codeOf(result.reason));
  t.deepEqual(codes, ['HF_LEDGER_FAILED', 'HF_LEDGER_FAILED', 'HF_LEDGER_FAILED']);
  t.is(codeOf(after), 'HF_LEDGER_FAILED');
  t.is((await ledger.device('d1'))?.lanes[1].watermark, 0);
});

test('entries, what follows from them and the watermark are one write', async (t) => {
  const store = new SimStore();
  await store.write([{ kind: 'put', ...newLedgerRow() }]);
  const ledger = await StoreLedger.open(store, sha256);
  const journal = new HandJournal('d1').append('normal', started('r1'), requested('r1'));
  await greet(ledger, journal);
  const writes: string[] = [];
  const write = store.write.bind(store);
  store.write = (ops) => {
    writes.push(ops.map(({ key }) => String.fromCharCode(key[0] ?? 0)).join(''));
    return write(ops);
  };

  await ledger.ingest(journal.ingest('normal', 1, 2));

  t.is(writes.length, 1);
  for (const table of ['b', 'p', 'c']) t.true(writes[0]?.includes(table), table);
});
