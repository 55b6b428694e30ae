import test from 'ava';
import * as fc from 'fast-check';
import {
  DeviceTime,
  Journal,
  WALL,
  arrivalOps,
  readBoots,
  sha256,
  type Instant,
} from '@holdfast/agent/internal';
import { SimClock } from '../../support/sim-clock.ts';
import { SimStore } from '../../support/sim-store.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const START_MS = Date.UTC(2026, 5, 1, 12);
/** What a clock may be off by unnoticed. */
const SET_MS = 2 * SECOND;
const log = { error: () => {}, info: () => {}, debug: () => {} };

/** A machine whose agent is started, killed and powered off, and what its disk holds. */
class Machine {
  readonly clock = new SimClock(START_MS);
  store = new SimStore();
  #time: DeviceTime | undefined;
  #journal: Journal | undefined;

  static async on(): Promise<Machine> {
    const machine = new Machine();
    await machine.start();
    return machine;
  }

  get time(): DeviceTime {
    if (this.#time === undefined) throw new Error('it is off');
    return this.#time;
  }

  async start(): Promise<void> {
    const { clock, store } = this;
    const time = await DeviceTime.open({ clock, log, store, machineBoot: clock.boot });
    const { boot } = time;
    const journal = await Journal.open({
      device: 'd1',
      epoch: 1,
      boot,
      clock: time,
      sha256,
      store,
    });
    time.saveWith((ops) => void journal.append([], () => ops));
    this.#time = time;
    this.#journal = journal;
  }

  /** The process dies and is started again. */
  async restart(): Promise<void> {
    this.time.close();
    this.store = this.store.crash();
    await this.start();
  }

  /** Power is off for a time; the machine comes up with that wall clock. */
  async reboot(offMs: number, wallMs = this.clock.nowMs() + offMs): Promise<void> {
    this.time.close();
    this.store = this.store.crash();
    await this.clock.advance(offMs);
    this.clock.reboot();
    this.clock.setWall(wallMs);
    await this.start();
  }

  /** Time passes, in which something is journaled. */
  async work(ms: number): Promise<void> {
    await this.clock.advance(ms);
    const body = { kind: 'event.emitted', run: '', n: 0, op: 0, name: 'e' } as const;
    const payload = new Uint8Array([0xf6]);
    await this.#journal?.append([{ lane: 'normal', body: { ...body, payload } }]);
  }

  /** The gateway, whose clock is right, tells the time. */
  hear(roundTripMs = 0): void {
    this.time.heard(this.clock.trueMs - roundTripMs / 2, roundTripMs);
  }
}

test('S51: in 1970 nobody is believed, and it is at least as late as it was', async (t) => {
  const machine = await Machine.on();
  await machine.work(HOUR);
  await machine.reboot(HOUR, 5_000);

  t.is(machine.time.source, 'none');
  t.is(machine.time.nowMs(), START_MS + HOUR);
  await machine.clock.advance(MINUTE);
  t.is(machine.time.nowMs(), START_MS + HOUR + MINUTE);

  machine.clock.setWall(machine.clock.trueMs);
  t.is(machine.time.source, 'system');
  t.is(machine.time.nowMs(), START_MS + 2 * HOUR + MINUTE);
});

test('S52: a device that never knew the time is in the year of its software', async (t) => {
  const machine = new Machine();
  machine.clock.setWall(0);
  await machine.start();

  t.deepEqual([machine.time.source, machine.time.isTrusted], ['none', false]);
  t.is(machine.time.nowMs(), Date.UTC(2026, 0, 1));
});

test('the word of the gateway makes the time known for the rest of the boot', async (t) => {
  const machine = await Machine.on();
  await machine.reboot(HOUR, 5_000);
  machine.hear(200);
  await machine.work(MINUTE);
  await machine.restart();

  t.is(machine.time.source, 'gateway');
  t.is(machine.time.nowMs(), machine.clock.trueMs);
  t.is(machine.time.wallAheadMs, 5_000 + MINUTE - machine.clock.trueMs);
  await machine.reboot(HOUR, 5_000);
  t.is(machine.time.source, 'none');
});

test('S53: a wall clock is followed while it agrees with the gateway', async (t) => {
  const machine = await Machine.on();
  machine.hear(200);
  machine.clock.setWall(machine.clock.trueMs + 1_500);
  t.is(machine.time.nowMs(), machine.clock.trueMs + 1_500);

  for (const byMs of [HOUR, -HOUR, 9 * 365 * 24 * HOUR]) {
    machine.clock.setWall(machine.clock.trueMs + byMs);
    t.is(machine.time.nowMs(), machine.clock.trueMs, String(byMs));
    t.is(machine.time.source, 'gateway');
  }
});

test('a more exact word of the gateway counts, a less exact one does not', async (t) => {
  const machine = await Machine.on();
  machine.clock.setWall(0);
  machine.time.heard(machine.clock.trueMs - 5_000, 20_000);
  t.is(machine.time.nowMs(), machine.clock.trueMs + 5_000);
  machine.hear(100);
  machine.time.heard(machine.clock.trueMs - 5_000, 20_000);

  t.is(machine.time.nowMs(), machine.clock.trueMs);
});

test('S54: a clock that is decades ahead is believed by nobody', async (t) => {
  const machine = await Machine.on();
  await machine.work(MINUTE);
  await machine.reboot(HOUR, Date.UTC(2038, 0, 19));
  t.is(machine.time.source, 'none');
  t.is(machine.time.nowMs(), START_MS + MINUTE);

  machine.clock.setWall(machine.clock.trueMs);
  t.is(machine.time.source, 'system');
});

test('S54: what was proven cannot be made undone by a clock that is behind', async (t) => {
  const machine = await Machine.on();
  machine.hear();
  await machine.work(HOUR);
  await machine.reboot(HOUR);
  machine.clock.setWall(START_MS + MINUTE);

  t.is(machine.time.source, 'none', 'it was later an hour ago');
  t.is(machine.time.notBeforeMs(), START_MS + HOUR);
});

test('F1: what passed in one boot is exact, whatever the clock and the process did', async (t) => {
  const machine = await Machine.on();
  const due = machine.time.after(8 * HOUR);
  await machine.work(HOUR);
  machine.clock.setWall(0);
  await machine.restart();
  machine.clock.setWall(Date.UTC(2031, 0, 1));
  await machine.work(HOUR);
  await machine.restart();

  t.is(machine.time.untilMs(due), 6 * HOUR);
});

test('over a reboot a clock that is right counts the time that the machine was off', async (t) => {
  const machine = await Machine.on();
  const due = machine.time.after(8 * HOUR);
  await machine.work(HOUR);
  await machine.reboot(3 * HOUR);
  await machine.work(MINUTE);

  t.is(machine.time.untilMs(due), 4 * HOUR - MINUTE);
});

test('S72: over a reboot into 1970 only the time that the machine was up counts', async (t) => {
  const machine = await Machine.on();
  machine.hear();
  const due = machine.time.after(8 * HOUR);
  await machine.work(HOUR);
  await machine.reboot(3 * HOUR, 0);
  await machine.work(HOUR);
  await machine.reboot(HOUR, 0);
  t.is(machine.time.untilMs(due), 6 * HOUR);

  machine.hear();
  t.is(machine.time.untilMs(due), 2 * HOUR);
});

test('a step forward after a reboot is not taken for time that has passed', async (t) => {
  const machine = await Machine.on();
  machine.hear();
  const due = machine.time.after(8 * HOUR);
  await machine.work(HOUR);
  await machine.reboot(MINUTE);
  machine.clock.setWall(machine.clock.trueMs + 7 * HOUR);
  await machine.clock.advance(MINUTE);

  t.is(machine.time.source, 'system');
  t.is(machine.time.untilMs(due), 7 * HOUR - MINUTE);
  await machine.restart();
  t.is(machine.time.untilMs(due), 7 * HOUR - MINUTE);
});

test('a moment of the wall clock comes when the clock says so', async (t) => {
  const machine = await Machine.on();
  const due: Instant = { boot: WALL, ms: START_MS + 8 * HOUR };
  machine.clock.setWall(START_MS + 7 * HOUR);
  t.is(machine.time.untilMs(due), HOUR);
  machine.clock.setWall(START_MS);
  t.is(machine.time.untilMs(due), 8 * HOUR);
});

test('who follows the time is told once it is known, and whenever it was set', async (t) => {
  const machine = await Machine.on();
  machine.clock.setWall(0);
  await machine.restart();
  const told: string[] = [];
  const stop = machine.time.onChange(() => told.push(machine.time.source));
  await machine.clock.advance(HOUR);
  t.deepEqual(told, []);
  machine.clock.setWall(machine.clock.trueMs);
  await machine.clock.advance(10 * SECOND);
  t.deepEqual(told, ['system']);
  machine.hear();
  await machine.clock.advance(0);
  t.deepEqual(told, ['system', 'gateway']);
  stop();
  await machine.clock.advance(0);
  t.is(machine.clock.pending, 0);
});

test('a machine without names for its boots is in another one at each start', async (t) => {
  const [clock, store] = [new SimClock(START_MS), new SimStore()];
  const boots: number[] = [];
  for (let start = 0; start < 3; start += 1) {
    const time = await DeviceTime.open({ clock, log, store, machineBoot: '' });
    boots.push(time.boot);
    clock.reboot();
  }
  t.deepEqual(boots, [1, 2, 3]);
});

test('a boot whose clock went back is another one, though it has the same name', async (t) => {
  const clock = new SimClock(START_MS);
  const store = new SimStore();
  await clock.advance(HOUR);
  const first = await DeviceTime.open({ clock, log, store, machineBoot: 'same' });
  clock.reboot();
  const second = await DeviceTime.open({ clock, log, store, machineBoot: 'same' });

  t.deepEqual([first.boot, second.boot], [1, 2]);
});

/** What happens to a machine; `ms` is how long it takes. */
const happening = fc.record({
  kind: fc.constantFrom('work', 'idle', 'restart', 'reboot', 'set', 'hear'),
  ms: fc.integer({ min: 0, max: 20 * HOUR }),
});
/** What the wall clock of a machine does while it is off: it goes on, stands still, or is lost. */
const battery = fc.constantFrom('good', 'none, but time is saved', 'none');

test('what is said to have passed has passed, whatever clocks, power and links did', async (t) => {
  const walk = fc.array(happening, { minLength: 3, maxLength: 25 });
  await fc.assert(
    fc.asyncProperty(walk, battery, async (happenings, power) => {
      const machine = await Machine.on();
      machine.hear();
      const known: { readonly instant: Instant; readonly trueMs: number }[] = [];
      for (const { kind, ms } of happenings) {
        const savedMs = machine.clock.nowMs();
        if (kind === 'work') await machine.work(ms);
        else if (kind === 'idle') await machine.clock.advance(ms);
        else if (kind === 'restart') await machine.restart();
        else if (kind === 'set') machine.clock.setWall(START_MS + (ms - 10 * HOUR) * 40);
        else if (kind === 'hear') machine.hear(ms % MINUTE);
        else {
          await machine.reboot(
            ms,
            power === 'good' ? savedMs + ms : power === 'none' ? 0 : savedMs,
          );
        }
        // Somebody has looked at the clock since.
        machine.time.nowMs();
        await machine.clock.advance(0);
        known.push({ instant: machine.time.after(0), trueMs: machine.clock.trueMs });
        for (const { instant, trueMs } of known) {
          const passedMs = machine.clock.trueMs - trueMs;
          const saidMs = machine.time.sinceMs(instant);
          t.true(saidMs <= passedMs + SET_MS, `${saidMs} ms of ${passedMs} after ${kind}`);
        }
        t.true(machine.time.notBeforeMs() <= machine.clock.trueMs + 1);
      }
      machine.time.close();
    }),
    { numRuns: 150, seed: 9 },
  );
});

test('P12 on another machine no time has passed while only that one was up', async (t) => {
  const machine = await Machine.on();
  await machine.clock.advance(10 * SECOND);
  const due = machine.time.after(HOUR);
  machine.time.close();
  const store = machine.store.crash();
  const clock = new SimClock(START_MS + 20 * SECOND);
  // It was up for a day when the disk came.
  const there = { nowMs: () => clock.nowMs(), monoMs: () => clock.monoMs() + 24 * HOUR };
  const wakeIn = (ms: number, wake: () => void) => clock.wakeIn(ms, wake);
  const here = { name: 'another', monoMs: there.monoMs(), wallMs: there.nowMs() };
  await store.write(arrivalOps((await readBoots(store)).at(-1), here));

  const time = await DeviceTime.open({
    ...{ clock: { ...there, wakeIn }, log, store, machineBoot: 'another' },
  });

  t.true(time.untilMs(due) > HOUR - MINUTE, `${time.untilMs(due)} ms are left`);
  await clock.advance(30 * MINUTE);
  t.true(time.untilMs(due) < 31 * MINUTE, 'what passes here passes');
  t.true(time.untilMs(due) > 29 * MINUTE);
});
