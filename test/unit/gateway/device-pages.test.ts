import {
  BacklogHistory,
  createFleet,
  newLedgerRow,
  sha256,
  StoreLedger,
  type DeviceLive,
  type DevicesQuery,
  type DeviceView,
  type Fleet,
} from '@holdfast/gateway/internal';
import type { Report } from '@holdfast/protocol';
import test from 'ava';
import { newSigner } from '../../support/hand-journal.ts';
import { noWebhooks } from '../../support/no-webhooks.ts';
import { SimStore } from '../../support/sim-store.ts';

const NOW_MS = Date.parse('2026-03-01T13:00:00Z');
const clock = { nowMs: () => NOW_MS };
const DEVICES = 600;
const numbers = Array.from({ length: DEVICES }, (_, number) => number);
const idOf = (number: number): string => `pump-${String(number).padStart(4, '0')}`;

/** What is so of a device, by its number. Every third was not heard of. */
const facts = {
  isHeard: (number: number) => number % 3 !== 0,
  state: (number: number) => (['synced', 'syncing', 'stuck', 'offline'] as const)[number % 4],
  pending: (number: number) => (number % 4 === 1 ? number : 0),
  version: (number: number) => `0.${number % 7}.0`,
  tags: (number: number): Record<string, string> => ({
    ...(number % 5 === 0 && { site: 'oslo' }),
    ...(number % 50 === 0 && { kind: 'spare' }),
  }),
};

function reportOf(number: number): Report {
  const idle = { head: 0, acked: 0, backlogBytes: 0, oldestAtMs: 0 };
  const told = { epoch: 1, atMs: NOW_MS, agentVersion: facts.version(number), runs: [] };
  return { ...told, lanes: [idle, idle, idle], boot: 1, monoMs: 1 };
}

function liveOf(number: number): DeviceLive {
  return {
    ...{ device: idOf(number), state: facts.state(number) ?? 'new' },
    ...{ pending: facts.pending(number), arrived: 0 },
    ...{ lastSeenAtMs: NOW_MS, lastAckAtMs: NOW_MS, reported: reportOf(number) },
    reportedAtMs: NOW_MS,
    ...{ clockAheadMs: undefined, refusals: 0, refusal: undefined },
  };
}

interface LargeFleet {
  readonly fleet: Fleet;
  /** Records of devices that the ledger was asked for. */
  readonly read: () => number;
}

/** One for all tests: they only look. */
const large = largeFleet();

async function largeFleet(): Promise<LargeFleet> {
  const store = new SimStore();
  await store.write([{ kind: 'put', ...newLedgerRow() }]);
  const ledger = await StoreLedger.open(store, sha256);
  const { publicKey } = newSigner();
  await Promise.all(
    numbers.map(async (number) => {
      const device = idOf(number);
      const tags = Object.entries(facts.tags(number)).map(([name, value]) => ({ name, value }));
      await ledger.greet({ device, epoch: 1, publicKey, atMs: NOW_MS });
      if (tags.length > 0) await ledger.tag({ device, tags });
    }),
  );
  let read = 0;
  const devices = ledger.devices.bind(ledger);
  const devicesOf = ledger.devicesOf.bind(ledger);
  const counted = Object.assign(ledger, {
    devices: async (query: Parameters<typeof devices>[0]) => {
      const page = await devices(query);
      read += page.records.length;
      return page;
    },
    devicesOf: (ids: readonly string[]) => {
      read += ids.length;
      return devicesOf(ids);
    },
  });
  const live = numbers.filter(facts.isHeard).map(liveOf);
  const desk = { rekeyed: () => {}, issued: () => {}, wake: () => {}, services: () => [] };
  const history = new BacklogHistory(NOW_MS);
  const running = { live: () => live, unhandled: () => [], history, ...desk };
  const parts = { ledger: counted, clock, sha256, webhooks: noWebhooks };
  return { fleet: createFleet({ ...parts, running }), read: () => read };
}

/** The ids that fit, by a look at all of them. */
function fitting(query: Omit<DevicesQuery, 'limit'>): string[] {
  const { state, version, tags = {}, search = '' } = query;
  const stateOf = (number: number) => (facts.isHeard(number) ? facts.state(number) : 'offline');
  return numbers
    .filter((number) => state?.includes(stateOf(number) ?? '') ?? true)
    .filter((number) => {
      return version === undefined || (facts.isHeard(number) && facts.version(number) === version);
    })
    .filter((number) => {
      const has = facts.tags(number);
      return Object.entries(tags).every(([name, value]) => has[name] === value);
    })
    .map(idOf)
    .filter((id) => id.includes(search));
}

