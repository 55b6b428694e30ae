import test from 'ava';
import { codeOf as codeOfError, type HoldfastError } from '@holdfast/protocol';
import { workflow, type Context, type Workflow } from '@holdfast/agent/internal';
import { SimDevice } from '../../support/sim-device.ts';

type AnyWorkflow = Workflow<never, unknown>;

async function begun(code: AnyWorkflow, ...others: AnyWorkflow[]): Promise<SimDevice> {
  const device = new SimDevice();
  await device.start(code, ...others);
  await device.begin(code, null);
  return device;
}

async function cancel(device: SimDevice, options: { run?: string; force?: boolean } = {}) {
  const { run = 'run-1', force } = options;
  await device.runtime.cancel({ run, reason: 'not wanted', force });
  await device.settle();
}

const codeOf = (error: HoldfastError): string => error.code;
const causeOf = async (device: SimDevice, id?: string): Promise<HoldfastError> => {
  const error = await device.result(id).catch((each: unknown) => each);
  return (error as HoldfastError).cause as HoldfastError;
};

/** A saga of three bookings; the fourth step fails. `undone` collects what was undone with what. */
function saga(undone: unknown[][], undo: (name: string, attempt: number) => unknown = () => {}) {
  return workflow('saga', async (ctx) => {
    const book = (name: string) =>
      ctx.step(name, () => `${name}!`, {
        compensate: async (result, { attempt }) => {
          await undo(name, attempt);
          undone.push([name, result]);
        },
      });
    await book('flight');
    await book('hotel');
    await book('car');
    await ctx.step('pay', () => Promise.reject(new Error('no money')), { retry: false });
  });
}

test('J1 J4 what completed is undone, last first, each given its result', async (t) => {
  const undone: unknown[][] = [];
  const device = await begun(saga(undone));
  await device.settle();

  t.deepEqual(undone, [['car', 'car!'], ['hotel', 'hotel!'], ['flight', 'flight!']]);
  t.is((await causeOf(device)).code, 'HF_STEP_FAILED', 'the run fails with what failed it');
});

test('J1 parallel steps are undone in reverse order of completion, late ones too', async (t) => {
  const undone: string[] = [];
  const ends = new Map<string, () => void>();
  const wide = workflow('wide', async (ctx) => {
    const book = (name: string) =>
      ctx.step(name, () => new Promise<void>((end) => ends.set(name, end)), {
        compensate: () => void undone.push(name),
      });
    await Promise.all([book('a'), book('b'), book('late'), ctx.waitFor('fail').then(() => {
      throw new Error('no');
    })]);
  });
  const device = await begun(wide);
  for (const name of ['b', 'a']) {
    ends.get(name)?.();
    await device.settle();
  }
  await device.signal('fail');
  t.deepEqual(undone, [], 'what is at work may yet complete');
  ends.get('late')?.();
  await device.settle();
  t.deepEqual(undone, ['late', 'a', 'b']);
  t.is(await device.state(), 'failed');
});

test('J2 killed at any commit, the undoing goes on and undoes nothing twice', async (t) => {
  const undisturbed = new SimDevice();
  await undisturbed.start(saga([]));
  await undisturbed.begin(saga([]), null);
  await undisturbed.settle();
  const commits = undisturbed.store.writes;
  for (let kill = 1; kill <= commits; kill += 1) {
    const undone: unknown[][] = [];
    const device = new SimDevice();
    await device.start(saga(undone));
    device.store.failWriteNumber(kill, 'kept');
    await device.begin(saga(undone), null).catch(() => undefined);
    await device.settle();
    await device.restart(saga(undone));
    await device.begin(saga(undone), null);
    await device.settle();
    const names = undone.map(([name]) => name);
    t.deepEqual(names, ['car', 'hotel', 'flight'], `killed at commit ${kill}`);
    t.is(await device.state(), 'failed');
    const steps = (await device.history()).filter((kind) => kind.startsWith('step.completed undo'));
    t.deepEqual(steps, ['car', 'hotel', 'flight'].map((name) => `step.completed undo ${name}`));
  }
});

test('J3 an undoing that fails is retried, holds up no other, and is told', async (t) => {
  const undone: unknown[][] = [];
  const device = await begun(
    saga(undone, (name, attempt) => {
      if (name === 'car' && attempt < 3) throw new Error('the desk is closed');
      if (name === 'hotel') throw new RangeError('the hotel is gone');
    }),
  );
  await device.advance(10_000);
  t.deepEqual(undone, [['car', 'car!']]);
  await device.restart(
    saga(undone, (name) => {
      if (name === 'hotel') throw new RangeError('the hotel is gone');
    }),
  );
  for (let i = 0; i < 310; i += 1) await device.advance(300_000);

  t.deepEqual(undone, [['car', 'car!'], ['flight', 'flight!']]);
  const cause = await causeOf(device);
  t.is(cause.code, 'HF_COMPENSATION_FAILED');
  t.deepEqual(cause.details?.['steps'], ['hotel']);
  const { errors } = cause.cause as AggregateError;
  t.deepEqual(errors.map(codeOfError), ['HF_STEP_FAILED', 'HF_STEP_FAILED']);
});

