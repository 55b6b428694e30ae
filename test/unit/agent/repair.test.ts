import { readFileSync } from 'node:fs';
import test from 'ava';
import { encodeValue, type HoldfastError } from '@holdfast/protocol';
import { workflow, type Context, type Workflow } from '@holdfast/agent/internal';
import { replay, type ReplayHistory } from '@holdfast/agent/testing';
import { recordedFlow, recordedHistoryUrl } from '../../support/recorded-flow.ts';
import { SimDevice } from '../../support/sim-device.ts';

type AnyWorkflow = Workflow<never, unknown>;

async function begun(code: AnyWorkflow, input: unknown = null): Promise<SimDevice> {
  const device = new SimDevice();
  await device.start(code);
  await device.begin(code, input);
  return device;
}

type Body = (ctx: Context) => Promise<unknown>;

const flow = (body: Body, version = 1): AnyWorkflow => workflow('flow', body, { version });

/** Runs `before` to where it waits, then goes on with `after`; gives the state it comes to. */
async function changed(before: Body, after: Body) {
  const device = await begun(flow(before));
  await device.signal('go', 'x').catch(() => undefined);
  const length = (await device.history()).length;
  for (let i = 0; i < 3; i += 1) await device.restart(flow(after));
  const { state, error } = await device.inspector.run('run-1');
  return { device, state, error, grown: (await device.history()).length - length };
}

const step = (ctx: Context, name: string) => ctx.step(name, () => name);

test('K1 K2 K3 code that parts from its history parks the run until it is right', async (t) => {
  const before: Body = async (ctx) => {
    await step(ctx, 'a');
    await ctx.waitFor('go');
    await step(ctx, 'b');
    return ctx.waitFor('end');
  };
  const parts: Record<string, [Body, RegExp]> = {
    'another name': [async (ctx) => void (await step(ctx, 'A')), /step "a".*step "A"/s],
    'another kind': [(ctx) => ctx.emit('a'), /step "a".*emit "a"/s],
    'another order': [
      async (ctx) => {
        await ctx.waitFor('go');
        await step(ctx, 'a');
      },
      /step "a".*wait "go"/s,
    ],
    'a wait that became a step': [
      async (ctx) => {
        await step(ctx, 'a');
        await step(ctx, 'go');
      },
      /step "b".*nothing/s,
    ],
    'an end before its end': [async (ctx) => step(ctx, 'a'), /step "b".*nothing/s],
  };
  for (const [label, [after, why]] of Object.entries(parts)) {
    const { device, state, error, grown } = await changed(before, after);
    t.is(state, 'stuck', label);
    t.is(error?.code, 'HF_CODE_MISMATCH', label);
    t.regex(error?.message ?? '', why, label);
    t.is(grown, 1, 'the history says once that it is stuck');
    await device.restart(flow(before));
    await device.signal('end', 'well');
    t.is(await device.result(), 'well', label);
  }
});

test('K2 what is added at the end is no change', async (t) => {
  const before: Body = async (ctx) => {
    await step(ctx, 'a');
    await ctx.waitFor('end');
  };
  const after: Body = async (ctx) => {
    await before(ctx);
    return step(ctx, 'b');
  };
  const { device, state } = await changed(before, after);
  t.is(state, 'waiting-signal');
  await device.signal('end');
  t.is(await device.result(), 'b');
});

test('K1 a run that a failing disk cannot note as stuck keeps nobody busy', async (t) => {
  const device = new SimDevice();
  await device.start(workflow('flow', (ctx) => ctx.step('one', () => 1).then(() => ctx.sleep(9))));
  await device.begin(workflow('flow', () => Promise.resolve(1)), null);
  device.crash();
  device.store.failWriteNumber(3, 'lost');
  await device.start(workflow('flow', (ctx) => ctx.step('other', () => 1)));
  await device.settle();
  t.is(device.errors.filter((line) => line.startsWith('a run could not go on')).length, 1);
});

