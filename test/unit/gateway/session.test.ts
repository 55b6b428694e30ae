import test from 'ava';
import { array, assert, asyncProperty, integer, property, record as rows } from 'fast-check';
import {
  PacketMeter,
  Sessions,
  StoreLedger,
  createVerify,
  inflate,
  liveOf,
  newLedgerRow,
  packCommands,
  sha256,
  step,
  type Session,
  type SessionEvent,
} from '@holdfast/gateway/internal';
import {
  MESSAGE_BYTES_MAX,
  NO_BYTES,
  TRIAL_EPOCH,
  eachLane,
  open,
  seal,
  type Lane,
  type Message,
} from '@holdfast/protocol';
import { HandJournal } from '../../support/hand-journal.ts';
import {
  batch,
  command,
  hash,
  hello,
  keyName,
  known,
  limits,
  message,
  nowMs,
  online,
  position,
  record,
  report,
  run,
  said,
  signer,
  stranger,
  unheld,
} from '../../support/session-bench.ts';
import { SimClock } from '../../support/sim-clock.ts';
import { SimStore } from '../../support/sim-store.ts';

const events = {
  hello: message(hello),
  batch: message(batch),
  'forged batch': message(batch, false),
  'batch without entries': message({ ...batch, count: 0 }),
  'forged report': message(report, false),
  unreadable: { kind: 'unreadable', why: 'noise', tail: NO_BYTES },
} satisfies Record<string, SessionEvent>;

test('where devices must be enrolled, a hello of one that was not registers nobody', (t) => {
  const closed = { ...limits, takesStrangers: false };
  const greet = (state: Session) => step(state, events.hello, { nowMs, limits: closed });

  const refused = greet(stranger);
  t.is(said(refused.effects), 'refuse HF_DEVICE_UNENROLLED');
  t.is(refused.state.refusals, 1);
  t.is(said(greet(known).effects), 'greet');
});

test('a hello that only tries the way is answered, and nothing is kept of it', (t) => {
  const { hello: real } = events;
  if (real?.kind !== 'message') return t.fail('a hello is a message');
  const trial = { ...real, message: { ...real.message, epoch: TRIAL_EPOCH } } as SessionEvent;

  for (const state of [known, online]) {
    const after = step(state, trial, { nowMs, limits });
    t.is(after.state, state);
    t.regex(said(after.effects), /^send welcome/);
    t.is(after.effects.length, 1);
    const welcome = { session: hello.session, epoch: TRIAL_EPOCH };
    t.like(after.effects[0], { message: { kind: 'welcome', ...welcome } });
  }
  const closed = { nowMs, limits: { ...limits, takesStrangers: false } };
  t.is(said(step(stranger, trial, closed).effects), 'refuse HF_DEVICE_UNENROLLED');
});

test('S60 a device of another region is refused, with where it belongs', (t) => {
  const of = (region: string) => ({ nowMs, limits: { ...limits, region } });
  const tagged = (value: string): SessionEvent => {
    const own = { ...record, tags: [{ name: 'region', value }] };
    return { kind: 'greeted', hello, record: own, held: unheld, keyName };
  };

  const refused = step(known, tagged('us'), of('eu'));
  t.is(said(refused.effects), 'refuse HF_DEVICE_REGION');
  t.regex(refused.state.refusal?.why ?? '', /is of region us, this gateway of eu/);
  t.is(said(step(refused.state, events.batch, of('eu')).effects), 'refuse HF_DEVICE_REGION');
  for (const [device, gateway] of [['eu', 'eu'], ['us', ''], ['', 'eu']] as const) {
    const { effects } = step(known, tagged(device), of(gateway));
    t.regex(said(effects), /^send welcome/, `${device} at ${gateway}`);
  }
});

test('a forged message changes nothing that is remembered but the count', (t) => {
  const { state } = run(online, events['forged batch'], events['forged report']);

  const { refusals, refusal: _, answers: __, ...rest } = state;
  const { refusals: ___, refusal: ____, answers: _____, ...before } = online;
  t.is(refusals, 2);
  t.deepEqual(rest, before);
});

test('refusals are answered and logged a few times in a window, and counted always', (t) => {
  const noise = Array.from({ length: 50 }, () => events.unreadable);
  let [answers, counted] = [0, 0];
  let state = online;
  for (const event of noise) {
    const next = step(state, event, { nowMs, limits });
    answers += next.effects.filter(({ kind }) => kind === 'send' || kind === 'log').length;
    counted += next.effects.filter(({ kind }) => kind === 'count').length;
    ({ state } = next);
  }
  const later = step(state, events.unreadable, { nowMs: nowMs + 10_000, limits });

  t.is(state.refusals, 50);
  t.is(counted, 50);
  t.is(answers, 2 * limits.answers.count);
  t.is(later.effects.length, 3);
});

