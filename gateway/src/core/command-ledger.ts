import type { Command } from '@holdfast/protocol';
import type { Dispatch, DispatchOrder, DispatchedCommand, Outcome, Tag } from './dispatch.ts';
import type { DeviceRecord } from './ledger.ts';

/** What devices are told to do, and what became of it. */
export interface CommandLedger {
  /** Commands of a device with number > after, in order. */
  commands(query: {
    readonly device: string;
    readonly after: number;
    readonly limit: number;
  }): Promise<readonly Command[]>;

  /**
   * Gives a device these tags in the place of those it had. Durable once it resolves; `undefined`:
   * the device was never seen.
   */
  tag(change: {
    readonly device: string;
    readonly tags: readonly Tag[];
  }): Promise<DeviceRecord | undefined>;

  /**
   * Issues a command to devices in one transaction: each gets it with its next number. One that has
   * it already, by the id of the dispatch, is passed over, as is one that was never seen. Durable
   * once it resolves; `false`, and nothing is changed: another content has that id.
   */
  issue(order: DispatchOrder): Promise<boolean>;

  /** `undefined`: nothing was issued under this id. */
  dispatch(id: string): Promise<Dispatch | undefined>;

  /** Dispatches, the newest first, that were issued before the one with the ordinal `before`. */
  dispatches(query: {
    readonly before?: number | undefined;
    readonly limit: number;
  }): Promise<readonly Dispatch[]>;

  /**
   * What became of a dispatch, in the order of the ids of devices, behind that of `after`. Not more
   * than `limit` are looked at, so that a page may have fewer of an outcome, or none.
   */
  dispatched(query: {
    readonly id: string;
    readonly after?: string | undefined;
    /** On this one alone. */
    readonly device?: string | undefined;
    /** Default: all. */
    readonly outcome?: Outcome | undefined;
    readonly limit: number;
  }): Promise<{
    readonly commands: readonly DispatchedCommand[];
    /** Where to go on; `undefined`: this was the last page. */
    readonly next: string | undefined;
  }>;
}
