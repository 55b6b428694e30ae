import { workflow, type Workflow } from '@holdfast/agent';
import {
  commandKinds,
  decodeEntry,
  decodeValue,
  encodeValue,
  type Command,
  type CommandKind,
} from '@holdfast/protocol';
import test from 'ava';
import { SimDevice } from '../../support/sim-device.ts';

const visit = workflow('visit', async (ctx) => {
  await ctx.waitFor('knock');
  return 'opened';
});

const errand = workflow('errand', async (ctx) => {
  const told = await ctx.step(
    'ask',
    ({ token }) => {
      tokens.push(token);
    },
    { external: true },
  );
  return { told };
});

const broken = workflow('broken', async (ctx) => {
  await ctx.step(
    'repair',
    () => {
      attempts += 1;
      if (attempts === 1) throw new Error('not yet');
      return attempts;
    },
    { retry: { attempts: 1 } },
  );
  return 'repaired';
});

const caller = workflow('caller', (ctx) => ctx.call('service', 1));

const tokens: string[] = [];
let attempts = 0;

type Given = Partial<Command> & { readonly value?: unknown };

/** Applies a command under the next number, and gives its receipt. */
async function apply(device: SimDevice, kind: Command['kind'], given: Given = {}) {
  const number = device.runtime.lastCommand() + 1;
  const { value, ...rest } = given;
  const payload = encodeValue(value);
  await device.command({
    ...{ number, kind, payload, key: `c-${number}`, op: 0, run: '' },
    ...rest,
  });
  return receiptOf(device, number);
}

async function receiptOf(device: SimDevice, number: number): Promise<string | undefined> {
  const entries = await device.journal.entries('urgent', 1, 1_000);
  const receipts = entries.flatMap(({ bytes }) => receiptIn(bytes, number));
  return receipts.at(0);
}

function receiptIn(bytes: Uint8Array, number: number): string[] {
  const entry = decodeEntry(bytes);
  if (entry.kind !== 'command.receipt' || entry.command !== number) return [];
  return [`${entry.outcome}${entry.reason === '' ? '' : `: ${entry.reason}`}`];
}

async function deviceWith(...workflows: readonly Workflow<unknown, unknown>[]) {
  const device = new SimDevice();
  await device.start(...workflows);
  return device;
}

test('the gateway starts, signals, pauses, resumes and cancels runs', async (t) => {
  const device = await deviceWith(visit);

  t.is(await apply(device, 'run.start', { name: 'visit', run: 'v-1' }), 'applied');
  t.is(await device.state('v-1'), 'waiting-signal');
  t.is(await apply(device, 'run.pause', { run: 'v-1', value: 'inspection' }), 'applied');
  t.is(await device.state('v-1'), 'paused');
  t.is(await apply(device, 'run.resume', { run: 'v-1' }), 'applied');
  t.is(await apply(device, 'run.signal', { run: 'v-1', name: 'knock' }), 'applied');
  t.is(await device.result('v-1'), 'opened');

  t.is(await apply(device, 'run.start', { name: 'visit', run: 'v-2' }), 'applied');
  t.is(await apply(device, 'run.cancel', { run: 'v-2', value: 'moved' }), 'applied');
  t.is(await device.state('v-2'), 'cancelled');
});

test('the gateway retries, skips, completes and fails what waits for a person', async (t) => {
  const device = await deviceWith(errand, broken);
  attempts = 0;
  await device.begin(broken, null, 'b-1');
  t.is(await device.state('b-1'), 'failed');

  t.is(await apply(device, 'run.retry', { run: 'b-1', value: 'a new part' }), 'applied');
  t.is(await device.result('b-1'), 'repaired');

  await device.begin(errand, null, 'e-1');
  t.is(await apply(device, 'step.complete', { name: tokens.at(-1) ?? '', value: 7 }), 'applied');
  t.deepEqual(await device.result('e-1'), { told: 7 });

  await device.begin(errand, null, 'e-2');
  const fail = { name: tokens.at(-1) ?? '', value: 'nobody was at home' };
  t.is(await apply(device, 'step.fail', fail), 'applied');
  t.is(await device.state('e-2'), 'failed');

  await device.begin(errand, null, 'e-3');
  t.is(await apply(device, 'step.skip', { run: 'e-3', name: 'ask', value: 'no' }), 'applied');
  t.deepEqual(await device.result('e-3'), { told: 'no' });
});

