import test from 'ava';
import { workflow, type ScheduleRequest, type Workflow } from '@holdfast/agent/internal';
import { decodeEntry, type EntryOf } from '@holdfast/protocol';
import { processorMs } from '../../support/processor-time.ts';
import { SimDevice } from '../../support/sim-device.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const at = (text: string): number => Date.parse(`${text}Z`);

const quick = workflow('job', async (_ctx, input: unknown) => input);
const slow = workflow('job', (ctx) => ctx.waitFor('end'));

type Job = Workflow<unknown, unknown>;
type Options = Omit<Partial<ScheduleRequest>, 'workflow'>;

/** A device at half past ten, with one schedule. */
class Kiosk {
  readonly device = new SimDevice();
  readonly options: Options;
  readonly job: Job;

  private constructor(options: Options, job: Job) {
    this.options = options;
    this.job = job;
  }

  static async open(options: Options = {}, job: Job = quick) {
    const kiosk = new Kiosk(options, job);
    kiosk.device.clock.setWall(at('2026-03-01T10:00:30'));
    await kiosk.boot();
    return kiosk;
  }

  async boot(change: Options = {}): Promise<void> {
    await this.device.start(this.job);
    await this.add(change);
  }

  async add(change: Options = {}): Promise<void> {
    const request = { cron: '*/15 * * * *', workflow: 'job', ...this.options, ...change };
    await this.device.schedule(request);
    // The first look at what was missed comes with the next wake-up.
    await this.device.advance(1);
  }

  /** The device is off for a time. */
  async off(ms: number, change: Options = {}): Promise<void> {
    this.device.crash();
    await this.device.clock.advance(ms);
    await this.boot(change);
  }

  /** Slots of the runs that were started, in the order in which they were. */
  async fired(): Promise<string[]> {
    const { runs } = await this.device.inspector.runs({ all: true, limit: 1_000 });
    return runs
      .map(({ id }) => id.replace('job@2026-03-01T', '').replace('job@', ''))
      .map((id) => id.replace(':00.000Z', '').replace('.000Z', ''))
      .toReversed();
  }

  /** `count first last` of each note of slots that were passed over. */
  async skipped(): Promise<string[]> {
    const stored = await this.device.journal.entries('normal', 1, 1_000);
    return stored
      .map(({ bytes }) => decodeEntry(bytes))
      .filter((entry): entry is EntryOf<'schedule.skipped'> => entry.kind === 'schedule.skipped')
      .map(({ count, firstAtMs, lastAtMs }) => `${count} ${time(firstAtMs)} ${time(lastAtMs)}`);
  }
}

const time = (ms: number): string => new Date(ms).toISOString().slice(11, 16);

test('N5 each slot starts one run, named after it', async (t) => {
  const kiosk = await Kiosk.open({ input: { a: 1 } });
  await kiosk.device.advance(45 * MINUTE);

  t.deepEqual(await kiosk.fired(), ['10:15', '10:30', '10:45']);
  t.deepEqual(await kiosk.device.result('job@2026-03-01T10:15:00.000Z'), { a: 1 });
  await kiosk.device.restart(quick);
  const { schedules } = await kiosk.device.schedules.list();
  t.is(schedules[0]?.lastRun, 'job@2026-03-01T10:45:00.000Z', 'noted with its run');
  await kiosk.add();
  kiosk.device.schedules.stop('job');
  await kiosk.device.advance(DAY);
  t.is((await kiosk.fired()).length, 3);
});

test('N5 a slot whose run somebody has started by hand has had its run', async (t) => {
  const kiosk = await Kiosk.open({ input: 'by the clock' });
  const run = 'job@2026-03-01T10:15:00.000Z';
  await kiosk.device.begin(quick, 'by hand', run);
  await kiosk.device.advance(20 * MINUTE);

  t.deepEqual(await kiosk.fired(), ['10:15']);
  t.is(await kiosk.device.result(run), 'by hand');
  t.deepEqual(await kiosk.skipped(), []);
});

