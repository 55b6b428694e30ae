import test from 'ava';
import type { UplinkEvent, UplinkKind } from '@holdfast/agent/internal';
import { NO_BYTES, eachLane, type Lane, type Welcome } from '@holdfast/protocol';
import {
  Bench,
  hash,
  limits,
  marksOf,
  nothingMissing,
  reason,
  session,
  standOf,
  welcome,
  type Posted,
} from '../../support/uplink-bench.ts';

const states: Readonly<Record<UplinkKind, () => Bench>> = {
  offline: () => {
    const bench = new Bench();
    bench.do('nudge', {});
    bench.do('down', { reason });
    return bench;
  },
  refused: () => {
    const bench = new Bench();
    bench.do('nudge', {});
    bench.do('up', { id: session });
    const refusal = { code: 'HF_VERSION_UNSUPPORTED', why: '', retryAfterMs: 0, of: NO_BYTES };
    bench.do('refusal', { refusal });
    return bench;
  },
  connecting: () => {
    const bench = new Bench();
    bench.do('nudge', {});
    return bench;
  },
  greeting: () => {
    const bench = new Bench();
    bench.do('nudge', {});
    bench.do('up', { id: session });
    return bench;
  },
  streaming: () => {
    const bench = new Bench().connect({ normal: 9 });
    bench.sendAsked();
    return bench;
  },
};

const events: { readonly [K in UplinkEvent['kind']]: Posted<K> } = {
  tick: { id: session },
  gate: { gate: 'none' },
  nudge: {},
  up: { id: session },
  down: { reason },
  welcome: { welcome: welcome(), stand: standOf(marksOf({ normal: 1 })) },
  ack: {
    ack: { epoch: 1, lane: 'normal', watermark: 1, hash, ...nothingMissing },
    epoch: 1,
  },
  commands: { commands: [] },
  missed: {},
  refusal: { refusal: { code: 'HF_IDENTITY_CONFLICT', why: 'two', retryAfterMs: 0, of: NO_BYTES } },
  rejected: { reason, unread: Uint8Array.of(7) },
  committed: { marks: marksOf({ normal: 10 }) },
  sent: { session, lane: 'normal', seqFirst: 2, seqLast: 2, bytes: 100, entryBytes: 90, tail: '' },
  oversize: { session, lane: 'normal', seqFirst: 2, bytes: 100_000 },
  aside: { session, lane: 'normal' },
  unread: { session, lane: 'normal', reason, isFinal: false },
  forked: { session, outlived: { cause: 'forked', epoch: 1, why: 'another entry' } },
};

const waits = { down: 'stay', up: 'stay', welcome: 'stay', ack: 'stay', commands: 'stay' } as const;
const quiet = {
  missed: 'stay',
  committed: 'stay',
  sent: 'stay',
  oversize: 'stay',
  aside: 'stay',
  unread: 'stay',
  forked: 'stay',
} as const;

/** State × event → state, and the effects. `tick` comes when the state asked for it. */
const outcomes: Readonly<Record<UplinkKind, Record<UplinkEvent['kind'], string>>> = {
  offline: {
    ...waits,
    ...quiet,
    gate: 'offline: close',
    tick: 'connecting: connect',
    nudge: 'connecting: connect',
    refusal: 'stay',
    rejected: 'stay',
  },
  refused: {
    ...waits,
    ...quiet,
    gate: 'offline: close',
    tick: 'connecting: connect',
    nudge: 'connecting: connect',
    refusal: 'stay',
    rejected: 'stay',
  },
  connecting: {
    ...waits,
    ...quiet,
    gate: 'offline: close',
    tick: 'offline: close',
    nudge: 'stay',
    up: 'greeting: hello',
    down: 'offline: ',
    refusal: 'stay',
    rejected: 'stay',
  },
  greeting: {
    ...waits,
    ...quiet,
    gate: 'offline: close',
    tick: 'offline: close',
    nudge: 'stay',
    down: 'offline: ',
    welcome: 'streaming: time pin report send',
    commands: 'greeting: apply',
    refusal: 'refused: close',
    rejected: 'greeting: refuse',
  },
  streaming: {
    tick: 'streaming: ',
    gate: 'streaming: ',
    nudge: 'stay',
    up: 'stay',
    down: 'offline: ',
    welcome: 'stay',
    ack: 'streaming: acknowledge',
    commands: 'streaming: apply',
    missed: 'greeting: ',
    refusal: 'refused: close',
    rejected: 'streaming: refuse',
    committed: 'stay',
    sent: 'streaming: send',
    oversize: 'streaming: setAside',
    aside: 'streaming: send',
    unread: 'stay',
    forked: 'refused: close outlived',
  },
};

