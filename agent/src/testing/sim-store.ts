import {
  HoldfastError,
  hex,
  type ScanRange,
  type Store,
  type StoreOp,
  type StoreRange,
  type StoreRow,
  type Visit,
} from '@holdfast/protocol';

/** Whether the batch of a failed write is there after the crash: nobody who writes can know. */
export type Outcome = 'lost' | 'kept';

type Rows = ReadonlyMap<string, StoreRow>;

const never = new Promise<never>(() => {});

/**
 * A store in memory that fails on demand. A write becomes visible and durable in the moment in
 * which its promise resolves; writes take effect in call order.
 */
export class SimStore implements Store {
  readonly #rows: Map<string, StoreRow>;
  /** Keys in order; `undefined` after a change of the set of keys, until the next scan. */
  #sorted: string[] | undefined;
  /** What a failed write has put on the disk without saying so. */
  readonly #unseen: StoreOp[] = [];
  #life: 'open' | 'closed' | 'dead' = 'open';
  #lastWrite: Promise<void> = Promise.resolve();
  #held: { readonly released: Promise<void>; readonly release: () => void } | undefined;
  #failNext: { readonly error: unknown; readonly outcome: Outcome } | undefined;
  #failAt: { readonly number: number; readonly outcome: Outcome } | undefined;
  #failure: HoldfastError | undefined;
  readonly #reopenFailures: unknown[] = [];
  #writes = 0;
  #bytesRead = 0;
  readonly #writesBefore: number;

  constructor(rows: Rows = new Map(), writesBefore = 0) {
    this.#rows = new Map(rows);
    this.#writesBefore = writesBefore;
  }

  /** Number of writes that the disk has, of all lives. */
  get writesEver(): number {
    return this.#writesBefore + this.#writes + (this.#unseen.length > 0 ? 1 : 0);
  }

  /** Number of writes that have resolved. */
  get writes(): number {
    return this.#writes;
  }

  /** Bytes of the values that many at a time were read of. */
  get bytesRead(): number {
    return this.#bytesRead;
  }

  /**
   * The process dies: nothing that this object still has queued happens, and none of its promises
   * settles any more. What was acknowledged is in the store that is returned.
   */
  crash(): SimStore {
    this.#life = 'dead';
    const next = new SimStore(this.#rows, this.writesEver);
    for (const op of this.#unseen) next.#apply(op);
    return next;
  }

  /** The next write rejects with HF_JOURNAL_FAILED, and every one after it, as on a real disk. */
  failNextWrite(error: unknown = new Error('no space left'), outcome: Outcome = 'lost'): void {
    this.#failNext = { error, outcome };
  }

  /**
   * As after closing and opening: what the failed write has put on the disk is seen, and writes
   * are taken. Rejects as often as `failReopen` said.
   */
  async reopen(): Promise<void> {
    await this.#alive();
    if (this.#reopenFailures.length > 0) throw this.#reopenFailures.shift();
    for (const op of this.#unseen.splice(0)) this.#apply(op);
    this.#failure = undefined;
  }

  /** The next reopenings reject with these, one after another. */
  failReopen(...errors: readonly unknown[]): void {
    this.#reopenFailures.push(...errors);
  }

  /** The write that would be the `number`th to resolve fails like `failNextWrite`. */
  failWriteNumber(number: number, outcome: Outcome): void {
    this.#failAt = { number, outcome };
  }

  /** Writes wait from now on: their callers see neither success nor failure. */
  holdWrites(): void {
    let release = (): void => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    this.#held ??= { released, release };
  }

  releaseWrites(): void {
    this.#held?.release();
    this.#held = undefined;
  }

  async get(key: Uint8Array): Promise<Uint8Array | undefined> {
    await this.#alive();
    return this.#rows.get(hex(key))?.value.slice();
  }

  async getMany(keys: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]> {
    await this.#alive();
    const values = keys.map((key) => this.#rows.get(hex(key))?.value.slice());
    this.#bytesRead += values.reduce((sum, value) => sum + (value?.byteLength ?? 0), 0);
    return values;
  }

  async scan(range: ScanRange): Promise<StoreRow[]> {
    await this.#alive();
    this.#sorted ??= [...this.#rows.keys()].toSorted();
    const first = firstNotBelow(this.#sorted, hex(range.from));
    const beyond = Math.max(first, firstNotBelow(this.#sorted, hex(range.to)));
    const keys =
      range.reverse === true
        ? this.#sorted.slice(Math.max(first, beyond - range.limit), beyond).toReversed()
        : this.#sorted.slice(first, Math.min(beyond, first + range.limit));
    const rows: StoreRow[] = [];
    let bytesLeft = range.bytesMax ?? Number.POSITIVE_INFINITY;
    for (const key of keys) {
      const row = this.#rows.get(key);
      if (row === undefined || bytesLeft <= 0) break;
      bytesLeft -= row.value.byteLength;
      rows.push(copyOf(row));
    }
    this.#bytesRead += rows.reduce((sum, { value }) => sum + value.byteLength, 0);
    return rows;
  }

  async each(range: StoreRange, visit: Visit): Promise<void> {
    const rows = await this.scan({ ...range, limit: Number.MAX_SAFE_INTEGER });
    for (const row of rows) await visit(row);
  }

  write(ops: readonly StoreOp[]): Promise<void> {
    const copies = ops.map(copyOf); // The caller may reuse its bytes.
    const written = this.#lastWrite.then(() => this.#commit(copies));
    this.#lastWrite = written.catch(() => {});
    return written;
  }

  /** It keeps nothing of what was deleted. */
  async compact(): Promise<void> {
    await this.#alive();
  }

  async close(): Promise<void> {
    if (this.#life === 'dead') return never;
    await this.#lastWrite;
    if (this.#life === 'open') this.#life = 'closed';
  }

  async #commit(ops: readonly StoreOp[]): Promise<void> {
    await this.#alive();
    if (this.#held) await this.#held.released;
    await this.#alive();
    if (this.#failAt?.number === this.#writes + 1) {
      this.failNextWrite(undefined, this.#failAt.outcome);
      this.#failAt = undefined;
    }
    if (this.#failNext) {
      const { error, outcome } = this.#failNext;
      this.#failNext = undefined;
      this.#failure = new HoldfastError('HF_JOURNAL_FAILED', { cause: error });
      if (outcome === 'kept') this.#unseen.push(...ops);
    }
    if (this.#failure) throw this.#failure;
    for (const op of ops) this.#apply(op);
    this.#writes += 1;
  }

  #apply(op: StoreOp): void {
    const key = hex(op.key);
    if (op.kind === 'delete') {
      if (this.#rows.delete(key)) this.#sorted = undefined;
      return;
    }
    if (!this.#rows.has(key)) this.#sorted = undefined;
    this.#rows.set(key, { key: op.key, value: op.value });
  }

  /** Stays pending in a dead process; a real one has no one left to hear of it either. */
  async #alive(): Promise<void> {
    if (this.#life === 'dead') return never;
    if (this.#life === 'closed') throw new HoldfastError('HF_AGENT_CLOSED');
  }
}

function copyOf<T extends StoreOp | StoreRow>(row: T): T {
  return 'value' in row
    ? { ...row, key: row.key.slice(), value: row.value.slice() }
    : { ...row, key: row.key.slice() };
}

function firstNotBelow(sorted: readonly string[], key: string): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] ?? '') < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
