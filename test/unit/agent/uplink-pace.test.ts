import test from 'ava';
import {
  batchLimits,
  observeAck,
  openBrokerMemory,
  paceOf,
  paceUnknown,
  patience,
  retryDelayMs,
  uplinkLimits as limits,
  valuesWithin,
} from '@holdfast/agent/internal';
import { tempDir } from '../../support/temp-dir.ts';

const last = { lastBytes: 900 };

test('a batch takes seconds of a slow link and a whole message of a fast one', (t) => {
  const slow = observeAck(paceUnknown, { ...last, bytes: 1_200, busyMs: 1_000, roundTripMs: 300 });
  const fast = observeAck(paceUnknown, { ...last, bytes: 50_000, busyMs: 20, roundTripMs: 20 });

  const first = batchLimits(paceUnknown, 60_000);
  const onSlow = batchLimits(slow, 60_000);
  const onFast = batchLimits(fast, 60_000);

  t.true(first.messageBytesMax <= 5 * 1_200, `${first.messageBytesMax} at first`);
  t.true(onSlow.messageBytesMax >= 2_048 && onSlow.messageBytesMax <= 5 * 1_200);
  t.is(onFast.messageBytesMax, 60_000);
  t.is(batchLimits(fast, 1_000_000).messageBytesMax, 60 * 1024, 'what every broker takes');
});

test('what is read for a batch fits it, though it deflates a little worse than before', (t) => {
  const known = { ...paceUnknown, bytes: 60_000, busyMs: 10, packing: 0.33, entryBytes: 200 };
  const { entryBytesMax, messageBytesMax } = batchLimits(known, 60_000);

  // With the frame of a message, and a few percent.
  t.true(1.03 * 0.33 * entryBytesMax + 288 <= messageBytesMax);
  t.true(0.33 * entryBytesMax >= 0.9 * messageBytesMax, 'and nearly fills it');
});

test('deadlines grow with a slow link, and not without bound', (t) => {
  const told = { ...last, bytes: 1_200, busyMs: 1_000, roundTripMs: 2_000 };
  const slow = observeAck(paceUnknown, told);

  t.is(patience(paceUnknown, 4_096, limits), 1);
  t.is(patience(slow, 12_000, limits), (2 * (2_000 + 10_000)) / limits.resendMs);
  t.is(patience(slow, 1e9, limits), 8);
});

test('pauses grow to the limit, all of them with full jitter', (t) => {
  const longest = [0, 1, 2, 20].map((attempt) => retryDelayMs(attempt, 1, limits));

  t.deepEqual(longest, [500, 1_000, 2_000, 60_000]);
  t.is(retryDelayMs(20, 0, limits), 0);
  t.is(retryDelayMs(0, 1, { ...limits, spreadMs: 30_000 }), 30_000);
});

test('the rate of a link is measured while it is busy, and forgotten when it is faster', (t) => {
  const waits = { bytes: 2_400, busyMs: 2_000, roundTripMs: 2_000, lastBytes: 2_000 };
  const begun = { ...paceUnknown, roundTripMs: 300 };
  const slow = observeAck(begun, waits);
  t.is(slow.bytesPerS, 1_200);
  const same = observeAck(slow, { ...waits, bytes: 2_800 });
  t.is(same.bytesPerS, 1_200, 'what changes little is not told');
  // A message that was late on its way: nothing queued.
  const idle = { bytes: 100, busyMs: 500, roundTripMs: 500, lastBytes: 100 };
  t.is(observeAck(begun, idle).bytesPerS, Number.POSITIVE_INFINITY);
  const quick = { bytes: 300, busyMs: 5, roundTripMs: 5, lastBytes: 300 };
  t.is(observeAck(slow, quick).bytesPerS, Number.POSITIVE_INFINITY);
});

test('a value is in parts that a slow link carries in five seconds', async (t) => {
  const broker = openBrokerMemory(await tempDir(t), 'mqtt://somewhere');
  const values = valuesWithin(() => Math.min(60 * 1024, broker.linkBytesMax()));
  t.true(values.inlineMax() > 40_000);
  broker.measured?.(1_200);
  t.true(values.inlineMax() + 2_048 <= 5 * 1_200);
  broker.measured?.(10);
  t.is(values.inlineMax(), 512, 'a link of 1 kbit/s takes longer');
  broker.measured?.(Number.POSITIVE_INFINITY);
  t.true(values.inlineMax() > 40_000);
});

test('a slow link is known as one after a restart, for a week', async (t) => {
  const [dir, address] = [await tempDir(t), 'mqtt://somewhere'];
  const hour = 3_600_000;
  let nowMs = 1_000 * hour;
  const open = (at = address) => openBrokerMemory(dir, at, () => nowMs);
  const broker = open();
  broker.save({ fits: 9_000, fails: 12_000 });
  broker.measured?.(1_200);

  t.is(open().bytesPerS?.(), 1_200);
  t.deepEqual(open().load(), { fits: 9_000, fails: 12_000 }, 'beside what the broker takes');
  t.is(open('mqtt://elsewhere').bytesPerS?.(), Number.POSITIVE_INFINITY);
  broker.measured?.(900);
  t.is(open().bytesPerS?.(), 1_200, 'the disk is spared');
  nowMs += 2 * hour;
  broker.measured?.(Number.POSITIVE_INFINITY);
  t.is(open().bytesPerS?.(), Number.POSITIVE_INFINITY);
  nowMs += 2 * hour;
  broker.measured?.(600);
  nowMs += 169 * hour;
  t.is(open().bytesPerS?.(), Number.POSITIVE_INFINITY);

  const known = batchLimits(paceOf(600), 60_000);
  t.true(known.messageBytesMax <= 5 * 600, `${known.messageBytesMax}`);
  t.is(patience(paceOf(600), 4_096, limits), (2 * 4_096) / 0.6 / limits.resendMs);
});
