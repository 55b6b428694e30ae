import { holeKey, readRule, type IngestOutcome, type Ledger } from '@holdfast/gateway/internal';
import { encodeValue, type EntryBody, type HoleReason, type Lane } from '@holdfast/protocol';
import test from 'ava';
import { HandJournal, fact, newSigner, requested, started } from '../support/hand-journal.ts';
import { ledgers } from '../support/ledgers.ts';

const { publicKey } = newSigner();

async function greet(ledger: Ledger, { device, epoch }: HandJournal): Promise<void> {
  await ledger.greet({ device, epoch, publicKey, atMs: 1 });
}

async function declare(
  ledger: Ledger,
  journal: HandJournal,
  [first, last, reason]: readonly [number, number, HoleReason?],
): Promise<string> {
  const { epoch, ...hole } = journal.hole('bulk', first, last, reason);
  const { device } = journal;
  return brief(await ledger.declareHole({ device, epoch, hole, receivedAtMs: 2 }));
}

async function ingest(ledger: Ledger, journal: HandJournal, first: number, last: number) {
  return brief(await ledger.ingest(journal.ingest('bulk', first, last)));
}

function brief(outcome: IngestOutcome): string {
  if (outcome.kind === 'unknown') return 'unknown';
  const fresh = outcome.kind === 'committed' ? ` +${outcome.fresh}` : '';
  return `${outcome.kind} ${outcome.position.watermark}${fresh}`;
}

async function seqs(ledger: Ledger, lane: Lane = 'bulk'): Promise<number[]> {
  const entries = await ledger.entries({ device: 'd1', lane, after: 0, limit: 1_000 });
  return entries.map(({ seq }) => seq);
}

async function ranges(ledger: Ledger, after = 0): Promise<(readonly [number, number, string])[]> {
  const holes = await ledger.holes({ device: 'd1', lane: 'bulk', after, limit: 100 });
  return holes.map(({ seqFirst, seqLast, reason }) => [seqFirst, seqLast, reason] as const);
}

