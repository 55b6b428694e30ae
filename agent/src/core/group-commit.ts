import {
  HoldfastError,
  assert,
  type Clock,
  type Point,
  type Store,
  type StoreOp,
} from '@holdfast/protocol';
import type { EntryRef } from './journal.ts';
import type { Recovery } from './journal-recovery.ts';
import type { LaneState } from './lane-state.ts';
import type { SyncTimes } from './sync-times.ts';

/** Whom to tell what becomes of an append: one of the two, once. Neither may throw. */
export interface Outcome {
  /** It would survive a power cut. */
  readonly durable: (refs: readonly EntryRef[]) => void;
  /** Nothing of it is believed. */
  readonly refused: (error: unknown) => void;
}

/** What waits for a commit, or is in one. */
export interface QueuedAppend {
  readonly ops: readonly StoreOp[];
  readonly entries: readonly QueuedEntry[];
  readonly bytes: number;
  readonly outcome: Outcome;
}

/** What is to be done between two commits. Who appends meanwhile waits. */
export interface CommitTurn {
  /** Commits at once. Durable once it resolves. */
  readonly write: (ops: readonly StoreOp[]) => Promise<void>;
  /** Changes what waits for a commit. */
  readonly change: (each: (append: QueuedAppend) => QueuedAppend) => void;
}

/** An entry, and where its lane ends once it is durable. */
export interface QueuedEntry extends EntryRef {
  readonly state: LaneState;
  readonly hash: Uint8Array;
  readonly bytes: number;
}

export interface GroupCommitParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly syncs: SyncTimes;
  /** Gets the store back; `undefined`: nobody can. */
  readonly recovery: Recovery | undefined;
  /** What rides with each commit. What the commit itself writes or deletes comes behind. */
  readonly riders: () => readonly StoreOp[];
  readonly point: Point | undefined;
  /** A commit is durable, and these entries with it. Nobody knows yet. */
  readonly onDurable: (refs: readonly EntryRef[]) => void;
  /** These entries are durable, and whoever appended them knows, or is about to. */
  readonly onCommitted: (refs: readonly EntryRef[]) => void;
  readonly onFailure: (failure: HoldfastError) => void;
}

const COMMIT_BYTES_MAX = 4 * 1024 * 1024;
/** A commit that took this long is worth some waiting: an SD card takes 5 to 50 ms. */
const SLOW_COMMIT_MS = 4;
const GATHER_MS = 1;
/** What is waited at most, as a part of what the last commit took. */
const GATHER_PART = 0.25;
/** So many that waited for one commit, and nobody else, are a crowd. */
const CROWD_MIN = 32;
/** Microtasks in which whoever was told goes on and appends. */
const HOPS = 8;

/**
 * Commits what is appended: while one commit is in flight, appends queue; the next takes them all.
 * An idle journal commits at once, and a busy one shares the sync.
 */
export class GroupCommit {
  readonly #parts: GroupCommitParts;
  #queue: QueuedAppend[] = [];
  #queueBytes = 0;
  #committing = false;
  readonly #works: (() => Promise<void>)[] = [];
  /** Appends that the last commit held, and that waited behind it: so many may come together. */
  #crowd = 0;
  /** Until then whoever goes on after a slow commit is waited for. */
  #gatherUntilMs = 0;
  /** Of the last commit, who is told once the next one is under way. */
  #rest: readonly QueuedAppend[] = [];
  #failure: HoldfastError | undefined;

  constructor(parts: GroupCommitParts) {
    this.#parts = parts;
  }

  /** Why every append is refused; `undefined`: none is. */
  get failure(): HoldfastError | undefined {
    return this.#failure;
  }

  /** Of what waits for a commit, or is in one. */
  get queueBytes(): number {
    return this.#queueBytes;
  }