test('a device of which too much is refused has its connection ended, again and again', (t) => {
  const { closeAt, windowMs } = limits.answers;
  const flood = (count: number, atMs: number, from: Session) => {
    let [state, closed] = [from, 0];
    for (let sent = 0; sent < count; sent += 1) {
      const after = step(state, events.unreadable, { nowMs: atMs, limits });
      state = after.state;
      closed += after.effects.filter(({ kind }) => kind === 'close').length;
    }
    return { state, closed };
  };

  t.is(flood(closeAt - 1, nowMs, online).closed, 0);
  const flooded = flood(3 * closeAt, nowMs, online);
  t.is(flooded.closed, 3);
  t.is(flood(closeAt - 1, nowMs + windowMs, flooded.state).closed, 0, 'what is over is over');
});

test('what cannot be read is named in its refusal by its last bytes', (t) => {
  const tail = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
  const named = { kind: 'send', message: { code: 'HF_MESSAGE_INVALID', of: tail } } as const;
  const undecodable = { kind: 'undecodable', why: '' } as const;
  const kinds = [events.unreadable, undecodable, events['batch without entries']];
  for (const event of kinds) {
    t.like(run(online, { ...event, tail }).effects[0], named, event.kind);
  }
});

test('beyond the window batches of one device are dropped, and taken again as it empties', (t) => {
  const many = Array.from({ length: limits.ingestingMax }, () => events.batch);
  const full = run(online, ...many).state;
  const outcome = { kind: 'gap', position } as const;

  const dropped = run(full, events.batch);
  const after = run(full, { kind: 'ingested', waitedMs: 0, batch, outcome }, events.batch);

  t.is(said(dropped.effects), '');
  t.is(said(after.effects), 'ingest');
  const undecodable = { kind: 'undecodable', why: '', tail: NO_BYTES } as const;
  t.is(run(full, { kind: 'dropped' }, undecodable).state.ingesting, 14);
});

test('who was acknowledged more than the ledger has is asked to greet', (t) => {
  const lanes = eachLane(() => ({ head: 9, acked: 9, backlogBytes: 0, oldestAtMs: 0 }));
  const { effects } = run(online, message({ ...report, lanes }));
  const [effect] = effects.filter(({ kind }) => kind === 'send');

  t.like(effect, { message: { kind: 'refusal', code: 'HF_EPOCH_UNKNOWN' } });
  t.is(said(run(online, message(report)).effects), 'noteClock', 'as long as it is there');
});

test('who drains is slowed by what its batch waited; what is urgent or live never is', (t) => {
  const committed = { kind: 'committed', fresh: 1, calls: 0, issued: 0, lastReceipt: 0 } as const;
  const reported = run(online, message(report)).state;
  const slowed = (state: Session, lane: Lane, watermark: number, waitedMs: number) => {
    const outcome = { ...committed, position: { watermark, hash } };
    const of = { kind: 'ingested', batch: { ...batch, lane }, outcome, waitedMs } as const;
    const [effect] = run(state, of).effects;
    return effect?.kind === 'send' && effect.message.kind === 'ack' ? effect.message.slowMs : -1;
  };

  t.is(slowed(reported, 'bulk', 4, 1_500), 60_000);
  t.is(slowed(reported, 'normal', 4, 501), 60);
  t.is(slowed(reported, 'bulk', 4, 500), 0);
  t.is(slowed(reported, 'bulk', 4, 600_000), 300_000);
  t.is(slowed(reported, 'bulk', 5, 60_000), 0, 'it said of no more');
  t.is(slowed(online, 'bulk', 4, 60_000), 0, 'it said nothing');
  t.is(slowed(reported, 'urgent', 4, 60_000), 0);
});

