import { join } from 'node:path';
import {
  BacklogHistory,
  createFleet,
  openLevelLedger,
  sha256,
  type DeviceLive,
  type Ledger,
} from '@holdfast/gateway/internal';
import type { Report } from '@holdfast/protocol';
import test, { type ExecutionContext } from 'ava';
import { checkoutEntries, ingestAll } from '../../support/journaled.ts';
import { tempDir } from '../../support/temp-dir.ts';
import { noWebhooks } from '../../support/no-webhooks.ts';

const NOW_MS = Date.parse('2026-03-01T13:00:00Z');
const clock = { nowMs: () => NOW_MS };

/** A real ledger with the three entries of one checkout of `pump-1`. */
async function ledgerOf(t: ExecutionContext, atMs?: number): Promise<Ledger> {
  const ledger = await openLevelLedger(join(await tempDir(t), 'ledger'), { sha256, isNew: true });
  t.teardown(() => ledger.close());
  const { urgent, normal, bulk } = checkoutEntries('order-1');
  const late = normal.map((entry) => (atMs === undefined ? entry : { ...entry, atMs }));
  await ingestAll(ledger, 'pump-1', { urgent, normal: late, bulk });
  return ledger;
}

const idle = { head: 0, acked: 0, backlogBytes: 0, oldestAtMs: 0 };

function reportOf(normal: Partial<typeof idle>): Report {
  const lanes = [{ ...idle, head: 1, acked: 1 }, { ...idle, ...normal }, idle] as const;
  const runs = [{ state: 'waiting-call', count: 1 }];
  return { epoch: 1, atMs: NOW_MS, agentVersion: '0.1.0', lanes, runs, boot: 1, monoMs: 1 };
}

function liveOf(more: Partial<DeviceLive>): DeviceLive {
  return {
    device: 'pump-1',
    state: 'offline',
    lastSeenAtMs: NOW_MS - 60_000,
    lastAckAtMs: undefined,
    reported: undefined,
    reportedAtMs: undefined,
    pending: 0,
    arrived: 0,
    clockAheadMs: undefined,
    refusals: 0,
    refusal: undefined,
    ...more,
  };
}

const parts = { sha256, webhooks: noWebhooks };
const rekeyed = (): void => {};
const issued = (): void => {};
const history = new BacklogHistory(NOW_MS);
const still = { history, rekeyed, issued, wake: () => {}, services: () => [] };

test('a backlog is what was reported, less what has arrived, and when', async (t) => {
  const reported = reportOf({ head: 9, acked: 0, backlogBytes: 700, oldestAtMs: NOW_MS - 3e6 });
  const live = [liveOf({ reported, reportedAtMs: NOW_MS - 90_000 })];
  const running = { live: () => live, unhandled: () => [], ...still };
  const fleet = createFleet({ ...parts, ledger: await ledgerOf(t), clock, running });

  const view = await fleet.device('pump-1');

  t.like(view, { state: 'offline', entries: 3, runs: { 'waiting-call': 1 }, lastAckAt: null });
  t.deepEqual(view.backlog, {
    pending: 7,
    bytes: 700,
    oldestAt: '2026-03-01T12:10:00.000Z',
    reportedAt: '2026-03-01T12:58:30.000Z',
  });
});

test('of a device that has not reported no backlog is claimed', async (t) => {
  const running = { live: () => [liveOf({ state: 'new' })], unhandled: () => [], ...still };
  const ledger = await ledgerOf(t);

  const [heard, unheard, stopped] = await Promise.all([
    createFleet({ ...parts, ledger, clock, running }).device('pump-1'),
    createFleet({ ...parts, ledger, clock, running: { ...running, live: () => [] } }).device(
      'pump-1',
    ),
    createFleet({ ...parts, ledger, clock }).device('pump-1'),
  ]);

  t.like(heard, { state: 'new', backlog: null });
  t.like(unheard, { state: 'offline', backlog: null });
  t.like(stopped, { state: 'unknown', backlog: null });
});

