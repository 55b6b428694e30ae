import test from 'ava';
import { admit, noIncarnations, verdictOf, type Incarnations } from '@holdfast/gateway/internal';
import { eachLane, type LaneVerdict } from '@holdfast/protocol';
import { HandJournal, newSigner } from '../../support/hand-journal.ts';

const signer = newSigner();
const own = new Uint8Array(32).fill(1);
const other = new Uint8Array(32).fill(2);

interface Meeting {
  readonly epochs?: { readonly device: number; readonly ledger: number };
  readonly head: number;
  readonly acked: number;
  readonly watermark: number;
  /** What the ledger has at the device's head and at what it calls acknowledged. */
  readonly held?: { readonly head?: Uint8Array; readonly acked?: Uint8Array };
  readonly is: LaneVerdict;
}

/** A device says that a lane stands at `head` with the hash `own`, and so at `acked`. */
const meetings: Readonly<Record<string, Meeting>> = {
  'nothing on either side': {
    head: 0,
    acked: 0,
    watermark: 0,
    held: { head: own, acked: own },
    is: 'ok',
  },
  'new entries': { head: 9, acked: 5, watermark: 5, held: { acked: own }, is: 'ok' },
  'acks that were lost': { head: 9, acked: 5, watermark: 7, held: { acked: own }, is: 'ok' },
  'a ledger that was set back': { head: 9, acked: 5, watermark: 3, is: 'ok' },
  'a journal that was set back': {
    head: 4,
    acked: 4,
    watermark: 9,
    held: { head: own, acked: own },
    is: 'rewound',
  },
  'one that was set back and went on': {
    head: 9,
    acked: 4,
    watermark: 9,
    held: { head: other, acked: own },
    is: 'rewound',
  },
  'one that went on, and is behind': {
    head: 6,
    acked: 4,
    watermark: 9,
    held: { head: other, acked: own },
    is: 'rewound',
  },
  'an acknowledged entry that was changed here or there': {
    head: 9,
    acked: 5,
    watermark: 5,
    held: { acked: other },
    is: 'forked',
  },
  'the same, before the watermark': {
    head: 9,
    acked: 5,
    watermark: 7,
    held: { acked: other },
    is: 'forked',
  },
  'the same, of a journal that was set back too': {
    head: 5,
    acked: 5,
    watermark: 7,
    held: { head: other, acked: other },
    is: 'forked',
  },
  'an earlier epoch': {
    epochs: { device: 1, ledger: 2 },
    head: 9,
    acked: 9,
    watermark: 1,
    is: 'rewound',
  },
};

for (const [title, meeting] of Object.entries(meetings)) {
  test(`the verdict on ${title} is ${meeting.is}`, (t) => {
    const { head, acked, watermark, held = {}, epochs = { device: 1, ledger: 1 } } = meeting;
    const stand = eachLane(() => ({ head, headHash: own, acked, ackedHash: own }));
    const hello = new HandJournal('d1', epochs.device).hello(signer, { lanes: stand });
    const record = {
      ...{ device: 'd1', publicKey: signer.publicKey, awaitedKey: '', epoch: epochs.ledger },
      revokedKey: new Uint8Array(0),
      ...{ began: { atMs: 1, cause: '' }, firstSeenAtMs: 1, lastCommand: 0, lastReceipt: 0 },
      tags: [],
      holes: { count: 0, entries: 0, bytes: 0 },
      lanes: eachLane(() => ({ watermark, hash: own })),
    };
    const hashes = eachLane(() => ({ head: held.head, acked: held.acked }));

    t.is(verdictOf('normal', hello, { record, held: hashes }), meeting.is);
  });
}

const conflictMs = 60_000;
let sessions = 0;