test('commands go out in order, a window at a time, and again when no receipt comes', (t) => {
  const first = [5, 6, 7, 8, 9, 10, 11, 12].map((number) => command(number, 1_100));
  const greeted = run(known, message({ ...hello, lastCommand: 4 }), {
    kind: 'greeted',
    hello: { ...hello, lastCommand: 4 },
    record,
    held: unheld,
    keyName,
  });
  const sent = run(greeted.state, { kind: 'commandsRead', after: 4, commands: first });
  const issued = run(sent.state, { kind: 'issued' });
  const outcome = {
    kind: 'committed',
    position,
    fresh: 1,
    calls: 0,
    issued: 0,
    lastReceipt: 6,
  } as const;
  const receipt = run(sent.state, { kind: 'ingested', waitedMs: 0, batch, outcome });
  const atLater = { nowMs: nowMs + limits.commandResendMs, limits };

  t.is(said(greeted.effects), 'send welcome, read >4 64');
  t.is(said(sent.effects), 'send commands');
  t.is(said(issued.effects), '', 'the window is full');
  t.is(said(receipt.effects), 'send ack, read >12 58');
  t.is(said(step(sent.state, { kind: 'tick' }, { nowMs: nowMs + 1, limits }).effects), '');
  t.is(said(step(sent.state, { kind: 'tick' }, atLater).effects), 'read >4 64');
});

test('commands that were read for a session that is over are not sent', (t) => {
  const again = { ...hello, lastCommand: 2 };
  const reading = run(known, message(hello), {
    kind: 'greeted',
    hello,
    record,
    held: unheld,
    keyName,
  }).state;
  const restarted = run(reading, { kind: 'greeted', hello: again, record, held: unheld, keyName });

  const stale = run(restarted.state, { kind: 'commandsRead', after: 0, commands: [command(1)] });

  t.is(said(restarted.effects), 'send welcome');
  t.is(said(stale.effects), 'read >2 64');
});

test('commands that are large together go out in messages that a broker takes', (t) => {
  const sizes = [100, 30_000, 30_000, 56 * 1_024, 10];
  const commands = sizes.map((size, index) => command(index + 1, size));

  const messages = packCommands(commands);

  t.deepEqual(
    messages.map((each) => each.map(({ number }) => number)),
    [
      [1, 2, 3],
      [4, 5],
    ],
  );
  for (const each of messages) {
    const sealed = seal('d1', { kind: 'commands', commands: each }, signer);
    t.true(sealed.byteLength <= MESSAGE_BYTES_MAX, `${sealed.byteLength}`);
  }
});

test('an agent that was restarted is let in; one that was replaced and is alive is not', (t) => {
  const greeting = (incarnation: number, session: number): SessionEvent =>
    message({
      ...hello,
      incarnation: new Uint8Array(8).fill(incarnation),
      session: new Uint8Array(8).fill(session),
    });
  const conflictEnd = { nowMs: nowMs + limits.conflictMs, limits };

  const restarted = run(known, greeting(1, 1), greeting(2, 2));
  const repeated = run(restarted.state, greeting(1, 1));
  const alive = run(restarted.state, greeting(1, 3));
  const other = run(alive.state, greeting(2, 4));
  const left = step(other.state, greeting(2, 5), conflictEnd);

  t.is(said(restarted.effects), 'greet');
  t.is(said(repeated.effects), '', 'a broker may repeat an old greeting');
  t.is(said(alive.effects), 'refuse HF_IDENTITY_CONFLICT');
  t.is(said(other.effects), 'refuse HF_IDENTITY_CONFLICT');
  t.is(said(left.effects), 'greet', 'the one that is left gets in');
});

test('a packet is let through or cut off by its length, however the stream is cut', (t) => {
  const packet = (length: number): Buffer => {
    const head = [0x30];
    let rest = length;
    do {
      head.push((rest % 128) + (rest >= 128 ? 128 : 0));
      rest = Math.floor(rest / 128);
    } while (rest > 0);
    return Buffer.concat([Buffer.from(head), Buffer.alloc(length, 0xff)]);
  };
  const lengths = array(integer({ min: 0, max: 1_200 }), { maxLength: 8 });
  const cuts = array(integer({ min: 1, max: 900 }), { minLength: 1 });

  assert(
    property(lengths, cuts, (sizes, pieces) => {
      const stream = Buffer.concat(sizes.map(packet));
      const meter = new PacketMeter(1_000);
      let passed = true;
      for (let at = 0, n = 0; at < stream.length && passed; n += 1) {
        const end = at + (pieces[n % pieces.length] ?? 1);
        passed = meter.take(stream.subarray(at, end));
        at = end;
      }
      t.is(
        passed,
        sizes.every((size) => size <= 1_000),
      );
    }),
  );
  t.false(new PacketMeter(1_000).take(Uint8Array.of(0x30, 0x80, 0x80, 0x80, 0x80)));
});