test('K4 patched: old runs go the old way, new ones the new, in every replay', async (t) => {
  const before: Body = async (ctx) => {
    await ctx.waitFor('go');
    await step(ctx, 'old');
    return ctx.waitFor('end');
  };
  const after: Body = async (ctx) => {
    const isNew = ctx.patched('wider');
    await ctx.waitFor('go');
    await step(ctx, isNew ? 'new' : 'old');
    return [isNew, await ctx.waitFor('end')];
  };
  const { device } = await changed(before, after);
  await device.begin(flow(after), null, 'run-2');
  await device.signal('go', 'x', { run: 'run-2' });
  for (let i = 0; i < 2; i += 1) await device.restart(flow(after));
  await device.signal('end');
  await device.signal('end', undefined, { run: 'run-2' });
  t.deepEqual(await device.result(), [false, undefined]);
  t.deepEqual(await device.result('run-2'), [true, undefined]);
});

test('K4 patched in a loop: made rounds keep the old way, the next take the new', async (t) => {
  const loop =
    (isPatched: boolean): Body =>
    async (ctx) => {
      const ways: string[] = [];
      for (let round = 0; round < 4; round += 1) {
        const isNew = isPatched && ctx.patched('way');
        ways.push(await step(ctx, isNew ? 'new' : 'old'));
        await ctx.waitFor('next');
      }
      return ways;
    };
  const device = await begun(flow(loop(false)));
  await device.signal('next');
  await device.restart(flow(loop(true)));
  await device.signal('next');
  await device.restart(flow(loop(true)));
  await device.signal('next');
  await device.signal('next');
  t.deepEqual(await device.result(), ['old', 'old', 'new', 'new']);
});

test('K4 a patch behind a cancellation is remembered too', async (t) => {
  const code = flow(async (ctx) => {
    await ctx.sleep('1d').catch(() => undefined);
    const isNew = ctx.patched('tidier');
    await ctx.shielded(async (clean) => {
      await step(clean, isNew ? 'new' : 'old');
      await clean.waitFor('end');
    });
  });
  const device = await begun(code);
  await device.runtime.cancel({ run: 'run-1', reason: 'x' });
  await device.settle();
  await device.restart(code);
  t.is(await device.state(), 'waiting-signal');
  await device.signal('end');
  t.is(await device.state(), 'cancelled');
});

test('K4 when a patch is taken out too early, the run is parked and the patch named', async (t) => {
  const { state, error } = await changed(
    async (ctx) => {
      if (ctx.patched('way')) await step(ctx, 'new');
      await ctx.waitFor('end');
    },
    async (ctx) => {
      await step(ctx, 'new');
      await ctx.waitFor('end');
    },
  );
  t.is(state, 'stuck');
  t.regex(error?.message ?? '', /patch "way"/);
});

test('K5 a run stays with its version, and waits for it where it is missing', async (t) => {
  const make = (version: number): AnyWorkflow =>
    flow(async (ctx) => {
      await ctx.waitFor('go');
      return version;
    }, version);
  const device = await begun(make(1));
  await device.restart(make(1), make(3), make(2));
  await device.begin(make(3), null, 'run-2');
  t.is((await device.inspector.run('run-2')).version, 3, 'new runs take the newest');
  await device.restart(make(3));
  await device.signal('go');
  await device.signal('go', null, { run: 'run-2' });
  t.is(await device.result('run-2'), 3);
  const stuck = await device.inspector.run('run-1');
  t.is(stuck.state, 'stuck');
  t.is(stuck.error?.code, 'HF_WORKFLOW_UNKNOWN');
  await device.restart();
  await device.restart(make(3), make(1));
  t.is(await device.result(), 1, 'the signal was kept');
  await t.throwsAsync(device.restart(make(1), make(1)), { code: 'HF_WORKFLOW_DUPLICATE' });
});

test('K7 a history that an earlier release journaled is replayed to its end', async (t) => {
  // What the file has was written by `export`.
  const history = JSON.parse(readFileSync(recordedHistoryUrl, 'utf8')) as ReplayHistory;
  const report = await replay(history, recordedFlow);
  t.is(report.parting, undefined);
  t.true(report.matches);
  t.true(report.entries > 20);
  t.deepEqual(report.open, []);
});