test('N1 of slots missed while off, the latest starts a run, the others are noted', async (t) => {
  const kiosk = await Kiosk.open();
  await kiosk.device.advance(20 * MINUTE);
  await kiosk.off(2 * HOUR);

  t.deepEqual(await kiosk.fired(), ['10:15', '12:15']);
  t.deepEqual(await kiosk.skipped(), ['7 10:30 12:00']);
  await kiosk.device.advance(10 * MINUTE);
  t.deepEqual(await kiosk.fired(), ['10:15', '12:15', '12:30']);
});

test('N1 slots missed while off are all made up for, oldest first, or none is', async (t) => {
  const all = await Kiosk.open({ missed: 'all', maxAge: '1h' });
  await all.off(2 * HOUR);
  t.deepEqual(await all.fired(), ['11:15', '11:30', '11:45', '12:00']);
  t.deepEqual(await all.skipped(), ['4 10:15 11:00']);

  const none = await Kiosk.open({ missed: 'skip' });
  await none.off(2 * HOUR + MINUTE);
  t.deepEqual(await none.fired(), []);
  t.deepEqual(await none.skipped(), ['8 10:15 12:00']);
  await none.device.advance(14 * MINUTE);
  t.deepEqual(await none.fired(), ['12:15']);
  await none.off(15 * MINUTE);
  t.deepEqual(await none.fired(), ['12:15', '12:30'], 'half a minute late is not missed');
});

test('N1 a latest slot that is too old starts no run', async (t) => {
  const kiosk = await Kiosk.open({ cron: '0 11 * * *', maxAge: '30m' });
  await kiosk.off(3 * HOUR);
  t.deepEqual(await kiosk.fired(), []);
  t.deepEqual(await kiosk.skipped(), ['1 11:00 11:00']);
});

test('N1 of a month of missed minutes the newest 256 are made up for, cheaply', async (t) => {
  const kiosk = await Kiosk.open({ cron: '* * * * *', missed: 'all' });
  kiosk.device.crash();
  await kiosk.device.clock.advance(30 * DAY);
  const startedAtMs = processorMs();
  await kiosk.boot();
  t.true(processorMs() - startedAtMs < 10_000);
  await kiosk.device.settle();

  const fired = await kiosk.fired();
  t.is(fired.length, 256);
  t.is(fired.at(-1), '2026-03-31T10:00');
  t.deepEqual(await kiosk.skipped(), [`${30 * 1_440 - 256} 10:01 05:44`]);
});

test('N2 a clock set forward, or a host that slept, misses slots in the same way', async (t) => {
  const kiosk = await Kiosk.open({ cron: '* * * * * *', input: 1 });
  await kiosk.device.advance(2 * SECOND);
  kiosk.device.clock.setWall(at('2026-03-05T07:30:00') + 500);
  const startedAtMs = processorMs();
  await kiosk.device.advance(2 * SECOND);

  t.deepEqual(await kiosk.fired(), [
    '10:00:31',
    '10:00:32',
    '2026-03-05T07:30:01',
    '2026-03-05T07:30:02',
  ]);
  // Walking each of those seconds takes minutes.
  t.true(processorMs() - startedAtMs < 15_000, 'four days of seconds block nobody');
});

test('N7 a clock set back fires no slot again, and misses none after', async (t) => {
  const kiosk = await Kiosk.open({ cron: '*/10 * * * *' });
  await kiosk.device.advance(HOUR);
  t.is((await kiosk.fired()).length, 6);
  // Also where no run is left whose id would say that its slot was there.
  await kiosk.device.acknowledge();
  await kiosk.device.advance(1);
  await kiosk.device.sweep();
  kiosk.device.clock.setWall(at('2026-03-01T10:00:00'));
  await kiosk.device.advance(30 * MINUTE);
  await kiosk.device.restart(quick);
  await kiosk.add();
  await kiosk.device.advance(60 * MINUTE);

  // The last entry of a lane stays, and so does its run.
  t.deepEqual(await kiosk.fired(), ['11:00', '11:10', '11:20', '11:30']);
});

test('a clock that says it is decades later fires nothing until it is set right', async (t) => {
  const kiosk = await Kiosk.open({ cron: '0 * * * *' });
  kiosk.device.clock.setWall(at('2038-01-19T03:13:50'));
  await kiosk.device.advance(MINUTE);
  kiosk.device.clock.setWall(at('2026-03-01T10:30:00'));
  await kiosk.device.advance(2 * HOUR);

  t.deepEqual(await kiosk.fired(), ['11:00', '12:00']);
});

