import test from 'ava';
import { decodeEntry, lanes, type Entry } from '@holdfast/protocol';
import { Tally, metricsText, workflow } from '@holdfast/agent/internal';
import { SimDevice } from '../../support/sim-device.ts';

/** Ends as it is told to, after a step that fails as often as it is told to. */
const ending = workflow('ending', async (ctx, { how, failures }: Told) => {
  await ctx.step('try', ({ attempt }) => {
    if (attempt <= failures) throw new Error('no');
  }, { retry: { attempts: 3, minDelay: '1s', factor: 1 } });
  if (how === 'throw') throw new Error('told so');
  if (how === 'again') return ctx.continueAsNew({ how: 'return', failures: 0 });
  return how === 'wait' ? ctx.waitFor('go') : how;
});

interface Told {
  readonly how: 'return' | 'throw' | 'again' | 'wait';
  readonly failures: number;
}

async function lived(): Promise<SimDevice> {
  const device = new SimDevice();
  await device.start(ending);
  const told: Told[] = (['return', 'throw', 'again', 'wait'] as const).flatMap((how) =>
    [0, 1, 3].map((failures) => ({ how, failures })),
  );
  for (const [index, each] of told.entries()) await device.begin(ending, each, `run-${index}`);
  await device.advance(60_000);
  await device.runtime.cancel({ run: 'run-9', reason: 'no' });
  await device.settle();
  await device.acknowledge();
  return device;
}

/** Every entry that the journal has. */
async function entriesOf(device: SimDevice): Promise<readonly Entry[]> {
  const pages = lanes.map((lane) => device.journal.entries(lane, 1, 10_000));
  return (await Promise.all(pages)).flat().map(({ bytes }) => decodeEntry(bytes));
}

test('O9 status, lists and a scan of the store count the same runs', async (t) => {
  const device = await lived();
  const look = async () => {
    const { runs } = await device.inspector.runs({ all: true, limit: 100 });
    const listed: Record<string, number> = {};
    for (const { state } of runs) listed[state] = (listed[state] ?? 0) + 1;
    const status = await device.reader.status();
    t.deepEqual({ ...status.runs }, listed);
    t.deepEqual({ ...(await device.inspector.counts()) }, listed);
    return listed;
  };

  const before = await look();
  t.deepEqual(before, { completed: 4, failed: 6, cancelled: 1, 'waiting-signal': 1 });
  await device.restart(ending);
  t.deepEqual(await look(), before);
  await device.runtime.emit({ name: 'x', payload: new Uint8Array([0xf6]), lane: 'normal' });
  await device.acknowledge();
  await device.advance(1);
  await device.sweep();
  t.deepEqual(await look(), { 'waiting-signal': 1 });
});

test('O9 the backlog is what a scan finds behind the watermark', async (t) => {
  const device = await lived();
  for (const name of ['a', 'b']) await device.begin(ending, { how: 'return', failures: 0 }, name);
  const { pending, bytes } = await device.reader.backlog();
  const scanned = await Promise.all(
    lanes.map(async (lane, index) => {
      const acked = device.journal.positions()[index]?.acked ?? 0;
      return device.journal.entries(lane, acked + 1, 10_000);
    }),
  );
  const entries = scanned.flat();
  t.is(pending, entries.length);
  t.true(pending > 0);
  t.is(bytes, entries.reduce((sum, entry) => sum + entry.bytes.byteLength, 0));
});

test('O9 counters are those of the entries that this life has journaled', async (t) => {
  const device = await lived();
  const check = async (boot: number): Promise<void> => {
    const own = (await entriesOf(device)).filter((entry) => entry.boot === boot);
    const tally = new Tally();
    for (const entry of own) if ('run' in entry && entry.run !== '') tally.add('ending', entry);
    t.deepEqual(device.runtime.tally.read(), tally.read());
    const { step_attempts_total: attempts } = tally.read();
    const journaled = own.filter(({ kind }) => /^step\.(completed|failed|retrying)$/.test(kind));
    t.is(attempts.reduce((sum, { value }) => sum + value, 0), journaled.length);
  };
  await check(1);
  t.true(device.runtime.tally.read().step_attempts_total.length > 1);

  device.crash();
  device.clock.reboot();
  await device.start(ending);
  await device.begin(ending, { how: 'return', failures: 1 }, 'later');
  await device.advance(2_000);
  await check(2);
});

test('O9 metrics have the form of Prometheus, and no id among their labels', async (t) => {
  const device = await lived();
  const status = await device.reader.status();
  const labels = { version: '1', protocol: '1', node: 'a"b\\c\nd' };
  const text = metricsText({ status, tally: device.runtime.tally.read(), labels });

  const label = String.raw`[a-z]+="([^"\\\n]|\\.)*"`;
  const value = String.raw`holdfast_[a-z_]+(\{${label}(,${label})*\})? [\d.]+`;
  const line = new RegExp(`^(# (HELP|TYPE) holdfast_[a-z_]+ .+|${value})$`);
  for (const each of text.trimEnd().split('\n')) t.regex(each, line);
  t.true(text.includes('holdfast_runs{state="failed"} 6\n'));
  t.true(text.includes('holdfast_runs_finished_total{workflow="ending",outcome="continued"} 2\n'));
  t.regex(text, /^holdfast_journal_acked_seq\{lane="normal"\} [1-9]\d*$/m);
  t.true(text.includes('node="a\\"b\\\\c\\nd"'));
  t.notRegex(text, /run-\d/);
});

test('O9 names that code makes up without end make no series without end', (t) => {
  const tally = new Tally();
  for (let i = 0; i < 5_000; i += 1) tally.add('w', { kind: 'step.failed', name: `s-${i}` });

  const { step_attempts_total: attempts } = tally.read();
  t.is(attempts.length, 1_001);
  t.is(attempts.reduce((sum, { value }) => sum + value, 0), 5_000);
});
