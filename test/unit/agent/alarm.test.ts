import test from 'ava';
import { alarmsOf, levelOf, type Limits } from '@holdfast/agent/internal';
import { ScriptedSurface } from '../../support/scripted-surface.ts';

const status = { ...(await new ScriptedSurface().status()), runs: {}, problems: [] };
const nowMs = Date.parse(status.backlog.oldestAt ?? '') + 3_600_000;
const none: Limits = { entriesMax: undefined, ageMsMax: undefined, offlineMsMax: undefined };

function levelWith(limits: Partial<Limits>, changes: object = {}): string {
  return levelOf(alarmsOf({ ...status, ...changes }, { ...none, ...limits }, nowMs));
}

test('a device that is offline is no reason to call anybody', (t) => {
  t.is(status.link.state, 'offline');
  t.is(levelWith({}), 'OK');
});

test('what is limited warns above half of its limit, and is critical above it', (t) => {
  const { pending } = status.backlog;
  t.deepEqual(
    [pending * 2, pending * 2 - 1, pending, pending - 1].map((entriesMax) =>
      levelWith({ entriesMax }),
    ),
    ['OK', 'WARNING', 'WARNING', 'CRITICAL'],
  );
  t.is(levelWith({ ageMsMax: 7_300_000 }), 'OK');
  t.is(levelWith({ ageMsMax: 3_600_000 }), 'WARNING');
  t.is(levelWith({ ageMsMax: 3_599_999 }), 'CRITICAL');
  t.is(levelWith({ offlineMsMax: 1_000 }), 'CRITICAL');
});

test('a link that is stuck, a journal that refuses and an agent that is gone are critical', (t) => {
  t.is(levelWith({}, { link: { ...status.link, state: 'stuck' } }), 'CRITICAL');
  t.is(levelWith({}, { journal: { ...status.journal, state: 'full' } }), 'CRITICAL');
  t.is(levelWith({}, { agent: { ...status.agent, running: false } }), 'CRITICAL');
  t.is(levelWith({}, { runs: { stuck: 2 } }), 'WARNING');
  const told = [1, 2].map((stuck) => alarmsOf({ ...status, runs: { stuck } }, none, nowMs)[0]);
  t.deepEqual([told[0]?.text, told[1]?.text], ['1 run is stuck', '2 runs are stuck']);
});
