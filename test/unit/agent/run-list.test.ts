import { randomUUID } from 'node:crypto';
import test, { type ExecutionContext } from 'ava';
import { encodeValue, type ScanRange, type StoreRow } from '@holdfast/protocol';
import { layout, workflow } from '@holdfast/agent/internal';
import { SimChance, SimStore } from '@holdfast/agent/testing';
import { SimDevice } from '../../support/sim-device.ts';

/** Counts the rows that are read, and does something behind a scan on demand. */
class WatchedStore extends SimStore {
  rowsRead = 0;
  afterScan: ((range: ScanRange) => Promise<void>) | undefined;

  override async scan(range: ScanRange): Promise<StoreRow[]> {
    const rows = await super.scan(range);
    this.rowsRead += rows.length;
    await this.afterScan?.(range);
    return rows;
  }
}

/** Names of those that have failed once. */
const failedBefore = new Set<string>();

/** Ends, goes on in a new history, or fails until somebody retries, as it is told. */
const teller = workflow('teller', async (ctx, name: string) => {
  for (;;) {
    const told = await ctx.waitFor<string>('go');
    if (told === 'done') return told;
    if (told === 'again') return ctx.continueAsNew(name);
    const fail = (): void => {
      if (failedBefore.has(name)) return;
      failedBefore.add(name);
      throw new Error('told so');
    };
    await ctx.step('fail', fail, { retry: false });
  }
});
const other = workflow('other', async () => 'done');

async function started(store = new WatchedStore()): Promise<SimDevice> {
  const device = new SimDevice();
  device.store = store;
  await device.start(teller, other);
  return device;
}

const begin = (device: SimDevice, id: string): Promise<string> =>
  device.begin(teller, randomUUID(), id);

type Query = Parameters<SimDevice['inspector']['runs']>[0];

const idsOf = async (device: SimDevice, query: Partial<Query>): Promise<string> =>
  (await device.inspector.runs({ limit: 100, ...query })).runs.map(({ id }) => id).join(' ');

test('O1 a list is narrowed by state, workflow, id and time', async (t) => {
  const device = await started();
  for (const id of ['a-1', 'a-2', 'b-1']) await begin(device, id);
  await device.advance(60_000);
  const sinceMs = device.clock.nowMs();
  await device.begin(other, null, 'a-3');
  await begin(device, 'b-2');
  await device.signal('go', 'fail', { run: 'a-2' });

  t.is(await idsOf(device, {}), 'b-2 b-1 a-1', 'those that have not ended');
  t.is(await idsOf(device, { all: true }), 'b-2 a-3 b-1 a-2 a-1');
  t.is(await idsOf(device, { states: ['failed'] }), 'a-2');
  t.is(await idsOf(device, { states: ['completed', 'waiting-signal'] }), 'b-2 a-3 b-1 a-1');
  t.is(await idsOf(device, { all: true, workflow: 'other' }), 'a-3');
  t.is(await idsOf(device, { all: true, prefix: 'a-' }), 'a-3 a-2 a-1');
  t.is(await idsOf(device, { all: true, sinceMs }), 'b-2 a-3');
  t.is(await idsOf(device, { all: true, untilMs: sinceMs, workflow: 'teller' }), 'b-1 a-2 a-1');
  t.is(await idsOf(device, { prefix: 'c' }), '');
});

