import type { UplinkPorts } from '@holdfast/agent/internal';
import type { Ledger } from '@holdfast/gateway/internal';
import { open, seal, type Batch, type Link, type LinkEvent } from '@holdfast/protocol';
import { calm } from '../scenario/calm.ts';
import { factsOf, type FaultKind } from '../scenario/fault-kinds.ts';
import { fairWeather, type Fault, type Scenario, type Weather } from '../scenario/scenario.ts';
import { hashAt, ledgerWith, runtimeWith } from './bug-edges.ts';
import type { PlantedBug } from './planted-bug.ts';
import {
  plantedBugs,
  plantedInBitRot,
  plantedInOldBackup,
  plantedInRewind,
} from './planted-bugs.ts';
import { signerOf } from './sim-signer.ts';

/** A fault of the world, and one of ours that shows where nothing but the first goes wrong. */
export interface FaultBug {
  /** As a scenario's file has it. */
  readonly fault: string;
  readonly name: string;
  readonly bug: PlantedBug;
  /** Nothing goes wrong in it but this. */
  readonly scenario: Scenario;
  /** The same without it: nothing shows there. */
  readonly without: Scenario;
}

const MINUTE = 60_000;
const FOREVER_MS = Number.POSITIVE_INFINITY;
const [DEVICES, LASTS_MS] = [1, 4 * MINUTE];
const quiet: Scenario = { ...calm, devices: DEVICES, durationMs: LASTS_MS };
const byName: Readonly<Record<string, PlantedBug>> = {
  ...plantedBugs,
  ...plantedInBitRot,
  ...plantedInRewind,
  ...plantedInOldBackup,
};

/** One of those that storms find, too. */
function known(name: string): readonly [name: string, bug: PlantedBug] {
  return [name, byName[name] ?? {}];
}

/** A world in which one thing goes wrong again and again. */
function often(kind: FaultKind, given: Fault['params'] = {}): Partial<Scenario> {
  const usual = Object.entries(factsOf(kind).params).map(([name, each]) => [name, each.usual]);
  const params = { ...(Object.fromEntries(usual) as Fault['params']), ...given };
  return { faults: [{ kind, everyMs: MINUTE, atMs: [], forMs: MINUTE / 2, params }] };
}

const broker = (weather: Partial<Weather>): Partial<Scenario> => ({
  weather: { ...fairWeather, ...weather },
});

type Sent = Batch & { readonly kind: 'batch' };

function batchIn(bytes: Uint8Array): Sent | undefined {
  const { message } = open('any', bytes);
  return message.kind === 'batch' ? message : undefined;
}

/** A link that does something else with what it is to send. */
function linkWith(
  change: (ports: UplinkPorts, link: Link) => Link['send'],
  onEvent: (event: LinkEvent) => LinkEvent = (same) => same,
): PlantedBug {
  return {
    uplink: (ports) => ({
      ...ports,
      dial(listen) {
        const link = ports.dial((event) => listen(onEvent(event)));
        return { send: change(ports, link), close: () => link.close() };
      },
    }),
  };
}

async function countAsTaken(ports: UplinkPorts, sent: Sent | undefined): Promise<void> {
  if (sent === undefined) return;
  const { lane, seqFirst, count } = sent;
  const last = seqFirst + count - 1;
  await ports.journal.acknowledge(lane, last, await hashAt(ports, lane, last));
}

/** What was sent once is never sent again, on whatever connection. */
const sentOnce: PlantedBug = {
  uplink(ports) {
    const seen = new Set<string>();
    const bug = linkWith((_, link) => async (channel, bytes) => {
      const { lane, seqFirst } = batchIn(bytes) ?? {};
      const key = `${lane}/${seqFirst}`;
      if (lane !== undefined && seen.has(key)) return;
      seen.add(key);
      await link.send(channel, bytes);
    });
    return bug.uplink?.(ports) ?? ports;
  },
};

const PATIENCE_MS = 2_000;

const lateIsDone = linkWith((ports, link) => async (channel, bytes) => {
  const sent = link.send(channel, bytes);
  const late = new Promise<'late'>((resolve) =>
    ports.clock.wakeIn(PATIENCE_MS, () => resolve('late')),
  );
  if ((await Promise.race([sent, late])) === 'late') await countAsTaken(ports, batchIn(bytes));
  await sent;
});

