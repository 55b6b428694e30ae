import test, { type ExecutionContext } from 'ava';
import * as fc from 'fast-check';
import { lanes } from '@holdfast/protocol';
import { SessionWorld } from '../support/session-world.ts';
import { noFaults } from '../support/sim-radio.ts';

const percent = (max: number) => fc.integer({ min: 0, max }).map((value) => value / 100);
const just = <const K extends string>(kind: K) => fc.record({ kind: fc.constant(kind) });
const append = fc.record({
  kind: fc.constant('append' as const),
  lane: fc.constantFrom(...lanes),
  count: fc.integer({ min: 1, max: 200 }),
  size: fc.integer({ min: 1, max: 1_000 }),
});
const command = fc.record({
  kind: fc.constant('command' as const),
  count: fc.integer({ min: 1, max: 40 }),
});
const action = fc.oneof(
  { weight: 5, arbitrary: append },
  { weight: 3, arbitrary: command },
  { weight: 2, arbitrary: just('cut') },
  { weight: 2, arbitrary: just('crash the gateway') },
  { weight: 1, arbitrary: just('crash the agent') },
  { weight: 1, arbitrary: just('out') },
  { weight: 1, arbitrary: just('nudge') },
);
type Action = typeof action extends fc.Arbitrary<infer A> ? A : never;
const plan = fc.record({
  seed: fc.integer({ min: 1, max: 1_000_000 }),
  faults: fc.record({ drop: percent(20), duplicate: percent(20), delay: percent(20) }),
  actions: fc.array(fc.tuple(fc.integer({ min: 0, max: 6_000 }), action), { maxLength: 16 }),
});

async function perform(world: SessionWorld, what: Action): Promise<void> {
  switch (what.kind) {
    case 'append':
      return world.append(what.lane, what.count, what.size);
    case 'command':
      return world.command(what.count);
    case 'cut':
      return world.radio.cut();
    case 'crash the gateway':
      world.cloud.crash();
      await world.clock.advance(300);
      return world.cloud.start();
    case 'crash the agent':
      return world.restartAgent();
    case 'out':
      world.radio.isOut = true;
      world.radio.cut();
      await world.clock.advance(20_000);
      world.radio.isOut = false;
      return;
    case 'nudge':
      return world.nudge();
  }
}

async function holds(t: ExecutionContext, { seed, faults, actions }: Plan): Promise<void> {
  const world = new SessionWorld(seed);
  await world.cloud.start();
  world.radio.faults = faults;
  for (const [afterMs, what] of actions) {
    await world.clock.advance(afterMs);
    await perform(world, what);
    await world.check();
  }
  world.radio.faults = noFaults;
  world.append('normal', 1, 10);

  await world.untilSynced();
  await world.check();
  for (const lane of lanes) {
    t.is((await world.held(lane)).length, world.journal.lane(lane).entries.length, lane);
  }
  for (const [index, id] of world.issued.entries()) {
    const { counts } = (await world.cloud.ledger?.dispatch(id)) ?? {};
    t.is(counts?.[(index + 1) % 5 === 0 ? 'expired' : 'applied'], 1, id);
  }
  await world.close();
}
type Plan = typeof plan extends fc.Arbitrary<infer P> ? P : never;

/** More: `SESSION_RUNS=2000 npm test -- sim/session`. */
const RUNS = Number(process.env['SESSION_RUNS'] ?? 40);

test('whatever fails, the ledger becomes what the simplest gateway would have', async (t) => {
  t.timeout(3_600_000);
  await fc.assert(
    fc.asyncProperty(plan, (each) => holds(t, each)),
    { numRuns: RUNS },
  );
});
