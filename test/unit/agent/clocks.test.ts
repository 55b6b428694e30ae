import test from 'ava';
import * as fc from 'fast-check';
import { workflow } from '@holdfast/agent';
import { codeOf, encodeValue } from '@holdfast/protocol';
import { SimDevice } from '../../support/sim-device.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** What a clock may be off by unnoticed. */
const UNNOTICED_MS = 2 * SECOND;
const YEAR_2038 = Date.UTC(2038, 0, 19);

/** A device whose runs sleep, and when, in true time, each of them began and woke. */
class Sleepers {
  readonly device = new SimDevice();
  readonly began = new Map<string, number>();
  readonly woke: { readonly id: string; readonly afterMs: number }[] = [];
  readonly code = workflow('sleeper', async (ctx, ms: number) => {
    const { trueMs } = this.device.clock;
    if (!this.began.has(ctx.runId)) this.began.set(ctx.runId, trueMs);
    await ctx.sleep(ms);
    await ctx.step('wake', () => {
      const afterMs = this.device.clock.trueMs - (this.began.get(ctx.runId) ?? 0);
      this.woke.push({ id: ctx.runId, afterMs });
    });
  });

  static async on(): Promise<Sleepers> {
    const sleepers = new Sleepers();
    await sleepers.device.start(sleepers.code);
    return sleepers;
  }

  sleep(ms: number, id = 'run-1'): Promise<string> {
    return this.device.begin(this.code, ms, id);
  }

  /** Power is off; the machine comes up with that wall clock. */
  async reboot(offMs: number, wallMs?: number): Promise<void> {
    const { device } = this;
    const { clock } = device;
    device.crash();
    await clock.advance(offMs);
    clock.reboot();
    if (wallMs !== undefined) clock.setWall(wallMs);
    await device.start(this.code);
  }

  hear(): void {
    this.device.time.heard(this.device.clock.trueMs, 0);
  }
}

/** Lets everything happen that needs no time, until it is so. */
async function until(device: SimDevice, isSo: () => boolean): Promise<void> {
  for (let round = 0; round < 500 && !isSo(); round += 1) await device.advance(0);
}

test('F4 S51: a sleep that begins in 1970 lasts as long as it says, and 2026 comes', async (t) => {
  const sleepers = new Sleepers();
  const { device } = sleepers;
  device.clock.setWall(0);
  await device.start(sleepers.code);
  await sleepers.sleep(HOUR);
  await device.advance(10 * MINUTE);
  device.clock.setWall(device.clock.trueMs);
  await device.advance(49 * MINUTE);
  t.deepEqual(sleepers.woke, []);
  await device.advance(MINUTE);

  t.deepEqual(sleepers.woke, [{ id: 'run-1', afterMs: HOUR }]);
});

test('F4 S53: an hour back and forward, process killed in between: no difference', async (t) => {
  const sleepers = await Sleepers.on();
  const { device } = sleepers;
  await sleepers.sleep(2 * HOUR);
  for (const byMs of [HOUR, -HOUR, 3 * DAY, -3 * DAY]) {
    device.clock.setWall(device.clock.trueMs + byMs);
    await device.advance(20 * MINUTE);
    await device.restart(sleepers.code);
  }
  await device.advance(40 * MINUTE - 1);
  t.deepEqual(sleepers.woke, []);
  await device.advance(1);

  t.deepEqual(sleepers.woke, [{ id: 'run-1', afterMs: 2 * HOUR }]);
});

test('F4: after a power cut into 1970 a sleep is late, until the time is known', async (t) => {
  const sleepers = await Sleepers.on();
  const { device } = sleepers;
  sleepers.hear();
  await sleepers.sleep(8 * HOUR);
  await device.advance(HOUR);
  await sleepers.reboot(10 * HOUR, 0);
  await device.advance(HOUR);
  t.deepEqual(sleepers.woke, [], 'nobody knows that it was off for so long');
  sleepers.hear();
  await device.advance(0);

  t.deepEqual(sleepers.woke, [{ id: 'run-1', afterMs: 12 * HOUR }]);
});

test('S55: four hours without power end a call of two, journaled; all else waits', async (t) => {
  const device = new SimDevice();
  const asking = workflow('asking', async (ctx) => {
    await ctx.emit('reading', 21.5);
    return ctx.call('price', null, { timeout: '2h' }).catch(codeOf);
  });
  await device.start(asking);
  device.time.heard(device.clock.trueMs, 0);
  await device.begin(asking, null);
  t.is(await device.state(), 'waiting-call');
  const before = device.journal.backlogEntries('normal');

  device.crash();
  await device.clock.advance(4 * HOUR);
  device.clock.reboot();
  await device.start(asking);
  device.time.heard(device.clock.trueMs, 0);
  await device.advance(MINUTE);

  t.is(await device.result(), 'HF_CALL_TIMEOUT');
  t.true((await device.history()).includes('timer.fired price'));
  t.is(await device.sweep(HOUR), 0, 'the ledger lacks it, however old it is');
  t.true(device.journal.backlogEntries('normal') > before);
});

