import test from 'ava';
import type * as Causes from '../../../gateway/web/causes.js';
import { pageModule } from '../../support/pages/page-module.ts';

const { causesOf, extentOf } = await pageModule<typeof Causes>('gateway/web/causes.ts');

type Devices = Parameters<typeof causesOf>[0];
type Runs = Parameters<typeof causesOf>[1];

/** Of a run, what a cause is made of. */
function run(workflow: string, state: string, number: number): Runs[number] {
  return {
    ...{ id: `r-${number}`, device: `pump-${number % 12}`, workflow, state, status: null },
    reason: null,
    ...{ startedAt: null, updatedAt: `2026-03-01T12:00:${10 + number}Z`, clock: 'ok' },
    entries: 3,
  };
}

/** Of a device, what a cause is made of: the rest is not looked at. */
function device(id: string, state: string, why?: string): Devices[number] {
  const refusal = why === undefined ? null : { code: 'HF_X', why };
  const shown = { device: id, state, refusal, lastAckAt: '2026-03-01T11:00:00Z' };
  return shown as Partial<Devices[number]> as Devices[number];
}

test('however many runs a cause has, it is one, and the largest is the first', (t) => {
  const failed = Array.from({ length: 14 }, (_, number) => run('checkout', 'failed', number));
  const causes = causesOf([], [run('firmware', 'stuck', 3), ...failed]);
  t.deepEqual(
    causes.map((cause) => [cause.title, extentOf(cause), cause.since]),
    [
      ['checkout failed', '14 runs on 12 devices', '2026-03-01T12:00:10Z'],
      ['firmware is stuck', '1 run on 1 device', '2026-03-01T12:00:13Z'],
    ],
  );
});

test('devices are told apart by why they are stuck; what needs nobody is no cause', (t) => {
  const devices = [
    device('a', 'stuck', 'the key counts no more'),
    device('b', 'stuck'),
    device('c', 'stuck', 'the key counts no more'),
    device('d', 'conflict'),
    device('e', 'offline'),
  ];
  const causes = causesOf(devices, [run('checkout', 'completed', 1), run('x', 'running', 2)]);
  t.deepEqual(
    causes.map((cause) => [cause.title, cause.places.map(({ name }) => name).join(' ')]),
    [
      ['The key counts no more.', 'a c'],
      ['The gateway acknowledges nothing more', 'b'],
      ['Two machines use one identity', 'd'],
    ],
  );
  t.is(extentOf(causes[0] ?? t.fail()), '2 devices');
});
