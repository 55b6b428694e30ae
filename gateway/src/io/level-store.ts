import {
  HoldfastError,
  messageOf,
  type ScanRange,
  type Store,
  type StoreOp,
  type StoreRange,
  type StoreRow,
  type Visit,
} from '@holdfast/protocol';
import type { Level } from 'level';
import { loadLevel } from './level.ts';

export type LevelDb = Level<Uint8Array, Uint8Array>;

interface Compacting {
  compactRange(from: Uint8Array, to: Uint8Array): Promise<void>;
}

/** Sizes for a server: up to 2 × 8 + 32 MiB, and the index blocks of the open tables. */
const sizes = { writeBufferSize: 8 << 20, cacheSize: 32 << 20, maxOpenFiles: 512 } as const;

/** LevelDB's default of 16 KiB would make a scan of blocks go row by row. */
const SCAN_BYTES = 4 << 20;
const EACH_ROWS = 1_000;

/** @throws whatever LevelDB says, with its own code: its `open` hides that in the cause. */
export async function openLevel(dir: string, isNew: boolean): Promise<LevelDb> {
  const encodings = { keyEncoding: 'view', valueEncoding: 'view' } as const;
  const creation = { createIfMissing: isNew, errorIfExists: isNew, compression: true };
  const Loaded = await loadLevel();
  const db: LevelDb = new Loaded(dir, { ...sizes, ...encodings, ...creation });
  try {
    await db.open();
  } catch (error) {
    throw error instanceof Error && error.cause instanceof Error ? error.cause : error;
  }
  return db;
}

/** The ledger's store, over a LevelDB of its own. One write at a time: its caller sees to that. */
export class LevelStore implements Store {
  readonly #db: LevelDb;
  #failure: HoldfastError | undefined;

  constructor(db: LevelDb) {
    this.#db = db;
  }

  get(key: Uint8Array): Promise<Uint8Array | undefined> {
    return readable(this.#db.get(key));
  }

  getMany(keys: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]> {
    return readable(this.#db.getMany([...keys]));
  }

  scan(range: ScanRange): Promise<StoreRow[]> {
    return readable(this.#scan(range));
  }

  async each({ from, to }: StoreRange, visit: Visit): Promise<void> {
    const iterator = this.#db.iterator({ gte: from, lt: to });
    try {
      for (;;) {
        const found = await readable(iterator.nextv(EACH_ROWS));
        if (found.length === 0) return;
        for (const [key, value] of found) {
          const taken = visit({ key, value });
          if (taken instanceof Promise) await taken;
        }
      }
    } finally {
      await iterator.close();
    }
  }

  /** After a failure every later write is refused: LevelDB may lose those it then acknowledges. */
  async write(ops: readonly StoreOp[]): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    const batch = this.#db.batch();
    for (const op of ops) {
      if (op.kind === 'put') batch.put(op.key, op.value);
      else batch.del(op.key);
    }
    try {
      await batch.write({ sync: true });
    } catch (cause) {
      this.#failure = new HoldfastError('HF_LEDGER_FAILED', { why: messageOf(cause), cause });
      throw this.#failure;
    }
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
    const db = this.#db as LevelDb & Compacting;
    return readable(db.compactRange(from, to));
  }

  close(): Promise<void> {
    return this.#db.close();
  }

  async #scan({ from, to, limit, reverse = false }: ScanRange): Promise<StoreRow[]> {
    const bounds = { gte: from, lt: to, limit, reverse, highWaterMarkBytes: SCAN_BYTES };
    const iterator = this.#db.iterator(bounds);
    const rows: StoreRow[] = [];
    try {
      while (rows.length < limit) {
        // May give fewer than there are; only none means the end.
        const found = await iterator.nextv(limit - rows.length);
        if (found.length === 0) break;
        for (const [key, value] of found) rows.push({ key, value });
      }
    } finally {
      await iterator.close();
    }
    return rows;
  }
}

async function readable<T>(reading: Promise<T>): Promise<T> {
  try {
    return await reading;
  } catch (cause) {
    throw new HoldfastError('HF_STORE_DAMAGED', { why: messageOf(cause), cause });
  }
}