/** What was on its way when the connection ended counts as taken. */
const cutIsTaken: PlantedBug = {
  uplink(ports) {
    const onWay = new Set<Uint8Array>();
    const ended = ({ kind }: LinkEvent): void => {
      if (kind !== 'down') return;
      for (const bytes of onWay) void countAsTaken(ports, batchIn(bytes));
      onWay.clear();
    };
    const bug = linkWith(
      (_, link) => async (channel, bytes) => {
        onWay.add(bytes);
        await link.send(channel, bytes);
        onWay.delete(bytes);
      },
      (event) => {
        ended(event);
        return event;
      },
    );
    return bug.uplink?.(ports) ?? ports;
  },
};

/** Once a connection is lost, no other one comes about. */
const dialledOnce: PlantedBug = {
  uplink(ports) {
    let dialled = 0;
    const dial: UplinkPorts['dial'] = (listen) => {
      dialled += 1;
      if (dialled === 1) return ports.dial(listen);
      const close = (): void => listen({ kind: 'down', reason: { code: '', message: '' } });
      return { send: () => Promise.resolve(), close };
    };
    return { ...ports, dial };
  },
};

/** A device believes its own acks, whatever the gateway says of its ledger. */
const ownAcksCount: PlantedBug = {
  uplink(ports) {
    const welcomed = (event: LinkEvent): LinkEvent => {
      if (event.kind !== 'message') return event;
      const { message } = open('any', event.bytes);
      if (message.kind !== 'welcome') return event;
      const own = ports.journal.positions();
      const lanes = message.lanes.map((lane, index) => {
        const { acked = 0, ackedHash = lane.hash } = own[index] ?? {};
        return acked > lane.watermark ? { ...lane, watermark: acked, hash: ackedHash } : lane;
      });
      // As many as there were.
      const said = { ...message, lanes: lanes as unknown as typeof message.lanes };
      return { kind: 'message', bytes: seal('any', said, signerOf('gateway')) };
    };
    const bug = linkWith((_, link) => (channel, bytes) => link.send(channel, bytes), welcomed);
    return { ...(bug.uplink?.(ports) ?? ports), verify: () => true };
  },
};

/** Each command is given out of the ledger once, whether it arrives or not. */
const commandsOnce = ledgerWith((ledger) => {
  const given = new Set<string>();
  return {
    async commands(query) {
      const all = await ledger.commands(query);
      const fresh = all.filter(({ number }) => !given.has(`${query.device}/${number}`));
      for (const { number } of fresh) given.add(`${query.device}/${number}`);
      return fresh;
    },
  };
});

/** The last answer to a call counts. */
const lastAnswerCounts = ledgerWith((ledger) => {
  const answers = new Map<string, Parameters<Ledger['completeCall']>[1]>();
  return {
    completeCall(call, result) {
      answers.set(call.key, result);
      return ledger.completeCall(call, result);
    },
    async commands(query) {
      const all = await ledger.commands(query);
      return all.map((each) => ({ ...each, ...answers.get(each.key) }));
    },
  };
});

const again = runtimeWith((runtime) => ({
  async applyCommands(commands) {
    let next = runtime.lastCommand() + 1;
    const fresh = commands.filter(({ number }) => number >= next);
    await runtime.applyCommands(fresh);
    next = runtime.lastCommand() + 1;
    const old = commands.filter((each) => !fresh.includes(each));
    const renumbered = old.map((each, index) => ({
      ...each,
      ...{ number: next + index, key: `${each.key}-again` },
    }));
    await runtime.applyCommands(renumbered);
  },
}));

/** No comparison of clocks is kept: what a device believes is all that is known of its times. */
const timesAreBelieved = ledgerWith(() => ({ clocks: () => Promise.resolve(new Map()) }));

const clockOf: PlantedBug['clock'] = { isMonotonicSet: true };
const monotonic = [
  'the monotonic clock goes as the wall clock is set',
  { clock: clockOf },
] as const;
const late = ['what takes two seconds to send counts as taken', lateIsDone] as const;
const once = ['what was sent once is never sent again', sentOnce] as const;
const lost = ['a connection that was lost is never made again', dialledOnce] as const;
const deaf = known('a sync that failed counts as done');
const kept = known('a device that was set back goes on in its epoch');

type Row = readonly [
  fault: string,
  bug: readonly [name: string, bug: PlantedBug],
  /** What goes wrong. */
  only: Partial<Scenario>,
  /** What the world without it has, too. */
  both?: Partial<Scenario>,
];

const busy = { runEveryMs: 5_000 };
const noCommands = { orderEveryMs: 0 };
const keptLong = { ...noCommands, keepMs: 24 * 60 * MINUTE };

const { faults: away = [] } = often('outage');
/** Most bits that flip are of what the ledger has. */
const rotting = Array.from({ length: 8 }, () => often('bit-rot').faults ?? []).flat();

