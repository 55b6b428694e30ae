import {
  sha256,
  type LanePosition,
  type LaneRead,
  type ReadLimits,
  type UplinkJournal,
  type UplinkRuntime,
} from '@holdfast/agent/internal';
import {
  HoldfastError,
  chainNext,
  chainStart,
  eachLane,
  equalBytes,
  laneIndex,
  type Command,
  type HoleReason,
  type Lane,
  type PerLane,
  type Report,
} from '@holdfast/protocol';

interface SimLane {
  readonly entries: Uint8Array[];
  /** The chain's hash behind each seq, from 0. */
  readonly hashes: Uint8Array[];
  acked: number;
  /** Entries up to it are gone. */
  trimmed: number;
  /** Ranges that were given up. */
  readonly holes: {
    readonly first: number;
    readonly last: number;
    readonly reason: HoleReason;
  }[];
}

/** A journal in memory: what is appended is durable at once. */
export class SimJournal implements UplinkJournal {
  readonly epoch = 1;
  readonly boot = 1;
  readonly lanes: PerLane<SimLane>;
  /** A lane that cannot be read, and with what it fails. */
  unreadable: { readonly lane: Lane; readonly error: Error } | undefined;
  readonly #listeners = new Set<() => void>();

  constructor(device: string) {
    this.lanes = eachLane((lane) => ({
      entries: [],
      hashes: [chainStart(sha256, { device, epoch: 1, lane })],
      acked: 0,
      trimmed: 0,
      holes: [],
    }));
  }

  lane(lane: Lane): SimLane {
    return this.lanes[laneIndex(lane)];
  }

  append(lane: Lane, entries: readonly Uint8Array[]): void {
    const state = this.lane(lane);
    for (const entry of entries) {
      const previous = state.hashes.at(-1);
      if (previous === undefined) throw new RangeError('a chain has a beginning');
      state.entries.push(entry);
      state.hashes.push(chainNext(sha256, previous, entry));
    }
    for (const listener of this.#listeners) listener();
  }

  get isSynced(): boolean {
    return this.lanes.every((lane) => lane.acked === lane.entries.length);
  }

  positions(): PerLane<LanePosition> {
    return eachLane((lane) => {
      const { entries, hashes, acked } = this.lane(lane);
      const hashAt = (seq: number) => hashes[seq] ?? new Uint8Array(32);
      const head = entries.length;
      return { head, headHash: hashAt(head), acked, ackedHash: hashAt(acked) };
    });
  }

  /** Gives up the oldest `count` entries that are not acknowledged, but not the last one. */
  shed(lane: Lane, count: number): void {
    const { acked, entries, holes } = this.lane(lane);
    const first = Math.max(acked, holes.at(-1)?.last ?? 0) + 1;
    const last = Math.min(first + count, entries.length) - 1;
    if (last >= first) holes.push({ first, last, reason: 'shed' });
  }

  isGone(lane: Lane, seq: number): boolean {
    return this.lane(lane).holes.some(({ first, last }) => first <= seq && seq <= last);
  }

  #holeAt(lane: Lane, seq: number) {
    const { holes, hashes } = this.lane(lane);
    const found = holes.find(({ first, last }) => first <= seq && seq <= last);
    if (found === undefined) return undefined;
    const { first: seqFirst, last: seqLast, reason } = found;
    const previousHash = hashes[seqFirst - 1] ?? new Uint8Array(32);
    const hash = hashes[seqLast] ?? new Uint8Array(32);
    const counts = { bytes: 0, firstAtMs: 0, lastAtMs: 0 };
    return { lane, seqFirst, seqLast, previousHash, hash, reason, ...counts };
  }

  async read(lane: Lane, seqFirst: number, limits: ReadLimits): Promise<LaneRead> {
    const { entries, hashes, trimmed } = this.lane(lane);
    await Promise.resolve();
    if (this.unreadable?.lane === lane) throw this.unreadable.error;
    const hole = this.#holeAt(lane, seqFirst);
    if (hole) {
      const { previousHash, hash } = hole;
      return { previousHash, entries: [], hashAt: () => hash, hole };
    }
    const previousHash = hashes[seqFirst - 1];
    const isGone = previousHash === undefined || seqFirst <= trimmed;
    if (isGone) throw new HoldfastError('HF_ENTRY_DAMAGED');
    const taken: Uint8Array[] = [];
    let bytes = 0;
    for (const entry of entries.slice(seqFirst - 1, seqFirst - 1 + limits.entriesMax)) {
      bytes += entry.byteLength;
      const isEnd = this.isGone(lane, seqFirst + taken.length);
      if (isEnd || (taken.length > 0 && bytes > limits.bytesMax)) break;
      taken.push(entry);
    }
    const hashAt = (index: number) => hashes[seqFirst + index] ?? new Uint8Array(32);
    return { previousHash, entries: taken, hashAt };
  }

  hashAt(lane: Lane, seq: number): Promise<Uint8Array | undefined> {
    return Promise.resolve(this.lane(lane).hashes[seq]);
  }

  acknowledge(lane: Lane, watermark: number, hash: Uint8Array): Promise<boolean> {
    const state = this.lane(lane);
    if (watermark <= state.acked) return Promise.resolve(true);
    const isSame = equalBytes(hash, state.hashes[watermark] ?? new Uint8Array(0));
    if (isSame) state.acked = watermark;
    return Promise.resolve(isSame);
  }

  /** Entries that are found to be damaged when they are looked for. */
  damaged = 0;
  mend(): Promise<number> {
    const { damaged } = this;
    this.damaged = 0;
    return Promise.resolve(damaged);
  }

  async setAside(lane: Lane, seq: number, reason: HoleReason): Promise<void> {
    this.lane(lane).holes.push({ first: seq, last: seq, reason });
    await Promise.resolve();
  }

  onCommit(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

/** Applies commands by noting them. */
export class SimRuntime implements UplinkRuntime {
  readonly applied: Command[] = [];
  readonly #journal: SimJournal;

  constructor(journal: SimJournal) {
    this.#journal = journal;
  }

  lastCommand(): number {
    return this.applied.length;
  }

  async applyCommands(commands: readonly Command[]): Promise<void> {
    await Promise.resolve();
    for (const command of commands) {
      if (command.number === this.applied.length + 1) this.applied.push(command);
    }
  }

  async report(): Promise<Report> {
    const positions = this.#journal.positions();
    return {
      epoch: this.#journal.epoch,
      atMs: 0,
      agentVersion: '0.0.0',
      lanes: eachLane((lane) => {
        const { head, acked } = positions[laneIndex(lane)];
        return { head, acked, backlogBytes: 0, oldestAtMs: 0 };
      }),
      runs: [],
      boot: this.#journal.boot,
      monoMs: 1,
    };
  }
}
