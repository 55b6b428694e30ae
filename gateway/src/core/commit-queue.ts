import { HoldfastError, assert, hex, type Store } from '@holdfast/protocol';
import { Draft, type LedgerState } from './ledger-draft.ts';
import type { View, Work } from './ledger-store.ts';

interface Queued {
  readonly work: Work<unknown>;
  readonly resolve: (value: never) => void;
  readonly reject: (error: HoldfastError) => void;
}

/** Bytes of work in one transaction: bounds what a write holds in memory and how long it takes. */
const TRANSACTION_BYTES_MAX = 16 * 1024 * 1024;

/**
 * Commits work in the order it came. While one write is in flight, work queues; the next write
 * takes all of it: an idle ledger pays one sync a batch, a busy one shares it. No timer.
 */
export class CommitQueue {
  readonly #store: Store;
  readonly #state: LedgerState;
  readonly #view: View;
  #queue: Queued[] = [];
  #running: Promise<void> | undefined;
  #failure: HoldfastError | undefined;

  constructor(store: Store, state: LedgerState) {
    this.#store = store;
    this.#state = state;
    this.#view = {
      get: (key) => store.get(key),
      getMany: (keys) => store.getMany(keys),
      scan: (range) => store.scan(range),
      device: (device) => state.devices.get(device),
    };
  }

  /**
   * Does the work and resolves with its result once that is durable, and all before it.
   *
   * @throws HF_LEDGER_FAILED once a write has failed: nobody knows what the disk holds.
   */
  submit<T>(work: Work<T>): Promise<T> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    return new Promise<T>((resolve, reject) => {
      this.#queue.push({ work, resolve, reject });
      this.#running ??= this.#run();
    });
  }

  /** Resolves once nothing is queued or in flight. */
  async idle(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  async #run(): Promise<void> {
    await undefined; // Let all work of this turn share the first write.
    while (this.#queue.length > 0) await this.#commit(this.#take());
    this.#running = undefined;
  }

  #take(): readonly Queued[] {
    let bytes = 0;
    const end = this.#queue.findIndex(({ work }) => (bytes += work.bytes) > TRANSACTION_BYTES_MAX);
    return this.#queue.splice(0, end < 0 ? this.#queue.length : Math.max(1, end));
  }

  async #commit(group: readonly Queued[]): Promise<void> {
    assert(group.length > 0, 'a commit has work to do');
    try {
      if (this.#failure !== undefined) throw this.#failure;
      const results = await this.#write(group.map(({ work }) => work));
      // The result at an index is that of the work at it, so it has the type that was promised.
      group.forEach(({ resolve }, index) => resolve(results[index] as never));
    } catch (cause) {
      this.#failure ??= new HoldfastError('HF_LEDGER_FAILED', { cause });
      for (const { reject } of group) reject(this.#failure);
    }
  }

  async #write(works: readonly Work<unknown>[]): Promise<readonly unknown[]> {
    const [stored] = await Promise.all([
      this.#load(works.flatMap((work) => work.reads(this.#view))),
      ...works.map((work) => work.prepare?.(this.#view)),
    ]);
    const draft = new Draft(this.#state, stored);
    const results = works.map((work) => work.apply(draft));
    const ops = draft.ops();
    if (ops.length > 0) await this.#store.write(ops);
    draft.settle();
    return results;
  }

  async #load(keys: readonly Uint8Array[]): Promise<ReadonlyMap<string, Uint8Array | undefined>> {
    const wanted = new Map(keys.map((key) => [hex(key), key]));
    if (wanted.size === 0) return new Map();
    const values = await this.#store.getMany([...wanted.values()]);
    return new Map(Array.from(wanted.keys(), (id, index) => [id, values[index]]));
  }
}