for (const [kind, row] of Object.entries(outcomes)) {
  test(`${kind}: every event has the outcome of the table`, (t) => {
    const seen: Record<string, string> = {};
    for (const event of Object.keys(row) as UplinkEvent['kind'][]) {
      const bench = states[kind as UplinkKind]();
      if (event === 'tick') bench.wake();
      else bench.do(event, events[event]);
      const effects = bench.effects.map((effect) => effect.kind).join(' ');
      const stays = bench.state.kind === kind && effects === '';
      seen[event] = stays && row[event] === 'stay' ? 'stay' : `${bench.state.kind}: ${effects}`;
    }

    t.deepEqual(seen, row);
  });
}

test('what came instead of a welcome is told rather than silence', (t) => {
  const bench = states.greeting();
  const forged = { code: 'HF_SIGNATURE_INVALID', message: 'forged' };
  bench.do('rejected', { reason: forged, unread: NO_BYTES });
  t.deepEqual(bench.effects, [], 'what is not believed is not answered');

  bench.wake();

  t.is(bench.state.memory.reason?.code, 'HF_SIGNATURE_INVALID');
});

test('a pause that the gateway asks for is kept, and nothing is late for it', (t) => {
  const bench = new Bench().connect({ normal: 50 });
  bench.sendAll(1);
  bench.ack(1, { slowMs: 20_000 });
  const pausedAtMs = bench.nowMs;
  t.deepEqual(
    bench.effects.filter(({ kind }) => kind === 'send'),
    [],
  );

  bench.wake();

  t.is(bench.nowMs, pausedAtMs + 20_000);
  t.is(bench.sendAll(1).length > 0, true);
  t.is(bench.state.memory.resends, 0);
});

test('no pause that a gateway asks for is longer than a quarter of an hour', (t) => {
  const bench = new Bench().connect({ normal: 50 });
  bench.sendAll(1);
  for (let watermark = 1; watermark < 8; watermark += 1) bench.ack(watermark, { slowMs: 1e9 });
  const pausedAtMs = bench.nowMs;
  while (bench.sendAll(1).length === 0) bench.wake();

  t.is(bench.nowMs, pausedAtMs + 15 * 60_000);
});

test('a pause is of one lane: what happens now goes on by the others', (t) => {
  const bench = new Bench().connect({ normal: 50 });
  bench.sendAll(1);
  for (let watermark = 1; watermark < 8; watermark += 1) bench.ack(watermark, { slowMs: 20_000 });
  const pausedAtMs = bench.nowMs;

  bench.do('committed', { marks: marksOf({ urgent: 1, normal: 50, bulk: 1 }) });

  t.deepEqual(bench.sendAll(1), ['urgent 1', 'bulk 1']);
  bench.ack(1, { lane: 'urgent' });
  bench.ack(1, { lane: 'bulk' });
  bench.wake();
  t.is(bench.nowMs, pausedAtMs + 20_000);
  t.is(bench.sendAll(1)[0], 'normal 8');
});

test('history leaves a place for an alarm', (t) => {
  const bench = new Bench().connect({ normal: 100, bulk: 100 });
  bench.sendAll(1, 10);
  t.is(bench.stream.lanes.flatMap((lane) => lane.flights).length, 7);

  bench.do('committed', { marks: marksOf({ urgent: 1, normal: 100, bulk: 100 }) });

  t.deepEqual(bench.sendAll(1, 10), ['urgent 1']);
});

test('busy lanes share the link by weight and none starves', (t) => {
  const bench = new Bench().connect({ urgent: 9_000, normal: 9_000, bulk: 9_000 });
  const served: Lane[] = [];
  for (let round = 0; round < 1_200; round += 1) {
    if (bench.effects.some(({ kind }) => kind === 'send')) served.push(bench.sendAsked(1, 10).lane);
    else {
      const lane = served[served.length - 1 - (round % 3)] ?? 'normal';
      bench.nowMs += 1;
      bench.ack(bench.stream.lanes[laneNumber(lane)].sent, { lane });
    }
  }

  const share = (lane: Lane) => served.filter((each) => each === lane).length / served.length;
  t.true(share('urgent') > share('normal'), 'urgent has more than normal');
  t.true(share('normal') > share('bulk'), 'normal has more than bulk');
  t.true(share('bulk') > 0.03, `bulk had ${share('bulk')}`);
});

function laneNumber(lane: Lane): 0 | 1 | 2 {
  return lane === 'urgent' ? 0 : lane === 'normal' ? 1 : 2;
}

