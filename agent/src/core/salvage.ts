import {
  chainNext,
  chainStart,
  eachLane,
  encodeEntry,
  laneIndex,
  lanes,
  type EpochCause,
  type Lane,
  type PerLane,
  type Sha256,
  type Stamp,
  type Store,
  type StoreOp,
} from '@holdfast/protocol';
import { contentsAt, isSealed, putContents, subjectOf } from './contents.ts';
import { storedEntry } from './entry-row.ts';
import { packRows } from './history-pack.ts';
import { indexedOp } from './histories.ts';
import { ackKey, metaKey, tableOfKey } from './keys.ts';
import { layout } from './run-store.ts';
import { Doubts } from './salvage-doubts.ts';
import { intactEntries, readEntries, type IntactEntry, type LaneRead } from './salvage-lane.ts';
import type { CollectedRows } from './salvage-rows.ts';
import { SalvagedRuns, missingOf, newPlaces, numberOf, rowsOfRun } from './salvage-runs.ts';
import { findSeam } from './seam.ts';
import { finalStates } from './views.ts';

/** Seqs `first` to `last` of a lane of the old epoch. */
export interface LostRange {
  readonly lane: Lane;
  readonly first: number;
  readonly last: number;
}

export interface SalvageReport {
  readonly entriesKept: number;
  readonly entriesLost: number;
  readonly lost: readonly LostRange[];
}

/** What is known of a store that was moved aside, and of what came of it. */
export interface SalvageNote {
  /** RFC 3339, by the device's clock. */
  readonly at: string;
  readonly cause: EpochCause;
  readonly oldEpoch: number;
  readonly newEpoch: number;
  /** Name of the directory, beside the store, that holds the old one. */
  readonly movedTo: string;
  readonly entriesKept: number;
  readonly entriesLost: number;
  /** Seqs of the old epoch, by lane, for people. */
  readonly lost: string;
  readonly why: string;
}

export interface SalvageOptions {
  readonly device: string;
  readonly oldEpoch: number;
  readonly newEpoch: number;
  /** How far each lane had come, at least. */
  readonly heads: PerLane<number>;
  readonly sha256: Sha256;
  readonly collected: CollectedRows;
  /** The old entries. */
  readonly scratch: Store;
  /** The new store; empty. */
  readonly target: Store;
  /** Of the entry that tells of it. */
  readonly stamp: Stamp;
  readonly cause: EpochCause;
  /** In words. */
  readonly why: string;
}

const WRITE_BYTES = 1024 * 1024;
const REASON_LENGTH_MAX = 1_024;

/**
 * Fills a new store, of a new epoch, with what is left of the old one: every entry that a run has,
 * or that the ledger is not known to have, in its old order and with its old bytes; the runs, their
 * histories and their timers; and, in the urgent lane, an entry that says why, and what was lost.
 *
 * A run that lost an entry of its history is stuck once it is looked at, and one whose last entries
 * may be among those that are lost and that nobody can tell whose they were; the others go on.
 */
export async function salvage(options: SalvageOptions): Promise<SalvageReport> {
  return new Salvage(options).run();
}

class Salvage {
  readonly #options: SalvageOptions;
  readonly #runs: SalvagedRuns;
  readonly #ends: PerLane<LaneEnd>;
  readonly #lost: LostRange[] = [];
  readonly #doubts: Doubts;
  #ops: StoreOp[] = [];
  #bytes = 0;
  #kept = 0;
  #command: number;