  /** From now on every append is refused with this, or with what came before it. */
  refuse(reason: HoldfastError): HoldfastError {
    return (this.#failure ??= reason);
  }

  add(append: QueuedAppend): void {
    this.#queueBytes += append.bytes;
    this.#queue.push(append);
    if (!this.#committing) void this.#commitAll();
  }

  /** Runs `work` while no commit is under way. */
  exclusively<T>(work: (turn: CommitTurn) => Promise<T>): Promise<T> {
    const turn: CommitTurn = {
      write: (ops) => this.#writeAlone(ops),
      change: (each) => (this.#queue = this.#queue.map(each)),
    };
    return new Promise((resolve, reject) => {
      this.#works.push(() => work(turn).then(resolve, reject));
      if (!this.#committing) void this.#commitAll();
    });
  }

  async #commitAll(): Promise<void> {
    assert(!this.#committing, 'one commit in flight at a time');
    this.#committing = true;
    await undefined; // Lets every append of this turn join the first commit.
    if (this.#gatherUntilMs > 0) await this.#gather();
    while (this.#queue.length > 0 || this.#works.length > 0) {
      const work = this.#works.shift();
      if (work !== undefined) {
        this.#tellRest();
        await work();
        continue;
      }
      const { clock } = this.#parts;
      const beganMs = clock.monoMs();
      const group = this.#takeQueued();
      const isDurable = await this.#commit(group);
      const endedMs = clock.monoMs();
      const tookMs = endedMs - beganMs;
      this.#gatherUntilMs = tookMs < SLOW_COMMIT_MS ? 0 : endedMs + GATHER_PART * tookMs;
      if (isDurable && this.#settle(group)) await this.#join();
      if (this.#gatherUntilMs === 0) continue;
      await undefined; // Lets whoever was told go on.
      await this.#gather();
    }
    this.#committing = false;
  }

  /**
   * On a slow disk, lets whoever the last commit has let go on join the next one, for as long as
   * they come. The first of them would begin it alone, and all others would wait for it: they would
   * work at half the pace of the disk.
   */
  async #gather(): Promise<void> {
    const { clock } = this.#parts;
    const isWorthIt = () =>
      this.#queue.length < this.#crowd && clock.monoMs() < this.#gatherUntilMs;
    for (let seen = 0; this.#queue.length > seen && isWorthIt();) {
      seen = this.#queue.length;
      await new Promise<void>((resolve) => clock.wakeIn(GATHER_MS, resolve));
    }
  }

  #takeQueued(): QueuedAppend[] {
    const queue = this.#queue;
    let bytes = 0;
    const beyond = queue.findIndex((append, index) => {
      bytes += append.bytes;
      return index > 0 && bytes > COMMIT_BYTES_MAX;
    });
    this.#queue = beyond === -1 ? [] : queue.slice(beyond);
    return beyond === -1 ? queue : queue.slice(0, beyond);
  }

  /** @returns Whether it is durable. If not, whoever waits for it was told. */
  async #commit(group: readonly QueuedAppend[]): Promise<boolean> {
    const { riders, point, onFailure } = this.#parts;
    const ops: StoreOp[] = [...riders()];
    for (const append of group) for (const op of append.ops) ops.push(op);
    try {
      if (this.#failure) throw this.#failure;
      if (point) await point('journal:write');
      if (ops.length > 0) await this.#write(ops);
      if (point) await point('journal:committed');
    } catch (cause) {
      const failure = this.refuse(asFailure(cause));
      this.#leave(group);
      this.#tellRest();
      for (const { outcome } of group) outcome.refused(failure);
      onFailure(failure);
      return false;
    }
    this.#tellRest();
    this.#leave(group);
    this.#crowd = group.length + this.#queue.length;
    return true;
  }

  async #writeAlone(ops: readonly StoreOp[]): Promise<void> {
    const { riders, onDurable, onFailure } = this.#parts;
    try {
      if (this.#failure) throw this.#failure;
      await this.#write([...riders(), ...ops]);
    } catch (cause) {
      const failure = this.refuse(asFailure(cause));
      onFailure(failure);
      throw failure;
    }
    onDurable([]);
  }

  /**
   * Writes until the disk has it. After a failed write nobody knows what it holds; what is written
   * again is the same rows with the same seqs, so that it is all one whether they are there.
   */
  async #write(ops: readonly StoreOp[]): Promise<void> {
    const { store, syncs, recovery } = this.#parts;
    for (;;) {
      syncs.begin();
      try {
        const written = store.write(ops);
        this.#tellRest();
        await written;
        syncs.end(true);
        recovery?.succeeded();
        return;
      } catch (cause) {
        syncs.end(false);
        if (recovery === undefined) throw cause;
        await recovery.run(cause);
      }
    }
  }

  #leave(group: readonly QueuedAppend[]): void {
    for (const { bytes } of group) this.#queueBytes -= bytes;
  }

  /**
   * It is durable: the lanes end where it says, and whoever waits for it goes on. Of a crowd that
   * waited for this commit alone half goes on at once, and the other half beside the sync of what
   * these append: else nobody works while the disk does, and the disk not while they do.
   *
   * @returns Whether only half was told.
   */
  #settle(group: readonly QueuedAppend[]): boolean {
    const refs = refsOf(group);
    for (const { state, seq, hash, bytes } of refs) {
      state.head = seq;
      state.headHash = hash;
      state.headBytes = bytes;
    }
    this.#parts.onDurable(refs);
    const isCrowd = group.length >= CROWD_MIN && this.#queue.length === 0;
    const isHalf = isCrowd && this.#gatherUntilMs === 0;
    const told = isHalf ? group.length >>> 1 : group.length;
    this.#rest = group.slice(told);
    for (const { outcome, entries } of group.slice(0, told)) outcome.durable(entries);
    if (refs.length > 0) this.#parts.onCommitted(refs);
    return isHalf;
  }

  /** Lets those who were told join the next commit, if they go on. */
  async #join(): Promise<void> {
    for (let hop = 0; hop < HOPS && this.#queue.length === 0; hop += 1) await undefined;
    if (this.#queue.length === 0) this.#tellRest();
    await undefined; // Lets every append of this turn join.
  }

  /** Tells the other half. */
  #tellRest(): void {
    const group = this.#rest;
    this.#rest = [];
    for (const { outcome, entries } of group) outcome.durable(entries);
  }
}

function refsOf(group: readonly QueuedAppend[]): readonly QueuedEntry[] {
  const refs: QueuedEntry[] = [];
  for (const { entries } of group) for (const entry of entries) refs.push(entry);
  return refs;
}

function asFailure(cause: unknown): HoldfastError {
  const isTyped = cause instanceof HoldfastError;
  return isTyped ? cause : new HoldfastError('HF_JOURNAL_FAILED', { cause });
}