test('attempts count until a session lasted and was acknowledged', (t) => {
  const flap = new Bench();
  for (let time = 0; time < 5; time += 1) {
    flap.connect({ normal: 1 });
    flap.sendAll();
    flap.ack(1);
    flap.do('down', { reason });
    t.is(flap.state.memory.attempt, time + 1);
  }

  flap.connect({ normal: 2 });
  flap.sendAll();
  flap.nowMs += limits.stableMs;
  flap.ack(2);
  flap.do('down', { reason });

  t.is(flap.state.memory.attempt, 0);
});

test('S33 who is thrown out as soon as it stands waits longer each time, and says why', (t) => {
  const lost = { code: 'HF_LINK_LOST', message: 'broker:1883: closed' } as const;
  const pausesOf = (stoodMs: number): readonly number[] => {
    const bench = new Bench();
    return [1, 2, 3, 4, 5].map((time) => {
      bench.connect({ normal: 100 });
      bench.sendAll();
      bench.nowMs += stoodMs;
      bench.ack(time);
      bench.do('down', { reason: lost });
      const isTold = / does another client use the name of this device\?$/;
      t.is(isTold.test(bench.state.memory.reason?.message ?? ''), stoodMs < 2_000 && time > 2);
      return bench.state.kind === 'offline' ? bench.state.retryAtMs - bench.nowMs : 0;
    });
  };
  const [first = 0, ...longer] = pausesOf(500);
  t.deepEqual(
    longer,
    [2, 4, 8, 16].map((times) => times * first),
  );
  t.deepEqual(pausesOf(5_000), Array<number>(5).fill(first), 'of a link that is up for seconds');
});

/** What both sides say of the normal lane, and what the device makes of it. */
interface Meeting {
  readonly here?: { readonly epoch?: number; readonly head?: number; readonly acked?: number };
  /** The device's hash at the watermark; `undefined`: it has trimmed that entry. */
  readonly own?: Uint8Array | undefined;
  readonly there?: Partial<Welcome['lanes'][number]> & { readonly epoch?: number };
  readonly is: 'ok' | 'rewound' | 'forked';
}

const otherHash = new Uint8Array(32).fill(7);
const meetings: Readonly<Record<string, Meeting>> = {
  'the ledger has less': { there: { watermark: 2 }, own: hash, is: 'ok' },
  'the ledger has as much': { there: { watermark: 5 }, own: hash, is: 'ok' },
  'the ledger has less than it acknowledged': {
    here: { acked: 4 },
    there: { watermark: 2 },
    own: hash,
    is: 'ok',
  },
  'what the ledger has is trimmed here': { here: { acked: 4 }, there: { watermark: 2 }, is: 'ok' },
  'the ledger has more': { there: { watermark: 6 }, is: 'rewound' },
  'the ledger says so': { there: { watermark: 5, verdict: 'rewound' }, own: hash, is: 'rewound' },
  'the ledger has another entry, behind what was acknowledged': {
    here: { acked: 2 },
    there: { watermark: 3 },
    own: otherHash,
    is: 'rewound',
  },
  'the ledger has another entry, of those that it acknowledged': {
    here: { acked: 3 },
    there: { watermark: 3 },
    own: otherHash,
    is: 'forked',
  },
  'the ledger says that they differ': {
    there: { watermark: 5, verdict: 'forked' },
    own: hash,
    is: 'forked',
  },
  'the ledger knows a later epoch, where nothing is to be compared': {
    here: { acked: 3 },
    there: { epoch: 2, watermark: 3, verdict: 'rewound' },
    own: otherHash,
    is: 'rewound',
  },
};

for (const [title, { here = {}, there = {}, own, is }] of Object.entries(meetings)) {
  test(`a welcome: ${title}: ${is}`, (t) => {
    const { epoch = 1, ...lane } = there;
    const nothing = { watermark: 0, hash, verdict: 'ok' } as const;
    const lanes = [nothing, { ...nothing, ...lane }, nothing] as const;
    const marks = marksOf({ normal: 5 });
    marks[1] = { head: here.head ?? 5, acked: here.acked ?? 0 };
    const bench = states.greeting();
    const stand = { ...standOf(marks), hashes: [undefined, own, undefined] as const };
    bench.do('welcome', { welcome: welcome({ epoch, lanes }), stand });

    const ended = bench.effects.find((effect) => effect.kind === 'outlived');
    t.is(ended?.outlived.cause ?? 'ok', is);
    t.is(bench.state.kind, is === 'ok' ? 'streaming' : 'refused');
    if (is === 'ok') return;
    t.is(ended?.outlived.epoch, epoch);
    t.deepEqual(
      bench.effects.map((effect) => effect.kind),
      ['pin', 'close', 'outlived'],
    );
    const code = is === 'forked' ? 'HF_CHAIN_BROKEN' : 'HF_JOURNAL_REWOUND';
    t.is(bench.state.memory.reason?.code, code);
  });
}