test('L1 killed at any commit, everything a run can do comes to the same end', async (t) => {
  const child = workflow('child', async (ctx, input: number) => {
    await ctx.step('in child', () => undefined);
    return input + 1;
  });
  const make = (effects: string[]) =>
    workflow('rich', async (ctx) => {
      const did = (name: string) => void effects.push(name);
      const values = await ctx.map([1, 2], (each, part) => part.step('item', () => each), {});
      const poured = await ctx
        .step('once', () => (did('once'), 'poured'), { atMostOnce: true })
        .catch((error: HoldfastError) => error.code);
      const found = await ctx.until('look', ({ attempt }) => attempt, { every: '1s' });
      const grown = await ctx.child(child, 41);
      if (ctx.patched('way')) await ctx.setStatus('new way');
      await ctx.emit('fact', grown);
      const part = ctx.scope((inner) => inner.waitFor('never'));
      const slept = await Promise.race([part.result, ctx.sleep('1s').then(() => 'slept')]);
      part.cancel();
      await ctx
        .step('flaky', ({ attempt }) => {
          if (attempt < 3) throw new Error('again');
        }, { retry: { minDelay: '20s' } });
      return [values.length, poured, found, grown, slept];
    });
  const drive = async (device: SimDevice): Promise<void> => {
    for (let i = 0; i < 8; i += 1) await device.advance(10_000);
  };
  const calm = new SimDevice();
  await calm.start(make([]), child);
  await calm.begin(make([]), null);
  await drive(calm);
  const expected = await calm.result();
  const commits = calm.store.writes;
  t.true(commits > 12);
  for (let kill = 1; kill <= commits; kill += 1) {
    for (const outcome of ['lost', 'kept'] as const) {
      const effects: string[] = [];
      const device = new SimDevice();
      await device.start(make(effects), child);
      device.store.failWriteNumber(kill, outcome);
      await device.begin(make(effects), null).catch(() => undefined);
      await drive(device);
      await device.restart(make(effects), child);
      await device.begin(make(effects), null);
      await drive(device);
      const label = `killed at commit ${kill}, ${outcome}`;
      const [length, poured, ...rest] = (await device.result()) as unknown[];
      t.true(poured === 'poured' || poured === 'HF_STEP_INTERRUPTED', label);
      t.deepEqual([length, 'poured', ...rest], expected as unknown[], label);
      t.true(effects.length <= 1, label);
    }
  }
});

test('L13 runs that were at work at a crash all go on, some steps at a time', async (t) => {
  const make = (count: { atWork: number; most: number }): AnyWorkflow =>
    flow(async (ctx) => {
      await ctx.waitFor('go');
      await ctx.step('work', async () => {
        count.atWork += 1;
        count.most = Math.max(count.most, count.atWork);
        await new Promise((resolve) => setImmediate(resolve));
        count.atWork -= 1;
      });
    });
  const device = new SimDevice();
  await device.start(make({ atWork: 0, most: 0 }));
  const ids = Array.from({ length: 500 }, (_, i) => `r${i}`);
  const input = encodeValue(null);
  await Promise.all(ids.map((id) => device.runtime.start({ workflow: 'flow', input, id })));
  await device.settle();
  const name = 'go';
  await Promise.all(ids.map((run) => device.runtime.signal({ run, name, payload: input })));
  const count = { atWork: 0, most: 0 };
  await device.restart(make(count));
  for (let i = 0; i < 20; i += 1) await device.settle();
  t.deepEqual(device.runtime.counts(), { completed: 500 });
  t.is(count.most, 64);
});

test('M1 replay writes nothing, whatever the run has done', async (t) => {
  const code = flow(async (ctx) => {
    for (let i = 0; i < 20; i += 1) await step(ctx, `s${i}`);
    ctx.patched('way');
    await ctx.setStatus('here');
    await ctx.emit('fact');
    await ctx.sleep(0);
    await ctx.waitFor('go');
  });
  const device = await begun(code);
  await device.advance(5_000);
  await device.restart(code);
  const { writes } = device.store;
  await device.signal('other');
  await device.advance(5_000);
  t.is(device.store.writes, writes + 2, 'the signal, and that it waits again');
});

test('M3 a run that goes on in new histories for ever keeps a store of one size', async (t) => {
  const loop = workflow('loop', async (ctx, round: number) => {
    await ctx.step('work', () => round);
    await ctx.waitFor('next');
    return ctx.continueAsNew(round + 1);
  });
  const device = await begun(loop, 1);
  const all = { from: new Uint8Array(), to: Uint8Array.of(255), limit: 10_000 };
  const sizes: number[] = [];
  for (let round = 0; round < 60; round += 1) {
    await device.signal('next');
    if (round % 20 !== 19) continue;
    await device.acknowledge();
    await device.sweep();
    await device.restart(loop);
    sizes.push((await device.store.scan(all)).length);
  }
  t.is(await device.state(), 'waiting-signal');
  t.is(sizes[1], sizes[2]);
  t.true((sizes[2] ?? 0) < 40, sizes.join());
});

