import test from 'ava';
import { checkDevice, checkSubjects, defaultLimits } from '@holdfast/agent/internal';
import { checkSummary } from '@holdfast/protocol';
import { ScriptedSurface } from '../../support/scripted-surface.ts';

const status = { ...(await new ScriptedSurface().status()), runs: {}, problems: [] };
const nowMs = Date.parse(status.backlog.oldestAt ?? '') + 3_600_000;
type Limits = Parameters<typeof checkDevice>[0]['limits'];

function levelWith(limits: Partial<Limits>, changes: object = {}): string {
  const asked = { status: { ...status, ...changes }, limits: { ...defaultLimits, ...limits } };
  return checkSummary(checkDevice({ ...asked, nowMs })).level;
}

const above = (critical: number) => ({ warn: critical / 2, critical });

test('a device that is offline is no reason to call anybody', (t) => {
  t.is(status.link.state, 'offline');
  t.is(levelWith({}), 'OK');
});

test('what has a limit warns above the one, and is critical above the other', (t) => {
  const { pending } = status.backlog;
  t.deepEqual(
    [pending * 2, pending * 2 - 1, pending, pending - 1].map((entries) =>
      levelWith({ entries: above(entries) }),
    ),
    ['OK', 'WARNING', 'WARNING', 'CRITICAL'],
  );
  t.is(levelWith({ ageMs: above(7_300_000) }), 'OK');
  t.is(levelWith({ ageMs: above(3_600_000) }), 'WARNING');
  t.is(levelWith({ ageMs: above(3_500_000) }), 'CRITICAL');
  t.is(levelWith({ offlineMs: above(1_000) }), 'CRITICAL');
  t.is(levelWith({ bytes: above(1_000) }), 'CRITICAL');
  t.is(levelWith({ usedPercent: above(0.1) }), 'CRITICAL');
  t.is(levelWith({ freeBytes: { warn: 10_000_000, critical: undefined } }), 'WARNING');
  const clock = { source: 'gateway', at: status.backlog.oldestAt, wallAheadMs: -5_000 };
  t.is(levelWith({ clockMs: above(4_000) }, { clock }), 'CRITICAL');
  t.is(levelWith({ clockMs: above(4_000) }), 'OK');
  t.is(levelWith({ stuckRuns: above(1) }, { runs: { stuck: 2 } }), 'CRITICAL');
});

test('a link that is stuck, a journal that refuses and an agent that is gone are critical', (t) => {
  t.is(levelWith({}, { link: { ...status.link, state: 'stuck' } }), 'CRITICAL');
  t.is(levelWith({}, { journal: { ...status.journal, state: 'full' } }), 'CRITICAL');
  t.is(levelWith({}, { agent: { ...status.agent, running: false } }), 'CRITICAL');
  t.is(levelWith({}, { runs: { stuck: 2 } }), 'WARNING');
  const problem = { code: 'HF_STORE_SALVAGED', message: 'it was damaged', hint: 'See why.' };
  t.is(levelWith({}, { problems: [problem] }), 'WARNING');
});

test('each subject looks at its own, and says what is so', (t) => {
  const sick = { ...status, runs: { stuck: 1 }, agent: { ...status.agent, running: false } };
  const all = checkDevice({ status: sick, limits: defaultLimits, nowMs });

  t.deepEqual(
    all.map(({ subject, level }) => [subject, level]),
    checkSubjects.map((subject) => [
      subject,
      { uplink: 'CRITICAL', stuck: 'WARNING' }[subject as string] ?? 'OK',
    ]),
  );
  t.is(all.find(({ subject }) => subject === 'stuck')?.text, '1 run is stuck');
  t.regex(all[0]?.text ?? '', /^1284 entries pending, the oldest for 1h$/);
  const [one, ...others] = checkDevice({ status: sick, limits: defaultLimits, nowMs }, ['clock']);
  t.deepEqual([one?.subject, one?.level, others], ['clock', 'OK', []]);
});

test('a certificate is told by what is left of it', (t) => {
  const certificate = { expiresAt: new Date(nowMs + 86_400_000).toISOString() };
  const certMs = { warn: 172_800_000, critical: 3_600_000 };
  t.is(levelWith({}, { certificate }), 'OK');
  t.is(levelWith({ certMs }, { certificate }), 'WARNING');
  t.is(
    levelWith({}, { certificate: { expiresAt: new Date(nowMs - 1).toISOString() } }),
    'CRITICAL',
  );
});
