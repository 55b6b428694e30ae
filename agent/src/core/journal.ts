import {
  ENTRY_BYTES_MAX,
  chainNext,
  eachLane,
  encodeEntry,
  laneIndex,
  type Clock,
  type Entry,
  type EntryBody,
  type HoldfastError,
  type HoleReason,
  type Lane,
  type Log,
  type PerLane,
  type Point,
  type Sha256,
  type Store,
  type StoreOp,
} from '@holdfast/protocol';
import { Admission, factOf } from './admission.ts';
import type { Budget } from './budget.ts';
import { hasCarried } from './carrier.ts';
import { chainPlace, type LaneChain } from './chain-place.ts';
import { DeadLetters } from './dead-letters.ts';
import { putContents, type ContentRows, type Place } from './contents.ts';
import { parseStored, storedEntry, type StoredEntry } from './entry-row.ts';
import { GroupCommit, type Outcome, type QueuedEntry } from './group-commit.ts';
import { Histories } from './histories.ts';
import { Holes, type HolesParts } from './holes.ts';
import { Acks } from './journal-acks.ts';
import { JournalMeter } from './journal-meter.ts';
import { Mending, isDamage } from './journal-mend.ts';
import { Recovery, verifyHeads, type Trouble } from './journal-recovery.ts';
import { entryKey } from './keys.ts';
import { readLane, storedFrom } from './lane-read.ts';
import type { HoleSums } from './lane-holes.ts';
import { chainOf, openLane, type LaneState } from './lane-state.ts';
import { SyncTimes } from './sync-times.ts';
import type { LanePosition, LaneRead, ReadLimits, UplinkJournal } from './uplink-ports.ts';
import { valueLimits, type ValueLimits } from './value-parts.ts';

/** An entry before the journal has stamped and numbered it. */
export interface Draft {
  readonly lane: Lane;
  readonly body: EntryBody;
  /** Number of the run in whose history it is, at the place that the body says. Absent: in none. */
  readonly run?: number | undefined;
  /** What the body has sealed. */
  readonly contents?: ContentRows | undefined;
}

/** Where an entry went. */
export interface EntryRef {
  readonly lane: Lane;
  readonly seq: number;
  /** In whose history it is; 0: in none. */
  readonly run: number;
  readonly entry: Entry;
}

export interface JournalOptions {
  readonly device: string;
  readonly epoch: number;
  readonly boot: number;
  readonly clock: Clock;
  readonly sha256: Sha256;
  readonly store: Store;
  /** An entry that the ledger lacks cannot be read. Default: nobody is told besides the reader. */
  readonly onDamage?: (error: unknown) => void;
  /**
   * Has the store anew after a write of it was rejected; rejects for as long as that fails. Absent:
   * the first rejected write is the end of the journal.
   */
  readonly reopen?: (() => Promise<void>) | undefined;
  readonly log?: Log | undefined;
  /** What its entries may take on the disk. Absent: anything. */
  readonly budget?: Budget | undefined;
  /** How large values may be. */
  readonly values?: ValueLimits | undefined;
  /** Why the disk has no room for new work. Absent: nobody looks. */
  readonly shortage?: (() => HoldfastError | undefined) | undefined;
  /** Where a simulated crash may strike: `journal:write`, `journal:committed`. */
  readonly point?: Point | undefined;
}

/** Their seqs are in order. */
type RemovalListener = (lane: Lane, seqs: readonly number[]) => void;

/** What a journal is made of, as it was read. */
interface Opened {
  readonly lanes: PerLane<LaneState>;
  readonly histories: Histories;
  readonly dead: DeadLetters;
}

/** A draft as it will be stored. */
interface Encoded {
  readonly draft: Draft;
  readonly entry: Entry;
  readonly encoded: Uint8Array;
}

/** Of what an append takes in memory besides its bytes. */
const APPEND_BYTES = 256;
const none: readonly StoreOp[] = [];

/**
 * The device's append-only log: three lanes in one store, each with its own seq and hash chain.
 * An idle journal costs one sync an append, a busy one shares it.
 */
