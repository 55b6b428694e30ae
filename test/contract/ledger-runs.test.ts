import test from 'ava';
import { runKey, runStateKey, type Ledger } from '@holdfast/gateway/internal';
import { encodeValue, type EntryBody } from '@holdfast/protocol';
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

if (skippedLedgers !== '') {
  test.skip(`runs are found by their state, in PostgreSQL (${skippedLedgers})`, () => {});
}
