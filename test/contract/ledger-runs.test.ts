import test from 'ava';
import { runKey, runStateKey, type Ledger } from '@holdfast/gateway/internal';
import { HoldfastError, encodeThrown, encodeValue, type EntryBody } from '@holdfast/protocol';
import { HandJournal, newSigner, started } from '../support/hand-journal.ts';
import { ledgers, skippedLedgers } from '../support/ledgers.ts';

const { publicKey } = newSigner();

function failed(run: string, n: number): EntryBody {
  return { kind: 'run.failed', run, n, error: encodeValue(new Error('no paper')) };
}

function retried(run: string, n: number): EntryBody {
  return { kind: 'run.retried', run, n, op: 1, reason: '' };
}

function completed(run: string, n: number): EntryBody {
  return { kind: 'run.completed', run, n, output: encodeValue('done') };
}

async function named(ledger: Ledger, states: readonly string[], limit = 10, before?: number) {
  const runs = await ledger.runs({ states, before, limit });
  return runs.map(({ device, run }) => `${device}/${run}`);
}

for (const [name, open] of Object.entries(ledgers)) {
  test(`${name}: runs are found by their state, whatever came since`, async (t) => {
    const lives = await open(t);
    const { next, tamper } = lives;
    let { ledger } = lives;
    const journals = ['d1', 'd2'].map((device) => new HandJournal(device));
    for (const { device } of journals) {
      await ledger.greet({ device, epoch: 1, publicKey, atMs: 1 });
    }
    const take = async (journal: HandJournal, ...bodies: readonly EntryBody[]) => {
      const first = journal.entries('normal').length + 1;
      journal.append('normal', ...bodies);
      await ledger.ingest(journal.ingest('normal', first, first + bodies.length - 1));
    };
    const [first, second] = journals;
    if (first === undefined || second === undefined) return;
    await take(first, started('a'), failed('a', 1), started('b'), failed('b', 1));
    await take(second, started('c'), failed('c', 1), started('d'));
    const others = Array.from({ length: 40 }, (_, index) => `other-${index}`);
    await take(first, ...others.flatMap((run) => [started(run), completed(run, 1)]));

    t.deepEqual(await named(ledger, ['failed', 'stuck']), ['d2/c', 'd1/b', 'd1/a']);
    t.deepEqual(await named(ledger, ['failed', 'running'], 2), ['d2/d', 'd2/c']);
    const page = await ledger.runs({ states: ['failed', 'running'], limit: 2 });
    const rest = await named(ledger, ['failed', 'running'], 9, page.at(-1)?.ordinal);
    t.deepEqual(rest, ['d1/b', 'd1/a'], 'it goes on where the page before ended');
    t.is((await named(ledger, ['completed'], 100)).length, others.length);

    await take(first, retried('b', 2));
    t.deepEqual(await named(ledger, ['failed']), ['d2/c', 'd1/a'], 'one that is tried again');
    await take(first, started('a', 'another life'));
    t.deepEqual(await named(ledger, ['failed']), ['d2/c'], 'one whose id is used again');
    t.deepEqual(await named(ledger, ['running']), ['d1/a', 'd2/d', 'd1/b']);

    const before = await ledger.runs({ states: ['failed', 'running', 'completed'], limit: 99 });
    ledger = await next();
    await ledger.rebuild();
    const after = await ledger.runs({ states: ['failed', 'running', 'completed'], limit: 99 });
    const plain = (runs: typeof before) => runs.map((run) => ({ ...run, ordinal: 0 }));
    t.deepEqual(plain(after), plain(before), 'it is derived from entries');

    const [old] = await ledger.runs({ device: 'd2', run: 'c', limit: 1 });
    const damage = { kind: 'put', key: runKey('d2', 'c'), value: Uint8Array.of(1) } as const;
    ledger = await tamper(async () => [damage]);
    await take(second, failed('c', 2));
    t.deepEqual(await named(ledger, ['failed']), ['d2/c'], 'one that is begun anew, once');
    t.true(((await ledger.runs({ limit: 1 }))[0]?.ordinal ?? 0) > (old?.ordinal ?? 0));

    const ended = await ledger.runs({ states: ['failed', 'completed'], limit: 99 });
    const rules = [{ keepMs: 1, workflow: undefined, tag: undefined }];
    const nowMs = Date.UTC(2027, 0, 1);
    await ledger.prune({ rules, keepCommandsMs: 0, nowMs, owner: 'me' });
    t.deepEqual(await named(ledger, ['failed', 'completed'], 99), [], 'nor one that is gone');
    t.is((await named(ledger, ['running'])).length, 3);
    const left = ended.map(runStateKey);
    await tamper(async (store) => {
      for (const key of left) t.is(await store.get(key), undefined, 'nor its place');
      return [];
    });
  });
}

/** Of a step: that it fails, with what. */
function stepFailed(run: string, n: number, name: string, error: unknown): EntryBody {
  const encoded = encodeThrown(error);
  return { kind: 'step.failed', run, n, op: n, name, attempt: 1, error: encoded };
}