test('M3 without a ledger, histories that went on go before long, others in time', async (t) => {
  const loop = workflow('loop', async (ctx, round: number) => {
    await ctx.step('work', () => round);
    await ctx.waitFor('next');
    return ctx.continueAsNew(round + 1);
  });
  const quick = workflow('quick', (ctx) => ctx.step('once', () => 1));
  const device = new SimDevice();
  await device.start(loop, quick);
  await device.begin(quick, undefined, 'ended');
  await device.begin(loop, 1, 'run-1');
  const retention = device.retention({ keepMs: 60_000, hasLedger: false });
  const all = { from: new Uint8Array(), to: Uint8Array.of(255), limit: 10_000 };
  const sizes: number[] = [];
  for (let round = 0; round < 320; round += 1) {
    const number = await device.runtime.numberOf('run-1');
    await device.signal('next');
    await retention.continued(number);
    if (round % 64 === 63) sizes.push((await device.store.scan(all)).length);
  }
  const [first = 0, ...later] = sizes;
  t.true(first < 200, sizes.join());
  // What the index of histories has of them goes a few entries later than they do.
  t.true(Math.max(...later) < first + 5, sizes.join());
  t.is((await device.inspector.run('ended')).state, 'completed');

  t.is(await device.sweep(), 0, 'where there is a ledger, nothing goes that it lacks');
  await device.advance(61_000);
  t.true((await retention.sweep()) > 0);
  await t.throwsAsync(device.inspector.run('ended'), { code: 'HF_RUN_UNKNOWN' });
  await device.restart(loop, quick);
  await device.signal('next');
  t.is(await device.state(), 'waiting-signal');
});

test('M5 a line that code logs is logged once, also before its first step', async (t) => {
  const code = flow(async (ctx) => {
    ctx.log('begins');
    await step(ctx, 'a');
    ctx.log('behind a');
    await ctx.waitFor('go');
    ctx.log('goes');
    await ctx.waitFor('end');
  });
  const device = await begun(code);
  await device.restart(code);
  await device.signal('go');
  await device.restart(code);
  await device.restart(code);
  await device.signal('end');
  t.deepEqual(device.infos, ['begins', 'behind a', 'goes']);
});

test('O1 O6 looking at runs changes nothing; the newest come first', async (t) => {
  const code = flow((ctx) => ctx.waitFor('go'));
  const device = new SimDevice();
  await device.start(code);
  for (let i = 0; i < 5; i += 1) await device.begin(code, i, `r${i}`);
  const { writes } = device.store;
  const { runs } = await device.inspector.runs({ all: false, limit: 3 });
  t.deepEqual(runs.map(({ id }) => id), ['r4', 'r3', 'r2']);
  await device.inspector.run('r0');
  await device.inspector.journal({ limit: 10 });
  await device.inspector.counts();
  await device.settle();
  t.is(device.store.writes, writes);
});

test('O2 a run says where it is: step, attempt, next try, and what it waits for', async (t) => {
  let end = (): void => {};
  const code = flow(async (ctx) => {
    await ctx.step('try', async ({ attempt }) => {
      if (attempt < 3) throw new Error('no');
      await new Promise<void>((resolve) => (end = resolve));
    }, { retry: { minDelay: '1h', factor: 1 } });
    await ctx.waitFor('go');
  });
  const device = await begun(code);
  const look = () => device.inspector.run('run-1');
  await device.advance(3_600_000);
  const nextAt = new Date(device.clock.nowMs() + 3_600_000).toISOString();
  t.like(await look(), { state: 'retrying', at: 'try', attempt: 2, nextAt });
  await device.restart(code);
  t.like(await look(), { state: 'retrying', at: 'try', attempt: 2, nextAt });
  await device.advance(3_600_000);
  t.like(await look(), { state: 'running', at: 'try', attempt: 3, nextAt: null });
  end();
  await device.settle();
  t.like(await look(), { state: 'waiting-signal', at: 'go', nextAt: null });
});