test('a clock that was years ahead and is set right fires as if it never had been', async (t) => {
  const kiosk = await Kiosk.open({ cron: '0 * * * *' });
  kiosk.device.clock.setWall(at('2031-01-19T03:13:50'));
  await kiosk.device.advance(MINUTE);
  kiosk.device.clock.setWall(at('2026-03-01T10:30:00'));
  await kiosk.device.advance(2 * HOUR);

  t.deepEqual(await kiosk.fired(), ['2031-01-19T03:00', '11:00', '12:00']);
});

test('a clock set forward and back fires each slot at most once', async (t) => {
  const kiosk = await Kiosk.open({ cron: '*/5 * * * *' });
  for (let round = 0; round < 30; round += 1) {
    const byMinutes = (round % 2 === 0 ? 1 : -1) * ((round * 7) % 60);
    kiosk.device.clock.setWall(at('2026-03-01T12:00:00') + byMinutes * MINUTE);
    await kiosk.device.advance(((round * 3) % 8) * MINUTE + 17 * SECOND);
    if (round % 7 === 0) {
      await kiosk.device.restart(quick);
      await kiosk.add();
    }
  }
  kiosk.device.clock.setWall(at('2026-03-01T15:01:00'));
  await kiosk.device.advance(HOUR);

  const fired = await kiosk.fired();
  t.is(new Set(fired).size, fired.length);
  t.deepEqual(fired.slice(-13), [...minutesOf(15), '16:00']);
});

function minutesOf(hour: number): string[] {
  return Array.from({ length: 12 }, (_, i) => `${hour}:${String(i * 5).padStart(2, '0')}`);
}

test('nothing fires before the time can be believed', async (t) => {
  const kiosk = await Kiosk.open({ cron: '0 * * * *' });
  await kiosk.device.advance(90 * MINUTE);
  kiosk.device.crash();
  kiosk.device.clock.setWall(at('1970-01-01T00:30:00'));
  await kiosk.boot();
  await kiosk.device.advance(5 * HOUR);
  t.is((await kiosk.device.schedules.list()).schedules[0]?.state, 'waiting-for-time');
  const waiting = { 'waiting-for-time': 1 };
  t.deepEqual((await kiosk.device.reader.status()).schedules, waiting, 'status tells it too');
  t.deepEqual(await kiosk.fired(), ['11:00']);

  kiosk.device.clock.setWall(at('2026-03-01T13:30:00'));
  await kiosk.device.advance(31 * MINUTE);
  t.deepEqual(await kiosk.fired(), ['11:00', '13:00', '14:00']);
});

test('a clock that is behind the journal is believed once it was set', async (t) => {
  const kiosk = await Kiosk.open({ cron: '0 * * * *' });
  await kiosk.device.advance(90 * MINUTE);
  kiosk.device.crash();
  kiosk.device.clock.reboot();
  kiosk.device.clock.setWall(at('2026-03-01T08:30:00'));
  await kiosk.boot();
  await kiosk.device.advance(HOUR);
  t.deepEqual(await kiosk.fired(), ['11:00']);

  kiosk.device.clock.setWall(at('2026-03-01T10:30:00'));
  await kiosk.device.advance(2 * HOUR);
  t.deepEqual(await kiosk.fired(), ['11:00', '12:00'], '11:00 had its turn');
});

test('N5 killed at any commit, each slot has exactly one run', async (t) => {
  const undisturbed = await Kiosk.open({ missed: 'all', overlap: 'buffer-all' });
  const first = undisturbed.device.store.writes;
  await undisturbed.device.advance(HOUR);
  const commits = undisturbed.device.store.writes - first;
  const expected = await undisturbed.fired();
  t.true(commits >= 8, `${commits} commits`);

  for (let kill = 1; kill <= commits; kill += 1) {
    for (const outcome of ['lost', 'kept'] as const) {
      const kiosk = await Kiosk.open({ missed: 'all', overlap: 'buffer-all' });
      kiosk.device.store.failWriteNumber(kiosk.device.store.writes + kill, outcome);
      await kiosk.device.advance(HOUR);
      await kiosk.device.restart(quick);
      await kiosk.add();
      await kiosk.device.settle();
      t.deepEqual(await kiosk.fired(), expected, `killed at commit ${kill}, ${outcome}`);
      t.deepEqual(kiosk.device.runtime.counts(), { completed: expected.length });
    }
  }
});

