import {
  Doubts,
  holeOp,
  layout,
  metaKey,
  workflow,
  type SalvagedRun,
} from '@holdfast/agent/internal';
import { encodeValue, type Entry, type Lane, type StoreRow } from '@holdfast/protocol';
import test from 'ava';
import { SimDevice } from '../../support/sim-device.ts';

const stamp = (monoMs: number) => ({ atMs: 1_000 + monoMs, boot: 1, monoMs });
const event = (monoMs: number): Entry => ({
  ...{ kind: 'event.emitted', run: '', n: 0, op: 0, name: 'e', payload: encodeValue(1) },
  ...stamp(monoMs),
});
const timer = (monoMs: number, afterMs: number): Entry => ({
  ...{ kind: 'timer.set', run: 'r', n: 1, op: 1, name: 'sleep' },
  ...{ dueAtMs: 1_000 + monoMs + afterMs, ...stamp(monoMs) },
});

/** Rows of a store whose histories have rows through 10 of each lane. */
function rowsWith(...ops: readonly ReturnType<typeof holeOp>[]): StoreRow[] {
  const ten = [0, 0, 0, 0, 0, 10];
  const mark = { key: metaKey('indexed'), value: Uint8Array.from([...ten, ...ten, ...ten]) };
  return [mark, ...ops.flatMap((op) => (op.kind === 'put' ? [op] : []))];
}

const holeOf = (lane: Lane, seqFirst: number, seqLast: number) =>
  holeOp({
    ...{ lane, seqFirst, seqLast, reason: 'trimmed', bytes: 1, bytesThrough: 1 },
    ...{ previousHash: new Uint8Array(32), hash: new Uint8Array(32), firstAtMs: 1, lastAtMs: 1 },
  });

interface Case {
  readonly rows?: readonly StoreRow[];
  readonly lane?: Lane;
  /** What is there behind the mark; the lane ends at 20. */
  readonly there?: readonly number[];
  /** Lost entries that show as gaps. */
  readonly gaps?: number;
  /** Seqs of the run that is asked for. */
  readonly seqs?: readonly number[];
  readonly entries?: readonly Entry[];
  readonly state?: SalvagedRun['record'];
}

function isProven(of: Case): boolean {
  const { rows = rowsWith(), lane = 'normal', there = [11, 12, 13, 16, 20], gaps = 0 } = of;
  const { seqs = [11], entries = [event(11)], state } = of;
  const doubts = new Doubts(rows);
  for (const seq of there) doubts.seen(lane, seq, stamp(seq));
  doubts.ends(lane, 20, stamp(30));
  doubts.settle(gaps);
  const places = seqs.map((seq, n) => ({ n, lane: 'normal' as const, seq, seqNew: seq }));
  const run = { id: 'r', number: 1, record: state, length: seqs.length, places, subject: '' };
  return doubts.isProven(run, entries);
}

const through = (last: number) => Array.from({ length: last - 10 }, (_, at) => 11 + at);

/** Of a run that sleeps, as it was put away. */
async function sleeping(): Promise<NonNullable<SalvagedRun['record']>> {
  const device = new SimDevice();
  const sleeper = workflow('sleeper', (ctx) => ctx.sleep('1h'));
  await device.start(sleeper);
  await device.begin(sleeper, null);
  const record = await device.runs.record(1);
  if (record === undefined) throw new Error('it is not there');
  return { ...record, state: 'sleeping', n: 1 };
}

test('a run is in doubt where entries are lost that may have been its last', (t) => {
  t.false(isProven({}));
  t.false(isProven({ there: [11, 12] }), 'the end is lost');
  t.false(isProven({ lane: 'urgent' }));
  t.false(isProven({ gaps: 3 }), 'five are lost');
  t.false(isProven({ there: [], rows: [] }), 'no mark tells');
});

test('it is none where nothing is lost, or something tells that it was not its own', async (t) => {
  t.true(isProven({ there: through(20) }));
  t.true(isProven({ gaps: 5 }), 'they are gaps of others');
  t.true(isProven({ lane: 'bulk' }), 'events alone');
  t.true(isProven({ seqs: [11, 20] }), 'it has an entry behind them');
  t.true(isProven({ lane: 'urgent', entries: [event(11), event(25)] }), 'it went on later');
  const holes = rowsWith(holeOf('normal', 9, 15), holeOf('normal', 17, 19));
  t.true(isProven({ rows: holes }), 'they were deleted');
  const record = await sleeping();
  t.true(isProven({ state: record, entries: [timer(11, 60_000)] }), 'it sleeps until later');
  t.false(isProven({ state: record, entries: [timer(11, 5)] }), 'it may have been woken');
  t.false(isProven({ state: { ...record, n: 9 }, entries: [timer(11, 60_000)] }));
});

test('a run in doubt does nothing until a person lets it, and says so once', async (t) => {
  let done = 0;
  const errand = workflow('errand', async (ctx) => {
    await ctx.waitFor('go');
    return ctx.step('count', () => (done += 1));
  });
  const device = new SimDevice();
  await device.start(errand);
  await device.begin(errand, null);
  const record = await device.runs.record(1);
  if (record === undefined) return t.fail('it is not there');
  const doubt = { state: 'stuck', stuckCode: 'HF_RUN_IN_DOUBT', stuckReason: 'lost' } as const;
  const row = layout.openRecord(1, { ...record, ...doubt });
  device.crash();
  await device.store.write([row]);

  await device.start(errand);
  await device.restart(errand);
  const shown = await device.inspector.run('run-1');
  await device.signal('go').catch(() => undefined);
  await device.restart(errand);

  t.deepEqual([shown.state, shown.error?.code], ['stuck', 'HF_RUN_IN_DOUBT']);
  t.is(shown.history.filter(({ kind }) => kind === 'run.stuck').length, 1);
  t.is(await device.state(), 'stuck');
  t.is(done, 0);
  await device.runtime.retry('run-1', 'looked at');
  await device.settle();
  t.is(await device.state(), 'completed');
  t.is(done, 1);
});
