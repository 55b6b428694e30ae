import { tableOfKey, type UplinkPorts } from '@holdfast/agent/internal';
import type { Ledger } from '@holdfast/gateway/internal';
import { open, type Verify } from '@holdfast/protocol';
import {
  deviceWithout,
  gatewayWithout,
  hashAt,
  journalWith,
  ledgerWith,
  ofNoRun,
  runtimeWith,
  saying,
} from './bug-edges.ts';
import type { PlantedBug } from './planted-bug.ts';

/** The broker's answer is taken for the ledger's. */
const brokerAckIsEnough: PlantedBug = {
  uplink(ports) {
    const dial: UplinkPorts['dial'] = (listen) => {
      const link = ports.dial(listen);
      const send: typeof link.send = async (channel, bytes) => {
        await link.send(channel, bytes);
        const { message } = open('any', bytes);
        if (message.kind !== 'batch') return;
        const last = message.seqFirst + message.count - 1;
        const hash = await hashAt(ports, message.lane, last);
        await ports.journal.acknowledge(message.lane, last, hash);
      };
      return { send, close: () => link.close() };
    };
    return { ...ports, dial };
  },
};

const trusting: Verify = () => true;

/** Those that only disks that are set back show, with the scenario that does. */
export const plantedInRewind: Readonly<Record<string, PlantedBug>> = {
  'a device that was set back goes on in its epoch': { isEpochKept: true },
};

/** The same for disks on which bits flip. */
export const plantedInBitRot: Readonly<Record<string, PlantedBug>> = {
  'a salvage loses the ends of lanes without a word': { isSalvageHasty: true },
  'holes are not durable': deviceWithout('put', 'x'),
};

/** The same for backups that are torn. */
export const plantedInOldBackup: Readonly<Record<string, PlantedBug>> = {
  'the ledger verifies whatever is in it': ledgerWith((ledger) => ({
    verify: async (...args) => ({ ...(await ledger.verify(...args)), faults: [] }),
  })),
};

