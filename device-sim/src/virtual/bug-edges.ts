import {
  parseStored,
  seqOfEntryKey,
  tableOfKey,
  varintBytes,
  type UplinkPorts,
} from '@holdfast/agent/internal';
import { prefixOf, type Ledger, type Table } from '@holdfast/gateway/internal';
import { laneIndex, open, seal, type Lane, type Message, type StoreOp } from '@holdfast/protocol';
import type { PlantedBug } from './planted-bug.ts';
import { signerOf } from './sim-signer.ts';

type DeviceTable = Exclude<ReturnType<typeof tableOfKey>, undefined>;

/** A device that forgets to write rows of a table, or to delete them. */
export function deviceWithout(kind: StoreOp['kind'], table: DeviceTable): PlantedBug {
  const isIt = (op: StoreOp): boolean => op.kind === kind && tableOfKey(op.key) === table;
  return { deviceDisk: { ops: (ops) => ops.filter((op) => !isIt(op)) } };
}

/** An entry that does not say whose it is. */
export function ofNoRun(op: StoreOp): StoreOp {
  if (op.kind === 'delete' || tableOfKey(op.key) !== 'e') return op;
  const { run, bytes } = parseStored(seqOfEntryKey(op.key), op.value);
  const runAt = op.value.length - bytes.length - varintBytes(run);
  return { ...op, value: Uint8Array.of(...op.value.subarray(0, runAt), 0, ...bytes) };
}

export function gatewayWithout(kind: StoreOp['kind'], table: Table): PlantedBug {
  const [prefix] = prefixOf(table);
  const isIt = (op: StoreOp): boolean => op.kind === kind && op.key[0] === prefix;
  return { gatewayDisk: { ops: (ops) => ops.filter((op) => !isIt(op)) } };
}

/** A gateway whose messages say something else, properly signed. */
export function saying(change: (message: Message) => Message): PlantedBug {
  const signer = signerOf('gateway');
  const said = (device: string, bytes: Uint8Array): Message => change(open(device, bytes).message);
  return { downlink: (device, bytes) => seal(device, said(device, bytes), signer) };
}

export function ledgerWith(change: (ledger: Ledger) => Partial<Ledger>): PlantedBug {
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

export function journalWith(
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

export function runtimeWith(
  change: (runtime: UplinkPorts['runtime']) => Partial<UplinkPorts['runtime']>,
): PlantedBug {
  return {
    uplink(ports) {
      const { runtime } = ports;
      return { ...ports, runtime: { ...runtime, ...change(runtime) } };
    },
  };
}

export async function hashAt(
  { journal }: UplinkPorts,
  lane: Lane,
  seq: number,
): Promise<Uint8Array> {
  const { head, headHash } = journal.positions()[laneIndex(lane)];
  if (seq === head) return headHash;
  const { previousHash } = await journal.read(lane, seq + 1, { entriesMax: 1, bytesMax: 1 });
  return previousHash;
}