const rows: readonly Row[] = [
  ['drop', once, broker({ drop: 0.1 })],
  ['duplicate', ['a command that comes again is applied again', again], broker({ duplicate: 0.2 })],
  ['reorder', known('a gap in a lane is taken'), broker({ delay: 0.2 })],
  ['corrupt', known('the device checks no signatures'), broker({ corrupt: 0.2 })],
  ['forge', known('the gateway checks no signatures'), { forging: 0.2 }],
  ['cut', ['a message that was cut counts as taken', cutIsTaken], broker({ cut: 0.1 })],
  ['outage', lost, often('outage')],
  ['city-outage', lost, often('city-outage')],
  [
    'half-open',
    ['silence never ends a connection', { uplinkLimits: { ackDeadlineMs: FOREVER_MS } }],
    often('half-open'),
  ],
  ['one-way', ['a command is sent once', commandsOnce], often('one-way')],
  ['slow-link', late, often('slow-link', { kbit: 9.6, latency: 20 })],
  ['latency', late, often('slow-link', { kbit: 10_000, latency: 3_000 })],
  ['broker-down', lost, often('broker-down')],
  ['kill', known('the number of the last command is not durable'), often('kill')],
  [
    'kill-at-commit',
    ['a commit of the device is not synced', { deviceDisk: { isUnsynced: true } }],
    { killAtCommit: 0.05 },
  ],
  ['kill-at-await', known('the number of the last command is not durable'), { killAtAwait: 0.02 }],
  ['torn writes', known('a part of a commit of the device survives'), { killAtCommit: 0.2 }],
  [
    'restart-storm',
    ['an agent that has started ten times starts no more', { startsMax: 10 }],
    often('restart-storm'),
  ],
  [
    'pause',
    ['what is due while a process is stopped never comes', { clock: { isDueForgotten: true } }],
    often('pause'),
  ],
  ['full-disk', deaf, often('full-disk')],
  ['failing-disk', deaf, often('failing-disk', { share: 0.2 })],
  [
    'slow-disk',
    ['a write that takes a second counts as done', { deviceDisk: { patienceMs: 1_000 } }],
    often('slow-disk', { sync: 5_000 }),
  ],
  [
    'bit-rot',
    known('holes are not durable'),
    { faults: [...away, ...rotting] },
    { ...noCommands, faults: away },
  ],
  ['rewind', kept, often('rewind'), noCommands],
  [
    'clone',
    ['a copy of a device goes on as the device', { isMoveUnseen: true, isEpochKept: true }],
    often('clone'),
    noCommands,
  ],
  ['clock-jump', monotonic, often('clock-jump', { by: 60 * MINUTE })],
  ['clock-drift', monotonic, often('clock-drift', { 'per-hour': 10 * MINUTE })],
  [
    'clock-1970',
    ['no comparison of clocks is kept', timesAreBelieved],
    { faults: [...away, ...(often('clock-1970').faults ?? [])] },
    { ...busy, faults: away },
  ],
  ['gateway-kill', once, often('gateway-kill')],
  [
    'kill-at-await of a gateway',
    known('a part of a transaction of the ledger survives'),
    { gatewayKillAtPoint: 0.05 },
  ],
  [
    'instances',
    ['each gateway executes whatever call it sees', { isClaimless: true }],
    { gateways: 3 },
    { ...busy, failing: 0.6 },
  ],
  [
    'ledger-restore',
    ['a device believes its own acks, not the ledger', ownAcksCount],
    often('ledger-restore', { torn: 0 }),
    keptLong,
  ],
  [
    'torn backup',
    known('the ledger verifies whatever is in it'),
    often('ledger-restore', { torn: 1 }),
    keptLong,
  ],
  ['fail', known('the idempotency key changes with the attempt'), { failing: 0.4 }],
  [
    'fail of a handler',
    [
      'a handler that fails is not asked again',
      { handlerPolicy: { attempts: 1, exhausted: 'fail' } },
    ],
    { failing: 0.4 },
  ],
  [
    'hang',
    ['a handler that hangs is waited for', { handlerPolicy: { timeoutMs: FOREVER_MS } }],
    { hanging: 0.3 },
    busy,
  ],
  ['answer-twice', ['the last answer to a call counts', lastAnswerCounts], { answeringTwice: 0.3 }],
];

/** By fault, one bug each that a world shows in which only that goes wrong. */
export const faultBugs: readonly FaultBug[] = rows.map(([fault, [name, bug], only, both = {}]) => {
  const without = { ...quiet, ...both };
  return { fault, name, bug, without, scenario: { ...without, ...only } };
});
