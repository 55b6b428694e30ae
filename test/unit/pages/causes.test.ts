import test from 'ava';
import type * as Causes from '../../../gateway/web/causes.js';
import { pageModule } from '../../support/pages/page-module.ts';

const { causesOf, extentOf, headlineOf } = await pageModule<typeof Causes>('gateway/web/causes.ts');

type Devices = Parameters<typeof causesOf>[0];
type Runs = Parameters<typeof causesOf>[1];

/** Of a run, what a cause is made of. */
function run(
  workflow: string,
  state: string,
  number: number,
  reason: Runs[number]['reason'] = null,
): Runs[number] {
  return {
    ...{ id: `r-${number}`, device: `pump-${number % 12}`, workflow, state, status: null, reason },
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
      ['checkout failed', '14 runs failed', '2026-03-01T12:00:10Z'],
      ['firmware is stuck', '1 run is stuck', '2026-03-01T12:00:13Z'],
    ],
  );
  const later = Date.parse('2026-03-03T12:00:10Z');
  const headlines = causes.map((cause) => headlineOf(cause, later));
  t.is(headlines[0], 'checkout failed on 12 devices since 2d');
});

test('runs are told apart by the step that they were at, the code, and whether they go on', (t) => {
  const broke = { code: 'HF_STEP_FAILED', step: 'charge-card' };
  const causes = causesOf(
    [],
    [
      ...[1, 2, 3].map((number) => run('sale', 'failed', number, broke)),
      ...[4, 5].map((number) => run('sale', 'failed', number, { ...broke, step: 'print' })),
      run('sale', 'stuck', 6, { code: 'HF_CODE_MISMATCH', step: null }),
      run('sale', 'stuck', 7, broke),
      run('refund', 'failed', 8, broke),
    ],
  );
  t.deepEqual(
    causes.map((cause) => [cause.title, extentOf(cause)]),
    [
      ['sale/charge-card HF_STEP_FAILED', '3 runs failed'],
      ['sale/print HF_STEP_FAILED', '2 runs failed'],
      ['sale HF_CODE_MISMATCH', '1 run is stuck'],
      ['sale/charge-card HF_STEP_FAILED', '1 run is stuck'],
      ['refund/charge-card HF_STEP_FAILED', '1 run failed'],
    ],
  );
  t.is(new Set(causes.map(({ key }) => key)).size, causes.length);
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
      ['The key counts no more', 'a c'],
      ['The gateway acknowledges nothing more', 'b'],
      ['Two machines use one identity', 'd'],
    ],
  );
  const [first] = causes;
  if (first === undefined) return;
  t.is(extentOf(first), undefined);
  const headline = headlineOf(first, Date.parse('2026-03-01T14:00:00Z'));
  t.is(headline, 'The key counts no more on 2 devices since 3h');
});