async function allPages(fleet: Fleet, query: DevicesQuery): Promise<string[]> {
  const found: string[] = [];
  let after: string | undefined;
  for (;;) {
    const { devices, next } = await fleet.devices({ ...query, after });
    found.push(...devices.map(({ device }) => device));
    if (next === null) return found;
    after = next;
  }
}

const queries: Readonly<Record<string, Omit<DevicesQuery, 'limit'>>> = {
  'all of them': {},
  'in a state': { state: ['stuck'] },
  'that were not heard of, too': { state: ['offline', 'stuck'] },
  'with a tag': { tags: { site: 'oslo' } },
  'with two tags': { tags: { site: 'oslo', kind: 'spare' } },
  'with a tag that none has': { tags: { site: 'rome' } },
  'with a tag, in a state': { tags: { site: 'oslo' }, state: ['syncing'] },
  'by a part of their name': { search: '-11' },
  'of a version': { version: '0.4.0' },
  'of a version, in a state, with a tag': {
    ...{ version: '0.5.0', state: ['stuck', 'offline'], tags: { site: 'oslo' } },
  },
  'of a version that none has': { version: '9.9.9' },
  'by all of these': { search: '0', tags: { site: 'oslo' }, state: ['offline'] },
};

test.serial('pages of devices hold all that fit, once and in order', async (t) => {
  const { fleet } = await large;

  for (const [name, query] of Object.entries(queries)) {
    for (const limit of [11, 1_000]) {
      const found = await allPages(fleet, { ...query, limit });
      t.deepEqual(found, fitting(query), `${name}, ${limit}`);
    }
  }
});

test.serial('those that need somebody come first, then those with most pending', async (t) => {
  const { fleet } = await large;
  const ranks = ['stuck', 'syncing', 'offline', 'synced'];
  const placeOf = ({ device, state }: DeviceView) => {
    const number = Number(device.slice(5));
    const pending = facts.isHeard(number) ? facts.pending(number) : 0;
    return [ranks.indexOf(state), DEVICES - pending].map((each) => String(each).padStart(5, '0'));
  };

  for (const [name, query] of Object.entries(queries)) {
    const order = 'attention';
    const { devices, next } = await fleet.devices({ ...query, order, limit: 1_000 });
    const places = devices.map((each) => placeOf(each).join());
    t.deepEqual(places, places.toSorted(), name);
    t.is(next, null);
    const expected = fitting(query);
    t.is(new Set(devices.map(({ device }) => device)).size, expected.length, name);
    t.true(devices.every(({ device }) => expected.includes(device)), name);
  }
});

test.serial('no page reads the whole fleet, and the sums are of all of it', async (t) => {
  const { fleet, read } = await large;
  const asked: Readonly<Record<string, DevicesQuery>> = {
    page: { limit: 20 },
    later: { limit: 20, after: idOf(480) },
    attention: { limit: 20, order: 'attention' },
    heard: { limit: 20, state: ['stuck'] },
    tagged: { limit: 20, tags: { kind: 'spare' } },
    named: { limit: 20, search: idOf(560) },
  };

  for (const [name, query] of Object.entries(asked)) {
    const before = read();
    const { summary } = await fleet.devices(query);
    t.true(read() - before <= 60, `${name}: ${read() - before}`);
    const states = { stuck: 100, syncing: 100, offline: 300, synced: 100 };
    const pending = numbers.filter(facts.isHeard).reduce((sum, at) => sum + facts.pending(at), 0);
    const versions = numbers.filter(facts.isHeard).map(facts.version);
    t.like(summary, { devices: DEVICES, pending, states });
    t.is(Object.keys(summary.versions).length, 7);
    t.is(summary.versions['0.4.0'], versions.filter((each) => each === '0.4.0').length);
  }
});

test.serial('runs of tagged devices are found without a look at the fleet', async (t) => {
  const { fleet, read } = await large;
  const before = read();

  const { runs, next } = await fleet.runs({ tags: { site: 'oslo' }, limit: 10 });

  t.deepEqual([runs, next, read() - before], [[], null, 0]);
});
