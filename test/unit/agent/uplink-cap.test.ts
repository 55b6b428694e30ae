import test from 'ava';
import type { KnownCap } from '@holdfast/agent/internal';
import { World } from '../../support/uplink-world.ts';

const KIB = 1_024;

/** What a process learns of its broker, for the next one. */
function memory() {
  const known: KnownCap[] = [];
  return { known, load: () => known.at(-1), save: (cap: KnownCap) => void known.push(cap) };
}

test('a limit of the broker that nobody told is found, and what fits goes on', async (t) => {
  const broker = memory();
  const world = new World({ broker });
  world.radio.messageBytesMax = 9 * KIB;
  world.uplink.start();
  world.append('normal', 4_000, 200);
  await world.untilSynced();

  world.check(t);
  const { refused } = world.radio;
  t.true(refused.length > 0 && refused.length <= 4 * 8, `${refused.length} were refused`);
  t.true(new Set(refused).size <= 24);
  const { fits = 0, fails = 0 } = broker.known.at(-1) ?? {};
  t.true(fits <= 9 * KIB && fails > 9 * KIB && fails <= 2 * fits, `${fits} to ${fails}`);

  refused.length = 0;
  world.append('normal', 4_000, 200);
  await world.untilSynced();
  t.deepEqual(refused, [], 'it is known now');
});

test('a limit that is known is kept to from the first message of the next process', async (t) => {
  const world = new World({ broker: { load: () => ({ fits: 7_000, fails: 9_300 }), save() {} } });
  world.radio.messageBytesMax = 9 * KIB;
  world.uplink.start();
  world.append('normal', 1_000, 200);
  await world.untilSynced();

  t.deepEqual(world.radio.refused, []);
  t.is(world.radio.dials, 1);
});

test('S36 what no message carries is sent three times, then a hole tells of it', async (t) => {
  const world = new World();
  world.radio.messageBytesMax = 20 * KIB;
  world.uplink.start();
  world.append('normal', 3);
  world.append('normal', 1, 40 * KIB);
  world.append('normal', 5);
  world.append('urgent', 2);
  await world.untilSynced();

  world.check(t);
  const large = world.radio.refused.filter((bytes) => bytes > 40 * KIB);
  t.is(large.length, 3, world.radio.refused.join(' '));
  t.true(world.journal.isGone('normal', 4));
  t.is(world.gateway.lane('normal').entries.length, 9);
  t.is(world.errors.filter((line) => line === 'an entry will not be sent').length, 1);

  world.radio.refused.length = 0;
  world.append('normal', 1, 41 * KIB);
  await world.untilSynced();
  t.true(world.radio.refused.length <= 3);
});

test('other lanes go on while an entry is on trial', async (t) => {
  const world = new World();
  world.radio.messageBytesMax = 20 * KIB;
  world.uplink.start();
  world.append('bulk', 1, 40 * KIB);
  await world.until('refused', () => world.radio.refused.length > 0);
  const before = world.clock.monoMs();
  world.append('urgent', 1);
  await world.until('the alarm', () => world.journal.lane('urgent').acked === 1);

  t.true(world.clock.monoMs() - before < 5_000, `${world.clock.monoMs() - before} ms`);
  t.is(world.journal.lane('bulk').acked, 0);
});

test('a bad link costs no entry, however often it is cut under a large one', async (t) => {
  const world = new World();
  world.uplink.start();
  world.append('normal', 1, 50 * KIB);
  world.radio.bytesPerMs = 5;
  for (let cut = 0; cut < 40; cut += 1) {
    await world.clock.advance(400 + 61 * cut);
    world.radio.cut();
  }
  world.radio.bytesPerMs = Number.POSITIVE_INFINITY;
  await world.untilSynced();

  world.check(t);
  t.false(world.journal.isGone('normal', 1));
});

test('what is above the limit that the gateway tells is not sent at all', async (t) => {
  const world = new World({ welcome: { batchBytesMax: 10 * KIB } });
  world.radio.messageBytesMax = 10 * KIB;
  world.uplink.start();
  world.append('normal', 2);
  world.append('normal', 1, 12 * KIB);
  world.append('normal', 2);
  await world.untilSynced();

  world.check(t);
  t.deepEqual(world.radio.refused, []);
  t.true(world.journal.isGone('normal', 3));
});

test('S39 in no second more is sent than the broker takes, and all of it arrives', async (t) => {
  const limits = { publishesPerS: 100, bytesPerS: 512 * KIB, inflightMax: 4 };
  const world = new World({ limits });
  world.uplink.start();
  world.append('bulk', 2_000, 1_000);
  await world.untilSynced();
  // Each of these would be a message of its own, as fast as they come.
  for (let alarm = 0; alarm < 400; alarm += 1) {
    world.append('urgent', 1);
    await world.clock.advance(2);
  }
  await world.untilSynced();

  world.check(t);
  const { sent } = world.radio;
  for (const { atMs } of sent) {
    const second = sent.filter((each) => each.atMs >= atMs && each.atMs < atMs + 1_000);
    t.true(second.length <= limits.publishesPerS, `${second.length} messages in a second`);
    const bytes = second.reduce((sum, each) => sum + each.bytes, 0);
    t.true(bytes <= limits.bytesPerS, `${bytes} bytes in a second`);
  }
  t.deepEqual(world.gateway.faults, []);
});