test('F4: a clock that stays in 1970 delays a sleep by the outage, and hangs none', async (t) => {
  const sleepers = await Sleepers.on();
  const { device } = sleepers;
  await sleepers.sleep(8 * HOUR);
  await device.advance(HOUR);
  await sleepers.reboot(10 * HOUR, 0);
  await device.advance(7 * HOUR - MINUTE);
  t.deepEqual(sleepers.woke, []);
  // What was not journaled of the first hour is not known to have passed.
  await device.advance(HOUR + 2 * MINUTE);

  t.is(sleepers.woke.length, 1);
});

test('F4: after a power cut a clock that is right ends a sleep on time', async (t) => {
  const sleepers = await Sleepers.on();
  const { device } = sleepers;
  sleepers.hear();
  await sleepers.sleep(8 * HOUR);
  await sleepers.reboot(6 * HOUR);
  await device.advance(2 * HOUR - 1);
  t.deepEqual(sleepers.woke, []);
  await device.advance(1);
  await sleepers.sleep(HOUR, 'run-2');
  await sleepers.reboot(3 * HOUR);
  await device.advance(0);

  t.deepEqual(sleepers.woke, [
    { id: 'run-1', afterMs: 8 * HOUR },
    { id: 'run-2', afterMs: 3 * HOUR },
  ]);
});

test('F4 S54: 2038 over a reboot, and back: no sleep ends early', async (t) => {
  const sleepers = await Sleepers.on();
  const { device } = sleepers;
  await sleepers.sleep(8 * HOUR);
  await sleepers.reboot(MINUTE, YEAR_2038);
  await device.advance(HOUR);
  device.clock.setWall(device.clock.trueMs);
  await device.advance(HOUR);
  t.deepEqual(sleepers.woke, []);
  await device.advance(7 * HOUR);

  t.is(sleepers.woke.length, 1);
});

test('F1 S72: two thousand sleeps over a reboot into 1970 end once each', async (t) => {
  const sleepers = await Sleepers.on();
  const { device, code } = sleepers;
  sleepers.hear();
  const ids = Array.from({ length: 2_000 }, (_, index) => index);
  const sleep = (index: number) => HOUR + index * SECOND;
  const input = (ms: number) => new Uint8Array([0x1a, ms >>> 24, ms >>> 16, ms >>> 8, ms]);
  await Promise.all(
    ids.map((index) =>
      device.runtime.start({ workflow: code.name, input: input(sleep(index)), id: `run-${index}` }),
    ),
  );
  await until(device, () => device.runtime.counts().sleeping === ids.length);
  await sleepers.reboot(DAY, 0);
  await device.advance(MINUTE);
  t.is(sleepers.woke.length, 0);
  sleepers.hear();
  await until(device, () => sleepers.woke.length === ids.length);

  t.is(sleepers.woke.length, 2_000);
  t.is(new Set(sleepers.woke.map(({ id }) => id)).size, 2_000);
  t.true(sleepers.woke.every(({ afterMs }) => afterMs >= DAY));
});

test('F9: what came due while the machine was suspended ends at once, and once', async (t) => {
  const sleepers = await Sleepers.on();
  const { device } = sleepers;
  await sleepers.sleep(3 * HOUR);
  await sleepers.sleep(9 * HOUR, 'run-2');
  await device.advance(HOUR);
  device.clock.suspend(7 * HOUR);
  await device.advance(0);
  t.deepEqual(sleepers.woke, [{ id: 'run-1', afterMs: 8 * HOUR }]);
  await device.advance(HOUR);

  t.deepEqual(sleepers.woke.at(-1), { id: 'run-2', afterMs: 9 * HOUR });
});

test('sleepUntil follows the wall clock, forward and back, over a restart too', async (t) => {
  const device = new SimDevice();
  const at = device.clock.nowMs() + 8 * HOUR;
  const code = workflow('until', (ctx) => ctx.sleepUntil(new Date(at)));
  await device.start(code);
  await device.begin(code, null, 'forward');
  device.clock.setWall(at - HOUR);
  await device.restart(code);
  device.clock.setWall(at - 2 * HOUR);
  await device.advance(HOUR + MINUTE);
  t.is(await device.state('forward'), 'sleeping');
  device.clock.setWall(at);
  await device.advance(10 * SECOND);
  t.is(await device.state('forward'), 'completed');

  device.clock.setWall(at - 2 * HOUR);
  await device.begin(code, null, 'back');
  await device.advance(HOUR);
  device.clock.setWall(at - 3 * HOUR);
  await device.advance(3 * HOUR - MINUTE);
  t.is(await device.state('back'), 'sleeping');
  await device.advance(MINUTE);
  t.is(await device.state('back'), 'completed');
});

