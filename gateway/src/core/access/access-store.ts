import type { ScanRange, StoreOp, StoreRange, StoreRow } from '@holdfast/protocol';

export interface AccessChange<T> {
  readonly ops: readonly StoreOp[];
  readonly value: T;
}

/** Where users, tokens, sessions and the audit log are kept: rows, by keys of `access-rows`. */
export interface AccessStore {
  get(key: Uint8Array): Promise<Uint8Array | undefined>;
  scan(range: ScanRange): Promise<StoreRow[]>;
  count(range: StoreRange): Promise<number>;
  /**
   * Does work that reads and then writes, alone: no other gateway changes anything meanwhile. It
   * resolves with what the work returns once what that had written is durable, and is seen by all
   * who have the store open. Where the work throws, nothing was changed.
   */
  change<T>(work: () => Promise<AccessChange<T>>): Promise<T>;
  close(): Promise<void>;
}
