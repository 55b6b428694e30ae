import test from 'ava';
import { sha256, tableLetters, type Ledger } from '@holdfast/gateway/internal';
import { hex, keyNameOf, type EntryBody } from '@holdfast/protocol';
import { HandJournal, fact, newSigner, requested, started } from '../support/hand-journal.ts';
import { ledgers } from '../support/ledgers.ts';

const publicKey = Uint8Array.of(1, 2, 3);
const machine = Uint8Array.of(7);

function greet(ledger: Ledger, { device, epoch }: HandJournal, more: object = {}) {
  return ledger.greet({ device, epoch, publicKey, atMs: epoch * 1_000, machine, ...more });
}

const began = (oldEpoch: number): EntryBody => ({
  ...{ kind: 'epoch.began', oldEpoch, cause: 'rewound', entriesKept: 1, entriesLost: 0 },
  why: 'set back',
});

const text = (bytes: Uint8Array | undefined): string => (bytes === undefined ? 'none' : hex(bytes));

test('no two tables of a ledger have one letter: their rows would replace each other', (t) => {
  const letters = Object.values(tableLetters);
  t.is(new Set(letters).size, letters.length);
});

for (const [name, open] of Object.entries(ledgers)) {
  test(`${name}: every life of a journal stays, with how it began`, async (t) => {
    const { ledger, next } = await open(t);
    const first = new HandJournal('d1').facts('normal', 3);
    const second = new HandJournal('d1', 4).append('urgent', began(1)).facts('normal', 1);
    await greet(ledger, first);
    await ledger.ingest(first.ingest('normal', 1, 3));
    await greet(ledger, second);
    await ledger.ingest(second.ingest('normal', 1, 1));
    t.like((await ledger.epochs('d1'))[0], { epoch: 4, cause: '', oldEpoch: 1 }, 'not told yet');
    await ledger.ingest(second.ingest('urgent', 1, 1));

    const again = await next();
    const [newest, oldest, ...more] = await again.epochs('d1');
    t.like(newest, { epoch: 4, beganAtMs: 4_000, cause: 'rewound', oldEpoch: 1, why: 'set back' });
    t.like(oldest, { epoch: 1, beganAtMs: 1_000, cause: '', oldEpoch: 0 });
    t.deepEqual([newest?.machine, oldest?.machine].map(String), ['7', '7']);
    t.deepEqual(
      [newest, oldest].map((life) => life?.lanes.map(({ watermark }) => watermark)),
      [
        [1, 1, 0],
        [0, 3, 0],
      ],
    );
    t.deepEqual(more, []);
    t.deepEqual(await again.epochs('d2'), []);
    const page = { device: 'd1', lane: 'normal', after: 0, limit: 10 } as const;
    t.deepEqual(
      (await again.entries({ ...page, epoch: 1 })).map(({ seq }) => seq),
      [1, 2, 3],
    );
    t.deepEqual(
      (await again.entries(page)).map(({ epoch }) => epoch),
      [4],
    );
    t.deepEqual((await again.device('d1'))?.began, { atMs: 4_000, cause: 'rewound' });
  });

  test(`${name}: S60 what is kept in quarantine is applied to nothing, and bounded`, async (t) => {
    const { ledger, next } = await open(t);
    const journal = new HandJournal('d1').facts('normal', 1_010);
    await greet(ledger, journal);
    await ledger.ingest(journal.ingest('normal', 1, 2));
    const before = await ledger.device('d1');

    await ledger.quarantine(journal.ingest('normal', 3, 5));
    await ledger.quarantine(journal.ingest('normal', 3, 5));
    await ledger.quarantine(journal.ingest('normal', 2, 2));
    const again = await next();

    const { late, ...sums } = await again.quarantined({ device: 'd1', limit: 3 });
    t.like(sums, { batches: 2, entries: 4, dropped: 0 });
    t.deepEqual(
      late.map(({ lane, epoch, seq, entry }) => [lane, epoch, seq, entry?.kind]),
      [2, 3, 4].map((seq) => ['normal', 1, seq, 'event.emitted']),
    );
    t.deepEqual(await again.device('d1'), before);
    const page = { device: 'd1', lane: 'normal', after: 0, limit: 10 } as const;
    t.is((await again.entries(page)).length, 2);
    t.deepEqual((await again.verify()).faults, []);
    const rest = Array.from({ length: 1_005 }, (_, index) => 6 + index);
    await Promise.all(rest.map((seq) => again.quarantine(journal.ingest('normal', seq, seq))));
    const full = await again.quarantined({ device: 'd1', limit: 1 });
    t.like(full, { batches: 1_000, entries: 1_002, dropped: 7 });
    t.like(await again.quarantined({ device: 'd2', limit: 1 }), { batches: 0, late: [] });
  });

  test(`${name}: the hash of any entry that is held is told, and of no other`, async (t) => {
    const { ledger } = await open(t);
    const journal = new HandJournal('d1').facts('normal', 5);
    await greet(ledger, journal);
    await ledger.ingest(journal.ingest('normal', 1, 4));

    const place = { device: 'd1', epoch: 1, lane: 'normal' } as const;
    const hashes = await Promise.all([0, 1, 4, 5].map((seq) => ledger.hashAt({ ...place, seq })));
    const own = journal.hashes('normal');
    t.deepEqual(hashes.map(text), [own[0], own[1], own[4], undefined].map(text));
  });

  test(`${name}: receipts of a life that is over do not count in the next`, async (t) => {
    const { ledger } = await open(t);
    const first = new HandJournal('d1');
    const receipt = { command: 3, outcome: 'applied', reason: '', key: '' } as const;
    first.append('urgent', { kind: 'command.receipt', ...receipt });
    await greet(ledger, first);
    await ledger.ingest(first.ingest('urgent', 1, 1));
    t.is((await ledger.device('d1'))?.lastReceipt, 3);

    const next = await greet(ledger, new HandJournal('d1', 2), { lastCommand: 1 });

    t.is(next.lastReceipt, 1, 'what it says itself');
  });

  test(`${name}: what has the number of another command gets a new one`, async (t) => {
    const { ledger } = await open(t);
    const journal = new HandJournal('d1').append('urgent', started('mine')).append('urgent', {
      ...requested('mine'),
    });
    await greet(ledger, journal);
    await ledger.ingest(journal.ingest('urgent', 1, 2));
    const [call] = await ledger.pendingCalls(1);
    if (call === undefined) return t.fail('no call');
    await ledger.completeCall(call, { kind: 'call.completed', payload: Uint8Array.of(1) });
    // The device has applied number 1 already, and it was another command.
    const op = { run: 'theirs', n: 2, op: 1, name: 'stock', result: Uint8Array.of(2) };
    journal.append('urgent', { kind: 'call.completed', ...op, command: 1 });
    const receipt = { command: 2, outcome: 'rejected', reason: '', key: call.key } as const;
    journal.append('urgent', { kind: 'command.receipt', ...receipt });

    const other = await ledger.ingest(journal.ingest('urgent', 3, 3));
    const own = await ledger.ingest(journal.ingest('urgent', 4, 4));

    t.like(other, { kind: 'committed', issued: 1 });
    t.like(own, { kind: 'committed', issued: 0 }, 'a receipt of the command itself');
    const commands = await ledger.commands({ device: 'd1', after: 1, limit: 10 });
    t.like(commands, { length: 1, 0: { number: 2, run: 'mine', key: call.key } });
    t.is((await ledger.device('d1'))?.lastCommand, 2);
  });

  test(`${name}: another key changes nothing, until a person has decided for it`, async (t) => {
    const { ledger, next } = await open(t);
    const journal = new HandJournal('d1').append('normal', fact(1));
    const other = newSigner().publicKey;
    const [oldName, newName] = [publicKey, other].map((key) => keyNameOf(sha256, key));
    await greet(ledger, journal);
    const stranger = { publicKey: other, epoch: 5, lastCommand: 9 };
    t.like(await greet(ledger, journal, stranger), { epoch: 1, lastCommand: 0, publicKey });
    t.is(await ledger.awaitKey({ device: 'd2', key: newName ?? '', atMs: 2 }), undefined);
    await ledger.awaitKey({ device: 'd1', key: newName ?? '', atMs: 2_000 });
    t.like(await greet(ledger, journal), { publicKey }, 'until it comes the old one counts');

    const again = await next();
    const record = await greet(again, journal, { publicKey: other, atMs: 3_000 });

    t.deepEqual(String(record.publicKey), String(other));
    t.like(await greet(again, journal, { epoch: 7 }), { epoch: 1 }, 'the old one counts no more');
    const noDate = { certificateToMs: 0 };
    t.deepEqual(await again.keys('d1'), [
      { key: oldName, sinceAtMs: 1_000, acceptedAtMs: 0, revokedAtMs: 3_000, ...noDate },
      { key: newName, sinceAtMs: 3_000, acceptedAtMs: 2_000, revokedAtMs: 0, ...noDate },
    ]);
  });

  test(`${name}: a decision for a key stays when the old one begins another epoch`, async (t) => {
    const { ledger } = await open(t);
    const other = newSigner().publicKey;
    await greet(ledger, new HandJournal('d1'));
    await ledger.awaitKey({ device: 'd1', key: keyNameOf(sha256, other), atMs: 2 });
    await greet(ledger, new HandJournal('d1', 2));

    t.like(await greet(ledger, new HandJournal('d1', 3), { publicKey: other }), {
      ...{ publicKey: other, epoch: 3, awaitedKey: '', revokedKey: publicKey },
    });
  });

  test(`${name}: a decision for a key is taken back by the key that counts`, async (t) => {
    const { ledger } = await open(t);
    const journal = new HandJournal('d1');
    const other = newSigner().publicKey;
    await greet(ledger, journal);
    await ledger.awaitKey({ device: 'd1', key: keyNameOf(sha256, other), atMs: 2 });
    await ledger.awaitKey({ device: 'd1', key: keyNameOf(sha256, publicKey), atMs: 3 });

    t.like(await greet(ledger, journal, { publicKey: other }), { publicKey });
  });
}
