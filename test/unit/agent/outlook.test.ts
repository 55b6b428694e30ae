import test from 'ava';
import {
  catchUpMs,
  fullInMs,
  openBrokerMemory,
  statusScreen,
  UsualRate,
  type Draining,
  type Filling,
} from '@holdfast/agent/internal';
import { ScriptedSurface } from '../../support/scripted-surface.ts';
import { SimDevice } from '../../support/sim-device.ts';
import { tempDir } from '../../support/temp-dir.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

const offline: Draining = { state: 'offline', pending: 1_284, usualPerS: 180 };
const syncing: Draining = { ...offline, state: 'syncing' };
const rates = { overMs: 30_000, inPerS: 2, outPerS: 12 };

const drains: readonly (readonly [why: string, of: Draining, ms: number | null])[] = [
  ['offline, by the usual rate', { ...offline, rates }, 7_133],
  ['of one entry', { ...offline, pending: 1 }, 6],
  ['while it connects', { ...offline, state: 'connecting' }, 7_133],
  ['by the rates of now', { ...syncing, rates }, 128_400],
  ['before there are any', { ...syncing, rates: { ...rates, overMs: 900 } }, 7_133],
  ['before anything of it came', { ...syncing, rates: { ...rates, outPerS: 0 } }, 7_133],
  ['never: as much comes', { ...syncing, rates: { ...rates, inPerS: 12 } }, null],
  ['never: more comes', { ...syncing, rates: { ...rates, inPerS: 13 } }, null],
  ['for longer than counts', { ...offline, pending: 9e9, usualPerS: 1e-6 }, 2 ** 53 - 1],
  ['when nothing is pending', { ...offline, pending: 0 }, null],
  ['at an unknown rate', { ...offline, usualPerS: null }, null],
  ['at an unknown rate, by the rates of now', { ...syncing, usualPerS: null, rates }, 128_400],
  ['of one that is stuck', { ...offline, state: 'stuck' }, null],
  ['without a gateway', { ...offline, state: 'none' }, null],
  ['of an agent that does not run', { ...offline, state: 'stopped' }, null],
];

for (const [why, of, ms] of drains) {
  test(`the connection that it takes to catch up: ${why}`, (t) => t.is(catchUpMs(of), ms));
}

const nowMs = 1_000 * DAY_MS;
/** Of 1 MiB and its rows in a day. */
const filling: Filling = {
  ...{ state: 'offline', nowMs, oldestAtMs: nowMs - DAY_MS },
  ...{ pending: 1_024, bytes: 1_024 * (1_024 - 80), roomBytes: 38 * 1_024 * 1_024 },
};

const fills: readonly (readonly [why: string, of: Filling, ms: number | null])[] = [
  ['at the rate since the oldest entry', filling, 38 * DAY_MS],
  ['while it connects, too', { ...filling, state: 'connecting' }, 38 * DAY_MS],
  ['while it is stuck, too', { ...filling, state: 'stuck' }, 38 * DAY_MS],
  ['of one entry', { ...filling, pending: 1, bytes: 944 }, 38 * 1_024 * DAY_MS],
  ['for longer than counts', { ...filling, pending: 1, bytes: 1, roomBytes: 1e15 }, 2 ** 53 - 1],
  ['after too short a time', { ...filling, oldestAtMs: nowMs - 599_999 }, null],
  ['of what is of the future', { ...filling, oldestAtMs: nowMs + DAY_MS }, null],
  ['when nothing is pending', { ...filling, oldestAtMs: null, pending: 0, bytes: 0 }, null],
  ['of a budget that is not known', { ...filling, roomBytes: null }, null],
  ['of one that is full', { ...filling, roomBytes: -1 }, null],
  ['while it drains', { ...filling, state: 'syncing' }, null],
  ['without a gateway, where old entries go', { ...filling, state: 'none' }, null],
];

for (const [why, of, ms] of fills) {
  test(`when the space is used up: ${why}`, (t) => t.is(fullInMs(of), ms));
}

async function shown(
  link: 'offline' | 'syncing',
  backlog: { readonly usualPerS: number | null; readonly catchUpMs: number | null },
  full: number | null = null,
): Promise<string> {
  const surface = new ScriptedSurface();
  surface.link = { ...surface.link, state: link };
  const status = await surface.status();
  const told = {
    ...status,
    backlog: { ...status.backlog, ...backlog },
    journal: { ...status.journal, fullInMs: full },
  };
  return statusScreen(told, { color: false, width: undefined, nowMs: () => Date.now() });
}

test('offline, status says how much connection it will need, where that is known', async (t) => {
  const sentence = async (usualPerS: number | null, catchUp: number | null) =>
    /^ {2}At the usual .*$/m.exec(await shown('offline', { usualPerS, catchUpMs: catchUp }))?.[0];

  const whole = '  At the usual 180 entries/s it will need about 7 s of connection to catch up.';
  t.is(await sentence(180.2, 7_133), whole);
  t.regex((await sentence(1, 90_000)) ?? '', /usual 1 entry\/s it will need about 1m 30s of/);
  t.regex((await sentence(0.012, 900)) ?? '', /usual 0\.012 entries\/s .* less than a second of/);
  t.regex((await sentence(12_345, 20.4 * DAY_MS)) ?? '', /usual 12,345 entries\/s .* about 20d of/);
  t.regex((await sentence(9.96, 366 * DAY_MS)) ?? '', /usual 10 entries\/s .* more than a year of/);
  t.is(await sentence(null, null), undefined);
  t.is(await sentence(180, null), undefined);
});

