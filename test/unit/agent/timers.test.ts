import test from 'ava';
import * as fc from 'fast-check';
import { DeviceTime, TimerHeap, Timers, getNumber, putNumber } from '@holdfast/agent/internal';
import { SimClock } from '../../support/sim-clock.ts';
import { SimStore } from '../../support/sim-store.ts';

/** A timer that is set or deleted, or a moment at which what is due is taken. */
const change = fc.record({
  kind: fc.constantFrom('set', 'set', 'set', 'delete', 'take'),
  run: fc.integer({ min: 1, max: 300 }).map((n) => (n % 3 === 0 ? n * 2 ** 30 : n)),
  op: fc.integer({ min: 1, max: 3 }),
  atMs: fc.integer({ min: -100, max: 1_000 }),
});

test('a heap of timers gives back what is due, the soonest first, whatever was moved', (t) => {
  const walk = fc.array(change, { minLength: 1, maxLength: 1_500 });
  fc.assert(
    fc.property(walk, (changes) => {
      const heap = new TimerHeap();
      const known = new Map<string, number>();
      for (const { kind, run, op, atMs } of changes) {
        const name = `${run}/${op}`;
        if (kind === 'set') {
          heap.set(run, op, atMs);
          known.set(name, atMs);
        } else if (kind === 'delete') {
          heap.delete(run, op);
          known.delete(name);
        } else {
          const taken = heap.take(atMs / 2);
          const soonest = Math.min(...known.values());
          if (soonest > atMs / 2) t.is(taken, undefined);
          else t.is(known.get(`${taken?.run}/${taken?.op}`), soonest);
          known.delete(`${taken?.run}/${taken?.op}`);
        }
        t.is(heap.size, known.size);
        t.is(heap.nextMs, Math.min(...known.values()));
      }
    }),
    { numRuns: 60, seed: 7 },
  );
});

test('timers fire once, in the order in which they are due, and cost one wake-up', async (t) => {
  const clock = new SimClock();
  const log = { error: () => {}, info: () => {}, debug: () => {} };
  const time = await DeviceTime.open({ clock, log, store: new SimStore(), machineBoot: '' });
  const fired: string[] = [];
  const timers = new Timers({
    time,
    onDue: (run, op) => fired.push(`${run}/${op} ${clock.monoMs()}`),
    onTimeSet: () => {},
  });
  const after = (ms: number) => time.after(ms);
  for (let run = 1; run <= 1_000; run += 1) timers.arm(run, 1, after(5_000 + run));
  timers.arm(1, 2, after(6_500));
  timers.arm(2, 1, after(300));
  timers.disarm(3, 1);
  timers.disarm(3, 1);
  t.is(clock.pending, 1);

  await clock.advance(5_004);
  t.deepEqual(fired, ['2/1 300', '1/1 5001', '4/1 5004']);
  await clock.advance(100_000);
  t.is(fired.length, 1_000);
  t.is(fired.at(-1), '1/2 6500');
  t.is(clock.pending, 0);
});

test('a timer that is set and dropped again and again takes no more room', (t) => {
  const heap = new TimerHeap();
  for (let run = 1; run <= 100_000; run += 1) {
    heap.set(run, 1, 30 * 86_400_000 + run);
    heap.delete(run, 1);
  }

  t.is(heap.slots, 64);
});

test('numbers of keys keep their value and their order up to the last bit', (t) => {
  const numbers = [0, 1, 255, 256, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 40 + 7, 2 ** 48 - 1];
  const written = numbers.map((number) => {
    const bytes = new Uint8Array(8);
    putNumber(bytes, 1, number);
    t.is(getNumber(bytes, 1), number);
    t.deepEqual([bytes[0], bytes[7]], [0, 0]);
    return Buffer.from(bytes);
  });
  t.deepEqual(
    written.toSorted((a, b) => Buffer.compare(a, b)),
    written,
  );

  const four = new Uint8Array(4);
  putNumber(four, 0, 2 ** 32 - 2, 4);
  t.deepEqual([...four], [255, 255, 255, 254]);
  t.is(getNumber(four, 0, 4), 2 ** 32 - 2);
});
