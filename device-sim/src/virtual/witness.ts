import { seqOfEntryKey, getNumber, parseStored } from '@holdfast/agent/internal';
import { decodeEntry, equalBytes, lanes, type Lane, type StoreOp } from '@holdfast/protocol';
import type { Deed } from './outside.ts';

/** Something that must never be. */
export interface Violation {
  /** The promise that is broken, such as P3. */
  readonly promise: string;
  readonly device: string;
  readonly what: string;
}

interface LaneTruth {
  /** Bytes of each entry that was ever durable, from seq 1 on. */
  readonly entries: Uint8Array[];
  /** The chain's hash at each. */
  readonly hashes: Uint8Array[];
  acked: number;
}

const VIOLATIONS_MAX = 20;
const ENTRY = 0x65;
const ACK = 0x61;

/**
 * What was durable on each device, seen from outside: the truth that the ledger has to be. It
 * judges each write in the moment in which it is on the disk.
 */
export class Witness {
  readonly violations: Violation[] = [];
  readonly #devices = new Map<string, Record<Lane, LaneTruth>>();
  /** Operations that have their outcome, by device, run and step. */
  readonly #done = new Set<string>();
  /** Watermarks that the ledger has said are durable. */
  readonly #ledger = new Map<string, number>();
  /** When each run came to its end, by id, true time. */
  readonly ended = new Map<string, number>();
  entries = 0;
  /** When each receipt of a command was durable on its device, true time. */
  readonly #receipts = new Map<string, number>();
  /** Answers of the ledger that were compared with the devices. */
  answers = 0;

  blame(promise: string, device: string, what: string): void {
    if (this.violations.length < VIOLATIONS_MAX) this.violations.push({ promise, device, what });
  }

  /** A write of a device's disk is durable. */
  deviceWrote(device: string, ops: readonly StoreOp[], atMs: number): void {
    for (const op of ops) {
      if (op.kind !== 'put') continue;
      if (op.key[0] === ENTRY) this.#entryWritten(device, op, atMs);
      else if (op.key[0] === ACK) this.#ackWritten(device, op);
    }
  }

  /** The ledger says that it holds a lane so far. */
  ledgerHolds(
    device: string,
    lane: Lane,
    held: { readonly watermark: number; readonly hash: Uint8Array },
  ): void {
    this.answers += 1;
    const { hashes } = this.lane(device, lane);
    const { watermark, hash } = held;
    const known = this.#ledger.get(`${device}/${lane}`) ?? 0;
    this.#ledger.set(`${device}/${lane}`, Math.max(known, watermark));
    if (watermark === 0) return;
    const own = hashes[watermark - 1];
    if (own === undefined) {
      this.blame('P3', device, `the ledger holds ${lane} ${watermark}, which is not durable here`);
    } else if (!equalBytes(own, hash)) {
      this.blame('P9', device, `the ledger's chain differs at ${lane} ${watermark}`);
    }
  }

  /** A gateway has begun anew: what was acknowledged must be there. */
  ledgerOpened(device: string, lane: Lane, watermark: number): void {
    const { acked } = this.lane(device, lane);
    const said = this.#ledger.get(`${device}/${lane}`) ?? 0;
    if (watermark < Math.max(acked, said)) {
      const what = `${lane} ${Math.max(acked, said)} was acknowledged, the ledger has ${watermark}`;
      this.blame('P3', device, what);
    }
    this.#ledger.set(`${device}/${lane}`, Math.max(said, watermark));
  }

  /** A body begins. */
  deedBegan({ device, run, step }: Deed): void {
    if (this.#done.has(`${device}/${run}/${step}`)) {
      this.blame('P5', device, `${step} of ${run} runs again, though its outcome was durable`);
    }
  }

  /** When the receipt of a command was durable on its device, true time. */
  receiptAtMs(device: string, key: string): number | undefined {
    return this.#receipts.get(`${device}/${key}`);
  }

  entriesOf(device: string): number {
    return lanes.reduce((sum, lane) => sum + this.lane(device, lane).entries.length, 0);
  }

  /** Entries of a device that are durable and do not count as acknowledged. */
  pendingOf(device: string): number {
    return lanes.reduce((sum, lane) => {
      const { entries, acked } = this.lane(device, lane);
      return sum + entries.length - acked;
    }, 0);
  }

  lane(device: string, lane: Lane): LaneTruth {
    let all = this.#devices.get(device);
    if (all === undefined) {
      const none = (): LaneTruth => ({ entries: [], hashes: [], acked: 0 });
      all = { urgent: none(), normal: none(), bulk: none() };
      this.#devices.set(device, all);
    }
    return all[lane];
  }

  #entryWritten(device: string, op: Extract<StoreOp, { kind: 'put' }>, atMs: number): void {
    const lane = lanes[op.key[1] ?? 0] ?? 'normal';
    const stored = parseStored(seqOfEntryKey(op.key), op.value);
    const truth = this.lane(device, lane);
    const { seq } = stored;
    if (seq !== truth.entries.length + 1) {
      const what = `entry ${lane} ${seq} is written behind ${truth.entries.length}`;
      this.blame('P1', device, what);
      return;
    }
    truth.entries.push(stored.bytes);
    truth.hashes.push(stored.hash);
    this.entries += 1;
    const entry = decodeEntry(stored.bytes);
    if (entry.kind === 'command.receipt') this.#receipts.set(`${device}/${entry.key}`, atMs);
    if (entry.kind === 'run.completed') this.ended.set(entry.run, atMs);
    if (entry.kind !== 'step.completed') return;
    this.#done.add(`${device}/${entry.run}/${entry.name}`);
  }

  #ackWritten(device: string, op: Extract<StoreOp, { kind: 'put' }>): void {
    const lane = lanes[op.key[1] ?? 0] ?? 'normal';
    const watermark = getNumber(op.value, 0);
    const truth = this.lane(device, lane);
    truth.acked = Math.max(truth.acked, watermark);
    const held = this.#ledger.get(`${device}/${lane}`) ?? 0;
    if (watermark > held) {
      this.blame('P3', device, `${lane} ${watermark} counts as acknowledged; held are ${held}`);
    }
  }
}