  constructor(options: SalvageOptions) {
    const { collected, sha256, device, newEpoch: epoch } = options;
    this.#options = options;
    this.#runs = new SalvagedRuns(collected, numberOf(collected.others, metaKey('runs')));
    this.#command = numberOf(collected.others, metaKey('command'));
    this.#doubts = new Doubts(collected.others);
    this.#ends = eachLane((lane) => {
      return { lane, seq: 0, bytes: 0, hash: chainStart(sha256, { device, epoch, lane }) };
    });
  }

  async run(): Promise<SalvageReport> {
    const { scratch, collected } = this.#options;
    for (const row of collected.others) {
      if (isCarriedOver(row.key)) this.#put([{ kind: 'put', ...row }]);
    }
    for (const lane of lanes) await this.#lane(lane);
    // A life that somebody has ended is known to lack what came later.
    const isDamaged = this.#options.cause === 'salvaged';
    for (const run of this.#runs.all()) this.#doubts.settle(missingOf(run, collected.histories));
    for (const run of this.#runs.all()) {
      const places = run.places.toSorted((a, b) => a.n - b.n);
      const hasEnded = run.record !== undefined && finalStates.has(run.record.state);
      const entries = hasEnded ? [] : await readEntries(scratch, places);
      const isInDoubt = isDamaged && !this.#doubts.isProven({ ...run, places }, entries);
      const rows = rowsOfRun(run, entries, isInDoubt);
      // Without a record or its first entry nobody can tell what it was.
      if (rows.length > 0 && this.#runs.isLastOfId(run)) {
        this.#put([layout.runId(run.id, run.number)]);
      }
      this.#put(rows);
      if (rows.length > 0) this.#put(packRows(run.number, 0, newPlaces(run)));
      await this.#flush(WRITE_BYTES);
    }
    this.#put([layout.meta('runs', this.#runs.numberLast), layout.meta('command', this.#command)]);
    const report = this.#report();
    this.#tell(report);
    this.#put([indexedOp(eachLane((lane) => this.#end(lane).seq))]);
    await this.#flush(0);
    return report;
  }

  async #lane(lane: Lane): Promise<void> {
    const { scratch, sha256, collected, heads, cause } = this.#options;
    const acked = numberOf(collected.others, ackKey(lane));
    const read: LaneRead = { seqMax: 0, changed: [] };
    // What both sides had agreed on differs: nothing here is known to be held there.
    const held = cause === 'forked' ? 0 : acked;
    let expected = acked + 1;
    const seam = findSeam(collected.others, lane);
    for await (const intact of intactEntries(scratch, lane, { sha256, read, seam })) {
      const { seq, entry } = intact;
      if (intact.run !== undefined) this.#doubts.seen(lane, seq, entry);
      if (seq > expected) this.#loss(lane, expected, seq - 1);
      expected = Math.max(expected, seq + 1);
      if ('command' in entry) this.#command = Math.max(this.#command, entry.command);
      // What the ledger lacks is kept with all parts of its value.
      const reaches = entry.kind === 'value.part' ? seq + entry.left : seq;
      if (intact.run !== 0 || reaches > held) await this.#keep(intact);
      await this.#flush(WRITE_BYTES);
    }
    const end = Math.max(read.seqMax, this.#referred(lane), heads[laneIndex(lane)]);
    if (end >= expected) this.#loss(lane, expected, end);
    this.#doubts.ends(lane, end, this.#options.stamp);
    for (const seq of read.changed) if (seq <= acked) this.#loss(lane, seq, seq);
  }

  /** Highest seq of a lane that a history names. */
  #referred(lane: Lane): number {
    const { histories } = this.#options.collected;
    let seq = 0;
    for (const { seqMax } of histories.values()) seq = Math.max(seq, seqMax[laneIndex(lane)]);
    return seq;
  }

  async #keep({ lane, seq, run: number = 0, entry, bytes }: IntactEntry): Promise<void> {
    const seqNew = this.#append(lane, number, bytes);
    this.#kept += 1;
    const sealed = isSealed(entry) ? [{ lane, seq }] : [];
    const [contents = {}] = await contentsAt(this.#options.scratch, sealed);
    this.#put(putContents({ lane, seq: seqNew }, contents));
    if (number === 0 || !('run' in entry)) return;
    const { n } = entry;
    const run = this.#runs.ofNumber(number, entry.run);
    if (n === 0) run.subject = subjectOf(contents);
    run.places.push({ n, lane, seq, seqNew });
    run.length = Math.max(run.length, n + 1);
  }

  /** @returns The new seq. */
  #append(lane: Lane, run: number, bytes: Uint8Array): number {
    const end = this.#end(lane);
    end.seq += 1;
    end.bytes += bytes.byteLength;
    end.hash = chainNext(this.#options.sha256, end.hash, bytes);
    this.#put([storedEntry(lane, { ...end, run, entry: bytes })]);
    return end.seq;
  }

  #end(lane: Lane): LaneEnd {
    return this.#ends[laneIndex(lane)];
  }

  #loss(lane: Lane, first: number, last: number): void {
    this.#lost.push({ lane, first, last });
  }

  #report(): SalvageReport {
    const entriesLost = this.#lost.reduce((sum, { first, last }) => sum + last - first + 1, 0);
    return { entriesKept: this.#kept, entriesLost, lost: this.#lost };
  }

  #tell({ entriesKept, entriesLost, lost }: SalvageReport): void {
    const { stamp, oldEpoch, cause, why } = this.#options;
    const reason = entriesLost === 0 ? why : `${why}; lost: ${rangesText(lost)}`;
    const told = { oldEpoch, cause, entriesKept, entriesLost };
    const body = { ...told, why: reason.slice(0, REASON_LENGTH_MAX) };
    this.#append('urgent', 0, encodeEntry({ kind: 'epoch.began', ...stamp, ...body }));
  }

  #put(ops: readonly StoreOp[]): void {
    this.#ops.push(...ops);
    for (const op of ops) this.#bytes += op.kind === 'put' ? op.value.byteLength + 32 : 32;
  }

  async #flush(bytesMin: number): Promise<void> {
    if (this.#bytes < bytesMin || this.#ops.length === 0) return;
    await this.#options.target.write(this.#ops);
    this.#ops = [];
    this.#bytes = 0;
  }
}

interface LaneEnd {
  readonly lane: Lane;
  seq: number;
  bytes: number;
  hash: Uint8Array;
}

/** Rows that mean the same in the new epoch. What names a seq does not. */
function isCarriedOver(key: Uint8Array): boolean {
  const table = tableOfKey(key);
  // Places of the old epoch, and what is made anew.
  if (['a', 'x', 'd', 'o', 'f'].includes(table ?? '')) return false;
  const ofPlaces = /^m(?:purged\/|seam\/|indexed$|holdfast$)/;
  return table !== 'm' || !ofPlaces.test(String.fromCharCode(...key));
}

/** `urgent 3, normal 12-18`, as far as a line takes it. */
export function rangesText(lost: readonly LostRange[]): string {
  const texts = lost.map(({ lane, first, last }) => {
    return first === last ? `${lane} ${first}` : `${lane} ${first}-${last}`;
  });
  const shown = texts.slice(0, 32).join(', ');
  return texts.length > 32 ? `${shown}, and ${texts.length - 32} ranges more` : shown;
}