/** What becomes of a greeting, in a word. */
function greet(
  known: Incarnations,
  who: {
    readonly incarnation: string;
    readonly machine?: string;
    readonly boot?: number;
    readonly monoMs?: number;
  },
  at: { readonly nowMs: number; readonly isLive?: boolean },
) {
  const { incarnation, machine = '', boot = 1, monoMs = 1 } = who;
  const hello = { incarnation, machine, boot, monoMs, session: String((sessions += 1)) };
  return admit(known, hello, { conflictMs, isLive: true, ...at });
}

function after(known: Incarnations, ...who: Parameters<typeof greet>[1][]): Incarnations {
  return who.reduce((last, each) => {
    const admission = greet(last, each, { nowMs: 1 });
    return admission.kind === 'stale' ? last : admission.incarnations;
  }, known);
}

const first = { incarnation: 'a', machine: 'board-1' };
const copy = { incarnation: 'b', machine: 'board-2' };

test('another machine is kept out while the first is heard, which goes on', (t) => {
  const known = after(noIncarnations, first);
  const refused = greet(known, copy, { nowMs: 1 });
  const kept = refused.kind === 'conflict' ? refused.incarnations : known;

  t.is(refused.kind, 'conflict');
  t.is(greet(kept, first, { nowMs: 2 }).kind, 'admitted');
  t.is(greet(kept, { ...first, incarnation: 'a2' }, { nowMs: 2 }).kind, 'admitted', 'a restart');
  t.is(greet(kept, copy, { nowMs: 90_000 }).kind, 'conflict');
  t.is(greet(kept, copy, { nowMs: 90_000, isLive: false }).kind, 'admitted', 'the first is gone');
});

test('where machines do not tell, one that was replaced and comes again keeps both out', (t) => {
  const [one, two] = [{ incarnation: 'a' }, { incarnation: 'b' }];
  const known = after(noIncarnations, one, two, one);

  t.is(greet(known, one, { nowMs: 2 }).kind, 'conflict');
  t.is(greet(known, two, { nowMs: 2 }).kind, 'conflict');
  t.is(greet(known, two, { nowMs: 1 + conflictMs }).kind, 'admitted');
});

test('a greeting that a broker has held back past a restart proves nobody alive', (t) => {
  const [before, now] = ['a', 'b'].map((incarnation) => ({ ...first, incarnation }));
  const known = after(
    noIncarnations,
    { ...first, ...before, monoMs: 1_000 },
    { ...first, ...now, monoMs: 9_000 },
  );
  const late = (monoMs: number, more: object = {}, at: object = {}) =>
    greet(known, { ...first, ...before, monoMs, ...more }, { nowMs: 2, ...at }).kind;

  t.is(late(5_000), 'stale');
  t.is(late(5_000, { incarnation: 'c' }), 'stale', 'its first greeting was late as well');
  t.is(late(5_000, { boot: 0 }), 'stale', 'of the boot before');
  t.is(late(9_001), 'conflict', 'it was said after the other one had greeted');
  t.is(late(5_000, {}, { isLive: false }), 'conflict', 'perhaps a store that was set back');
  t.is(late(5_000, { boot: 2 }), 'conflict', 'the clock of another boot says nothing');
});

test('each conflict within a day keeps them out for twice as long, up to about an hour', (t) => {
  let known = after(noIncarnations, first);
  const pauses: number[] = [];
  let nowMs = 1;
  for (let round = 0; round < 9; round += 1) {
    const refused = greet(known, { ...copy, incarnation: `b${round}` }, { nowMs });
    if (refused.kind !== 'conflict') return t.fail(refused.kind);
    pauses.push(refused.retryAfterMs / conflictMs);
    known = refused.incarnations;
    nowMs += refused.retryAfterMs;
    t.true(known.shownUntilMs > nowMs, 'it is shown until they have come again');
  }
  const later = greet(known, copy, { nowMs: nowMs + 25 * 3_600_000 });

  t.deepEqual(pauses, [1, 2, 4, 8, 16, 32, 64, 64, 64]);
  t.is(later.kind === 'conflict' && later.retryAfterMs, conflictMs);
});