function failedBy(run: string, n: number, error: unknown): EntryBody {
  return { kind: 'run.failed', run, n, error: encodeThrown(error) };
}

function stepStarted(run: string, n: number, name: string): EntryBody {
  return { kind: 'step.started', run, n, op: n, name, attempt: 1 };
}

function stuck(run: string, n: number, code: string): EntryBody {
  return { kind: 'run.stuck', run, n, code, reason: SECRET };
}

const SECRET = 'ada@example.org';
const declined = Object.assign(new Error(SECRET), { name: 'CardDeclined' });
const thrown = encodeThrown(declined);
const ofStep = new HoldfastError('HF_STEP_FAILED', { why: SECRET, cause: declined });
const cutOff = new HoldfastError('HF_STEP_INTERRUPTED', { why: SECRET });

/** By the names of runs: what happened to them, and the reason that follows. */
const reasoned: Readonly<
  Record<string, readonly [reason: readonly string[] | undefined, bodies: readonly EntryBody[]]>
> = {
  step: [
    ['HF_STEP_FAILED', 'charge'],
    [stepFailed('step', 1, 'charge', declined), failedBy('step', 2, ofStep)],
  ],
  cut: [
    ['HF_STEP_INTERRUPTED', 'charge'],
    [stepFailed('cut', 1, 'charge', cutOff), failedBy('cut', 2, cutOff)],
  ],
  call: [
    ['HF_CALL_FAILED', 'stock'],
    [
      { kind: 'call.failed', run: 'call', n: 1, op: 1, name: 'stock', command: 1, error: thrown },
      failedBy('call', 2, new HoldfastError('HF_CALL_FAILED', { why: SECRET })),
    ],
  ],
  'of-users': [['CardDeclined', ''], [failedBy('of-users', 1, declined)]],
  caught: [
    ['TypeError', ''],
    [stepFailed('caught', 1, 'charge', declined), failedBy('caught', 2, new TypeError(SECRET))],
  ],
  named: [['', ''], [failedBy('named', 1, Object.assign(new Error('x'), { name: SECRET }))]],
  text: [['', ''], [failedBy('text', 1, SECRET)]],
  doubt: [
    ['HF_RUN_IN_DOUBT', 'dispense'],
    [stepStarted('doubt', 1, 'dispense'), stuck('doubt', 2, 'HF_RUN_IN_DOUBT')],
  ],
  code: [['HF_CODE_MISMATCH', ''], [stuck('code', 1, 'HF_CODE_MISMATCH')]],
  again: [
    undefined,
    [stepFailed('again', 1, 'x', declined), failedBy('again', 2, ofStep), retried('again', 3)],
  ],
  anew: [
    ['HF_STEP_FAILED', ''],
    [
      ...[stepFailed('anew', 1, 'x', declined), failedBy('anew', 2, ofStep), retried('anew', 3)],
      failedBy('anew', 4, ofStep),
    ],
  ],
};

for (const [name, open] of Object.entries(ledgers)) {
  test(`${name}: a run keeps the code that it failed by and the step, nothing else`, async (t) => {
    const lives = await open(t);
    let { ledger } = lives;
    const journal = new HandJournal('d1');
    await ledger.greet({ device: 'd1', epoch: 1, publicKey, atMs: 1 });
    for (const [run, [, bodies]] of Object.entries(reasoned)) {
      journal.append('normal', started(run), ...bodies);
    }
    // What is about somebody is not looked into; nor does the order of lanes matter.
    journal.append('normal', started('late'), failedBy('late', 2, ofStep), started('about'));
    journal.about('normal', 'customer-42', failedBy('about', 1, declined));
    journal.append('bulk', stepFailed('late', 1, 'charge', declined));
    for (const lane of ['normal', 'bulk'] as const) {
      await ledger.ingest(journal.ingest(lane, 1, journal.entries(lane).length));
    }
    const expected = Object.fromEntries([
      ...Object.entries(reasoned).map(([run, [reason]]) => [run, reason]),
      ['late', ['HF_STEP_FAILED', 'charge']],
      ['about', ['', '']],
    ]);
    const found = async () => {
      const runs = await ledger.runs({ limit: 99 });
      const plain = (reason: (typeof runs)[number]['reason']) =>
        reason && [reason.code, reason.step];
      return Object.fromEntries(runs.map(({ run, reason }) => [run, plain(reason)]));
    };
    t.deepEqual(await found(), expected);
    ledger = await lives.tamper(async (store) => {
      for (const run of Object.keys(expected)) {
        const stored = await store.get(runKey('d1', run));
        t.is(Buffer.from(stored ?? SECRET).includes(SECRET), false, run);
      }
      return [];
    });
    await ledger.rebuild();
    t.deepEqual(await found(), expected, 'it is derived from entries');
  });
}

if (skippedLedgers !== '') {
  test.skip(`runs are found by their state, in PostgreSQL (${skippedLedgers})`, () => {});
}
