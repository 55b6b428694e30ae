import test from 'ava';
import { assert, integer, property, record, tuple } from 'fast-check';
import {
  newSession,
  sampleOf,
  sessionsLimits,
  step,
  trueTime,
  withSample,
  type ClockSample,
  type SessionEvent,
} from '@holdfast/gateway/internal';
import { NO_BYTES, eachLane, type Message } from '@holdfast/protocol';
import { HandJournal, newSigner } from '../../support/hand-journal.ts';

const NOW_MS = Date.UTC(2026, 5, 1, 12);
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

const greeting = { boot: 3, monoMs: 10_000, heardAtMs: NOW_MS, welcomedAtMs: NOW_MS + 20 };

test('a hello and the report behind its welcome bound the true time from both sides', (t) => {
  // The report was made 500 ms after the hello; 20 ms of them were the gateway's own.
  const sample = sampleOf(greeting, { boot: 3, monoMs: 10_500 }, NOW_MS + 700);

  t.deepEqual(sample, { boot: 3, monoMs: 10_500, atMs: NOW_MS + 260, errorMs: 240 });
});

test('the true time is within the bounds, whatever a message takes on its way', (t) => {
  const trip = integer({ min: 0, max: 60_000 });
  const times = record({ up: trip, work: trip, down: trip, think: trip, back: trip });
  const holds = (took: { [K in 'up' | 'work' | 'down' | 'think' | 'back']: number }): void => {
    const { up, work, down, think, back } = took;
    const helloAtMs = NOW_MS;
    const heardAtMs = helloAtMs + up;
    const welcomedAtMs = heardAtMs + work;
    const reportAtMs = welcomedAtMs + down + think;
    const report = { boot: 1, monoMs: 5_000 + reportAtMs - helloAtMs };
    const hello = { boot: 1, monoMs: 5_000, heardAtMs, welcomedAtMs };

    const sample = sampleOf(hello, report, reportAtMs + back);

    t.true(sample !== undefined);
    const offMs = Math.abs((sample?.atMs ?? 0) - reportAtMs);
    t.true(offMs <= (sample?.errorMs ?? 0) + 1, `${offMs} of ${sample?.errorMs}`);
  };
  assert(property(times, holds), { seed: 7 });
});

test('a report of another session, or of another boot, compares nothing', (t) => {
  t.is(sampleOf(undefined, { boot: 3, monoMs: 10_500 }, NOW_MS), undefined);
  t.is(
    sampleOf({ ...greeting, welcomedAtMs: undefined }, { boot: 3, monoMs: 11_000 }, NOW_MS),
    undefined,
  );
  t.is(sampleOf(greeting, { boot: 4, monoMs: 10_500 }, NOW_MS + 700), undefined);
  t.is(sampleOf(greeting, { boot: 3, monoMs: 9_999 }, NOW_MS + 700), undefined);
});

test('a gateway whose own clock is set in the middle of a greeting compares nothing', (t) => {
  t.is(
    sampleOf({ ...greeting, welcomedAtMs: NOW_MS + HOUR }, { boot: 3, monoMs: 10_500 }, NOW_MS),
    undefined,
  );
});

const at = (monoMs: number, atMs: number, errorMs = 50): ClockSample => ({ monoMs, atMs, errorMs });

test('what agrees with what is known is not kept, unless it is more exact', (t) => {
  const known = [at(10_000, NOW_MS, 400)];

  t.is(withSample(known, at(20_000, NOW_MS + 10_000 + 900, 300)), known);
  t.deepEqual(withSample(known, at(20_000, NOW_MS + 10_100, 30)), [
    at(20_000, NOW_MS + 10_100, 30),
  ]);
});

test('a clock that drifts is followed by several samples, of which there are never many', (t) => {
  let samples: readonly ClockSample[] = [];
  for (let hour = 0; hour < 500; hour += 1) {
    // It loses 2 s an hour, unlike any that is not broken.
    samples = withSample(samples, at(hour * (HOUR - 2_000), NOW_MS + hour * HOUR));
  }
  const clocks = new Map([[1, samples]]);

  t.true(samples.length > 8 && samples.length <= 32, String(samples.length));
  for (const hour of [0, 99.5, 250, 499]) {
    const stamp = { atMs: 0, boot: 1, monoMs: hour * (HOUR - 2_000) };
    const offMs = Math.abs(trueTime(clocks, stamp).atMs - (NOW_MS + hour * HOUR));
    t.true(offMs < 3_000, `hour ${hour} is off by ${offMs} ms`);
  }
});

test('S51: entries of a boot that began in 1970 get their true times, and are flagged', (t) => {
  const clocks = new Map([[2, [at(100_000, NOW_MS)]]]);
  const early = { atMs: 30_000, boot: 2, monoMs: 40_000 };
  const late = { atMs: NOW_MS + MINUTE, boot: 2, monoMs: 160_000 };

  t.like(trueTime(clocks, early), { clock: 'corrected', atMs: NOW_MS - MINUTE });
  t.like(trueTime(clocks, late), { clock: 'ok', atMs: NOW_MS + MINUTE });
});

