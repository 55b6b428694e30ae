import test from 'ava';
import { NO_BYTES, type Message } from '@holdfast/protocol';
import { entriesOf } from '../../support/naive-gateway.ts';
import { World } from '../../support/uplink-world.ts';

/** A gateway that says of some messages that it cannot read them. */
function refusing(world: World, isPoison: (message: Message) => boolean): { count: number } {
  const refused = { count: 0 };
  world.gateway.answer = (message) => {
    if (!isPoison(message)) return undefined;
    refused.count += 1;
    const { tail: of } = world.gateway;
    const told = { code: 'HF_MESSAGE_INVALID', why: 'no idea', retryAfterMs: 0, of } as const;
    // Brokers repeat.
    const refusal = { kind: 'refusal', ...told } as const;
    return [refusal, refusal];
  };
  return refused;
}

/** Whether it brings this entry of a lane. */
function brings(message: Message, lane: string, seq: number): boolean {
  if (message.kind !== 'batch' || message.lane !== lane) return false;
  return message.seqFirst <= seq && seq < message.seqFirst + entriesOf(message).length;
}

test('what a gateway cannot read is sent three times, then a hole tells of it', async (t) => {
  const world = new World();
  const refused = refusing(world, (message) => brings(message, 'normal', 70));
  world.append('normal', 300);
  world.append('bulk', 300);
  world.uplink.start();
  await world.untilSynced();

  world.check(t);
  t.is(refused.count, 3);
  const { holes } = world.gateway;
  t.like(holes, [{ lane: 'normal', seqFirst: 70, seqLast: 70, reason: 'refused' }]);
  t.is(holes.length, 1);
  t.is(world.radio.dials, 1, 'on one connection');
  t.deepEqual(world.errors, ['an entry will not be sent']);

  world.append('normal', 300);
  await world.untilSynced();
  t.is(refused.count, 3, 'and what follows is sent in batches again');
  t.true(world.gateway.batches.length < 330, `${world.gateway.batches.length} batches`);
  await world.uplink.close();
});

test('several in one batch, and in two lanes, cost three sends each', async (t) => {
  const world = new World();
  const bad = [
    ['normal', 5],
    ['normal', 6],
    ['normal', 40],
    ['bulk', 9],
  ] as const;
  const refused = refusing(world, (each) => bad.some(([lane, seq]) => brings(each, lane, seq)));
  world.append('normal', 60);
  world.append('bulk', 60);
  world.uplink.start();
  await world.untilSynced();

  world.check(t);
  // Two of them were in one batch at first.
  t.true(refused.count <= 3 * bad.length, `${refused.count}`);
  const holes = world.gateway.holes.map(({ lane, seqFirst }) => `${lane} ${seqFirst}`);
  t.deepEqual(holes.toSorted(), bad.map(([lane, seq]) => `${lane} ${seq}`).toSorted());
  await world.uplink.close();
});

test('one in each of the batches that are on their way costs three sends, too', async (t) => {
  const world = new World();
  world.append('normal', 20_000);
  world.uplink.start();
  await world.until('under way', () => world.gateway.batches.length > 3);
  const sends = new Map<number, number>();
  const bad: readonly number[] = [4_000, 5_000, 6_000, 7_000, 8_000];
  refusing(world, (message) => {
    const found = bad.filter((seq) => brings(message, 'normal', seq));
    for (const seq of found) sends.set(seq, (sends.get(seq) ?? 0) + 1);
    return found.length > 0;
  });
  await world.untilSynced();

  world.check(t);
  t.deepEqual(world.gateway.holes.map(({ seqFirst }) => seqFirst), bad);
  t.deepEqual([...sends.values()], [3, 3, 3, 3, 3]);
  t.true(world.gateway.batches.length < 6_000, `${world.gateway.batches.length} batches`);
  await world.uplink.close();
});

test('a gateway that reads nothing costs one entry of a lane, and is waited for', async (t) => {
  const world = new World();
  const refused = refusing(world, ({ kind }) => kind === 'batch' || kind === 'hole');
  world.append('normal', 300);
  world.uplink.start();
  await world.until('stuck', () => world.uplink.state().state === 'stuck', 30_000);
  t.is(world.uplink.state().problem?.code, 'HF_MESSAGE_INVALID');

  await world.clock.advance(3_600_000);

  t.is(world.errors.filter((each) => each === 'an entry will not be sent').length, 1);
  t.true(refused.count < 60, `${refused.count} messages in an hour`);
  world.gateway.answer = undefined;
  await world.untilSynced();
  t.is(world.gateway.holes.length, 1);
  world.check(t);
  await world.uplink.close();
});

test('a refusal of what is not on its way is ignored; of nothing at all, it counts', async (t) => {
  const world = new World();
  const reports = refusing(world, ({ kind }) => kind === 'report');
  world.append('normal', 3);
  world.uplink.start();
  await world.untilSynced();
  t.true(reports.count > 0);
  t.is(world.uplink.state().state, 'synced');

  const told = { code: 'HF_MESSAGE_INVALID', why: 'no idea', retryAfterMs: 0, of: NO_BYTES };
  world.radio.toDevice(world.gateway.seal({ kind: 'refusal', ...told }));
  await world.clock.advance(100);
  t.is(world.uplink.state().state, 'stuck');
  await world.uplink.close();
});
