import {
  HASH_BYTES,
  HoldfastError,
  assert,
  chainNext,
  chainStart,
  eachLane,
  encodeEntry,
  laneIndex,
  type BatchItem,
  type Clock,
  type Entry,
  type EntryBody,
  type Lane,
  type PerLane,
  type Point,
  type Sha256,
  type Store,
  type StoreOp,
} from '@holdfast/protocol';
import { carry, hasCarried } from './carrier.ts';
import { putContents, type ContentRows } from './contents.ts';
import { ackKey, entryKey, getNumber, laneRange, putNumber, seqOfEntryKey } from './keys.ts';
import type { LanePosition, ReadLimits, UplinkJournal } from './uplink-ports.ts';

/** An entry before the journal has stamped and numbered it. */
export interface Draft {
  readonly lane: Lane;
  readonly body: EntryBody;
  /** What the body has sealed. */
  readonly contents?: ContentRows | undefined;
}

/** Where an entry went. */
export interface EntryRef {
  readonly lane: Lane;
  readonly seq: number;
  readonly entry: Entry;
}

export interface StoredEntry {
  readonly seq: number;
  readonly hash: Uint8Array;
  /** Bytes of the lane's entries through this one. */
  readonly bytesThrough: number;
  readonly bytes: Uint8Array;
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
  /** Where a simulated crash may strike: `journal:write`, `journal:committed`. */
  readonly point?: Point | undefined;
}

interface LaneState {
  readonly lane: Lane;
  /** Given to the last append; on disk once `head` has caught up. */
  seqLast: number;
  hashLast: Uint8Array;
  bytesLast: number;
  /** Durable. */
  head: number;
  headHash: Uint8Array;
  headBytes: number;
  acked: number;
  ackedHash: Uint8Array;
  ackedBytes: number;
}

interface Waiter {
  readonly ops: readonly StoreOp[];
  readonly refs: readonly EntryRef[];
  readonly ends: readonly LaneEnd[];
  readonly bytes: number;
  readonly resolve: (refs: readonly EntryRef[]) => void;
  readonly reject: (error: unknown) => void;
}

/** Where a lane ends once a commit is durable. */
interface LaneEnd {
  readonly state: LaneState;
  readonly seq: number;
  readonly hash: Uint8Array;
  readonly bytes: number;
}

const damageCodes: ReadonlySet<string> = new Set(['HF_STORE_DAMAGED', 'HF_ENTRY_DAMAGED']);
const VALUE_HEADER = HASH_BYTES + 6;
/** Bytes that may wait for a commit before new work is refused. */
const QUEUE_BYTES_MAX = 64 * 1024 * 1024;
const COMMIT_BYTES_MAX = 4 * 1024 * 1024;
/** How long a new watermark may wait for a commit to ride on. */
const ACK_SAVE_MS = 1_000;

/**
 * The device's append-only log: three lanes in one store, each with its own seq and hash chain.
 *
 * Group commit without a timer: while one commit is in flight, appends queue; the next takes them
 * all. An idle journal costs one sync an append, a busy one shares it.
 */
export class Journal implements UplinkJournal {
  readonly device: string;
  readonly epoch: number;
  readonly boot: number;
  readonly #options: JournalOptions;
  readonly #lanes: PerLane<LaneState>;
  readonly #listeners = new Set<() => void>();
  #queue: Waiter[] = [];
  #queueBytes = 0;
  #committing = false;
  /** There may be contents that go beside entries. */
  #hasCarried = false;
  #failure: HoldfastError | undefined;
  readonly #unsavedAcks = new Set<LaneState>();
  #cancelSave: (() => void) | undefined;
  #reportFailure: (failure: HoldfastError) => void = () => {};
  /** Resolves when a commit has failed: from then on every append is refused. */
  readonly failed: Promise<HoldfastError>;

