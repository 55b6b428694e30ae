import { mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  HoldfastError,
  messageOf,
  type ErrorCode,
  type ScanRange,
  type Store,
  type StoreOp,
  type StoreRange,
  type StoreRow,
  type Visit,
} from '@holdfast/protocol';
import type { Level } from 'level';
import { loadLevel } from './level.ts';

type Db = Level<Uint8Array, Uint8Array>;
type Batch = ReturnType<Db['batch']>;

const encodings = { keyEncoding: 'view', valueEncoding: 'view' } as const;
/** Encodings are named again for `put`, which copies the options otherwise. */
const synced = Object.freeze({ sync: true, ...encodings });

interface Compacting {
  compactRange(from: Uint8Array, to: Uint8Array): Promise<void>;
}

/** Sizes for a small board: up to 2 x 2 + 2 MiB, and the index blocks of the open tables. */
const levelOptions = {
  ...encodings,
  compression: true,
  writeBufferSize: 2 << 20,
  cacheSize: 2 << 20,
  maxOpenFiles: 128,
} as const;

const SCAN_BYTES = 1 << 20;
/** Read at a time where all of a table is looked at. More of them at once outlive their use. */
const EACH_BYTES = 16 << 10;
const EACH_ROWS = 1_000;

/** A store that can be had anew after a write of it was rejected. */
export interface ReopenableStore extends Store {
  /**
   * Closes the files and, once `look` has resolved, opens them anew. Until then reads wait and
   * writes are refused. Rejects with what `look` throws, HF_JOURNAL_FAILED or HF_STORE_DAMAGED;
   * it stays closed then, and may be called again.
   */
  reopen(look: () => Promise<void>): Promise<void>;
}

/**
 * A store in a LevelDB of its own. Every write is synced before it resolves; writes take effect
 * in call order, one at a time.
 */
class LevelStore implements ReopenableStore {
  readonly #dir: string;
  #db: Db;
  /** Between its closing and its opening anew. */
  #absence: { readonly over: Promise<void>; readonly end: () => void } | undefined;
  /** Of the writes so far, well or not; `undefined`: all are through. */
  #writing: Promise<void> | undefined;
  #failure: HoldfastError | undefined;
  #closing: Promise<void> | undefined;

  constructor(dir: string, db: Db) {
    this.#dir = dir;
    this.#db = db;
  }

  get(key: Uint8Array): Promise<Uint8Array | undefined> {
    return this.#read(async (db) => ownBytes(await db.get(key)));
  }

  getMany(keys: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]> {
    return this.#read(async (db) => (await db.getMany([...keys])).map(ownBytes));
  }

