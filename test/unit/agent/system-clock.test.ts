import { createHook } from 'node:async_hooks';
import test from 'ava';
import { SystemClock, machineBoot, systemClock } from '@holdfast/agent/internal';

const HOUR = 3_600_000;

/** The clocks of a machine, as the test sets them. */
class Raw {
  wall = Date.UTC(2026, 5, 1);
  mono = 5_000;
  uptime: number | undefined = 5_000;

  wallMs(): number {
    return this.wall;
  }
  monoMs(): number {
    return this.mono;
  }
  uptimeMs(): number | undefined {
    return this.uptime;
  }

  pass(ms: number): void {
    this.wall += ms;
    this.mono += ms;
    if (this.uptime !== undefined) this.uptime += ms;
  }

  suspend(ms: number): void {
    this.wall += ms;
    if (this.uptime !== undefined) this.uptime += ms;
  }
}

test('F9: the time of a suspension counts, and wakes who is due and nobody else', async (t) => {
  const raw = new Raw();
  const clock = new SystemClock(raw);
  const woken: string[] = [];
  const due = new Promise<void>((resolve) => {
    clock.wakeIn(3 * HOUR, () => {
      woken.push('due');
      resolve();
    });
  });
  const cancel = clock.wakeIn(9 * HOUR, () => woken.push('later'));
  raw.pass(HOUR);
  raw.suspend(7 * HOUR);

  t.is(clock.monoMs(), 5_000 + 8 * HOUR);
  await due;
  t.deepEqual(woken, ['due']);
  cancel();
});

test('nobody looks for a suspension for those who wait with patience', (t) => {
  const clock = new SystemClock(new Raw());
  let timers = 0;
  const hook = createHook({ init: (_id, type) => void (timers += type === 'Timeout' ? 1 : 0) });
  const timersOf = (...patience: readonly 'patient'[]): number => {
    timers = 0;
    hook.enable();
    const cancel = clock.wakeIn(HOUR, () => {}, ...patience);
    hook.disable();
    cancel();
    return timers;
  };

  t.is(timersOf('patient'), 1, 'its own');
  t.is(timersOf(), 2, 'and the looks');
});

test('F4: a clock that is set is no suspension, whichever way', (t) => {
  const raw = new Raw();
  const clock = new SystemClock(raw);
  for (const byMs of [7 * HOUR, -30 * HOUR]) {
    raw.wall += byMs;
    raw.pass(1_000);
    t.is(clock.monoMs(), raw.mono);
    t.is(clock.nowMs(), raw.wall);
  }
});

test('a machine that was suspended before the process began has that time behind it', (t) => {
  const raw = new Raw();
  raw.suspend(2 * HOUR);
  const clock = new SystemClock(raw);

  t.is(clock.monoMs(), 5_000 + 2 * HOUR);
});

test('where nobody tells the uptime, monotonic time is that of the system', (t) => {
  const raw = new Raw();
  raw.uptime = undefined;
  const clock = new SystemClock(raw);
  raw.suspend(2 * HOUR);

  t.is(clock.monoMs(), 5_000);
});

test('the clock of this machine counts from its boot, where that has a name', (t) => {
  const sinceBootMs = Number(process.hrtime.bigint()) / 1e6;

  const expectedMs = machineBoot === '' ? performance.now() : sinceBootMs;
  t.true(systemClock.monoMs() >= expectedMs - 50, `${systemClock.monoMs()} of ${expectedMs}`);
});

test('F1 each process of a boot reads the same monotonic time, to the microsecond', (t) => {
  const nowMs = () => Number(process.hrtime.bigint()) / 1e6;
  const [beforeMs, monoMs, afterMs] = [nowMs(), systemClock.monoMs(), nowMs()];
  const suspendedMs = Math.max(0, monoMs - afterMs);
  t.true(beforeMs <= monoMs && (suspendedMs === 0 || suspendedMs > 500));
});
