import {
  parseStored,
  seqOfEntryKey,
  tableOfKey,
  varintBytes,
  type UplinkPorts,
} from '@holdfast/agent/internal';
import { prefixOf, type Ledger, type Table } from '@holdfast/gateway/internal';
import {
  laneIndex,
  open,
  seal,
  type Lane,
  type Message,
  type StoreOp,
  type Verify,
} from '@holdfast/protocol';
import { signerOf } from './sim-signer.ts';

/** How a disk deals with a write, where it does not as it should. */
export interface DiskBug {
  /** What is written instead. */
  readonly ops?: (ops: readonly StoreOp[]) => readonly StoreOp[];
  /** It says "durable" before it is. */
  readonly isHasty?: boolean;
  /** A sync that has failed counts as one that has not. */
  readonly isDeaf?: boolean;
  /** A part of an unsynced write may be there after a power cut. */
  readonly isTorn?: boolean;
}

/** A fault of ours, made at the edge of the code that ships: at its disk, its link, its ledger. */
export interface PlantedBug {
  readonly deviceDisk?: DiskBug;
  readonly gatewayDisk?: DiskBug;
  /** Changes what the gateway sends. */
  readonly downlink?: (device: string, bytes: Uint8Array) => Uint8Array;
  readonly ledger?: (ledger: Ledger) => Ledger;
  readonly uplink?: (ports: UplinkPorts) => UplinkPorts;
  readonly gatewayVerify?: Verify;
  /** Which other device is sent what is for a device. */
  readonly astray?: (device: string) => string | undefined;
  /** The mark that a value is local, or redacted, has no effect. */
  readonly isSealForgotten?: boolean;
  /** Retention deletes nothing. */
  readonly isRetentionIdle?: boolean;
  /** The idempotency key that a body is given. */
  readonly keyOf?: (key: string, attempt: number) => string;
  /** How fast the monotonic time of devices passes. */
  readonly monotonicRate?: number;
  /** A device goes on in an epoch that the ledger has another life of. */
  readonly isEpochKept?: boolean;
  /** A salvage leaves the last entry of each lane behind, and does not know. */
  readonly isSalvageHasty?: boolean;
  /** Retention believes that the ledger has everything. */
  readonly isRetentionBlind?: boolean;
}

type DeviceTable = Exclude<ReturnType<typeof tableOfKey>, undefined>;

/** A device that forgets to write rows of a table, or to delete them. */
function deviceWithout(kind: StoreOp['kind'], table: DeviceTable): PlantedBug {
  const isIt = (op: StoreOp): boolean => op.kind === kind && tableOfKey(op.key) === table;
  return { deviceDisk: { ops: (ops) => ops.filter((op) => !isIt(op)) } };
}

/** An entry that does not say whose it is. */
function ofNoRun(op: StoreOp): StoreOp {
  if (op.kind === 'delete' || tableOfKey(op.key) !== 'e') return op;
  const { run, bytes } = parseStored(seqOfEntryKey(op.key), op.value);
  const runAt = op.value.length - bytes.length - varintBytes(run);
  return { ...op, value: Uint8Array.of(...op.value.subarray(0, runAt), 0, ...bytes) };
}

function gatewayWithout(kind: StoreOp['kind'], table: Table): PlantedBug {
  const [prefix] = prefixOf(table);
  const isIt = (op: StoreOp): boolean => op.kind === kind && op.key[0] === prefix;
  return { gatewayDisk: { ops: (ops) => ops.filter((op) => !isIt(op)) } };
}

/** A gateway whose messages say something else, properly signed. */
function saying(change: (message: Message) => Message): PlantedBug {
  const signer = signerOf('gateway');
  const said = (device: string, bytes: Uint8Array): Message => change(open(device, bytes).message);
  return { downlink: (device, bytes) => seal(device, said(device, bytes), signer) };
}

function ledgerWith(change: (ledger: Ledger) => Partial<Ledger>): PlantedBug {
  return {
    ledger(ledger) {
      const changed = change(ledger);
      return new Proxy(ledger, {
        get(target, property) {
          if (property in changed) return Reflect.get(changed, property) as unknown;
          const value: unknown = Reflect.get(target, property, target);
          return typeof value === 'function' ? value.bind(target) : value;
        },
      });
    },
  };
}

function journalWith(
  change: (journal: UplinkPorts['journal']) => Partial<UplinkPorts['journal']>,
): PlantedBug {
  return {
    uplink(ports) {
      const { journal } = ports;
      const same: UplinkPorts['journal'] = {
        epoch: journal.epoch,
        boot: journal.boot,
        positions: () => journal.positions(),
        read: (lane, seqFirst, limits) => journal.read(lane, seqFirst, limits),
        setAside: (...args) => journal.setAside(...args),
        hashAt: (lane, seq) => journal.hashAt(lane, seq),
        acknowledge: (lane, watermark, hash) => journal.acknowledge(lane, watermark, hash),
        mend: () => journal.mend(),
        onCommit: (listener) => journal.onCommit(listener),
      };
      return { ...ports, journal: { ...same, ...change(journal) } };
    },
  };
}

function runtimeWith(
  change: (runtime: UplinkPorts['runtime']) => Partial<UplinkPorts['runtime']>,
): PlantedBug {
  return {
    uplink(ports) {
      const { runtime } = ports;
      return { ...ports, runtime: { ...runtime, ...change(runtime) } };
    },
  };
}

async function hashAt({ journal }: UplinkPorts, lane: Lane, seq: number): Promise<Uint8Array> {
  const { head, headHash } = journal.positions()[laneIndex(lane)];
  if (seq === head) return headHash;
  const { previousHash } = await journal.read(lane, seq + 1, { entriesMax: 1, bytesMax: 1 });
  return previousHash;
}

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
  'monotonic time passes too fast': { monotonicRate: 2 },
  'retention deletes what the ledger lacks': { isRetentionBlind: true },
  'retention deletes nothing': { isRetentionIdle: true },
  'what is for one device is sent to another, too': {
    astray: (device) => (device === 'device-1' ? 'device-2' : undefined),
  },
  'what is local leaves the device': { isSealForgotten: true },
};