test('while it drains, status says when it will be synced, where that is known', async (t) => {
  const known = await shown('syncing', { usualPerS: null, catchUpMs: 5_000 });
  t.regex(known, /^ {2}It will be synced in about 5 s\.$/m);
  t.notRegex(known, /At the usual/);
  t.notRegex(await shown('syncing', { usualPerS: 180, catchUpMs: null }), /synced in|usual/);
});

test('status says when the space is used up, where that is known', async (t) => {
  const none = { usualPerS: null, catchUpMs: null };
  const space = async (full: number | null) =>
    /^ {2}space +(.*), files/m.exec(await shown('offline', none, full))?.[1];

  t.is(await space(38.4 * DAY_MS), '2.0 KiB of 976.6 KiB, full in about 38d at this rate');
  t.is(await space(3.25 * DAY_MS), '2.0 KiB of 976.6 KiB, full in about 3d 6h at this rate');
  t.regex((await space(1e15)) ?? '', /full in more than a year at this rate$/);
  t.is(await space(null), '2.0 KiB of 976.6 KiB');
});

/** A journal of which the test says how far it is. */
function drained() {
  const told: number[] = [];
  const state = { head: 1_000, acked: 100, holes: 0, nowMs: 0 };
  let commit = (): void => {};
  const usual = new UsualRate(
    {
      positions: () => {
        const hash = new Uint8Array();
        const empty = { head: 0, acked: 0, headHash: hash, ackedHash: hash };
        return [empty, { ...empty, head: state.head, acked: state.acked }, empty];
      },
      backlogEntries: (lane) => (lane === 'normal' ? state.head - state.acked - state.holes : 0),
      onCommit: (listener) => {
        commit = listener;
        return () => {};
      },
    },
    { monoMs: () => state.nowMs },
    { entriesPerS: () => told.at(-1), drained: (perS) => void told.push(perS) },
  );
  /** Changes it after so long. */
  const after = (ms: number, change: Partial<typeof state>): void => {
    Object.assign(state, change, { nowMs: state.nowMs + ms });
    commit();
  };
  return { usual, told, after };
}

test('the usual rate is that of the last backlog, from the connection to its end', (t) => {
  const { usual, told, after } = drained();
  after(60_000, { head: 1_100 });
  usual.linked(true);
  after(2_000, { acked: 600 });
  usual.linked(true);
  t.deepEqual(told, [], 'it goes on');
  after(3_000, { acked: 1_100 });
  t.deepEqual(told, [200]);

  after(60_000, { head: 1_101 });
  after(10, { acked: 1_101 });
  after(60_000, { head: 1_200 });
  after(10, { acked: 1_200 });
  usual.linked(false);
  t.deepEqual(told, [200], 'what is journaled while there is a link is no backlog');
});

test('of a connection that ends early, the usual rate is that until its last ack', (t) => {
  const { usual, told, after } = drained();
  usual.linked(true);
  after(1_000, { acked: 150 });
  after(4_000, { head: 1_010, acked: 200 });
  after(60_000, { head: 1_020 });
  usual.linked(false);
  t.deepEqual(told, [20]);

  usual.linked(true);
  after(1_000, { acked: 231 });
  usual.linked(false);
  t.deepEqual(told, [20], 'too few tell nothing');
});

test('what is declared as a hole makes no usual rate, and few entries make none', (t) => {
  const { usual, told, after } = drained();
  after(0, { holes: 890 });
  usual.linked(true);
  after(10, { acked: 1_000, holes: 0 });
  usual.linked(false);
  after(0, { head: 1_040, holes: 9 });
  usual.linked(true);
  after(10, { acked: 1_040, holes: 0 });
  t.deepEqual(told, []);
});

test('the usual rate outlives the agent, and the outage, but not the address', async (t) => {
  const [dir, address] = [await tempDir(t), 'mqtt://somewhere'];
  let at = 1_000 * HOUR_MS;
  const open = (to = address) => openBrokerMemory(dir, to, () => at);
  const broker = open();
  t.is(broker.entriesPerS(), undefined);
  broker.save({ fits: 9_000, fails: 12_000 });
  at += HOUR_MS;
  broker.drained(180.25);
  broker.drained(90);

  t.is(broker.entriesPerS(), 90);
  t.is(open().entriesPerS(), 180.25, 'the disk is spared');
  t.is(open('mqtt://elsewhere').entriesPerS(), undefined);
  at += 2 * HOUR_MS;
  broker.drained(160);
  t.is(open().entriesPerS(), 180.25, 'what is near is not written');
  broker.drained(40);
  t.is(open().entriesPerS(), 40);
  t.truthy(open().load());
  at += 165 * HOUR_MS;
  t.is(open().load(), undefined, 'the rest is no younger for it');
  t.is(open().entriesPerS(), 40);
});

test('a status has nothing to say of a rate where nothing is known', async (t) => {
  const device = new SimDevice();
  await device.start();

  const { backlog, journal } = await device.reader.status();

  t.like(backlog, { usualPerS: null, catchUpMs: null });
  t.is(journal.fullInMs, null);
});
