import test from 'ava';
import { workflow, type TraceSpan, type Workflow } from '@holdfast/agent';
import { Retention, sha256, verifyChains, type MarkOptions } from '@holdfast/agent/internal';
import { replay } from '@holdfast/agent/testing';
import {
  decodeEntry,
  displayValue,
  encodeValue,
  hex,
  isContentOf,
  lanes,
  readSealed,
  valueIn,
  type HoldfastError,
  type Log,
} from '@holdfast/protocol';
import { SimDevice } from '../../support/sim-device.ts';

type AnyWorkflow = Workflow<never, unknown>;

/** No part of it is in anything else. */
const SECRET = '4111-1111-1111-1234';
const card = { number: SECRET, brand: 'visa' };

/** All that the uplink could read, as text. */
async function leaving(device: SimDevice): Promise<string> {
  const texts: string[] = [];
  for (const lane of lanes) {
    const rows = await device.journal.entries(lane, 1, 1_000);
    texts.push(...rows.map(({ bytes }) => Buffer.from(bytes).toString('latin1')));
  }
  return texts.join('\n');
}

async function rowsOf(device: SimDevice, table: string): Promise<number> {
  const from = Uint8Array.of(table.charCodeAt(0));
  const to = Uint8Array.of(table.charCodeAt(0) + 1);
  return (await device.store.scan({ from, to, limit: 1_000 })).length;
}

async function begun(code: AnyWorkflow, input: unknown = null): Promise<SimDevice> {
  const device = new SimDevice();
  await device.start(code);
  await device.begin(code, input);
  return device;
}

/** Reads a card in a marked step, and waits: what the code has of it is what it returns. */
function reader(options: MarkOptions, output: MarkOptions = { local: true }) {
  return workflow(
    'reader',
    async (ctx) => {
      const read = await ctx.step('read', () => card, options as object);
      await ctx.waitFor('go');
      return read;
    },
    { marks: { output } },
  );
}

test('what is local is not in what leaves, and is what the code gets, ever after', async (t) => {
  const code = reader({ local: true });
  const device = await begun(code);
  await device.restart(code);
  await device.signal('go');
  await device.restart(code);

  t.deepEqual(await device.result(), card);
  const left = await leaving(device);
  t.false(left.includes(SECRET));
  t.false(left.includes('visa'));
  const { history, output } = await device.inspector.run('run-1');
  t.deepEqual(output, { $: 'local', size: encodeValue(card).byteLength });
  t.deepEqual(history[1]?.value, output);
});

test('what a step redacts leaves redacted, by path or by function', async (t) => {
  const byPath = reader({ redact: ['number'] });
  const byFunction = reader({ redact: ({ brand }: typeof card) => `a ${brand}` });
  for (const [code, shown] of [
    [byPath, { number: '[redacted]', brand: 'visa' }],
    [byFunction, 'a visa'],
  ] as const) {
    const device = await begun(code);
    await device.restart(code);
    await device.signal('go');

    t.deepEqual(await device.result(), card);
    const left = await leaving(device);
    t.false(left.includes(SECRET));
    t.true(left.includes('visa'));
    t.deepEqual((await device.inspector.run('run-1')).history[1]?.value, shown);
  }
});

test('a path reaches into arrays, and hides what has no keys to go on with', async (t) => {
  const value = { cards: [card, { number: null }, SECRET, new Map([['number', SECRET]])], a: 1 };
  const code = workflow('paths', async (ctx) => {
    await ctx.step('read', () => value, { redact: ['cards.*.number', 'not.there'] });
    await ctx.waitFor('go');
  });
  const device = await begun(code);

  t.deepEqual((await device.inspector.run('run-1')).history[1]?.value, {
    cards: [{ number: '[redacted]', brand: 'visa' }, { number: null }, '[redacted]', '[redacted]'],
    a: 1,
  });
  t.false((await leaving(device)).includes(SECRET));
});

test('a redaction that fails lets nothing out, and the step completes', async (t) => {
  const code = reader({
    redact: () => {
      throw new Error('no such card');
    },
  });
  const device = await begun(code);
  await device.signal('go');

  t.deepEqual(await device.result(), card);
  t.is((await device.inspector.run('run-1')).history[1]?.value, '[redacted]');
});