test('a device whose clock is right is never flagged, and its times are its own', (t) => {
  const clocks = new Map([[1, [at(0, NOW_MS, 200)]]]);
  const honest = tuple(integer({ min: -1_000, max: 1_000 }), integer({ min: 0, max: HOUR }));
  const holds = ([offMs, monoMs]: [number, number]): void => {
    const stamp = { atMs: NOW_MS + monoMs + offMs, boot: 1, monoMs };
    t.like(trueTime(clocks, stamp), { clock: 'ok', atMs: stamp.atMs });
  };
  assert(property(honest, holds), { seed: 8 });
});

test('S53: an hour back in the middle of a boot is corrected before and behind it', (t) => {
  const clocks = new Map([[1, [at(HOUR, NOW_MS)]]]);
  const stamps = [10, 20, 30].map((minute) => ({
    atMs: NOW_MS - HOUR + minute * MINUTE + (minute >= 20 ? -HOUR : 0),
    ...{ boot: 1, monoMs: minute * MINUTE },
  }));

  const times = stamps.map((stamp) => trueTime(clocks, stamp));

  t.deepEqual(
    times.map(({ clock }) => clock),
    ['ok', 'corrected', 'corrected'],
  );
  t.deepEqual(
    times.map(({ atMs }) => NOW_MS - atMs),
    [50, 40, 30].map((minute) => minute * MINUTE),
  );
});

test('a boot that was never compared lies between those around it, and is flagged', (t) => {
  const clocks = new Map([
    [1, [at(5 * MINUTE, NOW_MS - 10 * HOUR)]],
    [4, [at(30 * MINUTE, NOW_MS)]],
  ]);
  const bounds = { notBeforeMs: NOW_MS - 10 * HOUR - 50, notAfterMs: NOW_MS - 30 * MINUTE + 50 };

  const lost = trueTime(clocks, { atMs: 9_000, boot: 2, monoMs: 9_000 }, NOW_MS);
  const kept = trueTime(clocks, { atMs: NOW_MS - HOUR, boot: 3, monoMs: 9_000 }, NOW_MS);
  const last = trueTime(clocks, { atMs: 2 ** 45, boot: 5, monoMs: 9_000 }, NOW_MS + MINUTE);

  t.deepEqual(lost, { clock: 'unsynced', atMs: bounds.notBeforeMs, ...bounds });
  t.deepEqual(kept, { clock: 'unsynced', atMs: NOW_MS - HOUR, ...bounds });
  t.like(last, { clock: 'unsynced', atMs: NOW_MS + MINUTE, notBeforeMs: NOW_MS - 50 });
});

test('the first report of a session has its clocks compared, however many hellos come', (t) => {
  const signer = newSigner();
  const limits = { ...sessionsLimits, gateway: 'gw', publicKey: signer.publicKey };
  const journal = new HandJournal('d1');
  const hash = new Uint8Array(32);
  const known = {
    ...{ device: 'd1', publicKey: signer.publicKey, awaitedKey: '', epoch: 1, firstSeenAtMs: 1 },
    revokedKey: new Uint8Array(0),
    began: { atMs: 1, cause: '' },
    lanes: eachLane((lane) => ({ watermark: 0, hash: journal.hashes(lane)[0] ?? hash })),
    ...{ lastCommand: 0, lastReceipt: 0, tags: [], holes: { count: 0, entries: 0, bytes: 0 } },
  };
  const keyName = 'a key';
  const held = eachLane(() => ({ head: undefined, acked: undefined }));
  const hello = journal.hello(signer, { boot: 2, monoMs: 1_000 });
  const report = (monoMs: number): Message => ({
    ...{ kind: 'report', epoch: 1, atMs: 5, agentVersion: '0.1.0', runs: [], boot: 2, monoMs },
    lanes: eachLane(() => ({ head: 0, acked: 0, backlogBytes: 0, oldestAtMs: 0 })),
  });
  const genuine = (message: Message): SessionEvent => ({
    ...{ kind: 'message', message, genuine: true, keyName, isRevoked: false, tail: NO_BYTES },
  });
  const story: readonly (readonly [number, SessionEvent])[] = [
    [0, genuine(report(900))],
    [0, genuine(hello)],
    [10, { kind: 'greeted', hello, record: known, held, keyName }],
    [20, genuine(report(950))],
    [50, genuine(report(1_040))],
    [9_000, genuine(report(9_000))],
  ];

  const greeted: SessionEvent = { kind: 'greeted', hello, record: known, held, keyName };
  const repeated: typeof story = [
    ...story.slice(0, 3),
    [2_000, genuine(hello)],
    [2_010, greeted],
    [2_020, genuine(report(1_040))],
    [2_030, genuine(hello)],
    [2_040, greeted],
    [2_050, genuine(report(1_060))],
  ];

  const notesOf = (events: typeof story) => {
    let state = newSession('d1', known);
    return events.flatMap(([afterMs, event]) => {
      const done = step(state, event, { nowMs: NOW_MS + afterMs, limits });
      state = done.state;
      return done.effects.filter(({ kind }) => kind === 'noteClock');
    });
  };
  const sample = { boot: 2, monoMs: 1_040, atMs: NOW_MS + 25, errorMs: 15 };
  t.deepEqual(notesOf(story), [{ kind: 'noteClock', epoch: 1, sample }]);
  t.deepEqual(notesOf(repeated), [{ kind: 'noteClock', epoch: 1, sample }]);
});
