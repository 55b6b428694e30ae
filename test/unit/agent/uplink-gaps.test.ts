import test from 'ava';
import { wakeAtMs } from '@holdfast/agent/internal';
import { Bench, limits, marksOf, session } from '../../support/uplink-bench.ts';

/** 1 to 10 is in the ledger, and six more batches are on their way. */
function midway(): Bench {
  const bench = new Bench().connect({ normal: 70 });
  bench.sendAll(10);
  bench.ack(10);
  bench.sendAll(10);
  return bench;
}

test('one lost batch costs one resend, however many answers report the gap', (t) => {
  const bench = midway();
  const sent: string[] = [];
  for (let seqLast = 30; seqLast <= 70; seqLast += 10) {
    bench.ack(10, { missingFrom: 11, kept: [{ seqFirst: 21, seqLast }] });
    sent.push(...bench.sendAll(10));
  }

  t.deepEqual(sent, ['normal 11']);
  t.is(bench.state.memory.resends, 1);
  bench.ack(70);
  t.is(wakeAtMs(bench.state, limits), bench.stream.reportAtMs, 'nothing is awaited any more');
});

test('of what is on its way only that is sent again which later batches have passed', (t) => {
  const bench = midway();

  bench.ack(10, { missingFrom: 11, kept: [{ seqFirst: 41, seqLast: 50 }] });

  t.deepEqual(bench.sendAll(10), ['normal 11', 'normal 21', 'normal 31']);
  bench.ack(10, {
    missingFrom: 11,
    kept: [
      { seqFirst: 21, seqLast: 30 },
      { seqFirst: 41, seqLast: 70 },
    ],
  });
  t.deepEqual(bench.sendAll(10), ['normal 11'], 'what was sent behind it has come');
});

test('a gateway that keeps nothing gets the lane again from its gap on, once', (t) => {
  const bench = midway();

  bench.ack(10, { missingFrom: 11 });
  const resent = bench.sendAll(10);
  for (let answer = 0; answer < 6; answer += 1) {
    bench.ack(10, { missingFrom: 11 });
    t.deepEqual(bench.sendAll(10), [], 'a gap that is known');
  }

  t.is(resent[0], 'normal 11');
  t.is(bench.state.memory.resends, 6);
});

test('who claims for ever that the same is lost is given up', (t) => {
  const bench = midway();
  const sinceMs = bench.nowMs;

  while (bench.state.kind === 'streaming' && bench.nowMs < sinceMs + 60_000) {
    bench.nowMs += 500;
    const { sent } = bench.stream.lanes[1];
    bench.ack(10, { missingFrom: 11, kept: [{ seqFirst: 21, seqLast: sent }] });
    bench.sendAll(10);
    bench.do('committed', { marks: marksOf({ normal: sent + 10 }) });
    bench.sendAll(10);
    bench.do('tick', { id: session });
  }

  t.is(bench.state.memory.reason?.code, 'HF_GATEWAY_SILENT');
  t.true(bench.nowMs - sinceMs < 20_000, `${bench.nowMs - sinceMs} ms`);
});

test('a batch that was being read when its lane went back does not count as its place', (t) => {
  const bench = new Bench().connect({ normal: 50 });
  bench.sendAsked(10);
  bench.sendAsked(10);
  bench.ack(0, { missingFrom: 1 });

  const late = { session, lane: 'normal', bytes: 500, entryBytes: 500, tail: '' } as const;
  bench.do('sent', { ...late, seqFirst: 21, seqLast: 30 });

  t.is(bench.sendAsked(10).seqFirst, 1);
});

test('an answer about a gap that was closed meanwhile changes nothing', (t) => {
  const bench = new Bench().connect({ normal: 50 });
  bench.sendAll(10);
  bench.ack(30);
  const before = bench.stream.lanes[1];

  bench.ack(10, { missingFrom: 11 });

  t.deepEqual(bench.stream.lanes[1], before);
});

test('into a silence goes one batch, twice; then the connection is given up as silent', (t) => {
  const bench = new Bench().connect({ normal: 2 });
  bench.sendAll();
  const sentAtMs = bench.nowMs;

  bench.wake();
  t.is(bench.nowMs, sentAtMs + limits.resendMs);
  t.deepEqual(bench.sendAll(), ['normal 2'], 'the newest, which tells of all of them');
  bench.wake();
  t.is(bench.nowMs, sentAtMs + (limits.resendMs + limits.ackDeadlineMs) / 2);
  t.deepEqual(bench.sendAll(), ['normal 2'], 'a gateway that hangs may have had the first two');
  bench.wake();

  t.is(bench.nowMs, sentAtMs + limits.ackDeadlineMs);
  t.deepEqual(bench.effects, [{ kind: 'close' }]);
  t.is(bench.state.memory.reason?.code, 'HF_GATEWAY_SILENT');
});

test('the answer to what was sent into a silence tells what of the others has arrived', (t) => {
  const bench = new Bench().connect({ normal: 6 });
  bench.sendAll();
  bench.wake();
  t.deepEqual(bench.sendAll(), ['normal 6']);
  bench.ack(2, { missingFrom: 3, kept: [{ seqFirst: 6, seqLast: 6 }] });
  t.deepEqual(bench.sendAll(), ['normal 3', 'normal 4', 'normal 5']);
});

test('who answers a silence, and keeps nothing, is sent all of it again at once', (t) => {
  const bench = new Bench().connect({ normal: 3 });
  bench.sendAll();
  bench.wake();
  t.deepEqual(bench.sendAll(), ['normal 3']);

  bench.ack(0, { missingFrom: 1 });

  t.deepEqual(bench.sendAll(), ['normal 1', 'normal 2', 'normal 3']);
});

test('a link that only held what it was given costs one batch', (t) => {
  const bench = new Bench().connect({ normal: 60 });
  bench.sendAll();
  bench.wake();
  t.deepEqual(bench.sendAll(), ['normal 7']);
  const again: string[] = [];
  for (let seq = 1; seq <= 7; seq += 1) {
    bench.ack(seq);
    again.push(...bench.sendAll().filter((each) => Number(each.split(' ')[1]) <= 7));
  }
  t.deepEqual(again, []);
  t.is(bench.state.memory.resends, 1);
});