test('sleepUntil of a device in 1970 waits until the time is known', async (t) => {
  const device = new SimDevice();
  const at = device.clock.trueMs + HOUR;
  const code = workflow('until', (ctx) => ctx.sleepUntil(new Date(at)));
  device.clock.setWall(0);
  await device.start(code);
  await device.begin(code, null);
  await device.advance(10 * MINUTE);
  device.clock.setWall(at - 20 * MINUTE);
  await device.advance(19 * MINUTE);
  t.is(await device.state(), 'sleeping');
  await device.advance(MINUTE);

  t.is(await device.state(), 'completed');
});

test('D1 F8: pauses, timeouts and limits are not cut short by a clock that is set', async (t) => {
  const device = new SimDevice();
  let attempts = 0;
  const retry = { attempts: 2, minDelay: '1h', maxElapsed: '3h' } as const;
  const retrying = workflow('retrying', (ctx) =>
    ctx.step(
      'flaky',
      () => {
        attempts += 1;
        throw new Error('not yet');
      },
      { retry },
    ),
  );
  const waiting = workflow('waiting', (ctx) => ctx.waitFor('go', { timeout: '1h' }));
  const looking = workflow('looking', (ctx) =>
    ctx.until('door', () => false, { every: '10m', timeout: '1h' }),
  );
  const codes = [retrying, waiting, looking];
  await device.start(...codes);
  for (const code of codes) await device.begin(code, null, code.name);
  device.clock.setWall(device.clock.trueMs + DAY);
  await device.restart(...codes);
  await device.advance(55 * MINUTE);
  device.clock.setWall(device.clock.trueMs + 2 * DAY);
  await device.advance(4 * MINUTE);

  t.is(attempts, 1);
  t.is(await device.state('waiting'), 'waiting-signal');
  t.not(await device.state('looking'), 'failed');
  await device.advance(2 * MINUTE);
  t.is(attempts, 2);
  for (const code of codes) t.is(await device.state(code.name), 'failed');
});

test('S51: times of entries are true once they are known, and say what is known', async (t) => {
  const sleepers = new Sleepers();
  const { device } = sleepers;
  const emit = (name: string) =>
    device.runtime.emit({ name, payload: encodeValue(1), lane: 'normal' });
  const shown = async () => {
    const { rows } = await device.inspector.journal({ lane: 'normal', after: 0, limit: 10 });
    return rows.map(({ name, clock, at, deviceAt }) => ({ name, clock, at, deviceAt }));
  };
  await device.clock.advance(3 * DAY);
  device.clock.setWall(0);
  await device.start(sleepers.code);
  const early = device.clock.trueMs;
  await emit('early');
  const [unsynced] = await shown();
  t.like(unsynced, { clock: 'unsynced', deviceAt: null });

  await device.advance(MINUTE);
  sleepers.hear();
  await device.advance(SECOND);
  await emit('heard');
  await device.advance(SECOND);
  const [corrected, right] = await shown();
  t.like(corrected, { clock: 'corrected', deviceAt: unsynced?.at });
  t.true(Math.abs(Date.parse(corrected?.at ?? '') - early) < SECOND);
  t.like(right, { clock: 'ok', deviceAt: null });

  await sleepers.reboot(HOUR, 0);
  await emit('again');
  const [still, , unknown] = await shown();
  t.deepEqual(still, corrected, 'what was known of an earlier boot stays known');
  t.like(unknown, { name: 'again', clock: 'unsynced' });
  const run = await sleepers.sleep(MINUTE);
  const { history } = await device.inspector.run(run);
  t.like(history[0], { kind: 'run.started', clock: 'unsynced' });
});

/** A device with a gateway, whose run and whose event have ended and are acknowledged. */
async function acknowledged(wallMs?: number): Promise<Sleepers> {
  const sleepers = await Sleepers.on();
  const { device } = sleepers;
  sleepers.hear();
  if (wallMs !== undefined) device.clock.setWall(wallMs);
  await device.runtime.emit({ name: 'first', payload: encodeValue(1), lane: 'normal' });
  await sleepers.sleep(MINUTE);
  await device.advance(MINUTE);
  await sleepers.sleep(300 * DAY, 'run-2');
  await device.acknowledge();
  await device.advance(2 * SECOND);
  return sleepers;
}