test('O3 a fork begins with what another run had done before a step', async (t) => {
  const bodies: string[] = [];
  const code = flow(async (ctx) => {
    const did = (name: string) =>
      ctx.step(name, () => {
        bodies.push(name);
        return `${name} of ${ctx.runId}`;
      });
    return [await did('a'), await did('b'), await did('c')];
  });
  const device = await begun(code);
  const id = await device.runtime.fork({ run: 'run-1', step: 'b', id: 'again' });
  await device.settle();
  await device.restart(code);
  t.deepEqual(await device.result(id), ['a of run-1', 'b of again', 'c of again']);
  t.deepEqual(bodies, ['a', 'b', 'c', 'b', 'c']);
  await t.throwsAsync(device.runtime.fork({ run: 'run-1', step: 'x' }), { code: 'HF_RUN_STATE' });
  await t.throwsAsync(device.runtime.fork({ run: 'run-1', step: 'b', id: 'again' }), {
    code: 'HF_RUN_CONFLICT',
  });
});

test('O4 a run that went on behind its failure is forked, not retried', async (t) => {
  let isBroken = true;
  const undone: string[] = [];
  const code = flow(async (ctx) => {
    await ctx.step('book', () => 'seat', { compensate: () => void undone.push('book') });
    return ctx.step('pay', () => {
      if (isBroken) throw new Error('no');
      return 'paid';
    }, { retry: false });
  });
  const device = await begun(code);
  await device.settle();
  t.is(await device.state(), 'failed');
  await t.throwsAsync(device.runtime.retry('run-1', ''), { code: 'HF_RUN_STATE' });
  t.is(await device.state(), 'failed');

  isBroken = false;
  const id = await device.runtime.fork({ run: 'run-1', step: 'pay', id: 'again' });
  await device.settle();
  t.is(await device.result(id), 'paid');
  t.deepEqual(undone, ['book']);
});

test('O4 a failed run goes on from the step that failed; what was done stays done', async (t) => {
  let isBroken = true;
  const bodies: string[] = [];
  const code = flow(async (ctx) => {
    await ctx.step('a', () => bodies.push('a'));
    await ctx.step('b', () => {
      bodies.push('b');
      if (isBroken) throw new Error('no');
    }, { retry: false });
    return 'done';
  });
  const device = await begun(code);
  t.is(await device.state(), 'failed');
  await device.restart(code);
  isBroken = false;
  await device.runtime.retry('run-1', 'mended');
  await device.settle();
  await device.restart(code);
  t.is(await device.result(), 'done');
  t.deepEqual(bodies, ['a', 'b', 'b']);
  await t.throwsAsync(device.runtime.retry('run-1', 'again'), { code: 'HF_RUN_STATE' });
});

test('O10 a run that is at work whenever the process dies is kept aside', async (t) => {
  const poison = workflow('poison', (ctx) => ctx.step('kill', () => new Promise(() => {})));
  const healthy = workflow('healthy', async (ctx) => {
    for (;;) {
      await ctx.waitFor('go');
      await ctx.step('work', () => 1);
    }
  });
  const device = new SimDevice();
  await device.start(poison, healthy);
  await device.begin(poison, null, 'poison');
  await device.begin(healthy, null, 'healthy');
  for (let crash = 0; crash < 25; crash += 1) {
    await device.signal('go', null, { run: 'healthy' });
    await device.restart(poison, healthy);
  }
  const kept = await device.inspector.run('poison');
  t.is(kept.state, 'stuck');
  t.is(kept.error?.code, 'HF_RUN_QUARANTINED');
  const told = kept.history.filter(({ kind }) => kind === 'run.stuck');
  t.is(told.length, 1, 'its history says so, once');
  t.not(await device.state('healthy'), 'stuck');
  await device.runtime.retry('poison', 'mended');
  await device.settle();
  t.is(await device.state('poison'), 'running');

  const orderly = new SimDevice();
  await orderly.start(poison);
  await orderly.begin(poison, null);
  for (let stop = 0; stop < 25; stop += 1) {
    await orderly.stop();
    await orderly.start(poison);
  }
  t.is(await orderly.state(), 'running', 'to end in order is no crash');
});