test('of the errors of a marked step names and codes leave, of its run too', async (t) => {
  class Declined extends Error {
    override readonly name = 'Declined';
    readonly code = 'E_DECLINED';
    readonly attempted = SECRET;
  }
  const seen: unknown[] = [];
  const code = workflow('declined', async (ctx) => {
    const body = (): never => {
      throw new Declined(`no funds on ${SECRET}`, { cause: new TypeError(SECRET) });
    };
    const retry = { attempts: 2, minDelay: '1h' } as const;
    await ctx.step('pay', body, { redact: ['number'], retry }).catch((error: HoldfastError) => {
      seen.push((error.cause as Declined).message);
      throw new Error(`cannot pay: ${error.message}`, { cause: error });
    });
  });
  const device = await begun(code);
  await device.restart(code);
  await device.advance(3_600_000);
  await device.restart(code);

  t.deepEqual(seen, [`no funds on ${SECRET}`], 'the code sees all of it');
  const left = await leaving(device);
  t.false(left.includes(SECRET));
  t.true(left.includes('Declined'));
  t.true(left.includes('E_DECLINED'));
  t.false([...device.errors, ...device.infos].join('\n').includes(SECRET));
  const shown = await device.inspector.run('run-1');
  t.like(shown.error, { name: 'Error', message: '(withheld)' });
  t.like(shown.lastError, { name: 'Declined', code: 'E_DECLINED', step: 'pay' });
  const failure = await t.throwsAsync(device.result(), { code: 'HF_RUN_FAILED' });
  t.true(failure?.message.includes(SECRET), 'the program on the device is told');
  const revealed = await device.inspector.run('run-1', { reveal: true });
  t.true(revealed.error?.message.includes(SECRET));
});

test('inputs, outputs and signals are marked by the workflow, a child’s too', async (t) => {
  const local = { local: true };
  const marks = { input: local, output: { redact: ['number'] }, signals: { pin: local } };
  const inner = workflow(
    'inner',
    async (ctx, input: { readonly card: unknown }) => {
      const pin = await ctx.waitFor('pin');
      if (pin === 'again') return ctx.continueAsNew(input);
      return input.card;
    },
    { marks },
  );
  const outer = workflow(
    'outer',
    async (ctx) => {
      const got = await ctx.child(inner, { card }, { id: 'child-1' });
      return got === null ? 'nothing' : await ctx.step('own', () => got, { local: true });
    },
    { marks: { output: local } },
  );
  const device = new SimDevice();
  await device.start(outer, inner);
  await device.begin(outer, null);
  await device.signal('pin', 'again', { run: 'child-1' });
  await device.signal('pin', SECRET, { run: 'child-1' });
  await device.restart(outer, inner);

  t.deepEqual(await device.result(), card);
  t.deepEqual(await device.result('child-1'), card);
  const left = await leaving(device);
  t.false(left.includes(SECRET));
  t.true(left.includes('visa'), 'the redacted output');
});

test('an unhandled branch, a compensation and a result by hand stay marked', async (t) => {
  const local = true;
  const undone: unknown[] = [];
  const code = workflow('undoing', async (ctx) => {
    await ctx.step('charge', () => card, {
      local,
      compensate: (result) => {
        undone.push(result);
        return `gave back ${SECRET}`;
      },
    });
    await ctx.step('outside', () => undefined, { local, external: true });
    throw new Error(SECRET);
  });
  const device = await begun(code);
  await device.runtime.skip({ run: 'run-1', step: 'outside', result: encodeValue(SECRET) });
  await device.settle();

  t.deepEqual(undone, [card]);
  t.is(await device.state(), 'failed');
  t.false((await leaving(device)).includes(SECRET));
});

test('a run that is forked or retried takes what was sealed along', async (t) => {
  const world = { isBroken: true };
  const code = workflow('steps', async (ctx) => {
    const read = await ctx.step('read', () => card, { redact: ['number'] });
    await ctx.step(
      'use',
      () => {
        if (world.isBroken) throw new Error('no paper');
      },
      { retry: false },
    );
    return read.number.length;
  });
  const device = await begun(code);
  world.isBroken = false;
  await device.runtime.fork({ run: 'run-1', step: 'use', id: 'run-2' });
  await device.runtime.retry('run-1', 'paper is in');
  await device.settle();
  await device.restart(code);

  t.is(await device.result('run-1'), SECRET.length);
  t.is(await device.result('run-2'), SECRET.length);
  t.false((await leaving(device)).includes(SECRET));
  const { history } = await device.inspector.run('run-2');
  t.deepEqual(history[1]?.value, { number: '[redacted]', brand: 'visa' });
});

