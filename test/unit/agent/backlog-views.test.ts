import test from 'ava';
import { encodeValue, laneIndex, type Lane } from '@holdfast/protocol';
import { BacklogRates, workflow } from '@holdfast/agent/internal';
import { SimDevice } from '../../support/sim-device.ts';

/** Journals four entries: its start, two steps and its end. */
const checkout = workflow('checkout', async (ctx, order: string) => {
  await ctx.step('take', () => order);
  await ctx.step('print', () => 'x'.repeat(200));
  return order;
});
const napper = workflow('napper', async (ctx) => ctx.sleep('1h'));
const late = workflow('late', async (ctx) => ctx.sleep('1h'));

async function lived(): Promise<SimDevice> {
  const device = new SimDevice();
  await device.start(checkout, napper, late);
  for (const id of ['a-1', 'a-2']) await device.begin(checkout, id, id);
  await device.advance(60_000);
  await device.begin(napper, null, 'nap');
  await emit(device, 3);
  return device;
}

async function emit(device: SimDevice, count: number, lane: Lane = 'bulk'): Promise<void> {
  const payload = encodeValue('hot');
  const event = { name: 'door', payload, lane };
  await Promise.all(Array.from({ length: count }, () => device.runtime.emit(event)));
  await device.settle();
}

test('a backlog is told by workflow and by kind, and adds up to what is pending', async (t) => {
  const device = await lived();

  const { pending, bytes, parts } = await device.reader.backlog({ parts: true });

  t.truthy(parts);
  t.is(parts?.read, pending);
  for (const rows of [parts?.byWorkflow ?? [], parts?.byKind ?? []]) {
    t.is(
      rows.reduce((sum, row) => sum + row.pending, 0),
      pending,
    );
    t.is(
      rows.reduce((sum, row) => sum + row.bytes, 0),
      bytes,
    );
  }
  const byName = new Map(parts?.byWorkflow.map((row) => [row.workflow, row]));
  t.like(byName.get('checkout'), { pending: 8, runs: 2 });
  t.like(byName.get('napper'), { pending: 2, runs: 1 });
  t.like(byName.get(null), { pending: 3, runs: 0 });
  t.true((byName.get('checkout')?.oldestAt ?? '') < (byName.get('napper')?.oldestAt ?? ''));
  t.deepEqual(parts?.byKind.map(({ kind, pending: count }) => [kind, count]).slice(0, 3), [
    ['step.completed', 4],
    ['run.started', 3],
    ['event.emitted', 3],
  ]);
  t.is((await device.reader.backlog()).parts, undefined, 'it costs, and was not asked for');
  await device.acknowledge();
  const drained = (await device.reader.backlog({ parts: true })).parts;
  t.deepEqual(drained, { read: 0, byWorkflow: [], byKind: [] });
});

test('of a large backlog some are read, spread evenly, and the rest is estimated', async (t) => {
  const device = await lived();
  await emit(device, 6_000);
  await emit(device, 6_000, 'normal');
  await device.begin(late, null, 'late');

  const { pending, bytes, parts } = await device.reader.backlog({ parts: true });

  t.true((parts?.read ?? 0) > 2_000 && (parts?.read ?? 0) < 5_000, String(parts?.read));
  const [most] = parts?.byKind ?? [];
  t.is(most?.kind, 'event.emitted');
  t.true(Math.abs((most?.pending ?? 0) - 12_003) < 120, String(most?.pending));
  t.true(Math.abs((most?.bytes ?? 0) / bytes - 1) < 0.05);
  t.true(pending > 12_000);
  t.deepEqual(
    parts?.byWorkflow.map((row) => row.workflow),
    [null, 'checkout', 'napper', 'late'],
  );
});

test('rates are those of the last half a minute', async (t) => {
  const device = await lived();
  const rates = new BacklogRates(device.journal, device.clock);
  t.like(rates.view(), { inPerS: 0, outPerS: 0 });

  for (let second = 0; second < 20; second += 1) {
    await emit(device, 5);
    await device.advance(1_000);
  }
  const { inPerS, outPerS } = rates.view();
  t.true(inPerS > 4 && inPerS < 6, String(inPerS));
  t.is(outPerS, 0);

  await device.acknowledge();
  t.true(rates.view().outPerS > 4);
  await device.advance(300_000);
  await emit(device, 1);
  await device.advance(31_000);
  t.true(rates.view().inPerS < 0.2, 'what was long ago counts no more');
});

test('entries are narrowed by kind, by run and by what the gateway lacks', async (t) => {
  const device = await lived();
  const kindsOf = async (query: object) =>
    (await device.reader.journal({ limit: 100, ...query })).rows.map((row) => row.kind).join(' ');

  const ends = 'run.completed run.completed event.emitted event.emitted event.emitted';
  t.is(await kindsOf({ kinds: ['event.*', 'run.completed'] }), ends);
  t.is(await kindsOf({ run: 'nap' }), 'run.started timer.set');
  t.is(await kindsOf({ run: 'a-1', kinds: ['step.*'] }), 'step.completed step.completed');
  t.is(await kindsOf({ kinds: ['event.*'], limit: 1 }), 'event.emitted', 'the newest');
  t.is(await kindsOf({ kinds: ['nothing'] }), '');
  await device.acknowledge();
  await device.begin(checkout, 'a-3', 'a-3');
  t.is(await kindsOf({ unsynced: true, kinds: ['run.*'] }), 'run.started run.completed');

  const { rows } = await device.reader.journal({ run: 'a-3', hex: true, limit: 1 });
  const [row] = rows;
  t.is(row?.hex?.length, 2 * (row?.bytes ?? 0));
  t.is(row?.seq, device.journal.positions()[laneIndex('normal')].head);
});

test('what is searched for far back is looked for so far, and it is said', async (t) => {
  const device = await lived();
  const { journal } = device;
  const search = { kinds: ['nothing'], lane: 'bulk', limit: 5 } as const;
  t.is((await device.reader.journal(search)).partial, undefined);

  const [urgent, normal, bulk] = journal.positions();
  const looked: number[] = [];
  journal.positions = () => [urgent, normal, { ...bulk, head: 60_000 }];
  journal.entries = (_, __, limit) => Promise.resolve((looked.push(limit), []));
  const view = await device.reader.journal(search);

  t.deepEqual([view.partial, view.rows], [true, []]);
  t.is(
    looked.reduce((sum, limit) => sum + limit, 0),
    50_000,
  );
});
