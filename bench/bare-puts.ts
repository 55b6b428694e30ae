import { Level } from 'level';

/** Of the row of a small step. */
export const STEP_ROW_BYTES = 110;

interface Waiting {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  readonly done: () => void;
}

/**
 * The least that makes a row durable: LevelDB, one put or chained batch a sync, and callers that
 * share it. No entries, no chain, no history.
 */
export class BarePuts {
  readonly #db: Level<Uint8Array, Uint8Array>;
  #waiting: Waiting[] = [];
  #isWriting = false;
  #next = 0;

  private constructor(db: Level<Uint8Array, Uint8Array>) {
    this.#db = db;
  }

  /** @param dir Must not exist. */
  static async open(dir: string): Promise<BarePuts> {
    const db = new Level<Uint8Array, Uint8Array>(dir, {
      keyEncoding: 'view',
      valueEncoding: 'view',
    });
    await db.open();
    return new BarePuts(db);
  }

  /** Puts a second, by so many callers that each wait for one put at a time. */
  async rate(work: {
    readonly callers: number;
    readonly valueBytes: number;
    readonly ms: number;
  }): Promise<number> {
    let count = 0;
    const value = new Uint8Array(work.valueBytes).fill(7);
    const startedAt = performance.now();
    const endAt = startedAt + work.ms;
    const call = async (): Promise<void> => {
      while (performance.now() < endAt) {
        await this.put(value);
        count += 1;
      }
    };
    await Promise.all(Array.from({ length: work.callers }, call));
    return (count * 1_000) / (performance.now() - startedAt);
  }

  put(value: Uint8Array): Promise<void> {
    const key = new Uint8Array(12);
    new DataView(key.buffer).setUint32(8, this.#next++);
    return new Promise((done) => {
      this.#waiting.push({ key, value, done });
      if (!this.#isWriting) void this.#write();
    });
  }

  close(): Promise<void> {
    return this.#db.close();
  }

  async #write(): Promise<void> {
    this.#isWriting = true;
    await undefined; // Lets every put of this turn join.
    while (this.#waiting.length > 0) {
      const group = this.#waiting;
      this.#waiting = [];
      await this.#commit(group);
      for (const { done } of group) done();
    }
    this.#isWriting = false;
  }

  async #commit(group: readonly Waiting[]): Promise<void> {
    const [one] = group;
    if (one !== undefined && group.length === 1) {
      return this.#db.put(one.key, one.value, { sync: true });
    }
    const batch = this.#db.batch();
    for (const { key, value } of group) batch.put(key, value);
    return batch.write({ sync: true });
  }
}