test('O1 a list is narrowed by a question, page by page', async (t) => {
  const device = await started();
  for (const id of ['a-1', 'a-2', 'b-1']) await begin(device, id);
  await device.advance(3_600_000);
  await begin(device, 'b-2');
  await device.begin(other, null, 'c-1');
  await device.signal('go', 'fail', { run: 'a-2' });
  const nowMs = device.clock.nowMs();
  const asked = async (q: string, query: Partial<Query> = {}) => {
    const { runs } = await device.inspector.runs({ limit: 100, q, ...query }, nowMs);
    return runs.map(({ id }) => id).join(' ');
  };

  t.is(await asked('run=a-*'), 'a-1', 'of those that have not ended');
  t.is(await asked('state=failed or state=completed'), 'c-1 a-2', 'those that it names, too');
  t.is(await asked('run=*-1 and age>30m', { all: true }), 'b-1 a-1');
  t.is(await asked('workflow=other', { all: true }), 'c-1');
  t.is(await asked('not workflow=other and since<30m', { all: true }), 'b-2 a-2');
  t.is(await asked('state=nothing'), '');
  const first = await device.inspector.runs({ limit: 1, q: 'run=*-1', all: true }, nowMs);
  t.is(await asked('run=*-1', { all: true, cursor: first.next ?? '' }), 'b-1 a-1');
  await t.throwsAsync(device.inspector.runs({ limit: 1, q: 'x' }), { code: 'HF_QUERY_INVALID' });
});

test('a list says how many entries of each run the ledger has, where that is asked', async (t) => {
  const device = await started();
  await begin(device, 'a-1');
  await device.acknowledge();
  await device.signal('go', 'fail', { run: 'a-1' });
  await begin(device, 'a-2');
  const all = { all: true, limit: 9 };

  const { runs } = await device.inspector.runs({ ...all, synced: true });

  const counts = new Map(runs.map(({ id, synced }) => [id, synced]));
  t.is(counts.get('a-1')?.acked, 1);
  t.true((counts.get('a-1')?.entries ?? 0) > 1);
  t.deepEqual(counts.get('a-2'), { entries: 1, acked: 0 });
  t.is((await device.inspector.runs(all)).runs[0]?.synced, undefined);
});

test('O1 a page has the cursor of the next, and the last has none', async (t) => {
  const device = await started();
  for (const id of ['1', '2', '3', '4']) await begin(device, id);

  const first = await device.inspector.runs({ limit: 2 });
  const second = await device.inspector.runs({ limit: 2, cursor: first.next ?? '' });

  t.deepEqual(
    first.runs.map(({ id }) => id),
    ['4', '3'],
  );
  t.deepEqual(
    second.runs.map(({ id }) => id),
    ['2', '1'],
  );
  t.is(second.next, null);
  for (const cursor of ['', '0', '-1', 'x', '1e3', '9'.repeat(30)]) {
    const code = { code: 'HF_INPUT_INVALID' };
    await t.throwsAsync(device.inspector.runs({ limit: 2, cursor }), code, cursor);
  }
});

const changes = ['start', 'done', 'fail', 'retry', 'again', 'purge', 'crash'] as const;

/** Does one thing to the runs of a device, of all that can happen to them. */
async function change(device: SimDevice, chance: SimChance, ids: string[]): Promise<void> {
  const what = changes[Math.floor(chance.next() * changes.length)];
  const run = ids[Math.floor(chance.next() * ids.length)] ?? '';
  if (what === 'start') ids.push(await begin(device, `new-${ids.length}`));
  else if (what === 'crash') await device.restart(teller, other);
  else if (what === 'purge') {
    await device.acknowledge();
    await device.sweep();
  } else if (what === 'retry') await device.runtime.retry(run, 'told so').catch(() => undefined);
  else await device.signal('go', what, { run }).catch(() => undefined);
  await device.advance(1);
}

test('O1 no run comes twice, and none is left out, whatever is written meanwhile', async (t) => {
  for (let seed = 1; seed <= 60; seed += 1) {
    const device = await started();
    const chance = new SimChance(seed);
    const ids: string[] = [];
    for (let i = 0; i < 12; i += 1) ids.push(await begin(device, `run-${i}`));
    for (let i = 0; i < 10; i += 1) await change(device, chance, ids);
    let throughout = new Set((await idsOf(device, { all: true })).split(' '));
    const seen: string[] = [];
    for (let cursor: string | undefined; ;) {
      const page = await device.inspector.runs({ all: true, limit: 3, cursor });
      seen.push(...page.runs.map(({ id }) => id));
      if (page.next === null) break;
      cursor = page.next;
      for (let i = 0; i < 4; i += 1) await change(device, chance, ids);
      const now = new Set((await idsOf(device, { all: true })).split(' '));
      throughout = new Set([...throughout].filter((id) => now.has(id)));
    }
    t.is(new Set(seen).size, seen.length, `seed ${seed}: one came twice`);
    t.deepEqual(
      [...throughout].filter((id) => !seen.includes(id)),
      [],
      `seed ${seed}: left out`,
    );
  }
});

