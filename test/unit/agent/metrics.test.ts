import { readFileSync } from 'node:fs';
import test from 'ava';
import {
  decodeEntry,
  gauge,
  lanes,
  metricsText,
  type Entry,
  type LinkEvent,
  type Metric,
} from '@holdfast/protocol';
import {
  JournalMeter,
  Tally,
  UplinkMeter,
  statusMetrics,
  workflow,
} from '@holdfast/agent/internal';
import { SimDevice } from '../../support/sim-device.ts';

/** Ends as it is told to, after a step that fails as often as it is told to. */
const ending = workflow('ending', async (ctx, { how, failures }: Told) => {
  await ctx.step(
    'try',
    ({ attempt }) => {
      if (attempt <= failures) throw new Error('no');
    },
    { retry: { attempts: 3, minDelay: '1s', factor: 1 } },
  );
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

function valuesOf(metrics: readonly Metric[], name: string): Metric['values'] {
  return metrics.find((each) => each.name === name)?.values ?? [];
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
  t.is(
    bytes,
    entries.reduce((sum, entry) => sum + entry.bytes.byteLength, 0),
  );
});

test('O9 counters are those of the entries that this life has journaled', async (t) => {
  const device = await lived();
  const check = async (boot: number): Promise<void> => {
    const own = (await entriesOf(device)).filter((entry) => entry.boot === boot);
    const tally = new Tally();
    for (const entry of own) if ('run' in entry && entry.run !== '') tally.add('ending', entry);
    t.deepEqual(device.runtime.tally.metrics(), tally.metrics());
    const attempts = valuesOf(tally.metrics(), 'step_attempts_total');
    const journaled = own.filter(({ kind }) => /^step\.(completed|failed|retrying)$/.test(kind));
    t.is(
      attempts.reduce((sum, { value }) => sum + value, 0),
      journaled.length,
    );
  };
  await check(1);
  t.true(valuesOf(device.runtime.metrics(), 'step_attempts_total').length > 1);

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
  const text = metricsText([
    gauge('build_info', 'What runs.', [{ labels, value: 1 }]),
    ...statusMetrics(status),
    ...device.journal.meter.metrics(),
    ...device.runtime.metrics(),
  ]);

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

  const attempts = valuesOf(tally.metrics(), 'step_attempts_total');
  t.is(attempts.length, 1_001);
  t.is(
    attempts.reduce((sum, { value }) => sum + value, 0),
    5_000,
  );
});

test('O9 the journal counts its entries by kind, its commits, and what they took', async (t) => {
  const device = await lived();
  const kinds: Record<string, number> = {};
  for (const { kind } of await entriesOf(device)) kinds[kind] = (kinds[kind] ?? 0) + 1;
  const metrics = device.journal.meter.metrics();

  const counted = valuesOf(metrics, 'journal_appended_total');
  t.deepEqual(
    Object.fromEntries(counted.map(({ labels, value }) => [labels['kind'], value])),
    kinds,
  );
  const of = (name: string, suffix: string): number =>
    valuesOf(metrics, name).find((each) => each.suffix === suffix)?.value ?? Number.NaN;
  const total = Object.values(kinds).reduce((sum, count) => sum + count, 0);
  t.is(of('journal_commit_entries', '_sum'), total);
  t.true(of('journal_commit_seconds', '_count') >= of('journal_commit_entries', '_count'));
});

test('O9 a timer that was due while the device was off was late by that', async (t) => {
  const sleeper = workflow('sleeper', (ctx) => ctx.sleep('1h'));
  const device = new SimDevice();
  await device.start(sleeper);
  await device.begin(sleeper, null);
  device.crash();
  await device.clock.advance(7_200_000);
  await device.start(sleeper);
  await device.advance(0);

  const text = metricsText(device.runtime.metrics());
  t.true(text.includes('holdfast_timer_lateness_seconds_bucket{le="600"} 0\n'), text);
  t.true(text.includes('holdfast_timer_lateness_seconds_bucket{le="3600"} 1\n'), text);
});

test('O9 a histogram counts each value up to its bound; a failed write is none', (t) => {
  const meter = new JournalMeter();
  for (const tookMs of [1, 2, 30, 60_000]) meter.written(tookMs, true);
  meter.written(5, false);
  meter.damaged(2);
  meter.removed('bulk', 'shed', 7);
  meter.removed('normal', 'trimmed', 9);
  const text = metricsText(meter.metrics());

  for (const line of [
    'journal_commit_seconds_bucket{le="0.001"} 1',
    'journal_commit_seconds_bucket{le="0.0025"} 2',
    'journal_commit_seconds_bucket{le="0.025"} 2',
    'journal_commit_seconds_bucket{le="0.05"} 3',
    'journal_commit_seconds_bucket{le="10"} 3',
    'journal_commit_seconds_bucket{le="+Inf"} 4',
    'journal_commit_seconds_sum 60.033',
    'journal_commit_seconds_count 4',
    'journal_fsync_failures_total 1',
    'journal_damaged_total 2',
    'store_shed_entries_total{lane="bulk"} 7',
  ]) {
    t.true(text.includes(`holdfast_${line}\n`), line);
  }
  t.false(text.includes('lane="normal"'));
});

/** An uplink meter over a link of which the test says everything. */
function metered(device: SimDevice) {
  const meter = new UplinkMeter(device.clock, device.journal);
  let tell = (_event: LinkEvent): void => {};
  let changed = (): void => {};
  const view = { state: 'offline', sentThrough: [0, 0, 0] };
  const dial = meter.dial((listen) => {
    tell = listen;
    return { send: async () => {}, close: () => {} };
  });
  meter.watch({
    // Of the view, the meter looks at these two.
    state: () => view as never,
    onChange: (listener: () => void) => {
      changed = listener;
      return () => {};
    },
  });
  return {
    meter,
    dial,
    tell: (event: LinkEvent) => tell(event),
    become: (state: string) => {
      view.state = state;
      changed();
    },
    view,
  };
}

test('O9 the uplink counts attempts by what came of them, bytes, and time offline', async (t) => {
  const device = new SimDevice();
  await device.start(ending);
  const { meter, dial, tell, become, view } = metered(device);
  const link = dial(() => {});
  tell({ kind: 'down', reason: { code: 'HF_LINK_REFUSED', message: '' } });
  await device.advance(60_000);
  dial(() => {});
  tell({ kind: 'up' });
  await link.send('up', new Uint8Array(100));
  become('syncing');
  meter.heard(250);
  await device.begin(ending, { how: 'return', failures: 0 });
  await device.acknowledge();
  view.sentThrough = [0, 3, 0];
  await device.advance(30_000);
  become('stuck');
  await device.advance(5_000);
  // One that was up is no attempt any more.
  tell({ kind: 'down', reason: { code: 'HF_LINK_LOST', message: '' } });

  const text = metricsText(meter.metrics());
  for (const line of [
    'uplink_connects_total{result="HF_LINK_REFUSED"} 1',
    'uplink_connects_total{result="up"} 1',
    'uplink_offline_seconds_total 65',
    'uplink_sent_total 3',
    `uplink_acked_total ${device.journal.positions()[1].acked}`,
    'uplink_sent_bytes_total 100',
    'uplink_rejected_messages_total 0',
    'uplink_stale_messages_total 0',
    'uplink_rtt_seconds 0.25',
  ]) {
    t.true(text.includes(`holdfast_${line}\n`), `${line}\n${text}`);
  }
  t.false(text.includes('HF_LINK_LOST'));
});

test('O9 docs/reference/metrics.md has every metric, its type and its labels', async (t) => {
  const device = await lived();
  const { meter } = metered(device);
  const metrics = [
    gauge('build_info', '', [{ labels: { version: '', protocol: '', node: '' }, value: 1 }]),
    ...statusMetrics(await device.reader.status()),
    ...device.journal.meter.metrics(),
    gauge('dead_letters', '', []),
    ...meter.metrics(),
    ...device.runtime.metrics(),
  ];
  const page = readFileSync(
    new URL('../../../../docs/reference/metrics.md', import.meta.url),
    'utf8',
  );
  const rows = [...page.matchAll(/^\| `([a-z_]+)` \| (\w+) \| ([^|]*)\|/gm)];
  const documented = rows.map(([, name = '', type = '', labels = '']) => ({
    ...{ name, type },
    labels: [...labels.matchAll(/`(\w+)`/g)].map(([, label]) => label),
  }));

  const sorted = (names: readonly string[]): readonly string[] => names.toSorted();
  t.deepEqual(
    sorted(documented.map(({ name, type }) => `${name} ${type}`)),
    sorted(metrics.map(({ name, type }) => `${name} ${type}`)),
  );
  for (const { name, values } of metrics) {
    const labels = Object.keys(values[0]?.labels ?? {}).filter((label) => label !== 'le');
    const wanted = documented.find((each) => each.name === name)?.labels;
    if (values.length > 0) t.deepEqual(labels, wanted, name);
  }
});
