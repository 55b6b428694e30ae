import test from 'ava';
import * as fc from 'fast-check';
import {
  StoreLedger,
  newLedgerRow,
  sha256,
  type IngestOutcome,
  type Ledger,
} from '@holdfast/gateway/internal';
import { chainNext, equalBytes, type Hole } from '@holdfast/protocol';
import { HandJournal, fact, newSigner } from '../../support/hand-journal.ts';
import { SimStore } from '../../support/sim-store.ts';

const { publicKey } = newSigner();
const device = 'd1';
const lane = 'normal';
const receivedAtMs = 9;

/** A journal, and another life of it whose third entry is another one. */
const own = new HandJournal(device).facts(lane, 8);
const other = new HandJournal(device)
  .facts(lane, 2)
  .append(lane, ...[30, 40, 50, 60, 70, 80].map(fact));

type Piece =
  | { readonly kind: 'batch'; readonly batch: ReturnType<HandJournal['ingest']> }
  | { readonly kind: 'hole'; readonly hole: Hole; readonly publicKey?: Uint8Array };

const batch = (journal: HandJournal, first: number, last: number, change = {}): Piece => {
  return { kind: 'batch', batch: { ...journal.ingest(lane, first, last), ...change } };
};
const hole = (journal: HandJournal, first: number, last: number, change = {}): Piece => {
  return { kind: 'hole', hole: { ...journal.hole(lane, first, last), ...change } };
};
const holeBy = (key: Uint8Array): Piece => {
  return { kind: 'hole', hole: own.hole(lane, 4, 6), publicKey: key };
};

async function take(ledger: Ledger, piece: Piece): Promise<IngestOutcome> {
  if (piece.kind === 'batch') return ledger.ingest(piece.batch);
  const { epoch, ...of } = piece.hole;
  return ledger.declareHole({ ...piece, device, epoch, hole: of, receivedAtMs });
}

async function openLedger(): Promise<Ledger> {
  const store = new SimStore();
  await store.write([{ kind: 'put', ...newLedgerRow() }]);
  return StoreLedger.open(store, sha256);
}

function brief(outcome: IngestOutcome): string {
  if (outcome.kind === 'unknown') return 'unknown';
  const fresh = outcome.kind === 'committed' ? ` +${outcome.fresh}` : '';
  return `${outcome.kind} ${outcome.position.watermark}${fresh}`;
}

/** How a lane can stand: what the ledger took before. */
const states = {
  stranger: undefined,
  empty: [],
  some: [batch(own, 1, 3)],
  holed: [batch(own, 1, 2), hole(own, 3, 5)],
  whole: [batch(own, 1, 8)],
} satisfies Record<string, readonly Piece[] | undefined>;
type State = keyof typeof states;

const wrong = new Uint8Array(32).fill(7);
/** What can come. */
const pieces = {
  'from the first on': batch(own, 1, 3),
  'the next': batch(own, 4, 6),
  'an overlapping one': batch(own, 2, 6),
  'one entry': batch(own, 4, 4),
  'what is below': batch(own, 1, 2),
  'what is ahead': batch(own, 7, 8),
  'all of it': batch(own, 1, 8),
  'the next of another history': batch(other, 4, 6),
  'all of another history': batch(other, 1, 6),
  'another history, below': batch(other, 2, 3),
  'what was changed': batch(own, 1, 6, { hash: wrong }),
  'what was changed, ahead': batch(own, 7, 8, { hash: wrong }),
  'behind another entry': batch(own, 4, 6, { previousHash: wrong }),
  'of another epoch': batch(own, 4, 6, { epoch: 2 }),
  'by another key': batch(own, 4, 6, { publicKey: wrong }),
  'a hole from the first on': hole(own, 1, 2),
  'a hole, the next': hole(own, 4, 6),
  'a hole that has grown': hole(own, 3, 7),
  'a hole ahead': hole(own, 7, 8),
  'a hole in another history': hole(other, 4, 6),
  'a hole in another history, below': hole(other, 2, 3),
  'a hole of another epoch': hole(own, 4, 6, { epoch: 2 }),
  'a hole by another key': holeBy(wrong),
} satisfies Record<string, Piece>;
type Name = keyof typeof pieces;

