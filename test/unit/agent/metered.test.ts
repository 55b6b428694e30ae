import {
  LinkMeter,
  calendarOf,
  createUplink,
  deflate,
  getNumber,
  meterRows,
  standOf,
  type LinkPlan,
  type Uplink,
} from '@holdfast/agent/internal';
import { MESSAGE_BYTES_MAX, equalBytes, lanes, type StoreOp } from '@holdfast/protocol';
import test from 'ava';
import { NaiveGateway } from '../../support/naive-gateway.ts';
import { SimChance } from '../../support/sim-chance.ts';
import { SimClock } from '../../support/sim-clock.ts';
import { SimJournal, SimRuntime } from '../../support/sim-journal.ts';
import { SimRadio, simSigner, simVerify } from '../../support/sim-radio.ts';

const device = 'truck-7';
const log = { error: () => {}, info: () => {}, debug: () => {} };
const HOUR = 3_600_000;
const nightly = { calendar: calendarOf('0 2 * * *'), durationMs: 10 * 60_000 };
const free: LinkPlan = { windows: [], budget: undefined, isUrgentExcepted: true };

/** A device behind a link that costs, and a gateway, in virtual time. */
class World {
  readonly clock = new SimClock();
  readonly journal = new SimJournal(device);
  readonly gateway = new NaiveGateway({ device, signer: simSigner('gateway') });
  readonly radio: SimRadio;
  readonly saved = new Map<string, number>();
  readonly #plan: LinkPlan;
  uplink: Uplink;

  constructor(plan: LinkPlan) {
    this.#plan = plan;
    const receive = (bytes: Uint8Array) => this.gateway.receive(bytes);
    this.radio = new SimRadio({ clock: this.clock, chance: new SimChance(1), receive });
    this.uplink = this.begin();
  }

  begin(): Uplink {
    const { clock, journal, radio } = this;
    const meter = new LinkMeter({
      plan: this.#plan,
      clock: { nowMs: () => clock.nowMs(), source: 'gateway' },
      used: {
        sinceMs: this.saved.get(meterRows.since) ?? 0,
        bytes: this.saved.get(meterRows.bytes) ?? 0,
      },
      save: (ops) => ops.forEach((op) => this.#save(op)),
    });
    this.uplink = createUplink(
      {
        ...{ journal, runtime: new SimRuntime(journal), clock, log, deflate, meter },
        ...{ dial: radio.dial, verify: simVerify, signer: simSigner(device) },
        ...{ chance: new SimChance(7), pin: { load: () => undefined, save: () => {} } },
        onOutlived: () => {},
        onTime: () => {},
      },
      { device, agentVersion: '0.0.0', limits: { reportEveryMsMin: 15 * 60_000 } },
    );
    this.uplink.start();
    return this.uplink;
  }

  #save(op: StoreOp): void {
    if (op.kind !== 'put') return;
    this.saved.set(String.fromCharCode(...op.key.subarray(1)), getNumber(op.value, 0));
  }

  /** Until so many hours of the day have passed, today or tomorrow. */
  async untilHour(hour: number): Promise<void> {
    const dayMs = 24 * HOUR;
    const toMs = (hour * HOUR - (this.clock.nowMs() % dayMs) + dayMs) % dayMs;
    await this.pass(toMs);
  }

  async pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 60_000) await this.clock.advance(Math.min(60_000, left));
  }

  append(lane: 'urgent' | 'normal', count: number, size = 100): void {
    const chance = new SimChance(this.journal.lane(lane).entries.length + size);
    this.journal.append(
      lane,
      Array.from({ length: count }, () => chance.bytes(size)),
    );
  }

  held(lane: 'urgent' | 'normal'): number {
    return this.gateway.lane(lane).entries.length;
  }
}

test('windows open at each slot, join where they touch, and say when they change', (t) => {
  const at = (time: string) => Date.parse(`2026-03-01T${time}Z`);
  const plan = { ...free, windows: [nightly] };
  const often = { ...free, windows: [{ ...nightly, calendar: calendarOf('*/10 * * * *') }] };

  t.deepEqual(standOf(plan, 0, at('01:59:59')), { isOpen: false, changesAtMs: at('02:00:00') });
  t.deepEqual(standOf(plan, 0, at('02:00:00')), { isOpen: true, changesAtMs: at('02:10:00') });
  t.deepEqual(standOf(plan, 0, at('02:10:00')), {
    isOpen: false,
    changesAtMs: at('02:00:00') + 24 * HOUR,
  });
  t.true(standOf(often, 0, at('05:10:00')).isOpen);
  t.true(standOf(often, 0, at('05:10:00')).changesAtMs > at('10:00:00'));
});

