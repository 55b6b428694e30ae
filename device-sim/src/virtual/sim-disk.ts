import {
  HoldfastError,
  type Chance,
  type Clock,
  type ScanRange,
  type Store,
  type StoreOp,
  type StoreRange,
  type StoreRow,
} from '@holdfast/protocol';
import { withOneBitFlipped } from './flipped-bit.ts';
import type { DiskBug } from './planted-bug.ts';
import { SortedRows } from './sorted-rows.ts';

export interface SimDiskOptions {
  /** True time. */
  readonly time: Clock;
  readonly chance: Chance;
  /** Told of each write in the moment in which it is durable. */
  readonly onDurable?: (ops: readonly StoreOp[]) => void;
  /** Called when a write has been handed over and is not synced: the power may be cut here. */
  readonly onSync?: () => void;
  /** Called for whatever is asked of it: whoever asks may die of it. */
  readonly onAwait?: () => void;
  /** Rows that a new disk holds. */
  readonly rows?: readonly StoreRow[];
  /**
   * Whoever writes or reads has bytes in common with it, and leaves them as they are: those who do
   * not are seen. Default: it has copies, as a disk does.
   */
  readonly areBytesShared?: boolean;
  /** Only for faults that are planted. */
  readonly bug?: DiskBug | undefined;
}

const SYNC_MS = 1;
const never = new Promise<never>(() => {});

/**
 * The disk of one machine. What a write had not synced when the power was cut is there or is not,
 * as chance has it, but never in part: LevelDB's log sees to that.
 */
export class SimDisk {
  /** How long a sync takes now. */
  syncMs = SYNC_MS;
  /** No byte more fits. */
  isFull = false;
  /** Share of syncs that fail. */
  failing = 0;
  readonly #options: SimDiskOptions;
  #rows = new SortedRows();
  #handle: DiskHandle | undefined;

  constructor(options: SimDiskOptions) {
    this.#options = options;
    for (const row of options.rows ?? []) this.#rows.set(row);
  }

  /** The hold of a new process on it; whoever had it before is dead. */
  open(): DiskHandle {
    this.cutPower();
    this.#handle = new DiskHandle(this, this.#rows, this.#options);
    return this.#handle;
  }

  /** Ends the life of the process that has it open, and decides over its unsynced write. */
  cutPower(): void {
    this.#handle?.die();
    this.#handle = undefined;
  }

  /** All rows that are on it, in order. */
  rows(): readonly StoreRow[] {
    return this.#rows.all();
  }

  /** What is on it now, to be put back later. */
  image(): SortedRows {
    return this.#rows.copy();
  }

  /** A store that was made beside takes the place of the one that was there, at once. */
  replace(rows: readonly StoreRow[]): void {
    this.cutPower();
    this.#rows = new SortedRows();
    for (const row of rows) this.#rows.set(row);
    this.#options.onDurable?.(rows.map((row) => ({ kind: 'put', ...row })));
  }

  /** Takes an image's place. */
  rewind(image: SortedRows): void {
    this.cutPower();
    this.#rows = image.copy();
  }

  /** A bit of one of the rows whose keys begin so flips. @returns Its key, if there is one. */
  rot(prefix: number, chance: Chance): Uint8Array | undefined {
    const row = this.#anyRow(prefix, chance);
    if (row === undefined) return undefined;
    this.#rows.set({ key: row.key, value: withOneBitFlipped(row.value, chance) });
    return row.key;
  }

  /** The rest of a row is missing, or all of it. @returns Whether there was one. */
  tear(prefix: number, chance: Chance): boolean {
    const row = this.#anyRow(prefix, chance);
    if (row === undefined) return false;
    const left = Math.floor(2 * chance.next() * row.value.length) - row.value.length;
    const { key } = row;
    if (left <= 0) this.#rows.delete(key);
    else this.#rows.set({ key, value: row.value.slice(0, left) });
    return true;
  }

  #anyRow(prefix: number, chance: Chance): StoreRow | undefined {
    const most = { limit: Number.POSITIVE_INFINITY };
    const rows = this.#rows.between(Uint8Array.of(prefix), Uint8Array.of(prefix + 1), most);
    return rows[Math.floor(chance.next() * rows.length)];
  }
}

/** One process's hold on a disk. */
export class DiskHandle implements Store {
  readonly #disk: SimDisk;
  readonly #rows: SortedRows;
  readonly #options: SimDiskOptions;
  #isDead = false;
  #isClosed = false;
  #lastWrite: Promise<void> = Promise.resolve();
  /** Handed to the disk, and not known to be on it. */
  #unsynced: readonly StoreOp[] | undefined;
  #failure: HoldfastError | undefined;
  /** Only for a fault that is planted: what was there before the last write. */
  #before: readonly (readonly [key: Uint8Array, row: StoreRow | undefined])[] = [];

