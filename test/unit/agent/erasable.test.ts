import test from 'ava';
import { workflow } from '@holdfast/agent';
import { sha256, verifyChains } from '@holdfast/agent/internal';
import { replay } from '@holdfast/agent/testing';
import {
  decodeEntry,
  displayValue,
  encodeValue,
  isContentOf,
  readSealed,
  valueIn,
  type HoldfastError,
} from '@holdfast/protocol';
import { SECRET, begun, card, leaving, reader, rowsOf } from '../../support/secrets.ts';
import { SimDevice } from '../../support/sim-device.ts';

/** What goes up of a lane: the entries, and what goes beside them. */
async function carried(device: SimDevice) {
  const read = await device.journal.read('normal', 1, { entriesMax: 100, bytesMax: 1_000_000 });
  return read.entries.map((item) => {
    if (item instanceof Uint8Array) return undefined;
    const { subject, salt, content, entry } = item;
    const sealed = readSealed(valueIn(decodeEntry(entry)));
    if (!sealed || !isContentOf(sha256, sealed, { salt, content })) throw new Error('no match');
    return { subject, shows: displayValue(content), size: sealed.size };
  });
}

test('all values of a run about somebody go beside their entries, its children too', async (t) => {
  const inner = workflow('inner', async (ctx, name: string) => {
    await ctx.setStatus(`greets ${name}`);
    return `hello ${name}`;
  });
  const code = workflow('about', async (ctx, input: { readonly name: string }) => {
    await ctx.emit('seen', { who: input.name });
    await ctx.step('other', () => 'of another', { subject: 'customer-43' });
    const got = await ctx.child(inner, input.name);
    const failed = await ctx
      .step('bad', () => Promise.reject(new Error(input.name)), {
        retry: false,
      })
      .catch((error: HoldfastError) => (error.cause as Error).message);
    const signal = await ctx.waitFor('go');
    return [got, failed, signal];
  });
  const device = new SimDevice();
  await device.start(code, inner);
  const input = encodeValue({ name: SECRET });
  await device.runtime.start({ workflow: 'about', input, id: 'run-1', subject: 'customer-42' });
  await device.settle();
  await device.restart(code, inner);
  await device.signal('go', SECRET);
  await device.restart(code, inner);

  t.deepEqual(await device.result(), [`hello ${SECRET}`, SECRET, SECRET]);
  t.false((await leaving(device)).includes(SECRET), 'not in the entries');
  t.false((await leaving(device)).includes('customer-42'));
  const items = (await carried(device)).flatMap((item) => item ?? []);
  const subjects = items.map(({ subject }) => subject);
  t.deepEqual(new Set(subjects), new Set(['customer-42', 'customer-43']));
  t.is(subjects.filter((subject) => subject === 'customer-43').length, 1);
  t.true(JSON.stringify(items).includes(SECRET));
  const view = await device.inspector.run('run-1');
  t.deepEqual(view.input, { name: SECRET }, 'people see it, on the device');
  const replayed = await replay(await device.inspector.history('run-1', { reveal: true }), code);
  t.true(replayed.matches);
});

test('what is redacted and about somebody leaves redacted, and that can be erased', async (t) => {
  const code = workflow('both', async (ctx) => {
    const subject = 'customer-42';
    const got = await ctx.step('read', () => card, { redact: ['number'], subject });
    const kept = await ctx.step('keep', () => card, { local: true, subject });
    await ctx.waitFor('go');
    return [got, kept].length;
  });
  const device = await begun(code);
  await device.restart(code);
  await device.signal('go');

  t.is(await device.result(), 2);
  t.false((await leaving(device)).includes('visa'));
  const items = (await carried(device)).flatMap((item) => item ?? []);
  t.deepEqual(
    items.map(({ shows }) => shows),
    [{ number: '[redacted]', brand: 'visa' }],
  );
  t.is(await rowsOf(device, 'p'), 2);
  t.is(await rowsOf(device, 'b'), 1);
});

test('subjects stay with what is carried over, forked, sent and emitted', async (t) => {
  const code = workflow('again', async (ctx, turn: number) => {
    const got = await ctx.step('step', () => `${SECRET} ${turn}`);
    if (turn === 0) return ctx.continueAsNew(1);
    return [got, await ctx.waitFor('kept')];
  });
  const device = new SimDevice();
  await device.start(code);
  const request = { workflow: 'again', input: encodeValue(0), id: 'run-1', subject: 'c-1' };
  await device.runtime.start(request);
  const payload = encodeValue(SECRET);
  await device.runtime.signal({ run: 'run-1', name: 'kept', payload, subject: 'c-2' });
  await device.settle();
  await device.runtime.fork({ run: 'run-1', step: 'kept', id: 'run-2' }).catch(() => undefined);
  await device.runtime.emit({ name: 'fact', payload, lane: 'normal', subject: 'c-3' });
  await device.settle();

  t.deepEqual(await device.result(), [`${SECRET} 1`, SECRET]);
  t.false((await leaving(device)).includes(SECRET));
  const subjects = (await carried(device)).map((item) => item?.subject);
  t.is(subjects.filter((subject) => subject === 'c-2').length, 2, 'sent, and carried over');
  t.is(subjects.at(-1), 'c-3');
  t.deepEqual(
    subjects.filter((subject) => subject === undefined),
    [],
  );
});

