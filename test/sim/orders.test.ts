import ava from 'ava';
import { findScenario, simulate } from '@holdfast/device-sim/internal';

// A virtual world takes the clock and chance of its whole process away: one at a time.
const test = ava.serial;

test('back after two months a device gets what is still valid, by honest time', async (t) => {
  const { violations, orders } = await simulate({ scenario: findScenario('drawer'), seed: 3 });

  t.deepEqual(violations, []);
  t.true(orders.expired > 20, 'while they were away their time passed');
  t.true(orders.applied > 20, 'what was not too late was obeyed');
  t.true(orders.rejected > 0, 'what nobody can do is said to be so');
});

test('in a world that fails no command comes too late', async (t) => {
  const scenario = { ...findScenario('calm'), durationMs: 180_000, orderForMs: 0 };
  const { violations, orders } = await simulate({ scenario, seed: 1 });

  t.deepEqual(violations, []);
  t.like(orders, { expired: 0 });
});
