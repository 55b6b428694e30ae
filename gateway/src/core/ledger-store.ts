import type { Store, StoreRange } from '@holdfast/protocol';
import type { SqlClient } from './handler-ports.ts';
import type { Draft } from './ledger-draft.ts';
import type { DeviceRecord } from './ledger.ts';

/** Ids that are looked at for one page of a search. */
export const SEARCHED_MAX = 50_000;

export type Reads = Pick<Store, 'get' | 'getMany' | 'scan'>;

/** What a transaction sees before anything is done in it. */
export interface View extends Reads {
  /** One of the devices that the work names. */
  device(device: string): DeviceRecord | undefined;
}

/** One piece of work on the ledger, done whole or not at all. */
export interface Work<T> {
  /** Whose records and rows it may change: nobody else does meanwhile. */
  readonly devices: readonly string[];
  /** Rows that `apply` may read. */
  readonly reads: (view: View) => readonly Uint8Array[];
  /** What it weighs in memory, bytes. */
  readonly bytes: number;
  /** How many ordinals it may give out, at most. Default: none. */
  readonly ordinals?: number;
  /** Whether it may put blocks in the place of others. Default: no. */
  readonly rewrites?: boolean;
  /** Whether it erases, or heeds what was erased: no two such works go on at once. */
  readonly erasure?: 'makes' | 'heeds';
  /** Looks up what is no single row, just before `apply`. All three may be called again. */
  readonly prepare?: ((view: View) => Promise<void>) | undefined;
  readonly apply: (draft: Draft) => T;
}

/**
 * Where a ledger keeps its rows, and its transactions over them: the seam between what a ledger
 * does and where it does it. Keys compare as bytes.
 */
export interface LedgerStore extends Reads {
  /** As it is durable now; `undefined`: never seen. */
  device(device: string): Promise<DeviceRecord | undefined>;
  /** Those of these that were ever seen, in no order. */
  devicesOf(devices: readonly string[]): Promise<readonly DeviceRecord[]>;
  /**
   * Ids in their order. Where some are searched for, not all that are behind `after` are looked at:
   * `next` is where to go on, `undefined` at the end.
   */
  deviceIds(query: {
    readonly after?: string | undefined;
    readonly search?: string | undefined;
    readonly limit: number;
  }): Promise<{ readonly ids: readonly string[]; readonly next: string | undefined }>;
  /** How many there are, without counting them. */
  deviceCount(): Promise<number>;
  /**
   * Does the work and resolves with its result once that is durable. Works of one device are done
   * in the order they came.
   *
   * @throws HF_LEDGER_FAILED when nothing can be written any more; HF_LEDGER_UNAVAILABLE when
   *   it was not done, or nobody knows: it may be tried again.
   */
  submit<T>(work: Work<T>): Promise<T>;
  /**
   * Does the work that follows from what `body` gives, in one transaction with what that writes.
   * Where the work gives `undefined`, or anything throws, nothing of either is there.
   *
   * @throws What `body` throws; HF_HANDLER_TRANSACTION where there is no database.
   */
  submitWith<V, T>(
    body: (sql: SqlClient) => Promise<V>,
    workOf: (value: V) => Work<T>,
  ): Promise<T>;
  /**
   * Has keys be one owner's for a while, but for those that are another's. @returns Whose they are:
   * true, the owner's.
   */
  claim(claim: {
    readonly keys: readonly Uint8Array[];
    readonly owner: string;
    readonly forMs: number;
  }): Promise<readonly boolean[]>;
  /** Has what was deleted in a range leave the files too, as far as the store can. */
  compact(range: StoreRange): Promise<void>;
  /** Waits for work that was submitted. */
  close(): Promise<void>;
}