  scan(range: ScanRange): Promise<StoreRow[]> {
    return this.#read(async (db) => {
      const { from, to, limit, bytesMax = Infinity, reverse = false } = range;
      const highWaterMarkBytes = Math.min(SCAN_BYTES, bytesMax);
      const options = { gte: from, lt: to, limit, reverse, highWaterMarkBytes };
      const iterator = db.iterator(options);
      const rows: StoreRow[] = [];
      try {
        for (;;) {
          // May be fewer than there are; only none means the end.
          const batch = await iterator.nextv(limit - rows.length);
          for (const [key, value] of batch) rows.push({ key: plain(key), value: plain(value) });
          if (batch.length === 0 || rows.length >= limit) return rows;
          if (bytesMax <= SCAN_BYTES) return rows;
        }
      } finally {
        await iterator.close();
      }
    });
  }

  async each({ from, to }: StoreRange, visit: Visit): Promise<void> {
    this.#checkOpen();
    await this.#absence?.over;
    const own = this.#db;
    const iterator = own.iterator({ gte: from, lt: to, highWaterMarkBytes: EACH_BYTES });
    try {
      for (;;) {
        const batch = await this.#read((db) => {
          // What it would go on with is of another moment.
          if (db !== own) throw openedAnew();
          return iterator.nextv(EACH_ROWS);
        });
        if (batch.length === 0) return;
        for (const [key, value] of batch) {
          const taken = visit({ key: plain(key), value: plain(value) });
          if (taken instanceof Promise) await taken;
        }
      }
    } finally {
      await iterator.close();
    }
  }

  /**
   * Takes the bytes of the ops at the call. After one failure every later write is refused with
   * it: LevelDB would acknowledge writes that it then loses at the next start.
   */
  async write(ops: readonly StoreOp[]): Promise<void> {
    this.#checkOpen();
    if (this.#failure) throw this.#failure;
    const [op] = ops;
    const isOne = ops.length === 1 && op?.kind === 'put' && this.#writing === undefined;
    const written = isOne ? this.#put(op) : this.#commit(this.#batch(ops), this.#writing);
    const over = (): void => {
      if (this.#writing === through) this.#writing = undefined;
    };
    const through = written.then(over, over);
    this.#writing = through;
    await written;
  }

  async compact({ from, to }: StoreRange): Promise<void> {
    // What is still in memory may have gone to a table as it was, below those that are merged: with
    // something above it all over the range, it is merged too.
    await this.#compactRange(from, to);
    await this.write([
      { kind: 'delete', key: from },
      { kind: 'delete', key: to },
    ]);
    await this.#compactRange(from, to);
  }

  #compactRange(from: Uint8Array, to: Uint8Array): Promise<void> {
    // In Node, `Level` is ClassicLevel, which its types do not say.
    return this.#read((db) => (db as Db & Compacting).compactRange(from, to));
  }

  async reopen(look: () => Promise<void>): Promise<void> {
    this.#checkOpen();
    this.#failure ??= openedAnew();
    this.#absence ??= absence();
    await this.#writing;
    await this.#db.close();
    await look();
    this.#checkOpen();
    this.#db = await openDb(this.#dir);
    this.#failure = undefined;
    this.#absence.end();
    this.#absence = undefined;
  }

  /** Resolves once earlier writes are through and the files are closed. */
  close(): Promise<void> {
    this.#closing ??= this.#closeFiles();
    this.#absence?.end();
    return this.#closing;
  }

  async #closeFiles(): Promise<void> {
    await this.#writing;
    await this.#db.close();
  }

  /** One row needs nothing around it, which takes as long as all else on the way to the disk. */
  async #put({ key, value }: Extract<StoreOp, { readonly kind: 'put' }>): Promise<void> {
    try {
      await this.#db.put(key, value, synced);
    } catch (cause) {
      throw this.#failed(cause);
    }
  }

  /** Four times faster than an array for a thousand ops. */
  #batch(ops: readonly StoreOp[]): Batch {
    const batch = this.#db.batch();
    for (const op of ops) {
      if (op.kind === 'put') batch.put(op.key, op.value);
      else batch.del(op.key);
    }
    return batch;
  }

  async #commit(batch: Batch, earlier: Promise<void> | undefined): Promise<void> {
    if (earlier !== undefined) await earlier;
    if (this.#failure) {
      await batch.close();
      throw this.#failure;
    }
    try {
      await batch.write(synced);
    } catch (cause) {
      throw this.#failed(cause);
    }
  }

  #failed(cause: unknown): HoldfastError {
    this.#failure = new HoldfastError('HF_JOURNAL_FAILED', { why: messageOf(cause), cause });
    return this.#failure;
  }

  async #read<T>(read: (db: Db) => Promise<T>): Promise<T> {
    this.#checkOpen();
    if (this.#absence) return this.#readLater(read);
    const db = this.#db;
    try {
      return await read(db);
    } catch (cause) {
      if (cause instanceof HoldfastError) throw cause;
      // It was closed under the read, and may be there again already.
      const isAway = this.#absence !== undefined || this.#db !== db;
      if (isAway && !this.#closing) return this.#readLater(read);
      if (this.#closing) throw new HoldfastError('HF_AGENT_CLOSED', { cause });
      const isRefusal = systemRefusal.test(messageOf(cause));
      const code = isRefusal ? 'HF_JOURNAL_FAILED' : 'HF_STORE_DAMAGED';
      throw new HoldfastError(code, { why: messageOf(cause), cause });
    }
  }

  async #readLater<T>(read: (db: Db) => Promise<T>): Promise<T> {
    await this.#absence?.over;
    return this.#read(read);
  }

  #checkOpen(): void {
    if (this.#closing) throw new HoldfastError('HF_AGENT_CLOSED');
  }
}