export class Journal implements UplinkJournal {
  readonly device: string;
  readonly epoch: number;
  readonly boot: number;
  readonly sha256: Sha256;
  readonly values: ValueLimits;
  /** What its commits took. */
  readonly syncs: SyncTimes;
  readonly meter = new JournalMeter();
  readonly #options: JournalOptions;
  readonly #lanes: PerLane<LaneState>;
  readonly #holes: Holes;
  /** Which entries are a run's. */
  readonly histories: Histories;
  /** Entries that no peer takes. */
  readonly dead: DeadLetters;
  readonly #listeners = new Set<() => void>();
  readonly #removalListeners = new Set<RemovalListener>();
  readonly #commits: GroupCommit;
  /** There may be contents that go beside entries. */
  #hasCarried = false;
  readonly #acks: Acks;
  readonly #admission: Admission;
  readonly #mending: Mending;
  #reportFailure: (failure: HoldfastError) => void = () => {};
  /** Gets the store back; `undefined`: nobody can. */
  readonly #recovery: Recovery | undefined;
  /** Resolves when the journal is given up: from then on every append is refused. */
  readonly failed: Promise<HoldfastError>;

  private constructor(options: JournalOptions, { lanes, histories, dead }: Opened) {
    this.dead = dead;
    this.histories = histories;
    this.device = options.device;
    this.epoch = options.epoch;
    this.boot = options.boot;
    this.sha256 = options.sha256;
    this.values = options.values ?? valueLimits;
    this.#options = options;
    this.#lanes = lanes;
    const lane = (each: Lane): LaneState => this.#lane(each);
    const commit = (ops: readonly StoreOp[]) => this.append([], () => ops);
    const forget: HolesParts['forget'] = (...gone) => this.dead.forget(...gone);
    const onRemoved: HolesParts['onRemoved'] = (from, seqs, reason) => {
      this.meter.removed(from, reason, seqs.length);
      for (const listener of this.#removalListeners) listener(from, seqs);
    };
    this.#holes = new Holes({ ...options, lane, commit, forget, onRemoved });
    const { reopen, clock, log = silent } = options;
    this.syncs = new SyncTimes(clock, log, (...write) => this.meter.written(...write));
    this.#acks = new Acks({
      ...{ store: options.store, sha256: options.sha256, clock, holes: this.#holes },
      save: () => this.append([]),
      onChange: () => this.#tell(),
    });
    const verify = (): Promise<void> => verifyHeads(options, this.#lanes);
    this.#recovery = reopen && new Recovery({ clock, log, reopen, verify });
    this.#commits = new GroupCommit({
      ...{ store: options.store, clock, syncs: this.syncs, recovery: this.#recovery },
      ...{ riders: () => [...this.#acks.takeOps(), ...histories.takeOps()], point: options.point },
      onDurable: (refs) => histories.durable(refs),
      onCommitted: (refs) => {
        this.meter.committed(refs);
        this.#tell();
      },
      onFailure: (failure) => this.#reportFailure(failure),
    });
    const emit = (body: EntryBody) =>
      void this.append([{ lane: 'urgent', body }]).catch(() => undefined);
    this.#admission = new Admission({
      ...{ budget: options.budget, shortage: options.shortage, journal: this, emit },
      ...{ trouble: () => this.trouble, queueBytes: () => this.#commits.queueBytes },
    });
    this.#mending = new Mending({
      ...{ store: options.store, sha256: options.sha256, lanes, dead, histories },
      ...{ holes: this.#holes, commits: this.#commits, onDamage: options.onDamage },
      onMended: (from, entries) => {
        this.meter.damaged(entries);
        emit(factOf('holdfast.damaged', { lane: from, entries }));
      },
    });
    this.failed = new Promise((resolve) => (this.#reportFailure = resolve));
  }

  /** Reads where each lane stands: a bounded part, whatever the size of the backlog. */
  static async open(options: JournalOptions): Promise<Journal> {
    const { store } = options;
    const [urgent, normal, bulk] = await Promise.all(eachLane((lane) => openLane(options, lane)));
    const states: PerLane<LaneState> = [urgent, normal, bulk];
    const histories = await Histories.open(store, states);
    const dead = await DeadLetters.open(store);
    const journal = new Journal(options, { lanes: states, histories, dead });
    journal.#hasCarried = await hasCarried(store);
    await journal.#mending.goOn();
    return journal;
  }

  /**
   * Appends entries, with other changes of the store, as one.
   *
   * Seqs follow the order of the calls. Resolves once all of it would survive a power cut, or
   * rejects and nothing of it is believed.
   *
   * @param opsOf Further changes, made when the entries have their seqs.
   * While the disk fails it waits, and goes on when the store is back.
   *
   * @throws HF_VALUE_TOO_LARGE: before anything was changed.
   * @throws HF_STORE_DAMAGED, HF_AGENT_CLOSED once the journal is given up or closed.
   */
  append(
    drafts: readonly Draft[],
    opsOf: (refs: readonly EntryRef[]) => readonly StoreOp[] = () => none,
  ): Promise<readonly EntryRef[]> {
    return new Promise((durable, refused) => this.enqueue(drafts, opsOf, { durable, refused }));
  }

  /** The same with somebody to tell instead of a promise. Throws what is refused at once. */
  enqueue(
    drafts: readonly Draft[],
    opsOf: (refs: readonly EntryRef[]) => readonly StoreOp[],
    outcome: Outcome,
  ): void {
    if (this.#commits.failure) throw this.#commits.failure;
    // All are encoded before the first gets a seq: one that is too large changes nothing.
    const written = drafts.map((draft) => this.#encode(draft));
    const ops: StoreOp[] = [];
    let bytes = APPEND_BYTES;
    const entries = written.map((each): QueuedEntry => {
      const queued = this.#advance(each, ops);
      const { contents } = each.draft;
      bytes += each.encoded.length;
      if (contents) bytes += this.#addContents(queued, contents, ops);
      return queued;
    });
    for (const op of opsOf(entries)) ops.push(op);
    this.#commits.add({ ops, entries, bytes, outcome });
  }

  /** Why nothing reaches the disk; `undefined`: it does. */
  get trouble(): Trouble | undefined {
    return this.#recovery?.trouble;
  }

  /** Why there is no room for new work; what is under way goes on. */
  get full(): HoldfastError | undefined {
    return this.#admission.full;
  }

  /**
   * Refuses new work from outside while too much waits for a commit, nothing reaches the disk, or
   * there is no room. What is under way goes on, or waits.
   *
   * @throws HF_JOURNAL_BUSY, HF_JOURNAL_FAILED, HF_JOURNAL_FULL, HF_DISK_FULL
   */
  checkRoom(lane: Lane = 'normal'): void {
    this.#admission.check(lane);
  }

  /**
   * From now on every append is refused with this. Commits what came before, and what spares the
   * next start to look for it.
   */
  async close(reason: HoldfastError): Promise<void> {
    // What cannot reach the disk now is not waited for: nobody was told of it.
    if (this.trouble) this.#recovery?.close(reason);
    this.histories.indexSoon();
    await this.flush().catch(() => undefined);
    this.#commits.refuse(reason);
  }

  positions(): PerLane<LanePosition> {
    return eachLane((lane) => {
      const { head, headHash, acked, ackedHash } = this.#lane(lane);
      return { head, headHash, acked, ackedHash };
    });
  }

  /** Bytes of the entries that are durable here and not yet known to be in the ledger. */
  backlogBytes(lane: Lane): number {
    const { headBytes, ackedBytes, pendingHoles } = this.#lane(lane);
    const bytes = headBytes - ackedBytes - pendingHoles.bytes;
    // No hash covers the counts of rows: one that a card has changed must not count for much.
    return Math.min(Math.max(0, bytes), this.backlogEntries(lane) * ENTRY_BYTES_MAX);
  }

  /** Entries that are durable here and not yet known to be in the ledger. */
  backlogEntries(lane: Lane): number {
    const { head, acked, pendingHoles } = this.#lane(lane);
    return head - acked - pendingHoles.entries;
  }

  /** Holes that the ledger is not yet known to have. */
  pendingHoles(lane: Lane): HoleSums {
    return this.#lane(lane).pendingHoles;
  }

  get budget(): Budget | undefined {
    return this.#options.budget;
  }

  /** Entries of a lane that were deleted, ever, and their bytes. */
  gone(lane: Lane): { readonly entries: number; readonly bytes: number } {
    const { goneEntries: entries, goneBytes: bytes } = this.#lane(lane);
    return { entries, bytes };
  }

  /** Entries of a lane that are here, and their bytes. */
  kept(lane: Lane): { readonly entries: number; readonly bytes: number } {
    const { head, headBytes, goneEntries, goneBytes } = this.#lane(lane);
    return { entries: head - goneEntries, bytes: headBytes - goneBytes };
  }

  /**
   * Deletes entries of a lane for good, up to some hundred at a time, and leaves a hole that tells
   * of them; with other changes of the store, as one. The last entry of a lane stays. Durable once
   * it resolves.
   *
   * @returns How many of the entries were there, and their bytes.
   */
  remove(...args: Parameters<Holes['remove']>): ReturnType<Holes['remove']> {
    return this.#holes.remove(...args);
  }

  /** Deletes what is chosen of a stretch of a lane, as many as one commit takes. */
  prune(...args: Parameters<Holes['prune']>): ReturnType<Holes['prune']> {
    return this.#holes.prune(...args);
  }

  async setAside(lane: Lane, seq: number, reason: HoleReason): Promise<void> {
    const { previousHash } = await this.#read(lane, seq, { entriesMax: 1, bytesMax: 1 });
    const place = await chainPlace(this.#chain(lane), seq);
    if (place === undefined) return;
    const letter = { ...place, lane, reason, previousHash };
    await this.dead.add(letter, (ops) => this.append([], () => ops));
  }

  async read(lane: Lane, seqFirst: number, limits: ReadLimits): Promise<LaneRead> {
    try {
      return await this.#read(lane, seqFirst, limits);
    } catch (error) {
      if (seqFirst <= this.#lane(lane).acked || !isDamage(error)) throw error;
      // Perhaps the chain shows how it goes on, and a hole takes the place of what is damaged.
      if ((await this.mend()) > 0) return this.#read(lane, seqFirst, limits);
      this.#options.onDamage?.(error);
      throw error;
    }
  }

  mend(): Promise<number> {
    return this.#mending.mend();
  }

  /** From now on every append is refused with this, and `failed` resolves. */
  giveUp(reason: HoldfastError): void {
    this.#reportFailure(this.#commits.refuse(reason));
  }

  #read(lane: Lane, seqFirst: number, limits: ReadLimits): Promise<LaneRead> {
    const [chain, { head }] = [this.#chain(lane), this.#lane(lane)];
    const from = { chain, head, hasCarried: this.#hasCarried, dead: this.dead };
    return readLane(from, seqFirst, limits);
  }

  /** At most `limit` stored entries of a lane from `seqFirst` on; trimmed ones are left out. */
  entries(lane: Lane, seqFirst: number, limit: number): Promise<StoredEntry[]> {
    return storedFrom(this.#options.store, this.#lane(lane), { seqFirst, limit });
  }

  /** Stored entries by their places, in the same order; `undefined` where trimmed. */
  async entriesAt(
    places: readonly { readonly lane: Lane; readonly seq: number }[],
  ): Promise<(StoredEntry | undefined)[]> {
    const keys = places.map((place) => entryKey(place.lane, place.seq));
    const values = await this.#options.store.getMany(keys);
    return values.map((value, index) => {
      const place = places[index];
      return value && place ? parseStored(place.seq, value) : undefined;
    });
  }

  async hashAt(lane: Lane, seq: number): Promise<Uint8Array | undefined> {
    const chain = this.#chain(lane);
    if (seq === 0) return chain.start;
    const place = await chainPlace(chain, seq);
    return place?.isSure === true ? place.hash : undefined;
  }

  async acknowledge(lane: Lane, watermark: number, hash: Uint8Array): Promise<boolean> {
    const state = this.#lane(lane);
    if (watermark <= state.acked || watermark > state.head) return true;
    return this.#acks.take(state, watermark, hash);
  }

  onCommit(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Tells of entries that were deleted for good. @returns Ends it. */
  onRemove(listener: RemovalListener): () => void {
    this.#removalListeners.add(listener);
    return () => this.#removalListeners.delete(listener);
  }

  /** Commits what waits, the watermarks included. Rejects with HF_JOURNAL_FAILED. */
  async flush(): Promise<void> {
    this.#acks.cancelSave();
    await this.append([]);
  }

  #lane(lane: Lane): LaneState {
    return this.#lanes[laneIndex(lane)];
  }

  #chain(lane: Lane): LaneChain {
    return chainOf(this.#options, this.#lane(lane));
  }

  #encode(draft: Draft): Encoded {
    const { clock, boot } = this.#options;
    const stamp = { atMs: Math.max(0, clock.nowMs()), boot, monoMs: Math.floor(clock.monoMs()) };
    // Joining a body and a stamp gives an entry of the same kind.
    const entry = Object.assign(stamp, draft.body) as Entry;
    return { draft, entry, encoded: encodeEntry(entry) };
  }

  /** @returns Their bytes. */
  #addContents(place: Place, contents: ContentRows, ops: StoreOp[]): number {
    const { kept, carried } = contents;
    ops.push(...putContents(place, contents));
    this.#hasCarried ||= carried !== undefined;
    return (kept?.length ?? 0) + (carried?.length ?? 0);
  }

  /** Gives an entry the next place of its lane, and `ops` its row. */
  #advance({ draft, entry, encoded }: Encoded, ops: StoreOp[]): QueuedEntry {
    const { lane, run = 0 } = draft;
    const state = this.#lane(lane);
    const seq = (state.seqLast += 1);
    const bytes = (state.bytesLast += encoded.length);
    const hash = (state.hashLast = chainNext(this.#options.sha256, state.hashLast, encoded));
    ops.push(storedEntry(lane, { seq, hash, bytes, run, entry: encoded }));
    return { lane, seq, run, entry, state, hash, bytes };
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}

const silent: Log = { error: () => {}, info: () => {}, debug: () => {} };