/** Faults of ours by name. Each must be found: a checker that finds none proves nothing. */
export const plantedBugs: Readonly<Record<string, PlantedBug>> = {
  'the device says durable before its sync': { deviceDisk: { isHasty: true } },
  'the ledger says durable before its sync': { gatewayDisk: { isHasty: true } },
  'a sync that failed counts as done': { deviceDisk: { isDeaf: true } },
  'a part of a commit of the device survives': { deviceDisk: { isTorn: true } },
  'a part of a transaction of the ledger survives': { gatewayDisk: { isTorn: true } },
  'timers are not durable': deviceWithout('put', 't'),
  'histories are not durable': { deviceDisk: { ops: (ops) => ops.map(ofNoRun) } },
  'ids of runs are not durable': deviceWithout('put', 'i'),
  'open runs are not durable': deviceWithout('put', 'o'),
  'ended runs stay open on disk': deviceWithout('delete', 'o'),
  'ends of runs are not durable': deviceWithout('put', 'f'),
  'the number of the last command is not durable': deviceWithout('put', 'm'),
  'an entry is left out of its commit': {
    deviceDisk: {
      ops: (ops) => (ops.length > 4 ? ops.filter((op) => tableOfKey(op.key) !== 'e') : ops),
    },
  },
  'watermarks of the ledger are not durable': gatewayWithout('put', 'position'),
  'entries of the ledger are not durable': gatewayWithout('put', 'block'),
  'calls are not durable at the gateway': gatewayWithout('put', 'call'),
  'commands are not durable at the gateway': gatewayWithout('put', 'command'),
  'an ack counts for one too many': journalWith((journal) => ({
    acknowledge: async (lane, watermark, hash) => {
      const next = await journal.hashAt(lane, watermark + 1);
      if (next === undefined) return journal.acknowledge(lane, watermark, hash);
      return journal.acknowledge(lane, watermark + 1, next);
    },
  })),
  'a session resumes one too late': saying((message) =>
    message.kind === 'welcome'
      ? {
          ...message,
          lanes: message.lanes.map((lane) => ({
            ...lane,
            watermark: lane.watermark + 1,
          })) as unknown as typeof message.lanes, // As many as there were.
        }
      : message,
  ),
  'a gap in a lane is taken': ledgerWith((ledger) => ({
    ingest: async (batch) => {
      const outcome = await ledger.ingest(batch);
      if (outcome.kind !== 'gap') return outcome;
      const watermark = batch.seqFirst + batch.entries.length - 1;
      const position = { ...outcome.position, watermark };
      return { kind: 'committed', position, fresh: 0, calls: 0, issued: 0, lastReceipt: 0 };
    },
  })),
  'the last entry of a batch is forgotten': ledgerWith((ledger) => ({
    ingest: async (batch) => {
      if (batch.entries.length === 1) return ledger.ingest(batch);
      const outcome = await ledger.ingest({ ...batch, entries: batch.entries.slice(0, -1) });
      if (outcome.kind !== 'committed') return outcome;
      const watermark = batch.seqFirst + batch.entries.length - 1;
      return { ...outcome, position: { ...outcome.position, watermark } };
    },
  })),
  'the result of a call is dropped': ledgerWith(() => ({
    completeCall: () => Promise.resolve(undefined),
  })),
  'the result of a call is given to another': ledgerWith((ledger) => {
    let last: Parameters<Ledger['completeCall']>[1] | undefined;
    return {
      completeCall: (call, result) => {
        const given = last ?? result;
        last = result;
        return ledger.completeCall(call, given);
      },
    };
  }),
  "the broker's answer counts as the ledger's": brokerAckIsEnough,
  'the device checks no signatures': { uplink: (ports) => ({ ...ports, verify: trusting }) },
  'the gateway checks no signatures': { gatewayVerify: trusting },
  'a batch is read one entry too late': journalWith((journal) => ({
    read: (lane, seqFirst, limits) => {
      const isLast = seqFirst >= (journal.positions()[lane === 'urgent' ? 0 : 1]?.head ?? 0);
      return journal.read(lane, isLast ? seqFirst : seqFirst + 1, limits);
    },
  })),
  'a batch is read backwards': journalWith((journal) => ({
    read: async (lane, seqFirst, limits) => {
      const read = await journal.read(lane, seqFirst, limits);
      return { ...read, entries: read.entries.toReversed() };
    },
  })),
  'a command counts as applied and is not': runtimeWith(() => ({
    applyCommands: () => Promise.resolve(),
  })),
  'a command is applied to nothing': runtimeWith((runtime) => ({
    applyCommands: (commands) =>
      runtime.applyCommands(commands.map((each) => ({ ...each, key: 'x', run: 'x' }))),
  })),
  'a command is given twice': ledgerWith((ledger) => ({
    issue: async (order) => {
      const { dispatch } = order;
      await ledger.issue({ ...order, dispatch: { ...dispatch, id: `${dispatch.id}-again` } });
      return ledger.issue(order);
    },
  })),
  'commands are applied as though they never expired': runtimeWith((runtime) => ({
    applyCommands: (commands) =>
      runtime.applyCommands(commands.map((each) => ({ ...each, expiresAtMs: 0 }))),
  })),
  "the gateway's word on the time is taken an hour late": {
    uplink: (ports) => ({
      ...ports,
      onTime: (atMs, tookMs) => ports.onTime(atMs + 3_600_000, tookMs),
    }),
  },
  'commands are taken out of their turn': runtimeWith((runtime) => ({
    applyCommands: (commands) => {
      const first = runtime.lastCommand() + 1;
      const inTurn = commands.filter(({ number }) => number >= first);
      return runtime.applyCommands(
        inTurn.toReversed().map((each, index) => ({ ...each, number: first + index })),
      );
    },
  })),
  'the idempotency key changes with the attempt': { keyOf: (key, attempt) => `${key}/${attempt}` },
  'monotonic time passes too fast': { clock: { monotonicRate: 2 } },
  'retention deletes what the ledger lacks': { isRetentionBlind: true },
  'retention deletes nothing': { isRetentionIdle: true },
  'what is for one device is sent to another, too': {
    astray: (device) => (device === 'device-1' ? 'device-2' : undefined),
  },
  'what is local leaves the device': { isSealForgotten: true },
};
