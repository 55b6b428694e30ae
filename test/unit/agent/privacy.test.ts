import test from 'ava';
import { EntityHandle, entity, signal, workflow, type TraceSpan } from '@holdfast/agent';
import { Retention, type MarkOptions } from '@holdfast/agent/internal';
import { replay } from '@holdfast/agent/testing';
import {
  encodeValue,
  hex,
  messageOf,
  type HoldfastError,
  type Log,
} from '@holdfast/protocol';
import { SECRET, begun, card, leaving, reader, rowsOf } from '../../support/secrets.ts';
import { SimDevice } from '../../support/sim-device.ts';

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
  const marks = { input: local, output: { redact: ['number'] } };
  const pinned = signal<string>('pin', local);
  const inner = workflow(
    'inner',
    async (ctx, input: { readonly card: unknown }) => {
      const pin = await ctx.waitFor(pinned);
      if (pin === 'again') return ctx.continueAsNew(input);
      return input.card;
    },
    { signals: [pinned], marks },
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
  await device.acknowledge();
  await device.begin(code, null, 'run-2');
  const { time: clock, journal, runs: store } = device;
  const onPurged = (): void => undefined;
  await device.acknowledge();
  const parts = { clock, log: silent, journal, store, onPurged };
  const retention = new Retention({ ...parts, keepMs: 0, hasLedger: true });
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

test('an entity that is local keeps its state, its commands and their replies here', async (t) => {
  const vault = entity('vault', {
    initial: () => ({ card: '' }),
    commands: {
      keep: (_state: { readonly card: string }, number: string) => {
        if (number === '') throw new Error(`not ${SECRET}`);
        return { state: { card: number }, result: `kept ${number}` };
      },
    },
    step: { retry: false },
    local: true,
  });
  const device = new SimDevice();
  await device.start(vault);
  const handle = () => {
    return new EntityHandle({ runtime: device.runtime, store: device.runs }, vault, 'a');
  };
  for (let n = 0; n < 201; n += 1) await handle().call('keep', SECRET, { id: `c-${n}` });
  const refused = await t.throwsAsync(handle().call('keep', ''), { code: 'HF_STEP_FAILED' });
  t.true(messageOf(refused?.cause).includes(SECRET));
  await device.restart(vault);

  t.deepEqual(await handle().state(), { card: SECRET });
  t.is(await handle().call('keep', SECRET, { id: 'c-200' }), `kept ${SECRET}`, 'of then');
  t.false((await leaving(device)).includes(SECRET));
});

test('what until finds is marked as the result of a step is', async (t) => {
  const code = workflow('looks', async (ctx) => {
    return (await ctx.until('look', () => card, { redact: ['number'] })).number.length;
  });
  const device = await begun(code);

  t.is(await device.result(), SECRET.length);
  t.deepEqual((await device.inspector.run('run-1')).history[1]?.value, {
    number: '[redacted]',
    brand: 'visa',
  });
});
