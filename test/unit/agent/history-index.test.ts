import test, { type ExecutionContext } from 'ava';
import { HoldfastError, codeOf, encodeValue } from '@holdfast/protocol';
import {
  Journal,
  auditStore,
  decodePack,
  encodePack,
  entryKey,
  getNumber,
  getVarint,
  historyKey,
  metaKey,
  parseStored,
  putVarint,
  sha256,
  tableRange,
  varintBytes,
  workflow,
  type Draft,
} from '@holdfast/agent/internal';
import { SimClock, SimStore } from '@holdfast/agent/testing';
import { SimDevice } from '../../support/sim-device.ts';

/** Takes a signal a step; what it was sent goes up in three lanes. */
const taker = workflow('taker', async (ctx, count: number) => {
  const taken: number[] = [];
  for (let round = 0; round < count; round += 1) {
    taken.push(await ctx.waitFor<number>('number'));
    await ctx.emit('taken', taken.length, { lane: 'bulk' });
    await ctx.step('count', () => taken.length);
    await ctx.emit('counted', taken.length, { lane: 'urgent' });
  }
  return taken;
});

const kindsOf = (rounds: number): string[] => [
  'run.started',
  ...Array.from({ length: rounds }, () => [
    'signal.received number',
    'event.emitted taken',
    'step.completed count',
    'event.emitted counted',
  ]).flat(),
];

/** From now on all entries are in rows of their histories. */
async function index(device: SimDevice): Promise<void> {
  device.journal.histories.indexSoon();
  await device.journal.flush();
}

/** Numbers of runs and places, of the rows that the store has. */
async function rowsOf({ store }: SimDevice): Promise<string[]> {
  const rows = await store.scan({ ...tableRange('h'), limit: 100 });
  return rows.map(({ key }) => `${getNumber(key, 1)} ${getNumber(key, 7, 4)}`);
}

/** Entries that no row of a history has yet. */
async function unindexed(device: Pick<SimDevice, 'store' | 'journal'>): Promise<number> {
  const { store, journal } = device;
  const mark = await store.get(metaKey('indexed'));
  return journal.positions().reduce((sum, { head }, lane) => {
    return sum + head - (mark === undefined ? 0 : getNumber(mark, lane * 6));
  }, 0);
}

async function checkWhole(t: ExecutionContext, device: SimDevice, label = ''): Promise<void> {
  const { store, journal, runs } = device;
  const chain = { store, sha256, device: 'sim-1', epoch: 1 };
  const { faults, mismatches } = await auditStore({ chain, journal, runs });
  t.deepEqual({ faults, mismatches }, { faults: [], mismatches: [] }, label);
}

/** One that has taken so many numbers. */
async function taking(rounds: number, count = 100): Promise<SimDevice> {
  const device = new SimDevice();
  await device.start(taker);
  await device.begin(taker, count);
  for (let round = 0; round < rounds; round += 1) await device.signal('number', round);
  return device;
}

test('killed at any commit around a mark, a history is whole', async (t) => {
  const acts = [
    ...[(device: SimDevice) => device.signal('number', 1), index],
    (device: SimDevice) => device.signal('number', 2),
  ];
  for (let kill = 1; kill <= 9; kill += 1) {
    const outcome = kill % 2 === 0 ? 'lost' : 'kept';
    const label = `killed at commit ${kill}, ${outcome}`;
    const device = await taking(1);
    device.store.failWriteNumber(device.store.writes + kill, outcome);
    for (const act of acts) await act(device).catch(() => undefined);

    await device.restart(taker);

    const before = await device.history();
    t.deepEqual(before, kindsOf(3).slice(0, before.length), label);
    const rounds = Math.floor((before.length - 1) / 4);
    t.true(rounds >= 1, label);
    await device.signal('number', rounds);
    t.deepEqual(await device.history(), kindsOf(rounds + 1), label);
    await checkWhole(t, device, label);
  }
});

test('a row has what came since the last one, whatever the lane', async (t) => {
  const device = await taking(3);
  t.deepEqual(await rowsOf(device), [], 'nothing but the entries is written at once');
  await index(device);
  await device.signal('number', 3);
  await index(device);
  await index(device);

  t.deepEqual(await rowsOf(device), ['1 0', '1 13']);
  t.deepEqual(await device.history(), kindsOf(4));
  await device.restart(taker);
  t.deepEqual(await device.history(), kindsOf(4));
  await checkWhole(t, device);
  const lanes = (await device.runs.places(1)).map(({ lane }) => lane);
  t.deepEqual(lanes.slice(0, 5), ['normal', 'normal', 'bulk', 'normal', 'urgent']);
});

