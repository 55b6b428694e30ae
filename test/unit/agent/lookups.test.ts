import { randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import {
  Journal,
  RunStore,
  createStore,
  numberValue,
  runIdKey,
  sha256,
  systemClock,
  workflow,
} from '@holdfast/agent/internal';
import type { StoreOp } from '@holdfast/protocol';
import { SimDevice } from '../../support/sim-device.ts';
import { tempDir } from '../../support/temp-dir.ts';

const quick = workflow('quick', (ctx) => ctx.step('once', () => 1));

/** More than LevelDB holds in memory: the next write has it become a table. */
const FLUSHED_BYTES = 3 << 20;
const VALUE_BYTES = 4_096;
const isTable = (name: string): boolean => name.endsWith('.ldb');

test('looking for runs that are not there has no table written anew', async (t) => {
  const dir = join(await tempDir(t), 'store');
  const store = await createStore(dir, []);
  t.teardown(() => store.close());
  const place = { device: 'd1', epoch: 1, boot: 1, clock: systemClock, sha256, store };
  const runs = new RunStore(store, await Journal.open(place));
  const tables = (): string => readdirSync(dir).filter(isTable).join();
  for (let table = 1; table <= 3; table += 1) {
    // Each reaches from the first key to the last.
    const ends = [0, 255].map((byte): StoreOp => {
      return { kind: 'put', key: Uint8Array.of(byte, table), value: numberValue(table) };
    });
    const rows = Array.from({ length: FLUSHED_BYTES / VALUE_BYTES }, (_, index): StoreOp => {
      const value = new Uint8Array(randomBytes(VALUE_BYTES));
      return { kind: 'put', key: runIdKey(`m${table}-${index}`), value };
    });
    await store.write([...ends, ...rows]);
    await store.write([{ kind: 'put', key: runIdKey(`a${table}`), value: numberValue(table) }]);
    while (tables().split(',').length < table) await new Promise((next) => setImmediate(next));
  }
  const before = tables();

  for (let index = 0; index < 400; index += 1) {
    t.is(await runs.numberOf(`n${index}`), undefined);
    t.is(await runs.record(index), undefined);
  }
  await store.write([{ kind: 'delete', key: runIdKey('n') }]);

  t.is(tables(), before);
  t.is(await runs.numberOf('a1'), 1);
});

test('a run whose id is made for it is not looked for', async (t) => {
  const device = new SimDevice();
  await device.start(quick);
  const asked: string[] = [];
  const { store } = device;
  const scan = store.scan.bind(store);
  store.scan = (range) => {
    asked.push(String.fromCharCode(range.from[0] ?? 0));
    return scan(range);
  };

  await device.runtime.start({ workflow: 'quick', input: new Uint8Array([0xf6]) });
  await device.settle();
  t.false(asked.includes('i'));
  await device.begin(quick, null, 'mine');
  t.true(asked.includes('i'), 'one that was given may be known');
});
