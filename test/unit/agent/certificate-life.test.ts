import {
  certificateProblem,
  checkDevice,
  defaultLimits,
  statusMetrics,
  statusScreen,
} from '@holdfast/agent/internal';
import test from 'ava';
import { ScriptedSurface } from '../../support/scripted-surface.ts';

const DAY_MS = 86_400_000;
const toMs = Date.parse('2036-11-20T12:00:00Z');
const tenYears = { fromMs: toMs - 3_650 * DAY_MS, toMs };

async function statusAt(nowMs: number, life = tenYears) {
  const status = await new ScriptedSurface().status();
  const found = certificateProblem(life, nowMs);
  const problems = found === undefined ? [] : [found];
  const certificate = { expiresAt: new Date(life.toMs).toISOString() };
  return { ...status, runs: {}, certificate, problems };
}

const screenAt = (nowMs: number) => ({ color: false, width: 80, nowMs: () => nowMs });

test('status says until which day a certificate is valid, and metrics until when', async (t) => {
  const nowMs = toMs - 3_600 * DAY_MS;
  const status = await statusAt(nowMs);

  t.regex(statusScreen(status, screenAt(nowMs)), /^ {2}cert {5} {2}valid until 2036-11-20, for/m);
  const [metric] = statusMetrics(status).filter(({ name }) => /certificate/.test(name));
  t.deepEqual(
    metric?.values.map(({ value }) => value),
    [toMs / 1_000],
  );
  t.deepEqual(status.problems, []);
});

test('one that was not renewed in time is a problem, with the day and what to do', async (t) => {
  for (const [nowMs, words, level] of [
    [toMs - 20 * DAY_MS, 'expires on 2036-11-20', 'WARNING'],
    [toMs + 2 * DAY_MS, 'has expired on 2036-11-20', 'CRITICAL'],
  ] as const) {
    const status = await statusAt(nowMs);
    const screen = statusScreen(status, screenAt(nowMs));

    t.regex(screen, /HF_CERTIFICATE_EXPIRES/);
    t.true(screen.replaceAll(/[\s#]+/g, ' ').includes(words));
    t.regex(screen, /holdfast enroll[\s#]+--renew/);
    const [found] = checkDevice({ status, limits: defaultLimits, nowMs }, ['cert']);
    t.is(found?.level, level);
  }
});

test('a short one is a problem only once its renewal is overdue', (t) => {
  const hour = { fromMs: toMs - 3_600_000, toMs };
  t.is(certificateProblem(hour, toMs - 1_200_000), undefined, 'renewal is due');
  t.is(certificateProblem(hour, toMs - 500_000)?.code, 'HF_CERTIFICATE_EXPIRES');
  t.is(certificateProblem(tenYears, toMs - 31 * DAY_MS), undefined);
});
