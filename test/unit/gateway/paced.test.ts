import test from 'ava';
import { Paced } from '@holdfast/gateway/internal';
import { SimClock } from '../../support/sim-clock.ts';

const unlimited = Number.POSITIVE_INFINITY;
const free = { perS: unlimited, bytesPerS: unlimited, atOnce: unlimited, bytesAtOnce: unlimited };

test('what the gateway says goes out evenly, in order, and nothing of an ended link', async (t) => {
  const clock = new SimClock();
  const paced = new Paced(clock, { ...free, perS: 100 });
  const done: { readonly what: number; readonly atMs: number }[] = [];
  const say = (what: number) => paced.do(() => done.push({ what, atMs: clock.monoMs() }), 1);
  for (let what = 0; what < 250; what += 1) say(what);
  await clock.advance(2_000);
  for (const { atMs } of done) {
    const second = done.filter((each) => each.atMs >= atMs && each.atMs < atMs + 1_000);
    t.true(second.length <= 100, `${second.length} in a second`);
  }
  t.true(done.length > 180, `${done.length} in two seconds`);
  paced.clear();
  const before = done.length;
  await clock.advance(2_000);
  t.is(done.length, before);
  t.deepEqual(
    done.map(({ what }) => what),
    Array.from({ length: before }, (_, index) => index),
  );
});

test('without a limit nothing waits', (t) => {
  let count = 0;
  const paced = new Paced(new SimClock(), free);
  for (let what = 0; what < 10; what += 1) paced.do(() => (count += 1), 1);
  t.is(count, 10);
});

test('no more is under way than the broker takes, whatever ends late or twice', (t) => {
  const paced = new Paced(new SimClock(), { ...free, atOnce: 3 });
  const begun: (() => void)[] = [];
  for (let what = 0; what < 9; what += 1) paced.do((ended) => begun.push(ended), 1);
  t.is(begun.length, 3);
  begun[0]?.();
  begun[0]?.();
  t.is(begun.length, 4);
  paced.clear();
  begun[1]?.();
  t.is(begun.length, 4, 'what waited is forgotten');
  for (let what = 0; what < 9; what += 1) paced.do((ended) => begun.push(ended), 1);
  t.is(begun.length, 7, 'what was under way does not count');
  begun[2]?.();
  t.is(begun.length, 7);
});

test('no more bytes go out in a second, or are under way, than the broker takes', async (t) => {
  const clock = new SimClock();
  const limits = { bytesPerS: 100_000, bytesAtOnce: 64_000 };
  const paced = new Paced(clock, { ...free, ...limits });
  const sent: { readonly atMs: number; readonly bytes: number }[] = [];
  let underWay = 0;
  for (let what = 0; what < 60; what += 1) {
    const bytes = what % 3 === 0 ? 60_000 : 100 * what;
    const begin = (ended: () => void): void => {
      sent.push({ atMs: clock.monoMs(), bytes });
      underWay += bytes;
      t.true(underWay <= limits.bytesAtOnce, `${underWay} under way`);
      clock.wakeIn(900, () => {
        underWay -= bytes;
        ended();
      });
    };
    paced.do(begin, bytes);
  }
  await clock.advance(60_000);

  t.is(sent.length, 60, 'all of them, large ones too');
  for (const { atMs } of sent) {
    const second = sent.filter((each) => each.atMs >= atMs && each.atMs < atMs + 1_000);
    const bytes = second.reduce((sum, each) => sum + each.bytes, 0);
    t.true(bytes <= limits.bytesPerS + 60_000, `${bytes} in a second`);
  }
});
