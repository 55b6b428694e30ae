import test from 'ava';
import { checkFleet, defaultFleetLimits, devicesFilter } from '@holdfast/gateway/internal';
import { checkSummary, codeOf } from '@holdfast/protocol';

const nowMs = Date.UTC(2026, 10, 20, 12);
const ago = (ms: number): string => new Date(nowMs - ms).toISOString();
const HOUR_MS = 3_600_000;

type Device = Parameters<ReturnType<typeof devicesFilter>>[0];

function device(changes: Partial<Device>): Device {
  return {
    ...{ device: 'pump-1', state: 'synced', epoch: 1, began: { at: null, cause: null } },
    ...{ firstSeenAt: ago(9 * HOUR_MS), lastSeenAt: ago(1_000), lastAckAt: ago(2_000) },
    ...{ agentVersion: '0.1.0', entries: 10, holes: { count: 0, entries: 0, bytes: 0 } },
    ...{ lanes: [], backlog: null, clockAheadMs: null, runs: { running: 2, completed: 9 } },
    ...{ refusals: 0, refusal: null, lastCommand: 0, tags: { site: 'oslo' } },
    ...{ commandsWaiting: 0, peaks: null },
    ...changes,
  };
}

const backlog = (pending: number, ageMs: number) => ({
  ...{ pending, bytes: pending * 100, oldestAt: ago(ageMs), reportedAt: ago(1_000) },
});

const calm = {
  devices: [device({}), device({ state: 'offline', backlog: backlog(5, 8 * HOUR_MS) })],
  ...{ certUntil: ago(-400 * 24 * HOUR_MS), nowMs, lateAfterMs: undefined },
  limits: defaultFleetLimits,
};
type Look = Parameters<typeof checkFleet>[0];

function levelOf(look: Partial<Look>, limits: Partial<Look['limits']> = {}): string {
  const asked = { ...calm, ...look, limits: { ...defaultFleetLimits, ...limits } };
  return checkSummary(checkFleet(asked)).level;
}

test('devices that are offline, with a backlog, are no reason to call anybody', (t) => {
  t.is(levelOf({}), 'OK');
  t.is(
    checkSummary(checkFleet(calm)).text,
    '2 devices, 1 offline; 5 entries pending as last reported, the oldest for 8h; ' +
      'ledger up to date; authority valid for 400d',
  );
});

test('what needs a person, or is beyond its limit, is told', (t) => {
  const above = (critical: number) => ({ warn: critical / 2, critical });
  t.is(levelOf({ devices: [device({ state: 'stuck' })] }), 'WARNING');
  t.is(levelOf({ devices: [device({ state: 'conflict' })] }), 'WARNING');
  t.is(levelOf({ devices: [device({ state: 'stuck' })] }, { stuck: above(0.5) }), 'CRITICAL');
  t.is(levelOf({ devices: [device({ state: 'unknown' })] }), 'CRITICAL', 'no gateway runs');
  t.is(levelOf({}, { entries: above(4) }), 'CRITICAL');
  t.is(levelOf({}, { ageMs: above(10 * HOUR_MS) }), 'WARNING');
  t.is(levelOf({ certUntil: ago(-24 * HOUR_MS) }), 'WARNING');
  t.is(levelOf({ certUntil: ago(1) }), 'CRITICAL');
  t.is(levelOf({ certUntil: undefined }), 'OK');
});

test('late is who was not heard for longer than is said, and never else', (t) => {
  const devices = [device({ lastSeenAt: ago(2 * HOUR_MS), state: 'offline' })];
  const late = { warn: 0, critical: undefined };
  t.is(levelOf({ devices }, { late }), 'OK');
  t.is(levelOf({ devices, lateAfterMs: 3 * HOUR_MS }, { late }), 'OK');
  t.is(levelOf({ devices, lateAfterMs: HOUR_MS }, { late }), 'WARNING');
});

test('the ledger is behind by what devices with a link hold, not by those without', (t) => {
  const lagMs = { warn: HOUR_MS, critical: 2 * HOUR_MS };
  const devices = [device({ state: 'syncing', backlog: backlog(3, 90 * 60_000) })];
  t.is(levelOf({}, { lagMs }), 'OK', 'the one with eight hours is offline');
  t.is(levelOf({ devices }, { lagMs }), 'WARNING');
});

test('devices are asked for by any of what is known of them', (t) => {
  const one = device({ state: 'syncing', backlog: backlog(1_500, HOUR_MS), lastCommand: 3 });
  const yes = [
    ...['tag.site=oslo and backlog>1000', 'state=sync*', 'runs=2', 'oldest>=1h', 'seen<1m'],
    ...['bytes>100K', 'commands=3', 'device=pump-*', 'agent=0.1.*', 'refusals=0', 'ack<1m'],
  ];
  for (const query of yes) t.true(devicesFilter({ query })(one, nowMs), query);
  for (const query of ['tag.site=bergen', 'tag.line=1', 'backlog<1000', 'oldest>2h']) {
    t.false(devicesFilter({ query })(one, nowMs), query);
  }
  t.is(codeOf(t.throws(() => devicesFilter({ query: 'tags=x' }))), 'HF_QUERY_INVALID');
  t.false(devicesFilter({ late: true })(one, nowMs));
  t.true(devicesFilter({ late: '1s' })(device({ lastSeenAt: ago(5_000) }), nowMs));
});