test('N5 killed while it makes up for missed slots, each has exactly one run', async (t) => {
  const missedHour = async (kill: number, outcome: 'lost' | 'kept') => {
    const kiosk = await Kiosk.open({ missed: 'all' });
    kiosk.device.crash();
    await kiosk.device.clock.advance(HOUR);
    await kiosk.device.start(quick);
    const before = kiosk.device.store.writes;
    if (kill > 0) kiosk.device.store.failWriteNumber(before + kill, outcome);
    // The first commit is that of the schedule itself.
    await kiosk.add().catch(() => undefined);
    const commits = kiosk.device.store.writes - before;
    await kiosk.off(30 * MINUTE);
    return { fired: await kiosk.fired(), commits };
  };
  const { fired, commits } = await missedHour(0, 'lost');
  t.deepEqual(fired, ['10:15', '10:30', '10:45', '11:00', '11:15', '11:30']);
  t.true(commits >= 5, `${commits} commits`);

  for (let kill = 1; kill <= commits; kill += 1) {
    for (const outcome of ['lost', 'kept'] as const) {
      const killed = await missedHour(kill, outcome);
      t.deepEqual(killed.fired, fired, `killed at commit ${kill}, ${outcome}`);
    }
  }
});

test('N3 while a run is at work, a slot runs beside it, or is passed over', async (t) => {
  const allow = await Kiosk.open({ overlap: 'allow' }, slow);
  await allow.device.advance(45 * MINUTE);
  t.is(allow.device.runtime.counts()['waiting-signal'], 3);

  const skip = await Kiosk.open({ overlap: 'skip' }, slow);
  await skip.device.advance(45 * MINUTE);
  t.deepEqual(await skip.fired(), ['10:15']);
  t.deepEqual(await skip.skipped(), ['1 10:30 10:30', '1 10:45 10:45']);
  await skip.device.signal('end', null, { run: 'job@2026-03-01T10:15:00.000Z' });
  await skip.device.advance(15 * MINUTE);
  t.deepEqual(await skip.fired(), ['10:15', '11:00']);
});

test('N3 slots wait for the run that is at work, across restarts', async (t) => {
  for (const [overlap, after] of [
    ['buffer-one', ['10:15', '10:30']],
    ['buffer-all', ['10:15', '10:30', '10:45', '11:00']],
  ] as const) {
    const kiosk = await Kiosk.open({ overlap }, slow);
    await kiosk.device.advance(35 * MINUTE);
    await kiosk.device.restart(slow);
    await kiosk.add();
    await kiosk.device.advance(25 * MINUTE);
    t.deepEqual(await kiosk.fired(), ['10:15']);
    for (const slot of after) {
      await kiosk.device.signal('end', null, { run: `job@2026-03-01T${slot}:00.000Z` });
      await kiosk.device.settle();
    }
    t.deepEqual(await kiosk.fired(), after, overlap);
    const skipped = overlap === 'buffer-one' ? ['1 10:45 10:45', '1 11:00 11:00'] : [];
    t.deepEqual(await kiosk.skipped(), skipped);
  }
});

test('N3 a slot cancels the run at work and waits for its end, or ends it at once', async (t) => {
  const tidy = workflow('job', async (ctx) => {
    try {
      await ctx.waitFor('end');
    } finally {
      await ctx.shielded((inner) => inner.sleep('5m'));
    }
  });
  const cancel = await Kiosk.open({ overlap: 'cancel' }, tidy);
  await cancel.device.advance(31 * MINUTE);
  t.deepEqual(await cancel.fired(), ['10:15'], 'it cleans up');
  await cancel.device.advance(5 * MINUTE);
  t.deepEqual(await cancel.fired(), ['10:15', '10:30']);
  t.is(await cancel.device.state('job@2026-03-01T10:15:00.000Z'), 'cancelled');

  const terminate = await Kiosk.open({ overlap: 'terminate' }, tidy);
  await terminate.device.advance(31 * MINUTE);
  t.deepEqual(await terminate.fired(), ['10:15', '10:30']);
  t.is(await terminate.device.state('job@2026-03-01T10:15:00.000Z'), 'cancelled');
});