test('a page of devices begins with those that need somebody, and tells of all', async (t) => {
  const ledger = await ledgerOf(t);
  for (const device of ['pump-2', 'pump-3', 'till-1']) {
    await ingestAll(ledger, device, checkoutEntries(`of-${device}`));
  }
  const reported = reportOf({ head: 9, acked: 0 });
  const live = [
    liveOf({ device: 'pump-1', state: 'synced' }),
    liveOf({ device: 'pump-2', state: 'stuck', reported, reportedAtMs: NOW_MS, pending: 7 }),
    liveOf({ device: 'pump-3', state: 'offline' }),
    liveOf({ device: 'till-1', state: 'conflict' }),
  ];
  const running = { live: () => live, unhandled: () => [], ...still };
  const fleet = createFleet({ ...parts, ledger, clock, running });
  const ids = async (query: Parameters<typeof fleet.devices>[0]) =>
    (await fleet.devices(query)).devices.map(({ device }) => device);

  t.deepEqual(await ids({ order: 'attention', limit: 9 }), [
    'till-1',
    'pump-2',
    'pump-3',
    'pump-1',
  ]);
  t.deepEqual(await ids({ search: 'pump', order: 'attention', limit: 1 }), ['pump-2']);
  t.deepEqual(await ids({ limit: 2 }), ['pump-1', 'pump-2']);
  const { summary, next } = await fleet.devices({ search: 'pump', state: ['stuck'], limit: 1 });
  t.is(next, null);
  t.deepEqual(summary, {
    ...{ devices: 4, pending: 7 },
    states: { conflict: 1, stuck: 1, offline: 1, synced: 1 },
    versions: { '0.1.0': 1 },
  });
});

test('what needs a person is among the problems, with its hint', async (t) => {
  const refusal = { code: 'HF_IDENTITY_CONFLICT', why: 'two agents greet in turn' };
  const live = [liveOf({ state: 'conflict', refusal, refusals: 4 })];
  const unhandled = () => [{ service: 'mail.send', calls: 2, oldestAtMs: NOW_MS }];
  const running = { live: () => live, unhandled, ...still };
  const fleet = createFleet({ ...parts, ledger: await ledgerOf(t), clock, running });

  const { problems, devices } = await fleet.devices({ limit: 9 });

  t.like(devices[0], { refusals: 4, refusal });
  t.deepEqual(
    problems.map(({ code }) => code),
    ['HF_IDENTITY_CONFLICT', 'HF_CALL_UNHANDLED'],
  );
  t.regex(problems[1]?.message ?? '', /2 calls wait for mail.send/);
  t.true(problems.every(({ hint }) => hint !== ''));
});

test('what a device was told is told, newest first, and that it waits for one away', async (t) => {
  const live = [liveOf({ device: 'pump-1' })];
  const running = { live: () => live, unhandled: () => [], ...still };
  const ledger = await ledgerOf(t);
  const fleet = createFleet({ ...parts, ledger, clock, running });
  const [to, by] = [{ device: 'pump-1' }, 'ola'];
  const expiresAt = '2026-03-02T13:00:00.000Z';
  await fleet.issue({ id: 'c-1', kind: 'run.retry', to, run: 'order-1', expiresAt, by });
  const set = { name: 'report.every', payload: { minutes: 15 }, expiresAt: null, by };
  await fleet.issue({ id: 'c-2', kind: 'config.set', to, ...set });

  const { commands } = await fleet.deviceCommands({ device: 'pump-1', limit: 9 });
  const { devices } = await fleet.commandDevices({ id: 'c-1', limit: 9 });
  const view = await fleet.device('pump-1');

  t.like(commands[0], { id: 'c-2', number: 2, run: null, ...set, outcome: 'waiting' });
  t.like(commands[1], { id: 'c-1', kind: 'run.retry', run: 'order-1', expiresAt });
  t.is(commands.length, 2);
  const { commands: newest } = await fleet.deviceCommands({ device: 'pump-1', limit: 1 });
  t.deepEqual(newest.map(({ id }) => id), ['c-2']);
  const offlineSince = '2026-03-01T12:59:00.000Z';
  t.like(devices[0], { device: 'pump-1', offlineSince });
  t.is((await fleet.command('c-1')).offlineSince, offlineSince);
  t.is(view.commandsWaiting, 2);
  live[0] = liveOf({ state: 'synced' });
  t.is((await fleet.command('c-1')).offlineSince, null);
  await t.throwsAsync(fleet.deviceCommands({ device: 'nobody', limit: 9 }), {
    code: 'HF_DEVICE_UNKNOWN',
  });
});