test('an orderly end leaves nothing to look for; a kill no more than some thousand', async (t) => {
  const device = { store: new SimStore() };
  const open = async () => {
    const place = { device: 'sim-1', epoch: 1, boot: 1, clock: new SimClock(), sha256 };
    return { ...device, journal: await Journal.open({ ...place, ...device }) };
  };
  const first = await open();
  for (let n = 0; n < 5_000; n += 200) {
    const drafts = Array.from({ length: 200 }, (_, at): Draft => {
      const event = { kind: 'event.emitted', name: 'e', op: 1 } as const;
      const body = { ...event, run: 'a', n: n + at, payload: encodeValue(at) };
      return { lane: 'bulk', run: 1, body };
    });
    await first.journal.append(drafts);
  }
  const left = await unindexed(first);
  t.true(left > 0 && left < 1_024 + 2 * 200, `${left} entries`);

  device.store = device.store.crash();
  const second = await open();

  t.is((await second.journal.histories.of(1)).places.length, 5_000);
  await second.journal.close(new HoldfastError('HF_AGENT_CLOSED'));
  t.is(await unindexed(second), 0);
});

test('an id that a later run has taken, behind the mark, is that of two histories', async (t) => {
  const device = new SimDevice();
  const short = workflow('short', (ctx, step: string) => ctx.step(step, () => step));
  await device.start(short);
  for (const step of ['one', 'two']) {
    const input = encodeValue(step, 'input');
    const reuse = { reuse: 'allow-duplicate' } as const;
    await device.runtime.start({ workflow: 'short', input, id: 'again', ...reuse });
    await device.settle();
  }

  await device.restart(short);

  const names = async (number: number) =>
    (await device.runs.history(number)).map((entry) => ('name' in entry ? entry.name : entry.kind));
  t.deepEqual(await names(1), ['run.started', 'one', 'run.completed']);
  t.deepEqual(await names(2), ['run.started', 'two', 'run.completed']);
  await checkWhole(t, device);
});

test('a run that went on in new histories has each of them, behind the mark too', async (t) => {
  const rounds = workflow('rounds', async (ctx, round: number) => {
    await ctx.step(`round ${round}`, () => round);
    return round === 3 ? round : ctx.continueAsNew(round + 1);
  });
  const device = new SimDevice();
  await device.start(rounds);
  await device.begin(rounds, 1);

  await device.restart(rounds);

  t.is(await device.result(), 3);
  for (const number of [1, 2, 3]) {
    const kinds = (await device.runs.history(number)).map(({ kind }) => kind);
    const end = number === 3 ? 'run.completed' : 'run.continued';
    t.deepEqual(kinds, ['run.started', 'step.completed', end]);
  }
  await checkWhole(t, device);
});

test('what is of no run is in no history', async (t) => {
  const device = await taking(1);
  const payload = encodeValue('x');
  await device.runtime.emit({ name: 'outside', payload, lane: 'normal' });
  await device.restart(taker);
  await index(device);

  t.deepEqual(await rowsOf(device), ['1 0']);
  t.deepEqual(await device.runs.places(0), []);
  t.deepEqual(await device.history(), kindsOf(1));
});

test('of a run that is deleted no row is written, whenever its history is indexed', async (t) => {
  const short = workflow('short', (ctx) => ctx.step('only', () => 1));
  for (const when of ['before', 'meanwhile', 'behind'] as const) {
    const device = new SimDevice();
    await device.start(short);
    await device.begin(short, null);
    // The last entry of a lane stays.
    await device.runtime.emit({ name: 'last', payload: encodeValue(1), lane: 'normal' });
    await device.acknowledge();
    await device.runtime.emit({ name: 'last', payload: encodeValue(1), lane: 'normal' });
    if (when === 'before') await index(device);
    const swept = device.sweep();
    if (when === 'meanwhile') await index(device);
    t.true((await swept) >= 3, when);
    await device.settle();
    await index(device);

    t.deepEqual(await rowsOf(device), [], when);
    await device.restart(short);
    t.deepEqual(await device.runs.places(1), [], when);
    await checkWhole(t, device, when);
  }
});

