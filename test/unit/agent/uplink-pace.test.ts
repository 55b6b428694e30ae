import test from 'ava';
import {
  batchLimits,
  observeAck,
  paceUnknown,
  patience,
  retryDelayMs,
  uplinkLimits as limits,
} from '@holdfast/agent/internal';

test('a batch takes seconds of a slow link and a whole message of a fast one', (t) => {
  const slow = observeAck(paceUnknown, { bytes: 1_200, busyMs: 1_000, roundTripMs: 300 });
  const fast = observeAck(paceUnknown, { bytes: 50_000, busyMs: 20, roundTripMs: 20 });

  const first = batchLimits(paceUnknown, 60_000);
  const onSlow = batchLimits(slow, 60_000);
  const onFast = batchLimits(fast, 60_000);

  t.true(first.messageBytesMax <= 5 * 1_200, `${first.messageBytesMax} at first`);
  t.true(onSlow.messageBytesMax >= 2_048 && onSlow.messageBytesMax <= 5 * 1_200);
  t.is(onFast.messageBytesMax, 60_000);
  t.is(batchLimits(fast, 1_000_000).messageBytesMax, 60 * 1024, 'what every broker takes');
});

test('deadlines grow with a slow link, and not without bound', (t) => {
  const slow = observeAck(paceUnknown, { bytes: 1_200, busyMs: 1_000, roundTripMs: 2_000 });

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
