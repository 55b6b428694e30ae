import test from 'ava';
import type * as Words from '../../../gateway/web/command-words.js';
import type * as Csv from '../../../gateway/web/fleet-csv.js';
import { pageModule } from '../../support/pages/page-module.ts';

const { csvOf } = await pageModule<typeof Csv>('gateway/web/fleet-csv.ts');
const { outcomeWords, progressWords } = await pageModule<typeof Words>(
  'gateway/web/command-words.ts',
);

type Device = Parameters<typeof csvOf>[0][number];
type Progress = Parameters<typeof progressWords>[0];

/** Of a device, what a line of the table is made of. */
function device(more: Partial<Device>): Device {
  const shown = { device: 'pump-1', state: 'synced', backlog: null, lastSeenAt: null, runs: null };
  const rest = { commandsWaiting: 0, clockAheadMs: null, agentVersion: null, epoch: 1, tags: {} };
  return { ...shown, ...rest, ...more } as Partial<Device> as Device;
}

test('a device is a line, and a spreadsheet takes nothing of it for a formula', (t) => {
  const [titles, first, second, ...rest] = csvOf([
    device({ runs: { running: 2, completed: 7, stuck: 1 }, clockAheadMs: -400 }),
    device({
      ...{ device: '-pump', agentVersion: '=cmd|calc', tags: { site: 'Oslo, "Øst"', a: '1' } },
      backlog: { pending: 7, bytes: 90, oldestAt: null, reportedAt: '2026-03-01T12:00:00Z' },
    }),
  ]).split('\r\n');
  t.regex(titles ?? '', /^device,state,pending,bytes,.+,tags$/);
  t.is(first, 'pump-1,synced,,,,,,3,0,-400,,1,');
  const tags = '"site=Oslo, ""Øst"" a=1"';
  t.is(second, `'-pump,synced,7,90,,2026-03-01T12:00:00Z,,,0,,'=cmd|calc,1,${tags}`);
  t.deepEqual(rest, ['']);
});

test('of a command that waits it is said whether its device is there', (t) => {
  const since = new Date(Date.now() - 41 * 60_000).toISOString();
  t.is(outcomeWords('waiting', since), 'queued, device offline 41m');
  t.is(outcomeWords('waiting', null), 'queued');
  t.is(outcomeWords('rejected', since), 'rejected');
  const of = (devices: Partial<Progress['devices']>, offlineSince: string | null = null) => {
    const none = { issued: 0, waiting: 0, applied: 0, expired: 0, rejected: 0 };
    const progress: Partial<Progress> = { devices: { ...none, ...devices }, offlineSince };
    return progressWords(progress as Progress);
  };
  t.is(of({ issued: 1, waiting: 1 }, since), 'queued, device offline 41m');
  t.is(of({ issued: 1_500, waiting: 1_200, applied: 300 }), '1,200 queued · 300 applied');
  t.is(of({}), 'no device');
});