for (const [name, open] of Object.entries(ledgers)) {
  test(`${name}: a hole stands where entries will never come, and the lane goes on`, async (t) => {
    const { ledger, next } = await open(t);
    const journal = new HandJournal('d1').facts('bulk', 20);
    await greet(ledger, journal);

    const outcomes = [
      await ingest(ledger, journal, 1, 3),
      await declare(ledger, journal, [4, 9, 'shed']),
      await ingest(ledger, journal, 10, 12),
      await declare(ledger, journal, [13, 13, 'damaged']),
      await ingest(ledger, journal, 14, 20),
    ];

    t.deepEqual(outcomes, [
      'committed 3 +3',
      'committed 9 +0',
      'committed 12 +3',
      'committed 13 +0',
      'committed 20 +7',
    ]);
    const reopened = await next();
    t.deepEqual(await seqs(reopened), [1, 2, 3, 10, 11, 12, 14, 15, 16, 17, 18, 19, 20]);
    t.deepEqual(await ranges(reopened), [
      [4, 9, 'shed'],
      [13, 13, 'damaged'],
    ]);
    t.deepEqual(await ranges(reopened, 9), [[13, 13, 'damaged']]);
    t.deepEqual(await ranges(reopened, 5), [
      [4, 9, 'shed'],
      [13, 13, 'damaged'],
    ]);
    const { faults, entries, holes } = await reopened.verify();
    t.deepEqual(
      { faults, entries, holes },
      {
        faults: [],
        entries: 13,
        holes: { count: 2, entries: 7 },
      },
    );
    const record = await reopened.device('d1');
    t.like(record?.holes, { count: 2, entries: 7 });
  });

  test(`${name}: holes come twice, late and early as batches do`, async (t) => {
    const { ledger } = await open(t);
    const journal = new HandJournal('d1').facts('bulk', 12);
    await greet(ledger, journal);

    const outcomes = [
      await declare(ledger, journal, [4, 6]),
      await ingest(ledger, journal, 1, 3),
      await declare(ledger, journal, [4, 6]),
      await declare(ledger, journal, [4, 6]),
      await ingest(ledger, journal, 3, 5),
      await ingest(ledger, journal, 4, 8),
      await declare(ledger, journal, [4, 6]),
      await declare(ledger, journal, [2, 3]),
    ];

    t.deepEqual(outcomes, [
      'gap 0',
      'committed 3 +3',
      'committed 6 +0',
      'committed 6 +0',
      'committed 6 +0',
      'committed 8 +2',
      'committed 8 +0',
      'committed 8 +0',
    ]);
    t.deepEqual(await seqs(ledger), [1, 2, 3, 7, 8]);
    t.deepEqual(await ranges(ledger), [[4, 6, 'shed']]);
    t.deepEqual((await ledger.verify()).faults, []);
  });

  test(`${name}: what the ledger took before a hole was declared over it stays`, async (t) => {
    const { ledger } = await open(t);
    const journal = new HandJournal('d1').facts('bulk', 12);
    await greet(ledger, journal);
    await ingest(ledger, journal, 1, 5);

    const overlapping = await declare(ledger, journal, [3, 8]);
    const grown = await declare(ledger, journal, [3, 10]);
    const rest = await ingest(ledger, journal, 11, 12);

    t.deepEqual(
      [overlapping, grown, rest],
      ['committed 8 +0', 'committed 10 +0', 'committed 12 +2'],
    );
    t.deepEqual(await seqs(ledger), [1, 2, 3, 4, 5, 11, 12]);
    t.deepEqual(await ranges(ledger), [
      [6, 8, 'shed'],
      [9, 10, 'shed'],
    ]);
    t.deepEqual((await ledger.verify()).faults, []);
  });

  test(`${name}: a hole of another chain is refused, at either of its ends`, async (t) => {
    const { ledger } = await open(t);
    const journal = new HandJournal('d1').facts('bulk', 12);
    await greet(ledger, journal);
    await ingest(ledger, journal, 1, 5);
    const other = new Uint8Array(32).fill(9);
    const forge = async (first: number, last: number, change: object) => {
      const { epoch, ...hole } = journal.hole('bulk', first, last);
      const forged = { ...hole, ...change };
      return brief(
        await ledger.declareHole({ device: 'd1', epoch, hole: forged, receivedAtMs: 2 }),
      );
    };

    const outcomes = [
      await forge(6, 8, { previousHash: other }),
      await forge(4, 8, { previousHash: other }),
      await forge(1, 8, { previousHash: other }),
      await forge(2, 4, { hash: other }),
      await forge(3, 5, { hash: other }),
    ];

    t.deepEqual(outcomes, Array(5).fill('forked 5'));
    t.deepEqual(await ranges(ledger), []);
  });

  test(`${name}: a hole that is changed or gone is found`, async (t) => {
    const lives = await open(t);
    const journal = new HandJournal('d1').facts('bulk', 9);
    await greet(lives.ledger, journal);
    await ingest(lives.ledger, journal, 1, 3);
    await declare(lives.ledger, journal, [4, 6]);
    await ingest(lives.ledger, journal, 7, 9);
    const key = holeKey({ device: 'd1', epoch: 1, lane: 'bulk' }, 4);

    const gone = await (await lives.tamper(async () => [{ kind: 'delete', key }])).verify();

    t.deepEqual(
      gone.faults.map(({ seq, why }) => `${seq} ${why}`),
      ['4 is missing, and all through 6'],
    );
  });

  test(`${name}: a later epoch counts its own holes`, async (t) => {
    const { ledger } = await open(t);
    const first = new HandJournal('d1').facts('bulk', 3);
    const second = new HandJournal('d1', 2).facts('bulk', 3);
    await greet(ledger, first);
    await declare(ledger, first, [1, 3]);
    await greet(ledger, second);

    t.is(await declare(ledger, first, [1, 3]), 'unknown');
    t.deepEqual((await ledger.device('d1'))?.holes, { count: 0, entries: 0, bytes: 0 });
    t.is(await declare(ledger, second, [1, 2]), 'committed 2 +0');
    t.deepEqual((await ledger.verify()).holes, { count: 2, entries: 5 });
  });
}

