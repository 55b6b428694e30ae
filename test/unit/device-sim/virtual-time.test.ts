import test from 'ava';
import { VirtualTime } from '@holdfast/device-sim/internal';

test('time passes for whoever waits, however little there is left to wait for', (t) => {
  const time = new VirtualTime();
  time.passTo(40_049.897_754_665_32);
  const beganMs = time.monoMs();
  let woken = 0;
  time.wakeIn(7e-12, () => (woken += 1));
  time.step();

  t.is(woken, 1);
  t.true(time.monoMs() > beganMs);
});
