import {
  decodeHole,
  seqOfEntryKey,
  tableOfKey,
  getNumber,
  isHashOf,
  parseStored,
  type StoredEntry,
} from '@holdfast/agent/internal';
import {
  chainNext,
  chainStart,
  decodeEntry,
  equalBytes,
  isEventOutsideRuns,
  lanes,
  type Lane,
  type Sha256,
  type StoreOp,
} from '@holdfast/protocol';
import {
  branchOf,
  newLife,
  placeOf,
  type JournalLife,
  type LaneTruth,
  type LifeMark,
} from './journal-life.ts';
import type { Deed } from './outside.ts';

/** Something that must never be. */
export interface Violation {
  /** The promise that is broken, such as P3. */
  readonly promise: string;
  readonly device: string;
  readonly what: string;
}

const VIOLATIONS_MAX = 20;
/** What the keys of entries begin with. */
export const ENTRY = 0x65;
const ACK = 0x61;

/** Of which epoch of a device, and which lane. */
interface Place {
  readonly device: string;
  readonly epoch: number;
  readonly lane: Lane;
}

/**
 * What was durable on each machine, seen from outside: the truth that the ledger has to be. It
 * judges each write in the moment in which it is on the disk.
 */
export class Witness {
  readonly violations: Violation[] = [];
  /** The life of the journal on each machine's disk. */
  readonly #current = new Map<string, JournalLife>();
  /** All that there were, by device. */
  readonly #lives = new Map<string, JournalLife[]>();
  /** Watermarks that the ledger has said are durable. */
  readonly #ledger = new Map<string, number>();
  /** What it had said before a backup took its place: an ack of then may be on its way. */
  readonly #forgotten = new Map<string, number>();
  /** A backup of the ledger was put back. */
  isRestored = false;
  /** Runs of which the begin has ever been durable. */
  readonly started = new Set<string>();
  /** When each run came to its end, by id, true time. */
  readonly ended = new Map<string, number>();
  /** Devices whose disks have changed what was written. */
  readonly rotten = new Set<string>();
  /** Backups that were put back torn, to see whether that is found. */
  tornBackups = 0;
  entries = 0;
  /** When each receipt of a command was durable on its device, true time. */
  readonly #receipts = new Map<string, number>();
  /** Answers of the ledger that were compared with the devices. */
  answers = 0;
  readonly #sha256: Sha256;

  constructor(sha256: Sha256) {
    this.#sha256 = sha256;
  }

  blame(promise: string, device: string, what: string): void {
    if (this.violations.length < VIOLATIONS_MAX) this.violations.push({ promise, device, what });
  }

  /** The disk of a machine has a journal of a new epoch, with nothing in it yet. */
  epochBegan(machine: string, device: string, epoch: number): void {
    this.#begin(machine, newLife(device, epoch));
  }

  /** A bit of an entry's row on the disk of a machine is another than was written. */
  rotted(machine: string, key: Uint8Array): void {
    const life = this.lifeOf(machine);
    life.rotten.add(placeOf(lanes[key[1] ?? 0] ?? 'normal', seqOfEntryKey(key)));
    this.rotten.add(life.device);
  }

  /** Where the journal of a machine stands, for when its disk is set back to this. */
  mark(machine: string): LifeMark {
    const { lanes: all } = this.lifeOf(machine);
    return { life: this.lifeOf(machine), heads: lanes.map((lane) => all[lane].entries.length) };
  }

  /** The disk of a machine is what it, or another one, was at a mark. */
  branched(machine: string, mark: LifeMark): void {
    this.#begin(machine, branchOf(mark));
  }

  /** A write of a machine's disk is durable. */
  deviceWrote(machine: string, ops: readonly StoreOp[], atMs: number): void {
    const life = this.lifeOf(machine);
    if (this.rotten.has(life.device)) this.#holesWritten(life, ops);
    for (const op of ops) {
      if (op.kind !== 'put') continue;
      if (op.key[0] === ENTRY) this.#entryWritten(life, op, { machine, atMs });
      else if (op.key[0] === ACK) this.#ackWritten(life, op);
    }
  }