  private constructor(options: JournalOptions, lanes: PerLane<LaneState>) {
    this.device = options.device;
    this.epoch = options.epoch;
    this.boot = options.boot;
    this.#options = options;
    this.#lanes = lanes;
    this.failed = new Promise((resolve) => (this.#reportFailure = resolve));
  }

  /** Reads where each lane stands: a few rows, whatever the size of the backlog. */
  static async open(options: JournalOptions): Promise<Journal> {
    const [urgent, normal, bulk] = await Promise.all(eachLane((lane) => openLane(options, lane)));
    const journal = new Journal(options, [urgent, normal, bulk]);
    journal.#hasCarried = await hasCarried(options.store);
    return journal;
  }

  /**
   * Appends entries, with other changes of the store, as one.
   *
   * Seqs follow the order of the calls. Resolves once all of it would survive a power cut, or
   * rejects and nothing of it is believed.
   *
   * @param opsOf Further changes, made when the entries have their seqs.
   * @throws HF_VALUE_TOO_LARGE: before anything was changed.
   * @throws HF_JOURNAL_FAILED when stable storage could not be reached: what the disk holds is
   *   unknown until it is opened again.
   */
  append(
    drafts: readonly Draft[],
    opsOf: (refs: readonly EntryRef[]) => readonly StoreOp[] = () => [],
  ): Promise<readonly EntryRef[]> {
    return new Promise((resolve, reject) => {
      if (this.#failure) throw this.#failure;
      const stamped = drafts.map((draft) => this.#stamp(draft));
      const bytes = stamped.reduce((sum, each) => {
        const { kept, carried } = each.contents ?? {};
        return sum + each.encoded.byteLength + (kept?.length ?? 0) + (carried?.length ?? 0);
      }, 256);
      const ops: StoreOp[] = [];
      const refs: EntryRef[] = [];
      for (const { lane, entry, encoded, contents } of stamped) {
        const state = this.#lane(lane);
        ops.push(this.#advance(state, encoded));
        if (contents) ops.push(...putContents({ lane, seq: state.seqLast }, contents));
        this.#hasCarried ||= contents?.carried !== undefined;
        refs.push({ lane, seq: state.seqLast, entry });
      }
      ops.push(...opsOf(refs));
      const ends = this.#ends(stamped.map((each) => each.lane));
      this.#queueBytes += bytes;
      this.#queue.push({ ops, refs, ends, bytes, resolve, reject });
      if (!this.#committing) void this.#commitAll();
    });
  }

  /** Refuses new work from outside while too much waits for a commit. @throws HF_JOURNAL_BUSY */
  checkRoom(): void {
    if (this.#queueBytes <= QUEUE_BYTES_MAX) return;
    throw new HoldfastError('HF_JOURNAL_BUSY', { details: { queueBytes: this.#queueBytes } });
  }

  /** From now on every append is refused with this. Commits what came before. */
  async close(reason: HoldfastError): Promise<void> {
    await this.flush().catch(() => undefined);
    this.#failure ??= reason;
  }

  positions(): PerLane<LanePosition> {
    return eachLane((lane) => {
      const { head, headHash, acked, ackedHash } = this.#lane(lane);
      return { head, headHash, acked, ackedHash };
    });
  }

  /** Bytes of the entries that are durable here and not yet known to be in the ledger. */
  backlogBytes(lane: Lane): number {
    const state = this.#lane(lane);
    return state.headBytes - state.ackedBytes;
  }

  async read(
    lane: Lane,
    seqFirst: number,
    limits: ReadLimits,
  ): Promise<{ previousHash: Uint8Array; entries: readonly BatchItem[] }> {
    try {
      return await this.#read(lane, seqFirst, limits);
    } catch (error) {
      const isNeeded = seqFirst > this.#lane(lane).acked;
      const isDamage = error instanceof HoldfastError && damageCodes.has(error.code);
      if (isNeeded && isDamage) this.#options.onDamage?.(error);
      throw error;
    }
  }

  /** From now on every append is refused with this, and `failed` resolves. */
  giveUp(reason: HoldfastError): void {
    this.#failure ??= reason;
    this.#reportFailure(this.#failure);
  }

  async #read(
    lane: Lane,
    seqFirst: number,
    limits: ReadLimits,
  ): Promise<{ previousHash: Uint8Array; entries: readonly BatchItem[] }> {
    const state = this.#lane(lane);
    const last = Math.min(state.head, seqFirst + limits.entriesMax - 1);
    const from = seqFirst === 1 ? 1 : seqFirst - 1;
    const rows = await this.entries(lane, from, last - from + 1);
    const previous = seqFirst === 1 ? this.#chainStart(lane) : rows.shift()?.hash;
    if (previous === undefined || rows[0]?.seq !== seqFirst) throw missing(lane, seqFirst);
    const entries: Uint8Array[] = [];
    let bytes = 0;
    for (const row of rows) {
      bytes += row.bytes.byteLength;
      if (entries.length > 0 && bytes > limits.bytesMax) break;
      if (row.seq !== seqFirst + entries.length) throw missing(lane, seqFirst + entries.length);
      entries.push(row.bytes);
    }
    if (!this.#hasCarried) return { previousHash: previous, entries };
    const { store } = this.#options;
    const carried = await carry(store, lane, { seqFirst, entries }, limits.bytesMax);
    return { previousHash: previous, entries: carried };
  }

  /** At most `limit` stored entries of a lane from `seqFirst` on; trimmed ones are left out. */
  async entries(lane: Lane, seqFirst: number, limit: number): Promise<StoredEntry[]> {
    if (limit < 1) return [];
    const range = laneRange(lane, seqFirst);
    const rows = await this.#options.store.scan({ ...range, limit });
    const head = this.#lane(lane).head;
    return rows
      .map((row) => parseStored(seqOfEntryKey(row.key), row.value))
      .filter((row) => row.seq <= head);
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

  acknowledge(lane: Lane, watermark: number): void {
    const state = this.#lane(lane);
    if (watermark <= state.acked || watermark > state.head) return;
    void this.#readAcked(state, watermark);
  }

  onCommit(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Commits what waits, the watermarks included. Rejects with HF_JOURNAL_FAILED. */
  async flush(): Promise<void> {
    this.#cancelSave?.();
    this.#cancelSave = undefined;
    await this.append([]);
  }

  #lane(lane: Lane): LaneState {
    return this.#lanes[laneIndex(lane)];
  }

  #chainStart(lane: Lane): Uint8Array {
    const { sha256, device, epoch } = this.#options;
    return chainStart(sha256, { device, epoch, lane });
  }

  #stamp(draft: Draft): Draft & { entry: Entry; encoded: Uint8Array } {
    const { clock, boot } = this.#options;
    const [atMs, monoMs] = [Math.max(0, clock.nowMs()), Math.floor(clock.monoMs())];
    // Joining a body and a stamp gives an entry of the same kind.
    const entry = { ...draft.body, atMs, boot, monoMs } as Entry;
    return { ...draft, entry, encoded: encodeEntry(entry) };
  }

  #advance(state: LaneState, encoded: Uint8Array): StoreOp {
    state.seqLast += 1;
    state.bytesLast += encoded.byteLength;
    state.hashLast = chainNext(this.#options.sha256, state.hashLast, encoded);
    const { lane, seqLast: seq, hashLast: hash, bytesLast: bytes } = state;
    return storedEntry(lane, { seq, hash, bytes, entry: encoded });
  }

  #ends(touched: readonly Lane[]): LaneEnd[] {
    return [...new Set(touched)].map((lane) => {
      const state = this.#lane(lane);
      return { state, seq: state.seqLast, hash: state.hashLast, bytes: state.bytesLast };
    });
  }

  async #commitAll(): Promise<void> {
    assert(!this.#committing, 'one commit in flight at a time');
    this.#committing = true;
    await undefined; // Lets every append of this turn join the first commit.
    while (this.#queue.length > 0) await this.#commit(this.#takeQueued());
    this.#committing = false;
  }

  #takeQueued(): Waiter[] {
    let bytes = 0;
    const beyond = this.#queue.findIndex((waiter, index) => {
      bytes += waiter.bytes;
      return index > 0 && bytes > COMMIT_BYTES_MAX;
    });
    return this.#queue.splice(0, beyond === -1 ? this.#queue.length : beyond);
  }

  async #commit(group: readonly Waiter[]): Promise<void> {
    const ops = group.flatMap((waiter) => waiter.ops).concat(this.#takeUnsavedAcks());
    try {
      if (this.#failure) throw this.#failure;
      await this.#options.point?.('journal:write');
      if (ops.length > 0) await this.#options.store.write(ops);
      await this.#options.point?.('journal:committed');
    } catch (cause) {
      // After a failed sync nobody knows what the disk holds: refuse until it is opened again.
      this.#failure ??= new HoldfastError('HF_JOURNAL_FAILED', { cause });
      for (const waiter of group) waiter.reject(this.#failure);
      this.#reportFailure(this.#failure);
      return;
    } finally {
      for (const waiter of group) this.#queueBytes -= waiter.bytes;
    }
    for (const waiter of group) {
      for (const end of waiter.ends) {
        end.state.head = end.seq;
        end.state.headHash = end.hash;
        end.state.headBytes = end.bytes;
      }
      waiter.resolve(waiter.refs);
    }
    if (group.some((waiter) => waiter.refs.length > 0)) {
      for (const listener of this.#listeners) listener();
    }
  }

  async #readAcked(state: LaneState, watermark: number): Promise<void> {
    const [stored] = await this.entriesAt([{ lane: state.lane, seq: watermark }]);
    if (stored === undefined || watermark <= state.acked) return;
    state.acked = watermark;
    state.ackedHash = stored.hash;
    state.ackedBytes = stored.bytesThrough;
    this.#unsavedAcks.add(state);
    this.#cancelSave ??= this.#options.clock.wakeIn(ACK_SAVE_MS, () => {
      this.#cancelSave = undefined;
      void this.append([]).catch(() => {});
    });
    for (const listener of this.#listeners) listener();
  }

  /** Watermarks ride on commits: a lost one costs no more than being told it again. */
  #takeUnsavedAcks(): StoreOp[] {
    const ops = [...this.#unsavedAcks].map((state): StoreOp => {
      const value = new Uint8Array(6 + HASH_BYTES);
      putNumber(value, 0, state.acked);
      value.set(state.ackedHash, 6);
      return { kind: 'put', key: ackKey(state.lane), value };
    });
    this.#unsavedAcks.clear();
    return ops;
  }
}

function missing(lane: Lane, seq: number): HoldfastError {
  return new HoldfastError('HF_ENTRY_DAMAGED', {
    why: `entry ${seq} of lane ${lane} is not where it should be`,
    details: { lane, seq },
  });
}

/** The row of an entry. `hash` and `bytes`: of the lane through this entry. */
export function storedEntry(
  lane: Lane,
  end: {
    readonly seq: number;
    readonly hash: Uint8Array;
    readonly bytes: number;
    readonly entry: Uint8Array;
  },
): StoreOp {
  const value = new Uint8Array(VALUE_HEADER + end.entry.byteLength);
  value.set(end.hash);
  putNumber(value, HASH_BYTES, end.bytes);
  value.set(end.entry, VALUE_HEADER);
  return { kind: 'put', key: entryKey(lane, end.seq), value };
}

export function parseStored(seq: number, value: Uint8Array): StoredEntry {
  return {
    seq,
    hash: value.subarray(0, HASH_BYTES),
    bytesThrough: getNumber(value, HASH_BYTES),
    bytes: value.subarray(VALUE_HEADER),
  };
}

async function openLane(options: JournalOptions, lane: Lane): Promise<LaneState> {
  const { store, sha256, device, epoch } = options;
  const start = chainStart(sha256, { device, epoch, lane });
  const [last] = await store.scan({ ...laneRange(lane), limit: 1, reverse: true });
  const head = last && parseStored(seqOfEntryKey(last.key), last.value);
  const ack = await store.get(ackKey(lane));
  const acked = ack ? getNumber(ack, 0) : 0;
  const ackedEntry = acked > 0 ? await store.get(entryKey(lane, acked)) : undefined;
  return {
    lane,
    seqLast: head?.seq ?? 0,
    hashLast: head?.hash ?? start,
    bytesLast: head?.bytesThrough ?? 0,
    head: head?.seq ?? 0,
    headHash: head?.hash ?? start,
    headBytes: head?.bytesThrough ?? 0,
    acked,
    ackedHash: ack?.subarray(6) ?? start,
    ackedBytes: ackedEntry ? parseStored(acked, ackedEntry).bytesThrough : 0,
  };
}