function openedAnew(): HoldfastError {
  return new HoldfastError('HF_JOURNAL_FAILED', { why: 'the store is opened anew' });
}

function absence(): { readonly over: Promise<void>; readonly end: () => void } {
  let end = (): void => {};
  const over = new Promise<void>((resolve) => {
    end = resolve;
  });
  return { over, end };
}

/**
 * Opens the store in `dir`, which must exist.
 *
 * @throws HF_STORE_LOCKED, HF_STORE_DAMAGED; HF_JOURNAL_FAILED when the disk is full or fails:
 * LevelDB writes before it can read.
 */
export async function openStore(dir: string): Promise<ReopenableStore> {
  return new LevelStore(dir, await openDb(dir));
}

async function openDb(dir: string): Promise<Db> {
  const db = await openLevel(dir, false);
  try {
    // LevelDB has begun a new log and renamed CURRENT, and syncs neither name.
    await syncFile(dir);
    return db;
  } catch (cause) {
    await db.close();
    throw new HoldfastError('HF_JOURNAL_FAILED', { why: messageOf(cause), cause });
  }
}

/**
 * Makes a new store with its first rows and opens it. A power cut leaves either none or one that
 * opens.
 *
 * @param dir Must not exist; its parent must.
 * @param fill Is told where the store is for now: what it puts there comes along.
 * @throws HF_JOURNAL_FAILED.
 */
export async function createStore(
  dir: string,
  initialOps: readonly StoreOp[],
): Promise<ReopenableStore> {
  await makeStore(dir, (store) => store.write(initialOps));
  return openStore(dir);
}

/**
 * Makes a new store, has it filled, and closes it. It is made in `dir.new`, synced, and renamed:
 * a power cut leaves either none or a full one.
 *
 * @param dir Must not exist; its parent must.
 * @throws HF_JOURNAL_FAILED.
 */
export async function makeStore(
  dir: string,
  fill: (store: Store, dir: string) => Promise<void>,
): Promise<void> {
  const side = `${dir}.new`;
  try {
    await rm(side, { recursive: true, force: true });
    await mkdir(side, { mode: 0o700 });
    const store = new LevelStore(side, await openLevel(side, true));
    try {
      await fill(store, side);
    } finally {
      await store.close();
    }
    for (const name of await readdir(side)) await syncFile(join(side, name));
    await syncFile(side);
    await rename(side, dir);
    await syncFile(dirname(dir));
  } catch (cause) {
    if (cause instanceof HoldfastError) throw cause;
    throw new HoldfastError('HF_JOURNAL_FAILED', { why: messageOf(cause), cause });
  }
}

/** Brings a file, or the names in a directory, to stable storage. */
export async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

async function openLevel(dir: string, isNew: boolean): Promise<Db> {
  const options = { ...levelOptions, createIfMissing: isNew, errorIfExists: isNew };
  const LevelDb = await loadLevel();
  const db: Db = new LevelDb(dir, options);
  try {
    await db.open();
    return db;
  } catch (error) {
    // Says only that it is not open; what happened is its cause.
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
    const why = `${dir}: ${messageOf(cause)}`;
    throw new HoldfastError(openFailureCode(cause), { why, details: { dir }, cause });
  }
}

/** The process may not, or has run out of something: that says nothing about the store. */
const systemRefusal = /too many open files|permission denied|not permitted|cannot allocate memory/i;
/** What passes: the files themselves may be as they should. */
const diskFailure = /no space left|quota exceeded|read-only file|input\/output error|stale file/i;

function openFailureCode(cause: unknown): ErrorCode {
  if (systemRefusal.test(messageOf(cause))) return 'HF_DATA_DIR_UNUSABLE';
  if (cause instanceof Error && 'code' in cause && cause.code === 'LEVEL_LOCKED') {
    return 'HF_STORE_LOCKED';
  }
  return diskFailure.test(messageOf(cause)) ? 'HF_JOURNAL_FAILED' : 'HF_STORE_DAMAGED';
}

function ownBytes(value: Uint8Array | undefined): Uint8Array | undefined {
  return value === undefined ? undefined : plain(value);
}

/** LevelDB's binding gives Buffers, each with memory of its own, whatever the encoding says. */
function plain(value: Uint8Array): Uint8Array {
  return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
}