  /** The ledger says that it holds a lane so far. */
  ledgerHolds(place: Place, held: { readonly watermark: number; readonly hash: Uint8Array }): void {
    this.answers += 1;
    const { device, lane } = place;
    const { watermark, hash } = held;
    const key = keyOf(place);
    this.#ledger.set(key, Math.max(this.#ledger.get(key) ?? 0, watermark));
    if (watermark === 0) return;
    // A journal that was set back, or copied, has several histories of one epoch.
    const own = this.livesOf(place).flatMap(({ lanes: all }) => {
      const found = all[lane].hashes[watermark - 1];
      return found === undefined ? [] : [found];
    });
    if (own.length === 0) {
      this.blame('P3', device, `the ledger holds ${lane} ${watermark}, which is not durable here`);
    } else if (!own.some((each) => equalBytes(each, hash))) {
      this.blame('P9', device, `the ledger's chain differs at ${lane} ${watermark}`);
    }
  }

  /** A backup of the ledger was put back: what it said since then it has forgotten. */
  ledgerRestored(): void {
    for (const [key, said] of this.#ledger) {
      this.#forgotten.set(key, Math.max(said, this.#forgotten.get(key) ?? 0));
    }
    this.#ledger.clear();
    this.isRestored = true;
  }

  /** A gateway has begun anew: what was acknowledged must be there. */
  ledgerOpened(place: Place, watermark: number): void {
    const { device, lane } = place;
    const acked = Math.max(0, ...this.livesOf(place).map(({ lanes: all }) => all[lane].acked));
    const said = this.#ledger.get(keyOf(place)) ?? 0;
    if (watermark < Math.max(this.isRestored ? 0 : acked, said)) {
      const what = `${lane} ${Math.max(acked, said)} was acknowledged, the ledger has ${watermark}`;
      this.blame('P3', device, what);
    }
    this.#ledger.set(keyOf(place), Math.max(said, watermark));
  }

  /** A body begins. */
  deedBegan({ machine, device, run, step }: Deed): void {
    if (this.lifeOf(machine).done.has(`${run}/${step}`)) {
      this.blame('P5', device, `${step} of ${run} runs again, though its outcome was durable`);
    }
  }

  entriesOf(machine: string): number {
    const life = this.lifeOf(machine);
    return lanes.reduce((sum, lane) => sum + life.lanes[lane].entries.length, 0);
  }

  /** Entries of a machine that are durable and do not count as acknowledged. */
  pendingOf(machine: string): number {
    const life = this.lifeOf(machine);
    return lanes.reduce((sum, lane) => {
      const { entries, acked } = life.lanes[lane];
      return sum + entries.length - acked;
    }, 0);
  }

  /** When the receipt of a command was durable on its device, true time. */
  receiptAtMs(device: string, key: string): number | undefined {
    return this.#receipts.get(`${device}/${key}`);
  }

  /** The journal that a machine has now. */
  lifeOf(machine: string): JournalLife {
    const known = this.#current.get(machine);
    if (known !== undefined) return known;
    this.epochBegan(machine, machine, 1);
    return this.lifeOf(machine);
  }

  /** All histories that an epoch of a device has had, on whatever machine. */
  livesOf({ device, epoch }: Pick<Place, 'device' | 'epoch'>): readonly JournalLife[] {
    return (this.#lives.get(device) ?? []).filter((life) => life.epoch === epoch);
  }

  /** All lives of the journal of a device, from the first on. */
  allOf(device: string): readonly JournalLife[] {
    return this.#lives.get(device) ?? [];
  }

  #begin(machine: string, life: JournalLife): void {
    this.#current.set(machine, life);
    const all = this.#lives.get(life.device) ?? [];
    this.#lives.set(life.device, all);
    all.push(life);
  }