const aheads = { 'years, which can be': 5 * 365 * DAY, decades: YEAR_2038 - Date.UTC(2026, 0, 1) };
for (const [what, aheadMs] of Object.entries(aheads)) {
  test(`S54: a clock that is ahead by ${what} makes nothing old, whenever it is`, async (t) => {
    const { device } = await acknowledged();
    device.clock.setWall(device.clock.trueMs + aheadMs);
    t.is(await device.sweep(7 * DAY), 0);
    await device.advance(7 * DAY - HOUR);
    t.is(await device.sweep(7 * DAY), 0);
    await device.advance(HOUR);
    t.true((await device.sweep(7 * DAY)) > 3, 'it is over, though the clock is still wrong');

    const early = await acknowledged(device.clock.trueMs + aheadMs);
    early.device.clock.setWall(early.device.clock.trueMs);
    t.is(await early.device.sweep(7 * DAY), 0);
    await early.device.advance(7 * DAY);
    t.true((await early.device.sweep(7 * DAY)) > 3, 'also of what was journaled when it was');
  });
}

test('S54: a clock that comes up ahead makes nothing old before the gateway says so', async (t) => {
  const sleepers = await acknowledged();
  const { device } = sleepers;
  await sleepers.reboot(HOUR, device.clock.trueMs + 60 * DAY);
  await device.advance(MINUTE);
  t.is(await device.sweep(7 * DAY), 0);
  sleepers.hear();
  t.is(await device.sweep(7 * DAY), 0, 'an hour is not long');
  await sleepers.reboot(8 * DAY, device.clock.trueMs);
  t.is(await device.sweep(7 * DAY), 0, 'nobody knows yet');
  sleepers.hear();

  t.true((await device.sweep(7 * DAY)) > 3);
});

/** What happens to the device; `ms` is how long it takes. */
const happening = fc.record({
  kind: fc.constantFrom('pass', 'pass', 'kill', 'suspend', 'reboot', 'set', 'hear'),
  ms: fc.integer({ min: 0, max: 5 * HOUR }),
});

/** What the wall clock of a machine does while it is off: it goes on, stands still, or is lost. */
const battery = fc.constantFrom('good', 'none, but time is saved', 'none');

async function happen(
  sleepers: Sleepers,
  { kind, ms, power }: { readonly kind: string; readonly ms: number; readonly power: string },
): Promise<void> {
  const { device, code } = sleepers;
  const { clock } = device;
  if (kind === 'kill') await device.restart(code);
  else if (kind === 'suspend') clock.suspend(ms);
  else if (kind === 'set') clock.setWall(clock.trueMs + (ms - 2 * HOUR) * 50);
  else if (kind === 'hear') sleepers.hear();
  else if (kind === 'reboot') {
    const savedMs = clock.nowMs();
    await sleepers.reboot(ms, power === 'good' ? savedMs + ms : power === 'none' ? 0 : savedMs);
  }
  device.time.nowMs(); // Somebody looks at the clock.
  await device.advance(kind === 'pass' ? ms : 0);
}

test('no walk of jumps, kills, suspensions, power cuts ends a sleep early or twice', async (t) => {
  const walk = fc.array(happening, { minLength: 3, maxLength: 16 });
  const lengths = fc.array(fc.integer({ min: 0, max: 10 * HOUR }), { minLength: 1, maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(lengths, walk, battery, async (sleeps, happenings, power) => {
      const sleepers = await Sleepers.on();
      const { device } = sleepers;
      sleepers.hear();
      for (const [index, ms] of sleeps.entries()) await sleepers.sleep(ms, `run-${index}`);
      for (const each of happenings) await happen(sleepers, { ...each, power });
      sleepers.hear();
      await device.advance(15 * HOUR);

      const ends = sleepers.woke.toSorted((a, b) => (a.id < b.id ? -1 : 1));
      t.deepEqual(
        ends.map(({ id }) => id),
        sleeps.map((_, index) => `run-${index}`),
      );
      for (const [index, { afterMs }] of ends.entries()) {
        t.true(
          afterMs >= (sleeps[index] ?? 0) - UNNOTICED_MS,
          `${afterMs} ms for a sleep of ${sleeps[index]}`,
        );
      }
      device.crash();
    }),
    { numRuns: 60, seed: 11 },
  );
});

test('N5 N7: no such walk gives a slot two runs', async (t) => {
  const walk = fc.array(happening, { minLength: 3, maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(walk, battery, async (happenings, power) => {
      const sleepers = await Sleepers.on();
      const { device } = sleepers;
      const schedule = () =>
        device.schedule({ cron: '*/20 * * * *', workflow: 'sleeper', input: 0, missed: 'all' });
      await schedule();
      for (const each of happenings) {
        await happen(sleepers, { ...each, power });
        if (['kill', 'reboot'].includes(each.kind)) await schedule();
        await device.advance(20 * MINUTE);
      }

      const ids = sleepers.woke.map(({ id }) => id);
      t.is(new Set(ids).size, ids.length);
      device.crash();
    }),
    { numRuns: 30, seed: 12 },
  );
});