test('J5 a step in doubt is undone without a result; one that failed is not', async (t) => {
  const never = (): Promise<never> => new Promise(() => {});
  const fail = (): never => {
    throw new Error('no');
  };
  const certain = (undone: unknown[]) => ({ compensate: (r: unknown) => void undone.push(r) });
  const cases: [string, unknown[], (ctx: Context, undone: unknown[]) => Promise<unknown>][] = [
    ['failed', [], (ctx, u) => ctx.step('x', fail, { ...certain(u), retry: false })],
    ['timed out', [undefined], (ctx, u) =>
      ctx.step('x', never, { ...certain(u), retry: false, timeout: '1s' })],
    ['timed out, then failed', [undefined], (ctx, u) =>
      ctx.step('x', ({ attempt }) => (attempt === 1 ? never() : fail()), {
        ...certain(u),
        timeout: '1s',
        retry: { attempts: 2 },
      })],
    ['timed out, then completed', ['ok'], async (ctx, u) => {
      await ctx.step('x', ({ attempt }) => (attempt === 1 ? never() : 'ok'), {
        ...certain(u),
        timeout: '1s',
      });
      fail();
    }],
  ];
  for (const [label, expected, body] of cases) {
    const undone: unknown[] = [];
    const code = workflow('doubtful', (ctx) => body(ctx, undone));
    const device = await begun(code);
    await device.restart(code);
    await device.advance(10_000);
    t.deepEqual(undone, expected, label);
    t.is(await device.state(), 'failed', label);
  }
});

test('J5 a step that is cancelled at work is in doubt, one that only waits is not', async (t) => {
  const make = (undone: string[]) =>
    workflow('cancelled', async (ctx) => {
      const options = (name: string) => ({ compensate: () => void undone.push(name) });
      await ctx.step('done', () => 1, options('done'));
      await Promise.all([
        ctx.step('at work', () => new Promise(() => {}), options('at work')),
        ctx.step('waits', () => 1, { ...options('waits'), when: 'online' }),
      ]);
    });
  for (const kill of [0, 1, 2, 3]) {
    const undone: string[] = [];
    const device = new SimDevice();
    device.conditions.set('online', false);
    await device.start(make(undone));
    await device.begin(make(undone), null);
    if (kill > 0) device.store.failWriteNumber(device.store.writes + kill, 'kept');
    await device.runtime.cancel({ run: 'run-1', reason: 'x' }).catch(() => undefined);
    await device.settle();
    await device.restart(make(undone));
    await device.advance(1_000);
    t.deepEqual(undone, ['at work', 'done'], `killed at commit ${kill}`);
    t.is(await device.state(), 'cancelled');
  }
});

test('J5 a step in doubt that turns out to have completed is undone with its result', async (t) => {
  const undone: unknown[][] = [];
  const ends = new Map<string, (value: string) => void>();
  const booking = workflow('booking', (ctx) =>
    Promise.all(
      ['flight', 'hotel'].map((name) =>
        ctx.step(name, () => new Promise<string>((end) => ends.set(name, end)), {
          compensate: (result) => void undone.push([name, result]),
        }),
      ),
    ),
  );
  const device = await begun(booking);
  // It ends while the cancelling is on its way to the disk: its result comes behind the doubt.
  device.store.holdWrites();
  const cancelled = cancel(device);
  await device.settle();
  ends.get('flight')?.('seat 7');
  await device.settle();
  device.store.releaseWrites();
  await cancelled;

  t.deepEqual(undone, [['hotel', undefined], ['flight', 'seat 7']]);
});

test('J5 a step that its own code cancels at work is undone too', async (t) => {
  const make = (undone: unknown[]) =>
    workflow('scoped', async (ctx) => {
      const part = ctx.scope((inner) =>
        inner.step('x', () => new Promise(() => {}), {
          compensate: (result) => void undone.push(result),
        }),
      );
      await ctx.sleep('1s');
      part.cancel();
      const seen = await part.result.catch(codeOf);
      await ctx.waitFor('fail');
      throw new Error(String(seen));
    });
  const undone: unknown[] = [];
  const device = await begun(make(undone));
  await device.advance(1_000);
  await device.restart(make(undone));
  await device.restart(make(undone));
  await device.signal('fail');
  t.deepEqual(undone, [undefined]);
  t.is((await causeOf(device)).message, 'HF_RUN_CANCELLED');
});
