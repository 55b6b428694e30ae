import test from 'ava';
import {
  HoldfastError,
  decodeEntry,
  encodeValue,
  isParted,
  valueIn,
  type EntryKind,
} from '@holdfast/protocol';
import { workflow } from '@holdfast/agent/internal';
import { TestDevice, crashEverywhere, replay } from '@holdfast/agent/testing';
import { SimDevice } from '../../support/sim-device.ts';

const EVERYTHING = { from: new Uint8Array(), to: Uint8Array.of(255), limit: 100_000 };

/** Text of which each place tells where it is, so that parts in another order are another text. */
function long(length: number): string {
  return Array.from({ length: Math.ceil(length / 8) }, (_, at) => String(at).padStart(8)).join('');
}

const camera = workflow('camera', async (ctx, settings: string) => {
  const picture = await ctx.step('take', () => long(200_000));
  await ctx.emit('taken', picture, { lane: 'bulk' });
  const remark: string = await ctx.waitFor('remark');
  return { settings, picture, remark };
});

test('A17 a value too large for an entry is whole wherever the power is cut', async (t) => {
  const remark = long(60_000);
  const report = await crashEverywhere(camera, {
    input: long(120_000),
    drive: (run) => run.signal('remark', remark),
  });

  const outcome = { settings: long(120_000), picture: long(200_000), remark };
  t.deepEqual(report.end, { state: 'completed', outcome });
  t.true(report.crashes > 6, `${report.crashes}`);
});

test('A17 its parts are in no history that people see, and the export replays', async (t) => {
  const device = await TestDevice.open({ workflows: [camera] });
  const run = await device.start(camera, long(120_000));
  await run.signal('remark', 'sharp');
  await run.result();

  const { history, output, input } = await run.status();
  t.deepEqual(
    history.map((row) => row.kind),
    ['run.started', 'step.completed', 'event.emitted', 'signal.received', 'run.completed'],
  );
  t.is(input, long(120_000));
  t.like(output, { remark: 'sharp', picture: long(200_000) });
  t.deepEqual(history[1]?.value, { $: 'parts', size: encodeValue(long(200_000)).byteLength });
  t.like(await replay(await run.export(), camera), { matches: true });
  t.like((await device.events())[0], { name: 'taken', payload: long(200_000) });
});

test('A17 parts come before their entry in its lane, and none of them is large', async (t) => {
  const device = new SimDevice();
  await device.start(camera);
  await device.runtime.emit({ name: 'scan', payload: encodeValue(long(50_000)), lane: 'bulk' });
  await device.runtime.emit({ name: 'scan', payload: encodeValue(long(70_000)), lane: 'bulk' });

  const stored = await device.journal.entries('bulk', 1, 100);
  const entries = stored.map(({ bytes }) => decodeEntry(bytes));
  const parts: EntryKind[] = ['value.part', 'value.part', 'value.part', 'value.part', 'value.part'];
  t.deepEqual(
    entries.map(({ kind }) => kind),
    ['event.emitted', ...parts, 'event.emitted'],
  );
  t.deepEqual(entries.map((entry) => isParted(valueIn(entry))).lastIndexOf(true), 6);
  t.true(stored.slice(1).every(({ bytes }) => bytes.byteLength < 17_000));
  t.deepEqual(
    entries.flatMap((entry) => (entry.kind === 'value.part' ? [entry.left] : [])),
    [5, 4, 3, 2, 1],
  );
});

test('A17 what is urgent, a status or marked is never larger than one entry', async (t) => {
  const value = long(60_000);
  const codeOf = (error: unknown): string => {
    const { code, cause } = error as HoldfastError;
    return cause instanceof HoldfastError ? cause.code : code;
  };
  const refused = workflow('refused', async (ctx) => [
    await ctx.emit('alarm', value, { lane: 'urgent' }).catch(codeOf),
    await ctx.call('store', value).catch(codeOf),
    await ctx.step('marked', () => value, { local: true }).catch(codeOf),
    await ctx.emit('about', value, { subject: 'ada' }).catch(codeOf),
    await ctx.step('open', () => value),
  ]);
  const device = await TestDevice.open({ workflows: [refused] });
  const tooLarge = 'HF_VALUE_TOO_LARGE';

  const run = await device.start(refused, null);
  t.deepEqual(await run.result(), [tooLarge, tooLarge, tooLarge, tooLarge, value]);
});

test('O5 the parts of values go with their run', async (t) => {
  const device = new SimDevice();
  await device.start(camera);
  await device.begin(camera, long(120_000));
  await device.signal('remark', 'sharp');
  await device.runtime.emit({ name: 'last', payload: encodeValue(null), lane: 'normal' });
  await device.runtime.emit({ name: 'last', payload: encodeValue(null), lane: 'bulk' });
  await device.acknowledge();
  await device.advance(1);
  await device.sweep();

  const rows = await device.store.scan(EVERYTHING);
  const bytes = rows.reduce((sum, { value }) => sum + value.byteLength, 0);
  t.true(bytes < 4_000, `${bytes} bytes are left`);
});

test('a part that is missing makes its run stuck, and the others go on', async (t) => {
  const device = new SimDevice();
  await device.start(camera);
  await device.begin(camera, 'short', 'damaged');
  await device.begin(camera, 'short', 'whole');
  const stored = await device.journal.entries('normal', 1, 100);
  const part = stored.find(({ bytes }) => decodeEntry(bytes).kind === 'value.part');
  await device.journal.remove('normal', [(part?.seq ?? 0) + 3], { reason: 'damaged' });
  await device.restart(camera);

  t.is(await device.state('damaged'), 'stuck');
  t.is(await device.state('whole'), 'waiting-signal');
  t.like(await device.inspector.run('damaged'), { error: { code: 'HF_ENTRY_DAMAGED' } });
});