test('people see of each device whether it is there, behind, stuck or shared', (t) => {
  const later = (ms: number, state: Session) => liveOf(state, nowMs + ms, limits).state;
  const reported = run(online, message(report)).state;
  const committed = { kind: 'committed', fresh: 1, calls: 0, issued: 0, lastReceipt: 0 } as const;
  const acked = (watermark: number): SessionEvent => ({
    ...{ kind: 'ingested', waitedMs: 0, batch },
    outcome: { ...committed, position: { watermark, hash } },
  });
  const inLane = (lane: 'urgent' | 'normal' | 'bulk', event: SessionEvent): SessionEvent =>
    event.kind === 'ingested' ? { ...event, batch: { ...batch, lane } } : event;
  const all = (['urgent', 'normal', 'bulk'] as const).map((lane) => inLane(lane, acked(5)));
  const heard = { ...reported, lastSeenAtMs: nowMs + limits.stuckAfterMs };
  const conflict = { ...online.incarnations, shownUntilMs: nowMs + 1 };

  t.is(later(0, known), 'new');
  t.is(later(0, run(known, ...all).state), 'offline');
  t.is(later(0, online), 'synced');
  t.is(later(0, reported), 'syncing');
  t.is(later(0, run(reported, acked(5)).state), 'syncing', 'two lanes are behind');
  t.is(later(0, run(reported, ...all).state), 'synced');
  t.is(later(limits.stuckAfterMs + 1, heard), 'stuck');
  t.is(later(limits.offlineAfterMs + 1, run(reported, ...all).state), 'offline');
  t.is(later(0, { ...online, brokenLanes: ['normal'] }), 'stuck');
  t.is(later(0, { ...online, incarnations: conflict }), 'conflict');
});

/** Sessions over a store, and what they have sent. */
async function openSessions(store: SimStore) {
  const ledger = await StoreLedger.open(store, sha256);
  const sent: Message[] = [];
  const failures: unknown[] = [];
  const sessions = new Sessions(
    {
      isShared: false,
      ledger,
      downlink: { send: (device, bytes) => sent.push(open(device, bytes).message) },
      signer,
      verify: createVerify(),
      sha256,
      inflate,
      clock: new SimClock(),
      log: { error() {}, info() {}, debug() {} },
      point: () => {},
      onArrival() {},
      onCalls() {},
      onFailure: (error) => failures.push(error),
    },
    limits,
  );
  await sessions.start();
  return { ledger, sessions, sent, failures };
}

async function newStore(): Promise<SimStore> {
  const store = new SimStore();
  await store.write([{ kind: 'put', ...newLedgerRow() }]);
  return store;
}

test('of strangers nothing is remembered, and all together get a few answers', async (t) => {
  const { sessions, sent } = await openSessions(await newStore());

  for (let n = 0; n < 100; n += 1) {
    const name = `stranger-${n}`;
    sessions.receive(name, seal(name, batch, signer));
  }
  await sessions.close();

  t.deepEqual(
    sent.map(({ kind }) => kind),
    Array.from({ length: limits.answers.count }, () => 'refusal'),
  );
  t.deepEqual(sessions.live(), []);
});

test('whatever is lost, repeated, reordered or cut off, an ack is never taken back', async (t) => {
  const length = 40;
  const own = new HandJournal('d1').facts('normal', length);
  const part = rows({
    first: integer({ min: 1, max: length }),
    count: integer({ min: 1, max: 12 }),
  });
  const life = array(part, { maxLength: 20 });

  await assert(
    asyncProperty(array(life, { minLength: 1, maxLength: 5 }), async (lives) => {
      let store = await newStore();
      let acked = 0;
      for (const parts of lives) {
        const { ledger, sessions, sent, failures } = await openSessions(store);
        const held = (await ledger.device('d1'))?.lanes[1].watermark ?? 0;
        t.true(held >= acked, `${held} are held, and ${acked} were acked`);
        sessions.receive('d1', seal('d1', own.hello(signer), signer));
        for (const { first, count } of parts) {
          const last = Math.min(length, first + count - 1);
          sessions.receive('d1', seal('d1', own.batch('normal', first, last), signer));
          // Some commit together, and the last ones are under way when the crash comes.
          if (count % 3 === 0) await new Promise((resolve) => setImmediate(resolve));
        }
        store = store.crash();
        t.deepEqual(failures, []);
        for (const each of sent) if (each.kind === 'ack') acked = Math.max(acked, each.watermark);
      }
      const { ledger } = await openSessions(store);
      const { faults } = await ledger.verify();
      const entries = await ledger.entries({ device: 'd1', lane: 'normal', after: 0, limit: 99 });
      t.deepEqual(faults, []);
      t.deepEqual(
        entries.map(({ bytes }) => Buffer.from(bytes)),
        own
          .entries('normal')
          .slice(0, entries.length)
          .map((bytes) => Buffer.from(bytes)),
      );
    }),
    { numRuns: 50 },
  );
});