test('N6 a paused schedule stays so over restarts; what comes then is passed over', async (t) => {
  const kiosk = await Kiosk.open({ missed: 'all' });
  await kiosk.device.schedules.pause('job');
  await kiosk.device.advance(20 * MINUTE);
  await kiosk.off(20 * MINUTE);
  t.is((await kiosk.device.schedules.list()).schedules[0]?.state, 'paused');
  t.deepEqual(await kiosk.fired(), []);

  await kiosk.device.schedules.resume('job');
  await kiosk.device.advance(10 * MINUTE);
  t.deepEqual(await kiosk.fired(), ['10:45']);
  t.deepEqual(await kiosk.skipped(), ['2 10:15 10:30']);
});

test('N6 a run is triggered at any time, unless it would overlap', async (t) => {
  const kiosk = await Kiosk.open({ overlap: 'skip' }, slow);
  const id = await kiosk.device.schedules.trigger('job');
  await kiosk.device.settle();
  t.is(await kiosk.device.state(id), 'waiting-signal');
  await t.throwsAsync(kiosk.device.schedules.trigger('job'), { code: 'HF_SCHEDULE_OVERLAP' });
  await kiosk.device.advance(15 * MINUTE);
  t.deepEqual(await kiosk.skipped(), ['1 10:15 10:15']);
  await t.throwsAsync(kiosk.device.schedules.trigger('other'), { code: 'HF_SCHEDULE_UNKNOWN' });
});

test('N6 a new expression counts from now on; the old one judges what was missed', async (t) => {
  const kiosk = await Kiosk.open({ cron: '0 * * * *' });
  await kiosk.off(2 * HOUR + 15 * MINUTE, { cron: '10,30,50 * * * *' });
  t.deepEqual(await kiosk.fired(), ['12:00']);
  t.deepEqual(await kiosk.skipped(), ['1 11:00 11:00']);
  await kiosk.device.advance(41 * MINUTE);
  t.deepEqual(await kiosk.fired(), ['12:00', '12:30', '12:50']);
});

test('N6 jitter delays all runs of a device by the same part of it', async (t) => {
  const kiosk = await Kiosk.open({ jitter: '10m' });
  await kiosk.device.advance(HOUR);
  await kiosk.device.restart(quick);
  await kiosk.add();
  await kiosk.device.advance(HOUR);
  const { runs } = await kiosk.device.inspector.runs({ all: true, limit: 10 });
  const delays = runs.map(({ id, startedAt }) => Date.parse(startedAt) - Date.parse(id.slice(4)));

  t.is(new Set(delays).size, 1, String(delays));
  t.true((delays[0] ?? 0) > 0 && (delays[0] ?? 0) < 10 * MINUTE);
});

test('what is wrong with a schedule is said before anything is changed', async (t) => {
  const kiosk = await Kiosk.open();
  const wrong: readonly (readonly [string, Partial<ScheduleRequest>])[] = [
    ['HF_SCHEDULE_DUPLICATE', {}],
    ['HF_CRON_INVALID', { id: 'a', cron: 'soon' }],
    ['HF_CRON_INVALID', { id: 'a', timezone: 'Mars/Olympus' }],
    ['HF_NAME_INVALID', { id: 'x'.repeat(91) }],
    ['HF_WORKFLOW_UNKNOWN', { id: 'a', workflow: 'nobody' }],
    ['HF_DURATION_INVALID', { id: 'a', maxAge: 'long' }],
    ['HF_CONFIG_INVALID', { id: 'a', missed: 'never' as 'skip' }],
    ['HF_CONFIG_INVALID', { id: 'a', overlap: 'maybe' as 'skip' }],
    ['HF_VALUE_UNSUPPORTED', { id: 'a', input: () => 1 }],
  ];
  const { writes } = kiosk.device.store;
  for (const [code, change] of wrong) {
    const request = { cron: '* * * * *', workflow: 'job', ...change };
    await t.throwsAsync(kiosk.device.schedules.add(request), { code }, JSON.stringify(change));
  }
  t.is(kiosk.device.store.writes, writes);
});
