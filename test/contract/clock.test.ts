import test from 'ava';
import { sha256, systemChance, systemClock } from '@holdfast/agent/internal';
import { hex, type Chance, type Clock } from '@holdfast/protocol';
import { SimChance } from '../support/sim-chance.ts';
import { SimClock } from '../support/sim-clock.ts';

interface Time {
  readonly clock: Clock;
  /** Lets at least that much time pass. */
  readonly pass: (ms: number) => Promise<void>;
}

const clocks: Readonly<Record<string, () => Time>> = {
  'the clock of the system': () => ({
    clock: systemClock,
    pass: (ms) =>
      new Promise((resolve) => {
        setTimeout(resolve, ms);
      }),
  }),
  'the simulated clock': () => {
    const clock = new SimClock();
    return { clock, pass: (ms) => clock.advance(ms) };
  },
};

for (const [name, open] of Object.entries(clocks)) {
  test(`${name} goes forward in both times`, async (t) => {
    const { clock, pass } = open();
    const before = { wallMs: clock.nowMs(), monoMs: clock.monoMs() };
    await pass(30);

    t.true(clock.monoMs() - before.monoMs >= 29);
    t.true(clock.nowMs() - before.wallMs >= 28);
    t.true(before.wallMs > Date.UTC(2020, 0, 1));
  });

  test(`${name} wakes once, never early, and never within the call`, async (t) => {
    const { clock, pass } = open();
    const startMs = clock.monoMs();
    const woken: number[] = [];
    for (const delayMs of [0, 20, 20, 40.5, -5]) {
      clock.wakeIn(delayMs, () => woken.push(clock.monoMs() - startMs - delayMs));
    }
    t.deepEqual(woken, []);
    while (clock.monoMs() - startMs < 2_000 && woken.length < 5) await pass(25);
    await pass(25);

    t.is(woken.length, 5);
    t.true(Math.min(...woken) >= 0, `early: ${woken.join(' ')}`);
  });

  test(`${name} does not wake who has cancelled, before or after`, async (t) => {
    const { clock, pass } = open();
    let woken = 0;
    const cancelEarly = clock.wakeIn(10, () => (woken += 1));
    const cancelLate = clock.wakeIn(1, () => (woken += 1));
    cancelEarly();
    cancelEarly();
    await pass(60);
    cancelLate();

    t.is(woken, 1);
  });

  test(`S56 ${name} does not wake at once for a delay longer than a timeout can be`, async (t) => {
    const { clock, pass } = open();
    let woken = 0;
    const cancels = [2 ** 31, 2 ** 32 + 5, 1e15, Infinity].map((delayMs) =>
      clock.wakeIn(delayMs, () => (woken += 1)),
    );
    await pass(60);
    for (const cancel of cancels) cancel();

    t.is(woken, 0);
  });
}

test('the clock of the system does not wake early in a process that is busy', async (t) => {
  const deadlineMs = systemClock.monoMs() + 5_000;
  const earlyMs: number[] = [];
  // Node looks at its timers in each turn, by a clock of whole milliseconds.
  for (let turn = 0; earlyMs.length < 30 && systemClock.monoMs() < deadlineMs; turn += 1) {
    if (turn < 30) {
      const dueMs = systemClock.monoMs() + 10;
      systemClock.wakeIn(10, () => earlyMs.push(dueMs - systemClock.monoMs()));
      while (systemClock.monoMs() < dueMs - 9.7);
    }
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }

  t.is(earlyMs.length, 30);
  t.true(Math.max(...earlyMs) <= 0, `${Math.max(...earlyMs)} ms early`);
});

test('the clock of the system hands no timeout to Node that it would cut to 1 ms', async (t) => {
  const warnings: string[] = [];
  const onWarning = (warning: Error): void => void warnings.push(warning.name);
  process.on('warning', onWarning);
  const cancel = systemClock.wakeIn(1e12, () => {});
  await new Promise((resolve) => {
    setTimeout(resolve, 20);
  });
  cancel();
  process.off('warning', onWarning);

  t.deepEqual(warnings, []);
});

test('the simulated clock is set without any wake-up noticing', async (t) => {
  const clock = new SimClock(1_000);
  const woken: string[] = [];
  clock.wakeIn(20, () => woken.push('second'));
  clock.wakeIn(10, () => {
    woken.push('first');
    clock.wakeIn(5, () => woken.push('between'));
  });
  clock.setWall(9_000_000);
  await clock.advance(9);
  t.deepEqual(woken, []);
  await clock.advance(100);

  t.deepEqual(woken, ['first', 'between', 'second']);
  t.is(clock.nowMs(), 9_000_109);
});

const chances: Readonly<Record<string, () => Chance>> = {
  'the chance of the system': () => systemChance,
  'simulated chance': () => new SimChance(7),
};

for (const [name, open] of Object.entries(chances)) {
  test(`${name} draws numbers in [0, 1) from all of it`, (t) => {
    const chance = open();
    const drawn = Array.from({ length: 2_000 }, () => chance.next());
    const tenths = new Set(drawn.map((number) => Math.floor(number * 10)));

    t.true(drawn.every((number) => number >= 0 && number < 1));
    t.is(tenths.size, 10);
    t.is(new Set(drawn).size, 2_000);
  });

  test(`${name} draws bytes, as many as asked for, never twice the same`, (t) => {
    const chance = open();
    const drawn = Array.from({ length: 200 }, () => chance.bytes(16));

    t.true(drawn.every((bytes) => bytes.length === 16 && bytes.buffer.byteLength === 16));
    t.is(new Set(drawn.map(hex)).size, 200);
    t.is(new Set(drawn.flatMap((bytes) => [...bytes])).size, 256);
    t.is(chance.bytes(0).length, 0);
  });
}

test('simulated chance follows from its seed', (t) => {
  const draw = (seed: number): number[] => {
    const chance = new SimChance(seed);
    return [chance.next(), chance.next()];
  };

  t.deepEqual(draw(3), draw(3));
  t.notDeepEqual(draw(3), draw(4));
});

test('SHA-256 is that of the parts, one after another', (t) => {
  const text = (value: string): Uint8Array => new TextEncoder().encode(value);

  // FIPS 180-2, appendix B.1, and the digest of nothing.
  const abc = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
  t.is(hex(sha256(text('abc'))), abc);
  t.is(hex(sha256(text('a'), text(''), text('bc'))), abc);
  t.is(hex(sha256()), 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
  t.is(sha256(text('abc')).buffer.byteLength, 32);
});