test('a run that the gateway forks begins with what was done before the step', async (t) => {
  const ran: string[] = [];
  const twice = workflow('twice', async (ctx) => {
    await ctx.step('cut', () => void ran.push('cut'));
    const sew = () => {
      ran.push('sew');
      if (ran.length === 2) throw new Error('no thread');
    };
    await ctx.step('sew', sew, { retry: { attempts: 1 } });
    return 'a coat';
  });
  const device = await deviceWith(twice);
  await device.begin(twice, null, 'b-1');
  t.is(await device.state('b-1'), 'failed');

  t.is(await apply(device, 'run.fork', { run: 'b-1', name: '2', value: 'b-2' }), 'applied');
  t.is(await device.result('b-2'), 'a coat');
  t.deepEqual(ran, ['cut', 'sew', 'sew'], 'what came before the step is not done again');
  t.is(await device.state('b-1'), 'failed', 'the one that is forked stays as it is');
  const own = { run: 'b-1', name: 'cut', value: '' };
  t.is(await apply(device, 'run.fork', own), 'applied');
  t.is(await device.result(`c-${device.runtime.lastCommand()}`), 'a coat');

  const again = await apply(device, 'run.fork', { ...own, value: 'b-2' });
  t.regex(again ?? '', /^rejected.*HF_RUN_CONFLICT/);
  const nowhere = await apply(device, 'run.fork', { run: 'b-1', name: 'nothing', value: '' });
  t.regex(nowhere ?? '', /^rejected.*HF_RUN_STATE/);
});

test('what the gateway sets is read back after a crash, and null takes it away', async (t) => {
  const device = await deviceWith(visit);
  const told: string[] = [];
  device.runtime.onConfigured((name) => told.push(name));

  t.is(await apply(device, 'config.set', { name: 'report.every', value: '15m' }), 'applied');
  await device.restart(visit);
  const kept = await device.runtime.config('report.every');
  t.is(kept && decodeValue(kept), '15m');
  await apply(device, 'config.set', { name: 'lås-🔒', value: { open: false } });
  t.deepEqual((await device.inspector.settings()).settings, [
    { name: 'lås-🔒', value: { open: false } },
    { name: 'report.every', value: '15m' },
  ]);
  t.is(await apply(device, 'config.set', { name: 'report.every', value: null }), 'applied');

  t.is(await device.runtime.config('report.every'), undefined);
  t.deepEqual(told, ['report.every']);
});

test('an order to take another key stays until it is carried out, over a crash', async (t) => {
  const device = await deviceWith(visit);
  const alone = await apply(device, 'key.rotate');
  t.regex(alone ?? '', /^rejected.*HF_RENEWAL_REFUSED/, 'there is nobody to ask');
  let told = 0;
  device.runtime.onKeyOrder(() => (told += 1));

  t.is(await apply(device, 'key.rotate'), 'applied');
  const ordered = device.runtime.lastCommand();
  t.is(told, 1);
  await device.restart(visit);
  t.is(await device.runtime.keyOrder(), ordered);
  await device.runtime.keyOrderDone(ordered - 1);
  t.is(await device.runtime.keyOrder(), ordered, 'an earlier one was carried out');
  await device.runtime.keyOrderDone(ordered);

  t.is(await device.runtime.keyOrder(), 0);
});

