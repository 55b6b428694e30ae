import test from 'ava';
import { EntityHandle, entity } from '@holdfast/agent';
import { earlierSignalsKey } from '@holdfast/agent/internal';
import { SimDevice } from '../../support/sim-device.ts';

interface Total {
  readonly sum: number;
  readonly order: readonly number[];
}

/** Counts what its commands really did. */
function totals(executed: number[] = []) {
  return entity('total', {
    initial: (key): Total => ({ sum: key === 'a' ? 0 : 100, order: [] }),
    commands: {
      add: (state: Total, amount: number) => {
        executed.push(amount);
        const sum = state.sum + amount;
        return { state: { sum, order: [...state.order, amount].slice(-5) }, result: sum };
      },
      refuse: (): never => {
        throw new RangeError('not for sale');
      },
    },
    step: { retry: false },
  });
}

function handle(device: SimDevice, of: ReturnType<typeof totals>, key = 'a') {
  return new EntityHandle({ runtime: device.runtime, store: device.runs }, of, key);
}

test('commands of a key are executed one at a time, in the order of acceptance', async (t) => {
  const device = new SimDevice();
  const total = totals();
  await device.start(total);
  const a = handle(device, total);

  const results = await Promise.all([1, 2, 3, 4].map((amount) => a.call('add', amount)));

  t.deepEqual(results, [1, 3, 6, 10]);
  t.deepEqual(await a.state(), { sum: 10, order: [1, 2, 3, 4] });
  t.is(await handle(device, total, 'b').call('add', 1), 101, 'another key has its own state');
});

test('state and order survive a crash; a command sent again is executed once', async (t) => {
  const device = new SimDevice();
  const executed: number[] = [];
  const total = totals(executed);
  await device.start(total);
  await handle(device, total).call('add', 5, { id: 'first' });
  await handle(device, total).send('add', 7, { id: 'second' });
  await device.settle();
  await device.restart(total);
  await device.settle();

  const a = handle(device, total);
  t.is(await a.call('add', 5, { id: 'first' }), 5, 'the result of then');
  t.is(await a.call('add', 1), 13);
  t.deepEqual(executed, [5, 7, 1]);
});

test('a command that is sent again in a later history has the reply of then', async (t) => {
  const device = new SimDevice();
  const total = totals();
  await device.start(total);
  const a = handle(device, total);
  const add = (id: number): Promise<number> => a.call('add', 1, { id: `id-${id}` });
  for (let id = 1; id <= 250; id += 1) await add(id);
  await device.restart(total);

  const again = handle(device, total);
  const ask = (id: number): Promise<number> => again.call('add', 1, { id: `id-${id}` });
  t.is(await ask(240), 240, 'of this history');
  t.is(await ask(190), 190, 'of the one before');
  await t.throwsAsync(ask(3), { code: 'HF_REPLY_FORGOTTEN' });
  t.is((await again.state()).sum, 250);
});

test('a command counts once, too, where the ids of an earlier history are damaged', async (t) => {
  const device = new SimDevice();
  const total = totals();
  await device.start(total);
  for (let id = 1; id <= 210; id += 1) await handle(device, total).call('add', 1, { id: `${id}` });
  const key = earlierSignalsKey((await device.runs.numberOf('total/a')) ?? 0);
  t.not(await device.store.get(key), undefined);
  await device.store.write([{ kind: 'delete', key }]);
  await device.restart(total);

  const again = handle(device, total);
  t.is(await again.call('add', 1, { id: '190' }), 190, 'the reply of then');
  t.is((await again.state()).sum, 210);
});

test('a command that fails changes nothing and holds up none behind it', async (t) => {
  const device = new SimDevice();
  const total = totals();
  await device.start(total);
  const a = handle(device, total);
  await a.call('add', 2);

  const refused = a.call('refuse', undefined);
  const added = a.call('add', 3);

  const error = await t.throwsAsync(refused, { code: 'HF_STEP_FAILED' });
  t.true(error?.cause instanceof RangeError);
  t.is(await added, 5);
});

test('a thousand commands keep the history short and lose nothing', async (t) => {
  const device = new SimDevice();
  const total = totals();
  await device.start(total);

  for (let batch = 0; batch < 10; batch += 1) {
    const a = handle(device, total);
    await Promise.all(Array.from({ length: 100 }, () => a.call('add', 1)));
    if (batch % 3 === 2) await device.restart(total);
  }

  await device.settle();
  const last = handle(device, total);
  t.is((await last.state()).sum, 1_000);
  t.true((await device.history('total/a')).length < 900);
  t.deepEqual(device.runtime.counts(), { 'waiting-signal': 1 });
});