for (const what of ['done', 'fail', 'again', 'retry']) {
  test(`O1 a run that is told "${what}" while a page is read is on it once`, async (t) => {
    for (let scan = 1; scan <= 4; scan += 1) await readWhile(t, what, scan);
  });
}

async function readWhile(t: ExecutionContext, what: string, scan: number): Promise<void> {
  const store = new WatchedStore();
  const device = await started(store);
  for (const id of ['before', 'told', 'behind']) await begin(device, id);
  if (what === 'retry') await device.signal('go', 'fail', { run: 'told' });
  let scans = 0;
  store.afterScan = async () => {
    scans += 1;
    if (scans !== scan) return;
    if (what === 'retry') await device.runtime.retry('told', 'again');
    else await device.signal('go', what, { run: 'told' });
    await device.settle();
  };

  t.is(await idsOf(device, { all: true }), 'behind told before', `behind scan ${scan}`);
}

test('O1 of thirty thousand runs one page reads a page', async (t) => {
  const store = new WatchedStore();
  const device = await started(store);
  await begin(device, 'model');
  const record = await device.runs.record(1);
  if (record === undefined) throw new Error('there is a run');
  const ops = Array.from({ length: 30_000 }, (_, index) => {
    const number = index + 2;
    const state = index % 3 === 0 ? ('completed' as const) : ('sleeping' as const);
    const each = { ...record, id: `r-${number}`, place: number, state, startedAtMs: number };
    return state === 'completed'
      ? layout.finalRecord(number, each)
      : [layout.openRecord(number, each)];
  });
  await store.write(ops.flat());

  store.rowsRead = 0;
  const first = await device.inspector.runs({ all: true, limit: 50 });
  t.deepEqual([first.runs[0]?.id, first.runs[49]?.id], ['r-30001', 'r-29952']);
  t.true(store.rowsRead <= 400, `${store.rowsRead} rows were read`);

  store.rowsRead = 0;
  const none = await device.inspector.runs({ all: true, limit: 50, workflow: 'no such' });
  t.is(none.runs.length, 0);
  t.true(store.rowsRead <= 60_000, `a filter that fits nothing read ${store.rowsRead} rows`);
  t.not(none.next, null, 'and says where to go on');

  const seen: string[] = [];
  for (let cursor: string | undefined; ;) {
    const middle = { all: true, sinceMs: 10_000, untilMs: 11_000, limit: 70 };
    const page = await device.inspector.runs({ ...middle, cursor });
    seen.push(...page.runs.map(({ id }) => id));
    if (page.next === null) break;
    cursor = page.next;
  }
  t.deepEqual(
    seen,
    Array.from({ length: 1_000 }, (_, index) => `r-${10_999 - index}`),
  );
});

test('O1 a run that went on in new histories keeps its place, also over a restart', async (t) => {
  const device = await started();
  for (const id of ['old', 'new']) await begin(device, id);
  for (let round = 0; round < 3; round += 1) {
    await device.signal('go', 'again', { run: 'old' });
    await device.restart(teller, other);
  }
  t.is(await idsOf(device, {}), 'new old');

  await device.signal('go', 'done', { run: 'old' });
  t.is(await idsOf(device, { all: true }), 'new old');
  t.is(await idsOf(device, { all: true, states: ['completed'] }), 'old');
  await device.runtime.emit({ name: 'x', payload: encodeValue(null), lane: 'normal' });
  await device.acknowledge();
  await device.advance(1);
  await device.sweep();
  t.is(await idsOf(device, { all: true }), 'new');
});