test('a command that the device cannot obey is rejected with the reason', async (t) => {
  const device = await deviceWith(visit);
  await device.begin(visit, null, 'v-1');
  const started = { name: 'visit', run: 'v-1', value: { another: 'input' } };

  const reasons = [
    await apply(device, 'run.start', { name: 'nobody', run: 'n-1' }),
    await apply(device, 'run.start', started),
    await apply(device, 'run.start', { name: 'visit', run: 'v-9', value: 'x'.repeat(47_000) }),
    await apply(device, 'run.signal', { run: 'gone', name: 'knock' }),
    await apply(device, 'run.retry', { run: 'gone', value: '' }),
    await apply(device, 'step.complete', { name: 'hft_1_1_0', value: 1 }),
    await apply(device, 'config.set', { name: 'holdfast.epoch', value: 1 }),
    await apply(device, 'unknown'),
    await apply(device, 'void', { value: 'too large for it' }),
  ];

  t.deepEqual(
    reasons.map((reason) => reason?.replace(/^rejected: .*(HF_[A-Z_]+).*$/s, 'rejected: $1')),
    [
      'rejected: HF_WORKFLOW_UNKNOWN',
      'rejected: HF_RUN_CONFLICT',
      'applied',
      'rejected: HF_RUN_UNKNOWN',
      'rejected: HF_RUN_UNKNOWN',
      'rejected: HF_TOKEN_INVALID',
      'rejected: HF_CONFIG_INVALID',
      'rejected: HF_VERSION_UNSUPPORTED',
      'rejected: HF_MESSAGE_INVALID',
    ],
  );
});

/** What each kind of command does to a device that has had it, in words. */
const effects: Readonly<Partial<Record<CommandKind, Effect>>> = {
  'run.start': { given: { name: 'visit', run: 'v-2' }, is: ['v-2', 'waiting-signal'] },
  'run.signal': { given: { name: 'knock', run: 'v-1' }, is: ['v-1', 'completed'] },
  'run.cancel': { given: { run: 'v-1', value: '' }, is: ['v-1', 'cancelled'] },
  'run.pause': { given: { run: 'v-1', value: '' }, is: ['v-1', 'paused'] },
};

interface Effect {
  readonly given: Given;
  readonly is: readonly [run: string, state: string];
}

for (const [kind, { given, is }] of Object.entries(effects)) {
  test(`${kind}: its effect, its receipt and its number are one commit`, async (t) => {
    let cuts = 0;
    for (const after of [1, 2, 3]) {
      for (const outcome of ['lost', 'kept'] as const) {
        const device = await deviceWith(visit);
        await device.begin(visit, null, 'v-1');
        device.store.failWriteNumber(device.store.writes + after, outcome);
        await apply(device, kind as CommandKind, given).catch(() => undefined);
        await device.restart(visit);
        const state = await device.state(is[0]).catch(() => 'none');
        const isApplied = device.runtime.lastCommand() === 1;
        if (!isApplied) cuts += 1;
        t.is(state === is[1], isApplied, `${outcome} after ${after}: ${state}`);
        t.is(await receiptOf(device, 1), isApplied ? 'applied' : undefined);

        // Without a receipt it comes again.
        if (!isApplied) t.is(await apply(device, kind as CommandKind, given), 'applied');
        t.is(await device.state(is[0]), is[1]);
      }
    }
    t.true(cuts > 0, 'some cut took it');
  });
}

test('a command that the device can do nothing about now is left, and comes again', async (t) => {
  const device = await deviceWith(visit);
  const command = { name: 'visit', run: 'v-1' };
  device.store.failNextWrite();

  await t.throwsAsync(apply(device, 'run.start', command), { code: 'HF_JOURNAL_FAILED' });
  await device.restart(visit);

  t.is(device.runtime.lastCommand(), 0);
  t.is(await apply(device, 'run.start', command), 'applied');
});

test('commands that the disk does not take together fail together, and nothing else', async (t) => {
  const device = await deviceWith(visit);
  const of = { expiresAtMs: 0, op: 0, payload: encodeValue(null) };
  const late: Command = { ...of, number: 1, kind: 'call.completed', key: 'k', run: 'r', name: '' };
  const next: Command = { ...of, number: 2, kind: 'run.start', key: 'c', run: 'v', name: 'visit' };
  device.store.failNextWrite();

  // A rejection that nobody handled would end the process, and fail this test.
  await t.throwsAsync(device.runtime.applyCommands([late, next]), { code: 'HF_JOURNAL_FAILED' });
  await device.restart(visit);
  await device.runtime.applyCommands([late, next]);

  t.regex((await receiptOf(device, 1)) ?? '', /^rejected/);
  t.is(await receiptOf(device, 2), 'applied');
});