test('contents go with their entries when the retention is over', async (t) => {
  const code = reader({ local: true });
  const device = await begun(code);
  await device.signal('go');
  t.is(await rowsOf(device, 'p'), 2, 'the result and the output');
  const silent: Log = { error: () => {}, info: () => {}, debug: () => {} };
  for (const lane of lanes) {
    const { head } = device.journal.positions()[lanes.indexOf(lane)] ?? { head: 0 };
    device.journal.acknowledge(lane, head);
  }
  await device.settle();
  await device.begin(code, null, 'run-2');
  const { clock, journal, runs: store } = device;
  const onPurged = (): void => undefined;
  for (const lane of lanes) device.journal.acknowledge(lane, 1_000);
  const { head } = device.journal.positions()[1];
  device.journal.acknowledge('normal', head);
  await device.settle();
  const retention = new Retention({ clock, log: silent, journal, store, keepMs: 0, onPurged });
  await retention.sweep();

  await t.throwsAsync(device.state('run-1'), { code: 'HF_RUN_UNKNOWN' });
  t.is(await rowsOf(device, 'p'), 1, 'that of the run that goes on');
});

test('a history is exported as it leaves; revealed, it can be replayed', async (t) => {
  const code = reader({ local: true });
  const device = await begun(code);
  await device.signal('go');

  const masked = await device.inspector.history('run-1');
  t.false(JSON.stringify(masked).includes(SECRET));
  t.false(JSON.stringify(masked).includes(hex(Buffer.from(SECRET))));
  t.like(await replay(masked, code), { matches: false });
  const revealed = await device.inspector.history('run-1', { reveal: true });
  t.true(JSON.stringify(revealed).includes(SECRET));
  t.like(await replay(revealed, code), { matches: true });
});

test('a run whose content is gone is stuck and says why', async (t) => {
  const code = reader({ local: true });
  const device = await begun(code);
  const { journal } = device;
  const [row] = await device.store.scan({
    ...{ from: Uint8Array.of(0x70), to: Uint8Array.of(0x71), limit: 1 },
  });
  t.truthy(row);
  await journal.append([], () => (row ? [{ kind: 'delete', key: row.key }] : []));
  await device.restart(code);

  t.is(await device.state(), 'stuck');
  const { error } = await device.inspector.run('run-1');
  t.is(error?.code, 'HF_VALUE_SEALED');
});

test('marks that make no sense are refused where they are given', async (t) => {
  const codes: unknown[] = [];
  const code = workflow('wrong', async (ctx) => {
    const tries = [
      () => ctx.step('both', () => 1, { local: true, redact: ['a'] }),
      () => ctx.step('none', () => 1, { redact: [] }),
      () => ctx.step('word', () => 1, { redact: 'a' as never }),
      () => ctx.step('yes', () => 1, { local: 'yes' as never }),
      () => ctx.call('svc', 1, { local: true } as never),
      () => ctx.call('svc', 1, { redact: ['a'] } as never),
    ];
    for (const each of tries) {
      await each().catch((error: HoldfastError) => codes.push(error.code));
    }
  });
  const device = await begun(code);

  t.is(await device.state(), 'completed');
  t.deepEqual(
    codes,
    Array.from({ length: 6 }, () => 'HF_CONFIG_INVALID'),
  );
  const marks = { input: { local: true, redact: ['a'] } };
  t.throws(() => workflow('wrong', async () => {}, { marks }), { code: 'HF_CONFIG_INVALID' });
});

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

test('no trace has the errors of runs that are marked, or about somebody', async (t) => {
  const spans: TraceSpan[] = [];
  const device = new SimDevice();
  device.tracer = { ended: (span) => spans.push(span) };
  const failing = (name: string, options: MarkOptions) =>
    workflow(name, async (ctx) => {
      const body = () => Promise.reject(new Error(`${name} ${SECRET}`));
      await ctx.step('fail', body, { ...(options as object), retry: false });
    });
  await device.start(failing('marked', { local: true }), failing('about', {}), failing('open', {}));
  for (const name of ['marked', 'about', 'open']) {
    const subject = name === 'about' ? 'customer-42' : undefined;
    await device.runtime.start({ workflow: name, input: encodeValue(null), id: name, subject });
  }
  await device.settle();

  const errors = spans.map(({ name, error }) => `${name}: ${String(error)}`);
  t.deepEqual(
    errors.filter((error) => error.includes(SECRET)).map((error) => error.split(':')[0]),
    ['step fail', 'run open'],
    errors.join(', '),
  );
  t.true(errors.includes('run marked: HF_STEP_FAILED'));
  t.true(errors.includes('run about: HF_STEP_FAILED'));
});