test('peaks of a day are told to who asks for them, and how far lanes were reported', async (t) => {
  const reported = reportOf({ head: 9, acked: 2 });
  const live = [liveOf({ state: 'syncing', reported, reportedAtMs: NOW_MS, pending: 7 })];
  const seen = new BacklogHistory(NOW_MS - 60_000);
  seen.look(live, NOW_MS - 60_000);
  const running = { ...still, live: () => live, unhandled: () => [], history: seen };
  const fleet = createFleet({ ...parts, ledger: await ledgerOf(t), clock, running });

  const [plain] = (await fleet.devices({ limit: 9 })).devices;
  const [asked] = (await fleet.devices({ limit: 9, peaks: true })).devices;

  t.is(plain?.peaks, null);
  t.is(asked?.peaks?.length, 24);
  t.is(asked?.peaks?.at(-1), 7);
  t.like(asked?.lanes[1], { lane: 'normal', head: 9, acked: 2 });
});

test('runs in a state are asked for alone, no more of them than are shown', async (t) => {
  const ledger = await ledgerOf(t);
  const asked: Parameters<Ledger['runs']>[0][] = [];
  const runs = ledger.runs.bind(ledger);
  const counted = Object.assign(ledger, {
    runs: (query: Parameters<Ledger['runs']>[0]) => {
      asked.push(query);
      return runs(query);
    },
  });
  const fleet = createFleet({ ...parts, ledger: counted, clock });

  const waiting = await fleet.runs({ state: ['waiting-call', 'stuck'], limit: 5 });
  const none = await fleet.runs({ state: ['stuck', 'failed'], limit: 5 });

  t.is(waiting.runs.length, 1);
  t.deepEqual([none.runs, none.next], [[], null], 'none is like this, however many there are');
  t.deepEqual(
    asked.map(({ states, limit }) => [states, limit]),
    [
      [['waiting-call', 'stuck'], 6],
      [['stuck', 'failed'], 6],
    ],
  );
});

test('a time beyond all calendars is shown as that of the arrival, and flagged', async (t) => {
  const ledger = await ledgerOf(t, Number.MAX_SAFE_INTEGER);
  const fleet = createFleet({ ...parts, ledger, clock });

  const { entries } = await fleet.entries({ device: 'pump-1', lane: 'normal', limit: 9 });
  const { runs } = await fleet.runs({ limit: 9 });

  const shown = entries.map(({ seq, at, clock: flag, deviceAt }) => [seq, at, flag, deviceAt]);
  const [one] = entries;
  t.deepEqual(shown, [
    [1, one?.receivedAt, 'unsynced', null],
    [2, one?.receivedAt, 'unsynced', null],
  ]);
  t.is(runs.length, 1);
});

test('nothing is told of a device that never came', async (t) => {
  const fleet = createFleet({ ...parts, ledger: await ledgerOf(t), clock });

  await t.throwsAsync(fleet.device('pump-9'), { code: 'HF_DEVICE_UNKNOWN' });
  await t.throwsAsync(fleet.runs({ device: 'pump-9', limit: 1 }), { code: 'HF_DEVICE_UNKNOWN' });
  const query = { device: 'pump-9', limit: 1 };
  await t.throwsAsync(fleet.entries(query), { code: 'HF_DEVICE_UNKNOWN' });
});