test('a budget is that of a day or a month of UTC', (t) => {
  const now = Date.parse('2028-02-29T23:59:00Z');
  const of = (per: 'day' | 'month') => ({ ...free, budget: { bytes: 100, per } });

  t.true(standOf(of('day'), 99, now).isOpen);
  t.deepEqual(standOf(of('day'), 100, now), { isOpen: false, changesAtMs: now + 60_000 });
  t.deepEqual(standOf(of('month'), 100, now), { isOpen: false, changesAtMs: now + 60_000 });
  t.is(standOf(of('month'), 100, now - 24 * HOUR).changesAtMs, Date.parse('2028-03-01T00:00:00Z'));
});

test('outside windows nothing goes; one that closes in mid-batch loses nothing', async (t) => {
  const world = new World({ ...free, windows: [nightly] });
  // 1.2 kB a second for ten minutes: less than half of it.
  world.radio.bytesPerMs = 1.2;
  world.append('normal', 16_000);
  await world.untilHour(1);
  t.is(world.radio.dials, 0);
  t.false(world.uplink.state().metered?.isOpen);

  await world.untilHour(2.25);
  const first = world.held('normal');
  t.true(first > 1_000 && first < 16_000, `${first} arrived`);
  t.is(world.journal.lane('normal').acked, first, 'what was on its way was acknowledged, too');
  t.is(world.radio.dials, 1);
  t.is(world.uplink.state().state, 'offline');
  t.is(world.uplink.state().nextTryAt, null);
  const carried = world.radio.carried;
  await world.pass(3 * HOUR);
  t.is(world.radio.carried, carried, 'nothing went between the windows');
  for (let day = 0; day < 4; day += 1) {
    await world.untilHour(1);
    await world.untilHour(2.25);
  }

  t.is(world.held('normal'), 16_000);
  t.is(world.uplink.state().resends, 0, 'what was on its way had arrived');
  t.deepEqual(world.gateway.faults, []);
  for (const lane of lanes) {
    const { entries } = world.journal.lane(lane);
    t.true(
      world.gateway.lane(lane).entries.every((each, at) => equalBytes(each, entries[at] ?? each)),
    );
  }
  await world.uplink.close();
});

test('what is urgent goes outside the windows, alone, and the link ends behind it', async (t) => {
  const world = new World({ ...free, windows: [nightly] });
  await world.untilHour(5);
  world.append('normal', 50);
  const before = world.radio.dials;
  for (const round of [1, 2, 3]) {
    world.append('urgent', 1);
    await world.pass(10_000);

    t.is(world.held('urgent'), round);
    t.is(world.radio.dials - before, round);
    t.is(world.uplink.state().state, 'offline');
  }
  t.is(world.held('normal'), 0);

  const strict = new World({ ...free, windows: [nightly], isUrgentExcepted: false });
  await strict.untilHour(5);
  const windows = strict.radio.dials;
  strict.append('urgent', 1);
  await strict.pass(HOUR);
  t.is(strict.radio.dials, windows);
  await Promise.all([world.uplink.close(), strict.uplink.close()]);
});

test('a budget that is used up holds the rest until the next day, across a restart', async (t) => {
  const world = new World({ ...free, budget: { bytes: 40_000, per: 'day' } });
  await world.untilHour(12);
  world.append('normal', 1_000);
  await world.pass(HOUR);
  const first = world.held('normal');
  t.true(first > 100 && first < 1_000, `${first} arrived`);
  const { usedBytes = 0, isOpen } = world.uplink.state().metered ?? {};
  t.false(isOpen);
  t.true(usedBytes >= 40_000 && usedBytes < 40_000 + MESSAGE_BYTES_MAX, 'at most one batch more');

  await world.uplink.close();
  world.begin();
  await world.pass(HOUR);
  t.is(world.held('normal'), first, 'the count was kept');
  t.is(world.uplink.state().metered?.changesAt?.slice(11, 19), '00:00:00');
  for (let day = 0; day < 5; day += 1) await world.untilHour(23.9).then(() => world.pass(HOUR));

  t.is(world.held('normal'), 1_000);
  t.deepEqual(world.gateway.faults, []);
  await world.uplink.close();
});
