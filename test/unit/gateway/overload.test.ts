import test from 'ava';
import { ConnectGate, LATE_MS, Lateness, ReportShed } from '@holdfast/gateway/internal';
import { SimClock } from '../../support/sim-clock.ts';

const SECOND = 1_000;

/** What a device gives up after that gets no answer, and how long it waits before the next try. */
const PATIENCE_MS = 15 * SECOND;
const AGAIN_MS = 5 * SECOND;

/**
 * A herd that comes back to one processor. Each connection costs it so many ms, and so does what
 * those who are in send; all of it is done in its order.
 */
class Herd {
  readonly clock = new SimClock();
  readonly isIn = new Set<number>();
  /** How long what was sent by those who are in took to be done. */
  readonly waits: number[] = [];
  /** When the last one was in. */
  allInAtMs = 0;
  readonly #busyUntil = { ms: 0 };
  readonly #gate: ConnectGate<number>;
  readonly #options: { readonly count: number; readonly connectMs: number };

  constructor(options: { count: number; connectMs: number }, isTold = true) {
    this.#options = options;
    this.#gate = new ConnectGate<number>({
      ...{ clock: this.clock, perS: 500, lateMs: () => (isTold ? this.lateMs : 0) },
      letIn: (who) => this.#begin(who),
      sendAway: (who) => this.#again(who),
    });
  }

  get lateMs(): number {
    return Math.max(0, this.#busyUntil.ms - this.clock.monoMs());
  }

  async run(ms: number, batchMs: number): Promise<void> {
    for (let who = 0; who < this.#options.count; who += 1) {
      this.clock.wakeIn((who % 97) * 10, () => this.#come(who));
    }
    const send = (): void => {
      if (this.isIn.size > 0) this.waits.push(this.#work(batchMs));
      this.clock.wakeIn(30, send);
    };
    send();
    await this.clock.advance(ms);
  }

  #come(who: number): void {
    // A device that was silent for too long comes anew: what was done for it was for nothing.
    this.clock.wakeIn(PATIENCE_MS, () => {
      if (this.isIn.has(who)) return;
      this.#gate.leave(who);
      this.#again(who);
    });
    this.#gate.come(who);
  }

  #again(who: number): void {
    const jitterMs = ((who * 7_919) % 100) * 50;
    this.clock.wakeIn(AGAIN_MS + jitterMs, () => {
      if (!this.isIn.has(who)) this.#come(who);
    });
  }

  #begin(who: number): void {
    const doneInMs = this.#work(this.#options.connectMs);
    if (doneInMs > PATIENCE_MS) return;
    this.clock.wakeIn(doneInMs, () => {
      this.isIn.add(who);
      this.allInAtMs = this.clock.monoMs();
    });
  }

  #work(ms: number): number {
    const nowMs = this.clock.monoMs();
    this.#busyUntil.ms = Math.max(nowMs, this.#busyUntil.ms) + ms;
    return this.#busyUntil.ms - nowMs;
  }
}

function p99(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(0.99 * (values.length - 1))] ?? 0;
}

test('a herd that is more than the processor can do is let in as it can be served', async (t) => {
  const herd = new Herd({ count: 2_000, connectMs: 10 });
  await herd.run(120 * SECOND, 3);

  t.is(herd.isIn.size, 2_000, 'nobody is left out');
  t.log(`p99 ${Math.round(p99(herd.waits))} ms, all in after ${herd.allInAtMs} ms`);
  t.true(p99(herd.waits) < 4_000, `${p99(herd.waits)} ms`);
  // With a tenth of the processor for those who are in, 22 s are the least.
  t.true(herd.allInAtMs < 60 * SECOND, `${herd.allInAtMs} ms`);
});

test('without a look at the processor those who are in wait for the herd', async (t) => {
  const herd = new Herd({ count: 2_000, connectMs: 10 }, false);
  await herd.run(30 * SECOND, 3);

  t.true(p99(herd.waits) > 5 * SECOND, `${p99(herd.waits)} ms`);
});

test('a processor that was late for a while has its pace back', async (t) => {
  let lateMs = 2_000;
  const clock = new SimClock();
  const inside: number[] = [];
  const away: number[] = [];
  const gate = new ConnectGate<number>({
    ...{ clock, perS: 100, lateMs: () => lateMs },
    letIn: (who) => inside.push(who),
    sendAway: (who) => away.push(who),
  });
  for (let who = 0; who < 700; who += 1) gate.come(who);
  await clock.advance(5_000);
  t.true(inside.length > 20 && inside.length < 200, `${inside.length} of a late one`);
  await clock.advance(10_000);
  t.true(away.length > 400, 'who waited for too long is not worth the work any more');

  lateMs = 0;
  await clock.advance(10_000);
  inside.length = 0;
  for (let who = 1_000; who < 1_300; who += 1) gate.come(who);
  await clock.advance(3_200);
  t.true(inside.length >= 250, `${inside.length} in three seconds`);
});

test('how late a process is shows at once, and is forgotten before long', async (t) => {
  const clock = new SimClock();
  let skippedMs = 0;
  const lateness = new Lateness({
    monoMs: () => clock.monoMs() + skippedMs,
    wakeIn: (delayMs, wake) => clock.wakeIn(delayMs, wake),
  });
  await clock.advance(1_000);
  t.is(lateness.ms, 0);
  skippedMs = 2_000;
  t.true(lateness.ms > 1_800, 'no timer has come yet');
  await clock.advance(100);
  t.true(lateness.ms > 1_800);
  await clock.advance(500);
  t.true(lateness.ms < LATE_MS);
  lateness.close();
});

test('a late gateway reads one report in three of each device, and else all', async (t) => {
  const clock = new SimClock();
  let lateMs = 0;
  const shed = new ReportShed({ clock, lateMs: () => lateMs, everyMs: 5_000 });
  const read = async (): Promise<number> => {
    let count = 0;
    for (let report = 0; report < 12; report += 1) {
      for (const device of ['a', 'b']) count += shed.reads(device) ? 1 : 0;
      await clock.advance(5_000);
    }
    return count;
  };

  t.is(await read(), 24);
  t.is(shed.count, 0);
  lateMs = LATE_MS + 1;
  t.is(await read(), 8);
  t.is(shed.count, 16);
});