/** What the device has asked the gateway for. */
async function callOf(device: SimDevice): Promise<Pick<Command, 'op' | 'key'>> {
  const [asked] = await device.journal.entries('urgent', 1, 10);
  const call = asked && decodeEntry(asked.bytes);
  return call?.kind === 'call.requested' ? call : { op: 0, key: '' };
}

for (const kind of ['call.completed', 'call.failed'] as const) {
  test(`${kind} with a value of a later version is received, and stops its run`, async (t) => {
    const device = await deviceWith(caller);
    await device.begin(caller, null, 'k-1');
    const { op, key } = await callOf(device);
    // {"$": "z", "v": 1}
    const payload = Uint8Array.of(0xa2, 0x61, 0x24, 0x61, 0x7a, 0x61, 0x76, 0x01);
    const of = { number: 1, kind, run: 'k-1', op, key, payload };

    await device.command(of);

    t.is(device.runtime.lastCommand(), 1);
    t.is(await device.state('k-1'), 'stuck');
    await device.restart(caller);
    t.is(await device.state('k-1'), 'stuck');
  });
}

test('S76 the result of a call of a cancelled run is received, and changes nothing', async (t) => {
  const device = await deviceWith(caller);
  await device.begin(caller, null, 'k-1');
  const { op, key } = await callOf(device);
  t.is(await apply(device, 'run.cancel', { run: 'k-1', value: '' }), 'applied');

  const late = { run: 'k-1', op, key, value: 'late' };

  t.is(await apply(device, 'call.completed', late), 'rejected: its run has ended');
  t.is(await device.state('k-1'), 'cancelled');
});

test('each kind of command that a gateway can issue is one that this agent knows', async (t) => {
  for (const kind of commandKinds.slice(2)) {
    const device = await deviceWith(visit);
    const receipt = await apply(device, kind, { name: 'x', run: 'x', value: '' });
    t.notRegex(receipt ?? '', /HF_VERSION_UNSUPPORTED|HF_INTERNAL|^$/, kind);
  }
});

test('S74 after 60 days away what is still valid is obeyed once, the rest expires', async (t) => {
  const DAY_MS = 86_400_000;
  const device = await deviceWith(visit);
  const issuedAtMs = device.clock.nowMs();
  const queued = [30, 90, 59, 0, 61].map((days, index) => ({
    ...{ number: index + 1, kind: 'run.start' as const, name: 'visit', run: `v-${index + 1}` },
    ...{ op: 0, key: `c-${index + 1}`, payload: encodeValue(null) },
    expiresAtMs: days === 0 ? 0 : issuedAtMs + days * DAY_MS,
  }));
  await device.stop();
  await device.clock.advance(60 * DAY_MS);
  await device.start(visit);

  // It comes twice before the device was told the time, and twice behind that.
  for (const isTold of [false, true]) {
    if (isTold) device.time.heard(issuedAtMs + 60 * DAY_MS, 10);
    for (const command of [...queued, ...queued]) await device.command(command);
    t.is(device.runtime.lastCommand(), isTold ? 5 : 0);
  }

  const receipts = await Promise.all(queued.map(({ number }) => receiptOf(device, number)));
  const late = 'expired: it came after its time';
  t.deepEqual(receipts, [late, 'applied', late, 'applied', 'applied']);
  const states = ['v-2', 'v-4', 'v-5'].map((run) => device.state(run));
  t.deepEqual(await Promise.all(states), Array(3).fill('waiting-signal'));
  const started = (await device.journal.entries('normal', 1, 1_000)).filter(
    ({ bytes }) => decodeEntry(bytes).kind === 'run.started',
  );
  t.is(started.length, 3, 'each once');
});