const none = 'unknown';
const table: Readonly<Record<Name, Readonly<Record<Exclude<State, 'stranger'>, string>>>> = {
  'from the first on': {
    ...{ empty: 'committed 3 +3', some: 'committed 3 +0' },
    ...{ holed: 'committed 5 +0', whole: 'committed 8 +0' },
  },
  'the next': {
    ...{ empty: 'gap 0', some: 'committed 6 +3', holed: 'committed 6 +1', whole: 'committed 8 +0' },
  },
  'an overlapping one': {
    ...{ empty: 'gap 0', some: 'committed 6 +3', holed: 'committed 6 +1', whole: 'committed 8 +0' },
  },
  'one entry': {
    ...{ empty: 'gap 0', some: 'committed 4 +1', holed: 'committed 5 +0', whole: 'committed 8 +0' },
  },
  'what is below': {
    ...{ empty: 'committed 2 +2', some: 'committed 3 +0' },
    ...{ holed: 'committed 5 +0', whole: 'committed 8 +0' },
  },
  'what is ahead': { empty: 'gap 0', some: 'gap 3', holed: 'gap 5', whole: 'committed 8 +0' },
  'all of it': {
    ...{ empty: 'committed 8 +8', some: 'committed 8 +5' },
    ...{ holed: 'committed 8 +3', whole: 'committed 8 +0' },
  },
  'the next of another history': {
    ...{ empty: 'gap 0', some: 'forked 3', holed: 'forked 5', whole: 'forked 8' },
  },
  'all of another history': {
    ...{ empty: 'committed 6 +6', some: 'forked 3', holed: 'forked 5', whole: 'forked 8' },
  },
  // Inside of a hole there is no hash to compare with.
  'another history, below': {
    ...{ empty: 'gap 0', some: 'forked 3', holed: 'committed 5 +0', whole: 'forked 8' },
  },
  'what was changed': { empty: 'forked 0', some: 'forked 3', holed: 'forked 5', whole: 'forked 8' },
  'what was changed, ahead': { empty: 'gap 0', some: 'gap 3', holed: 'gap 5', whole: 'forked 8' },
  'behind another entry': {
    ...{ empty: 'gap 0', some: 'forked 3', holed: 'forked 5', whole: 'forked 8' },
  },
  'of another epoch': { empty: none, some: none, holed: none, whole: none },
  'by another key': { empty: none, some: none, holed: none, whole: none },
  'a hole from the first on': {
    ...{ empty: 'committed 2 +0', some: 'committed 3 +0' },
    ...{ holed: 'committed 5 +0', whole: 'committed 8 +0' },
  },
  'a hole, the next': {
    ...{ empty: 'gap 0', some: 'committed 6 +0', holed: 'committed 6 +0', whole: 'committed 8 +0' },
  },
  'a hole that has grown': {
    ...{ empty: 'gap 0', some: 'committed 7 +0', holed: 'committed 7 +0', whole: 'committed 8 +0' },
  },
  'a hole ahead': { empty: 'gap 0', some: 'gap 3', holed: 'gap 5', whole: 'committed 8 +0' },
  // Where it begins inside of another hole, its signature is all there is.
  'a hole in another history': {
    ...{ empty: 'gap 0', some: 'forked 3', holed: 'committed 6 +0', whole: 'forked 8' },
  },
  'a hole in another history, below': {
    ...{ empty: 'gap 0', some: 'forked 3', holed: 'committed 5 +0', whole: 'forked 8' },
  },
  'a hole of another epoch': { empty: none, some: none, holed: none, whole: none },
  'a hole by another key': { empty: none, some: none, holed: none, whole: none },
};

test('whatever comes, however a lane stands, is taken as the table says', async (t) => {
  for (const [state, before] of Object.entries<readonly Piece[] | undefined>(states)) {
    for (const [name, piece] of Object.entries<Piece>(pieces)) {
      const ledger = await openLedger();
      if (before) await ledger.greet({ device, epoch: 1, publicKey, atMs: 1 });
      for (const each of before ?? []) await take(ledger, each);
      const stood = JSON.stringify(await ledger.device(device));

      const outcome = await take(ledger, piece);

      const row: Readonly<Record<string, string>> = table[name as Name];
      t.is(brief(outcome), row[state] ?? none, `${state} × ${name}`);
      if (outcome.kind !== 'committed') {
        t.is(JSON.stringify(await ledger.device(device)), stood, 'what is refused changes nothing');
      }
      t.deepEqual((await ledger.verify()).faults, [], `${state} × ${name}`);
      const again = await take(ledger, piece);
      if (outcome.kind === 'committed') t.regex(brief(again), /^committed \d \+0$/);
      await ledger.close();
    }
  }
});