test('a batch takes no more of what goes beside entries than it has room for', async (t) => {
  const device = new SimDevice();
  await device.start();
  const payload = encodeValue('x'.repeat(20_000));
  for (let n = 0; n < 40; n += 1) {
    const subject = n % 2 === 0 ? 'c-1' : undefined;
    await device.runtime.emit({ name: `fact-${n}`, payload, lane: 'normal', subject });
  }
  const { journal } = device;
  const sizes: number[] = [];
  for (let seq = 1; seq <= 40; seq += sizes.at(-1) ?? 40) {
    const { entries } = await journal.read('normal', seq, { entriesMax: 64, bytesMax: 100_000 });
    entries.forEach((item, index) => {
      t.is(item instanceof Uint8Array, (seq + index) % 2 === 0, `seq ${seq + index}`);
    });
    sizes.push(entries.length);
  }
  t.true(
    sizes.every((size) => size <= 5),
    sizes.join(' '),
  );
});

async function about(device: SimDevice, subject: string, id: string): Promise<void> {
  const input = encodeValue({ name: SECRET });
  await device.runtime.start({ workflow: 'waits', input, id, subject });
  await device.settle();
}

const waits = workflow('waits', async (ctx, input: { readonly name: string }) => {
  await ctx.setStatus(`hello ${input.name}`);
  const other = await ctx.step('other', () => SECRET, { subject: 'customer-43', local: true });
  return [other, await ctx.waitFor('go')];
});

/** Everything that the store holds, as text. */
async function stored(device: SimDevice): Promise<string> {
  const range = { from: Uint8Array.of(0), to: Uint8Array.of(255), limit: 10_000 };
  const rows = await device.store.scan(range);
  return rows.map(({ value }) => Buffer.from(value).toString('latin1')).join('\n');
}

test('what a device holds on somebody is erased there, before it was sent', async (t) => {
  const device = new SimDevice();
  await device.start(waits);
  await about(device, 'customer-42', 'run-1');
  await device.signal('go', SECRET);
  const payload = encodeValue(SECRET);
  await device.runtime.emit({ name: 'fact', payload, lane: 'normal', subject: 'customer-42' });
  t.true((await stored(device)).includes(SECRET));

  const first = await device.runtime.erase({ subject: 'customer-42' });
  const second = await device.runtime.erase({ subject: 'customer-43' });

  t.deepEqual([first.contents, second.contents], [5, 1]);
  t.deepEqual(await device.runtime.erase({ subject: 'customer-42' }), {
    ...{ contents: 0, bytes: 0, cancelled: [] },
  });
  for (const life of [1, 2]) {
    if (life === 2) await device.restart(waits);
    t.false((await stored(device)).includes(SECRET));
    t.false((await stored(device)).includes('customer-4'));
    t.deepEqual(new Set(await carried(device)), new Set([undefined]), 'entries go alone');
    await t.throwsAsync(device.result(), { code: 'HF_VALUE_SEALED' });
    const view = await device.inspector.run('run-1');
    t.like(view, { state: 'completed', status: null });
    t.like(view.input, { $: 'erased' });
    const { store } = device;
    const { faults } = await verifyChains({ store, sha256, device: 'sim-1', epoch: 1 });
    t.deepEqual(faults, []);
  }
});

test('a run that needs what is to be erased keeps it, or is ended for it', async (t) => {
  const device = new SimDevice();
  await device.start(waits);
  await about(device, 'customer-42', 'run-1');
  await about(device, 'customer-44', 'run-2');

  for (const subject of ['customer-42', 'customer-43']) {
    const error = await t.throwsAsync(device.runtime.erase({ subject }));
    t.is((error as HoldfastError | undefined)?.code, 'HF_SUBJECT_NEEDED');
    t.true(error?.message.includes('run-1'));
  }
  const { cancelled } = await device.runtime.erase({ subject: 'customer-42', force: true });

  t.deepEqual(cancelled, ['run-1']);
  t.is(await device.state('run-1'), 'cancelled');
  await device.restart(waits);
  await device.signal('go', 'on', { run: 'run-2' });
  t.deepEqual(await device.result('run-2'), [SECRET, 'on'], 'the other goes on');
});

test('a content that is changed behind its back is found by verifying', async (t) => {
  const code = reader({ local: true });
  const device = await begun(code);
  const payload = encodeValue(SECRET);
  await device.runtime.emit({ name: 'fact', payload, lane: 'bulk', subject: 'customer-42' });
  const { store } = device;
  const verify = async () => verifyChains({ store, sha256, device: 'sim-1', epoch: 1 });
  t.deepEqual((await verify()).faults, []);
  for (const table of [0x70, 0x62]) {
    const range = { from: Uint8Array.of(table), to: Uint8Array.of(table + 1), limit: 1 };
    const [row] = await store.scan(range);
    const value = row?.value.with(45, row.value[45] === 1 ? 2 : 1);
    if (row && value) await store.write([{ kind: 'put', key: row.key, value }]);
  }

  t.deepEqual(
    (await verify()).faults.map(({ lane, seq }) => [lane, seq]),
    [
      ['normal', 2],
      ['bulk', 1],
    ],
  );
});