test('after another life was found the uplink tries again, seldom', (t) => {
  const bench = new Bench().connect({ normal: 5 });
  bench.do('forked', events.forked);
  const endedAtMs = bench.nowMs;

  t.deepEqual(bench.wake(), [{ kind: 'connect' }]);
  t.true(bench.nowMs - endedAtMs >= limits.stuckRetryMs / 2);
});

test('a ledger that was set back gets again what it lost', (t) => {
  const bench = new Bench();
  bench.do('nudge', {});
  bench.do('up', { id: session });
  const marks = eachLane(() => ({ head: 20, acked: 15 }));
  const lanes = eachLane(() => ({ watermark: 20, hash, verdict: 'ok' as const }));
  lanes[1] = { watermark: 5, hash, verdict: 'ok' };

  bench.do('welcome', { welcome: welcome({ lanes }), stand: standOf(marks) });

  t.deepEqual(
    bench.effects.filter(({ kind }) => kind === 'acknowledge'),
    [
      { kind: 'acknowledge', session, lane: 'urgent', watermark: 20, hash },
      { kind: 'acknowledge', session, lane: 'bulk', watermark: 20, hash },
    ],
  );
  t.deepEqual(bench.sendAll(20), ['normal 6']);
});

test('refusals are answered by their code', (t) => {
  const answers: Readonly<Record<string, UplinkKind>> = {
    HF_EPOCH_UNKNOWN: 'greeting',
    HF_STORE_LOCKED: 'offline',
    HF_IDENTITY_CONFLICT: 'refused',
    HF_SIGNATURE_INVALID: 'refused',
    HF_CHAIN_BROKEN: 'refused',
    HF_OF_THE_FUTURE: 'refused',
  };
  for (const [code, kind] of Object.entries(answers)) {
    const bench = new Bench().connect({ normal: 1 });
    bench.do('refusal', { refusal: { code, why: 'because', retryAfterMs: 0, of: NO_BYTES } });

    t.is(bench.state.kind, kind, code);
    t.is(bench.state.memory.reason?.code, code);
  }
});

test('S28 who is sent away for a time comes back behind it, and within an hour', (t) => {
  const HOUR = 3_600_000;
  for (const code of ['HF_LEDGER_UNAVAILABLE', 'HF_IDENTITY_CONFLICT']) {
    for (const retryAfterMs of [HOUR / 6, HOUR, 1_000 * HOUR]) {
      const bench = new Bench().connect({ normal: 1 });
      bench.do('refusal', { refusal: { code, why: 'away', retryAfterMs, of: NO_BYTES } });
      const refusedAtMs = bench.nowMs;

      t.deepEqual(bench.wake(), [{ kind: 'connect' }], code);
      t.is(bench.nowMs - refusedAtMs, Math.min(retryAfterMs, HOUR), code);
    }
  }
});

test('when a link opens a fleet does not come all at once, but what is urgent does', (t) => {
  const opened = { all: limits.openSpreadMs / 2, urgent: 0 } as const;
  for (const gate of ['all', 'urgent'] as const) {
    const bench = new Bench();
    bench.do('gate', { gate: 'none' });
    bench.do('gate', { gate });
    const openedAtMs = bench.nowMs;

    t.deepEqual(bench.wake(), [{ kind: 'connect' }], gate);
    t.is(bench.nowMs - openedAtMs, opened[gate], `${gate}, at a chance of a half`);
  }
});

test('a lost session is begun again on the same link, after a pause', (t) => {
  const bench = new Bench().connect({ normal: 1 });
  const refusal = { code: 'HF_EPOCH_UNKNOWN', why: '', retryAfterMs: 0, of: NO_BYTES };
  bench.do('refusal', { refusal });
  bench.do('refusal', { refusal });
  const refusedAtMs = bench.nowMs;

  t.deepEqual(bench.wake(), [{ kind: 'hello', session }]);
  t.true(bench.nowMs > refusedAtMs);
});

test('what belongs to another session or epoch changes nothing', (t) => {
  const bench = states.greeting();
  const other = Uint8Array.of(9, 9, 9, 9, 9, 9, 9, 9);
  const stand = standOf(marksOf({ normal: 3 }));
  bench.do('welcome', { welcome: welcome({ session: other }), stand });
  t.is(bench.state.kind, 'greeting');

  bench.do('welcome', { welcome: welcome(), stand });
  bench.sendAll();
  bench.do('ack', { ...events.ack, epoch: 2 });
  bench.do('ack', { ack: { ...events.ack.ack, watermark: 4 }, epoch: 1 });

  t.is(bench.stream.lanes[1].acked, 0);
});