const gone = new Uint8Array();

/** The rules of [HF-9.6] and [HF-9.13] as they are written, over lists. */
class NaiveLane {
  readonly entries: Uint8Array[] = [];
  readonly hashes: Uint8Array[] = [own.hashes(lane)[0] ?? gone];

  take(piece: Piece): string {
    return piece.kind === 'batch' ? this.#batch(piece.batch) : this.#hole(piece.hole);
  }

  /** Where the chain is not known, all that is signed is believed. */
  #agrees(seq: number, hash: Uint8Array): boolean {
    const held = this.hashes[seq] ?? gone;
    return held === gone || equalBytes(held, hash);
  }

  #batch(of: ReturnType<HandJournal['ingest']>): string {
    const before = this.entries.length;
    if (of.seqFirst > before + 1) return `gap ${before}`;
    const chain = [of.previousHash];
    for (const entry of of.entries) chain.push(chainNext(sha256, chain.at(-1) ?? gone, entry));
    const last = of.seqFirst + of.entries.length - 1;
    const isWhole = equalBytes(chain.at(-1) ?? gone, of.hash);
    const at = Math.min(last, before);
    const isSame = this.#agrees(at, chain[at - of.seqFirst + 1] ?? gone);
    if (!isWhole || !isSame) return `forked ${before}`;
    of.entries.forEach((entry, index) => {
      if (of.seqFirst + index <= before) return;
      this.entries.push(entry);
      this.hashes.push(chain[index + 1] ?? gone);
    });
    return `committed ${this.entries.length} +${this.entries.length - before}`;
  }

  #hole({ seqFirst, seqLast, previousHash, hash }: Hole): string {
    const before = this.entries.length;
    if (seqFirst > before + 1) return `gap ${before}`;
    const isBelow = seqLast <= before;
    if (!this.#agrees(isBelow ? seqLast : seqFirst - 1, isBelow ? hash : previousHash)) {
      return `forked ${before}`;
    }
    while (this.entries.length < seqLast) {
      this.entries.push(gone);
      this.hashes.push(this.entries.length === seqLast ? hash : gone);
    }
    return `committed ${this.entries.length} +0`;
  }
}

const piece = fc
  .record({
    journal: fc.constantFrom(own, own, own, other),
    first: fc.integer({ min: 1, max: 8 }),
    count: fc.integer({ min: 1, max: 8 }),
    isHole: fc.boolean(),
    change: fc.constantFrom({}, {}, {}, {}, { hash: wrong }, { previousHash: wrong }),
  })
  .map(({ journal, first, count, isHole, change }) => {
    const last = Math.min(8, first + count - 1);
    return isHole && last - first < 3
      ? hole(journal, first, last, change)
      : batch(journal, first, last, change);
  });

/** More: `INGEST_RUNS=20000 npm test -- ingest-table`. */
const RUNS = Number(process.env['INGEST_RUNS'] ?? 60);

test('in any order of anything the ledger holds what lists would', async (t) => {
  t.timeout(3_600_000);
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { maxLength: 14 }), async (all) => {
      const ledger = await openLedger();
      await ledger.greet({ device, epoch: 1, publicKey, atMs: 1 });
      const naive = new NaiveLane();
      // A hole whose end is a lie has the chain go on from there: it was signed.
      for (const each of all) t.is(brief(await take(ledger, each)), naive.take(each));
      const held = await ledger.entries({ device, lane, after: 0, limit: 100 });
      const expected = naive.entries.flatMap((bytes, index) =>
        bytes === gone ? [] : [{ seq: index + 1, bytes }],
      );
      t.deepEqual(
        held.map(({ seq, bytes }) => ({ seq, bytes: new Uint8Array(bytes) })),
        expected.map(({ seq, bytes }) => ({ seq, bytes: new Uint8Array(bytes) })),
      );
      t.deepEqual((await ledger.verify()).faults, []);
      await ledger.close();
    }),
    { numRuns: RUNS, includeErrorInReport: true },
  );
});