/** Changes the entry of a history behind the journal's back, so that it does not decode. */
async function spoil({ store, runs }: SimDevice, n: number, isAll = false): Promise<void> {
  const place = (await runs.places(1))[n];
  if (place === undefined) throw new Error('it is not there');
  const key = entryKey(place.lane, place.seq);
  const value = (await store.get(key)) ?? new Uint8Array();
  const { bytes } = parseStored(place.seq, value);
  bytes.fill(255, isAll ? 0 : bytes.byteLength - 8);
  await store.write([{ kind: 'put', key, value }]);
}

test('a run goes on from no beginning of its history, where the end is damaged', async (t) => {
  for (const [n, isAll] of [3, 4, 8].flatMap((at) => [[at, true] as const, [at, false] as const])) {
    const device = await taking(2);
    await spoil(device, n, isAll);

    await device.restart(taker);

    // The last one says that it is stuck.
    t.is((await device.runs.places(1)).length, 9 + 1, `entry ${n}`);
    t.is(await device.runs.history(1).catch(codeOf), 'HF_ENTRY_DAMAGED', `entry ${n}`);
    await device.signal('number', 2).catch(() => undefined);
    t.is(await device.state(), 'stuck', `entry ${n}`);
  }
});

test('what gives way to a hole is not forgotten by the history that had it', async (t) => {
  const device = await taking(4);
  // The last entry of the run: nothing behind it tells that one is missing.
  await spoil(device, 16);
  for (let more = 0; more < 8; more += 1) {
    await device.runtime.emit({ name: 'more', payload: encodeValue(1), lane: 'urgent' });
  }
  t.true((await device.journal.mend()) > 0);

  await device.restart(taker);

  t.is((await device.runs.places(1)).length, 17 + 1);
  t.is(await device.runs.history(1).catch(codeOf), 'HF_ENTRY_DAMAGED');
});

test('a history that names entries of another run is damaged, and the agent starts', async (t) => {
  const device = await taking(1);
  await device.begin(taker, 9, 'other');
  await index(device);
  const { store } = device;
  const other = (await store.get(historyKey(2, 0))) ?? new Uint8Array();
  await store.write([{ kind: 'put', key: historyKey(1, 0), value: other }]);

  await device.restart(taker);

  t.is(await device.runs.history(1).catch(codeOf), 'HF_ENTRY_DAMAGED');
  await device.signal('number', 1, { run: 'other' });
  t.is(await device.state('other'), 'waiting-signal');
});

test('a row of a history that cannot be read is one whose last entry is lost', (t) => {
  const place = (lane: 'urgent' | 'normal' | 'bulk', seq: number) => ({ lane, seq });
  const lost = place('normal', 0);
  const places = [
    ...[place('normal', 7), place('urgent', 2), place('normal', 9), lost, place('normal', 8)],
    ...[place('bulk', 2 ** 47), place('bulk', 1), place('normal', 2 ** 40), lost],
  ];
  const pack = encodePack(places);

  t.deepEqual(decodePack(pack), places);
  t.deepEqual(decodePack(pack.subarray(0, 3)), places.slice(0, 3));
  const torn = Uint8Array.of(...pack.subarray(0, 3), 0x80);
  t.deepEqual(decodePack(torn), [...places.slice(0, 3), lost]);
  // The first of its lane, and before it.
  t.deepEqual(decodePack(Uint8Array.of(5)), [lost]);
  const many = Array.from({ length: 300 }, (_, n) => place('normal', 1_000 + n));
  t.is(encodePack(many).byteLength, 301);
});

test('a number takes a byte for each seven of its bits', (t) => {
  for (const number of [0, 1, 127, 128, 16_383, 16_384, 2 ** 32, 2 ** 48, 2 ** 53 - 1]) {
    const bytes = new Uint8Array(10);
    const end = putVarint(bytes, 1, number);
    t.is(end - 1, varintBytes(number));
    t.is(getVarint(bytes, 1), number);
    t.true(end === 2 || Number.isNaN(getVarint(bytes.subarray(0, end - 1), 1)));
  }
});