for (const [name, open] of Object.entries(ledgers)) {
  test(`${name}: what was kept for long enough goes, and the chains stay whole`, async (t) => {
    const { ledger, next } = await open(t);
    const over = (run: string): EntryBody => {
      return { kind: 'run.completed', run, n: 9, output: encodeValue(1) };
    };
    const journal = new HandJournal('d1');
    journal.append('normal', started('old'), fact(1), started('open'), over('old'), fact(2));
    journal.append('normal', started('kept'), over('kept'), fact(3));
    journal.about('urgent', 'ola', requested('old'));
    await ledger.greet({ device: 'd1', epoch: 1, publicKey, atMs: 1 });
    const take = (lane: Lane, first: number, last: number, receivedAtMs: number) =>
      ledger.ingest({ ...journal.ingest(lane, first, last), receivedAtMs });
    await take('urgent', 1, 1, 1_000);
    await take('normal', 1, 5, 1_000);
    await take('normal', 6, 8, 900_000);
    const rules = [readRule('10m'), readRule('5m workflow=checkout')];
    const prune = (from: Ledger, nowMs: number) =>
      from.prune({ rules, nowMs, owner: 'me', keepCommandsMs: 1e9 });

    t.like(await prune(ledger, 301_000), { entries: 3, runs: 1 }, 'the run, and not the facts');
    t.deepEqual(await seqs(ledger, 'normal'), [2, 3, 5, 6, 7, 8]);
    const later = await next();
    t.like(await prune(later, 301_000), { entries: 0, runs: 0 }, 'there is no more');
    t.like(await prune(later, 601_000), { entries: 2, runs: 0 }, 'now the facts');
    t.deepEqual(await seqs(later, 'normal'), [3, 6, 7, 8]);
    const { faults, entries, pruned, holes, contents } = await later.verify();
    t.deepEqual([faults, entries, pruned, holes.count, contents.held], [[], 4, 5, 0, 0]);
    const told = await later.holes({ device: 'd1', lane: 'normal', after: 0, limit: 9 });
    t.deepEqual(
      told.map(({ seqFirst, seqLast, reason }) => [seqFirst, seqLast, reason]),
      [
        [1, 2, 'retention'],
        [4, 5, 'retention'],
      ],
    );
    t.deepEqual((await later.held({ subject: 'ola', limit: 9 })).entries, []);
    t.deepEqual((await later.runs({ limit: 9 })).map(({ run }) => run), ['kept', 'open']);
    t.deepEqual((await later.prunings(9)).map((each) => each.entries), [2, 3]);

    t.is((await later.ingest(journal.ingest('normal', 1, 8))).kind, 'committed', 'sent again');
    t.deepEqual(await seqs(later, 'normal'), [3, 6, 7, 8], 'it does not come back');
    journal.append('normal', fact(4));
    await later.ingest({ ...journal.ingest('normal', 9, 9), receivedAtMs: 900_000 });
    const all = await prune(later, 9e9);
    t.like(all, { entries: 4, runs: 1 });
    t.deepEqual(await seqs(later, 'normal'), [3], 'the run that has not ended stays');
    t.deepEqual((await later.verify()).faults, []);
    t.is((await later.rebuild()).runs, 1);
  });
  test(`${name}: a rule for a tag is kept for the devices that have it`, async (t) => {
    const { ledger } = await open(t);
    for (const [device, value] of [
      ['d1', 'oslo'],
      ['d2', 'bergen'],
    ] as const) {
      await ledger.greet({ device, epoch: 1, publicKey, atMs: 1 });
      await ledger.tag({ device, tags: [{ name: 'site', value }] });
      const journal = new HandJournal(device).append('normal', fact(1));
      await ledger.ingest({ ...journal.ingest('normal', 1, 1), receivedAtMs: 1_000 });
    }
    const rules = [readRule('1h'), readRule('5m tag=site=oslo')];

    const pruned = await ledger.prune({ rules, nowMs: 400_000, owner: 'me', keepCommandsMs: 1e9 });

    t.like(pruned, { entries: 1 });
    const left = await ledger.entries({ device: 'd2', lane: 'normal', after: 0, limit: 9 });
    t.is(left.length, 1, 'of another site');
    t.deepEqual((await ledger.verify()).faults, []);
  });
}