  #entryWritten(
    life: JournalLife,
    op: Extract<StoreOp, { kind: 'put' }>,
    { machine, atMs }: { readonly machine: string; readonly atMs: number },
  ): void {
    const lane = lanes[op.key[1] ?? 0] ?? 'normal';
    const stored = parseStored(seqOfEntryKey(op.key), op.value);
    const { device, epoch } = life;
    const truth: LaneTruth = life.lanes[lane];
    const { seq } = stored;
    if (this.#isMended(life, lane, stored)) return;
    if (seq !== truth.entries.length + 1) {
      const what = `entry ${lane} ${seq} is written behind ${truth.entries.length}`;
      this.blame('P1', device, what);
      return;
    }
    const before = truth.hashes.at(-1) ?? chainStart(this.#sha256, { device, epoch, lane });
    const hash = chainNext(this.#sha256, before, stored.bytes);
    if (!isHashOf(stored, hash)) {
      this.blame('P9', device, `entry ${lane} ${seq} is written with another hash`);
    }
    truth.entries.push(stored.bytes);
    truth.hashes.push(hash);
    this.entries += 1;
    // Of most entries of a busy world no more is to be known.
    if (isEventOutsideRuns(stored.bytes)) return;
    const entry = decodeEntry(stored.bytes);
    // What a second machine ends, and what a new epoch takes over, is not when it ended here.
    const isOwn = machine === device && !this.ended.has('run' in entry ? entry.run : '');
    if (entry.kind === 'run.started') this.started.add(entry.run);
    if (entry.kind === 'run.completed' && isOwn) this.ended.set(entry.run, atMs);
    if (entry.kind === 'command.receipt') this.#receipts.set(`${device}/${entry.key}`, atMs);
    if (entry.kind !== 'step.completed') return;
    life.done.set(`${entry.run}/${entry.name}`, seq);
  }

  /** Behind what is damaged the chain goes on from what a hole declares. */
  #holesWritten({ lanes: all }: JournalLife, ops: readonly StoreOp[]): void {
    for (const op of ops) {
      if (op.kind !== 'put' || tableOfKey(op.key) !== 'x' || op.key.length === 2) continue;
      const lane = lanes[op.key[1] ?? 0] ?? 'normal';
      const { seqLast, hash } = decodeHole(lane, op.value);
      all[lane].hashes[seqLast - 1] = hash.slice();
    }
  }

  /** What is behind damage is written again as it was, with a chain that goes on behind a hole. */
  #isMended(life: JournalLife, lane: Lane, stored: StoredEntry): boolean {
    const { device, epoch, rotten } = life;
    const { entries, hashes } = life.lanes[lane];
    const { seq, bytes } = stored;
    const truth = entries[seq - 1];
    if (truth === undefined || !this.rotten.has(device)) return false;
    if (!equalBytes(truth, bytes)) return false;
    const before = hashes[seq - 2] ?? chainStart(this.#sha256, { device, epoch, lane });
    const hash = chainNext(this.#sha256, before, bytes);
    if (!isHashOf(stored, hash)) {
      this.blame('P9', device, `entry ${lane} ${seq} is written again with another hash`);
    }
    hashes[seq - 1] = hash;
    rotten.delete(placeOf(lane, seq));
    return true;
  }

  #ackWritten(
    { device, epoch, lanes: all }: JournalLife,
    op: Extract<StoreOp, { kind: 'put' }>,
  ): void {
    const lane = lanes[op.key[1] ?? 0] ?? 'normal';
    const watermark = getNumber(op.value, 0);
    all[lane].acked = Math.max(all[lane].acked, watermark);
    const key = keyOf({ device, epoch, lane });
    const held = Math.max(this.#ledger.get(key) ?? 0, this.#forgotten.get(key) ?? 0);
    if (watermark > held) {
      this.blame('P3', device, `${lane} ${watermark} counts as acknowledged; held are ${held}`);
    }
  }
}

function keyOf({ device, epoch, lane }: Place): string {
  return `${device}/${epoch}/${lane}`;
}