  constructor(disk: SimDisk, rows: SortedRows, options: SimDiskOptions) {
    this.#disk = disk;
    this.#rows = rows;
    this.#options = options;
  }

  get(key: Uint8Array): Promise<Uint8Array | undefined> {
    return this.#whileAlive(() => this.#valueOf(key));
  }

  getMany(keys: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]> {
    return this.#whileAlive(() => keys.map((key) => this.#valueOf(key)));
  }

  scan(range: ScanRange): Promise<StoreRow[]> {
    return this.#whileAlive(() => {
      const { from, to, reverse } = range;
      const rows = this.#rows;
      const found =
        reverse === true ? rows.betweenReverse(from, to, range) : rows.between(from, to, range);
      return this.#options.areBytesShared === true ? found : found.map(copyOfRow);
    });
  }

  async each(range: StoreRange, visit: (row: StoreRow) => void): Promise<void> {
    for (const row of await this.scan({ ...range, limit: Number.POSITIVE_INFINITY })) visit(row);
  }

  write(ops: readonly StoreOp[]): Promise<void> {
    const { bug } = this.#options;
    const given = bug?.ops?.(ops) ?? ops;
    // The caller may reuse its bytes.
    const taken = this.#options.areBytesShared === true ? given : given.map(copyOf);
    const written = this.#lastWrite.then(() => this.#commit(taken));
    this.#lastWrite = written.catch(() => {});
    if (bug?.patienceMs !== undefined) return this.#within(bug.patienceMs, written);
    return bug?.isHasty === true ? this.#alive() : written;
  }

  /** Only for a fault that is planted. */
  #within(patienceMs: number, written: Promise<void>): Promise<void> {
    const late = new Promise<void>((resolve) => this.#options.time.wakeIn(patienceMs, resolve));
    return Promise.race([written, late]);
  }

  /** It keeps nothing of what was deleted. */
  compact(): Promise<void> {
    return this.#alive();
  }

  async close(): Promise<void> {
    await this.#lastWrite;
    await this.#alive();
    this.#isClosed = true;
  }

  die(): void {
    this.#isDead = true;
    const { chance, bug } = this.#options;
    const unsynced = this.#unsynced ?? [];
    this.#unsynced = undefined;
    if (bug?.isUnsynced === true && chance.next() < 0.5) this.#takeBack();
    if (unsynced.length === 0 || chance.next() < 0.5) return;
    const isTorn = bug?.isTorn === true;
    this.#apply(isTorn ? unsynced.filter(() => chance.next() < 0.5) : unsynced);
  }

  async #commit(ops: readonly StoreOp[]): Promise<void> {
    await this.#alive();
    if (this.#failure) throw this.#failure;
    this.#unsynced = ops;
    this.#options.onSync?.();
    await new Promise<void>((resolve) => this.#options.time.wakeIn(this.#disk.syncMs, resolve));
    await this.#alive();
    this.#unsynced = undefined;
    const { isFull, failing } = this.#disk;
    if (isFull || (failing > 0 && this.#options.chance.next() < failing)) {
      // Whether it is there nobody knows until the store is opened again.
      if (this.#options.chance.next() < 0.5) this.#apply(ops);
      if (this.#options.bug?.isDeaf === true) return;
      this.#failure = new HoldfastError('HF_JOURNAL_FAILED', {
        why: isFull ? 'no space left' : 'the sync failed',
      });
      throw this.#failure;
    }
    this.#apply(ops);
  }

  #takeBack(): void {
    for (const [key, row] of this.#before) {
      if (row === undefined) this.#rows.delete(key);
      else this.#rows.set(row);
    }
  }

  #apply(ops: readonly StoreOp[]): void {
    if (this.#options.bug?.isUnsynced === true) {
      this.#before = ops.map(({ key }) => [key, this.#rows.get(key)]);
    }
    for (const op of ops) {
      if (op.kind === 'put') this.#rows.set(op);
      else this.#rows.delete(op.key);
    }
    this.#options.onDurable?.(ops);
  }

  #valueOf(key: Uint8Array): Uint8Array | undefined {
    const value = this.#rows.get(key)?.value;
    return this.#options.areBytesShared === true ? value : value?.slice();
  }

  /** What a dead process asks for stays pending. */
  #whileAlive<T>(look: () => T): Promise<T> {
    if (this.#isDead) return never;
    if (this.#isClosed) return Promise.reject(new HoldfastError('HF_AGENT_CLOSED'));
    this.#options.onAwait?.();
    return this.#isDead ? never : Promise.resolve(look());
  }

  #alive(): Promise<void> {
    return this.#whileAlive(() => undefined);
  }
}

function copyOfRow({ key, value }: StoreRow): StoreRow {
  return { key: key.slice(), value: value.slice() };
}

function copyOf(op: StoreOp): StoreOp {
  const key = op.key.slice();
  if (op.kind === 'delete') return { kind: 'delete', key };
  return { kind: 'put', key, value: op.value.slice() };
}
