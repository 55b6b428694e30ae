import test from 'ava';
import { ConnectGate, connectionsMax } from '@holdfast/gateway/internal';
import { SimClock } from '../../support/sim-clock.ts';

function open(perS: number) {
  const clock = new SimClock();
  const inside: { readonly who: number; readonly atMs: number }[] = [];
  const away: number[] = [];
  const gate = new ConnectGate<number>({
    ...{ clock, perS },
    letIn: (who) => inside.push({ who, atMs: clock.monoMs() }),
    sendAway: (who) => away.push(who),
  });
  return { clock, gate, inside, away };
}

/** The most that came in within any second. */
function busiest(inside: readonly { readonly atMs: number }[]): number {
  return Math.max(
    ...inside.map(({ atMs }) => {
      return inside.filter((each) => each.atMs >= atMs && each.atMs < atMs + 1_000).length;
    }),
  );
}

test('a herd is let in in its order, and in no second more of it than the pace says', async (t) => {
  const { clock, gate, inside, away } = open(200);
  for (let who = 0; who < 1_000; who += 1) gate.come(who);

  await clock.advance(6_000);

  t.deepEqual(
    inside.map(({ who }) => who),
    Array.from({ length: 1_000 }, (_, who) => who),
  );
  t.true(busiest(inside) <= 200, `${busiest(inside)}`);
  t.deepEqual(away, []);
});

test('who comes while few come waits for nobody', async (t) => {
  const { clock, gate, inside } = open(200);
  for (let who = 0; who < 20; who += 1) {
    gate.come(who);
    t.is(inside.at(-1)?.who, who);
    await clock.advance(20);
  }
});

test('who could not be let in in time is sent away, and others have their turn', async (t) => {
  const { clock, gate, inside, away } = open(10);
  for (let who = 0; who < 200; who += 1) gate.come(who);

  t.true(away.length > 100);
  await clock.advance(15_000);
  t.is(inside.length + away.length, 200);
  t.true((inside.at(-1)?.atMs ?? 0) < 15_000, 'before a device gives up');
  gate.come(777);
  t.is(inside.at(-1)?.who, 777);
});

test('who leaves takes nobody else his place, and at the end nobody is kept', async (t) => {
  const { clock, gate, inside, away } = open(10);
  for (let who = 0; who < 20; who += 1) gate.come(who);
  for (let who = 5; who < 20; who += 1) gate.leave(who);
  await clock.advance(600);
  t.is(inside.length, 5);

  gate.come(90);
  gate.come(91);
  gate.close();
  await clock.advance(5_000);
  t.is(inside.length + away.length, 7);
});

test('one a second is a pace, too', async (t) => {
  const { clock, gate, inside } = open(1);
  for (let who = 0; who < 5; who += 1) gate.come(who);
  await clock.advance(12_000);
  t.is(inside.length, 5);
  t.true(busiest(inside) <= 1);
});

test('connections leave the ledger the files that it needs', (t) => {
  t.is(connectionsMax(1_024), 512);
  t.is(connectionsMax(4_096), 2_896);
  t.is(connectionsMax(20_000), 16_384);
  t.is(connectionsMax(Number.POSITIVE_INFINITY), 16_384);
});
