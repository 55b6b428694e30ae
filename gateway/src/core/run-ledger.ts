import type { Stamp } from './device-clock.ts';

/** Why a run stands still: no more than may be told of anything. */
export interface RunReason {
  /** Of an error of Holdfast; the name of another one; empty: it is not known. */
  readonly code: string;
  /** The operation that failed, or that a stuck run was at; empty: it was none. */
  readonly step: string;
}

/** A projection: the state of a run as far as its entries have arrived. */
export interface LedgerRun {
  readonly device: string;
  readonly run: string;
  readonly workflow: string;
  readonly state: string;
  /** Why it has failed or is stuck; `undefined`: it is neither. */
  readonly reason: RunReason | undefined;
  /** What the workflow said of itself last, as an encoded value; empty: nothing. */
  readonly status: Uint8Array;
  /** When it began, and its newest entry, by the clocks of the device. */
  readonly started: Stamp;
  readonly updated: Stamp;
  readonly epoch: number;
  /** Entries of this run that have arrived. */
  readonly entries: number;
  /** Orders runs by their arrival here; newer is higher. */
  readonly ordinal: number;
}

/** What the ledger tells of runs. */
export interface RunLedger {
  /**
   * Runs of one device, or of all; newest first, at most `limit`, with an ordinal < before. Fewer
   * than `limit`: these were the last.
   */
  runs(query: {
    readonly device?: string | undefined;
    /** This one alone, of that device. */
    readonly run?: string | undefined;
    /** Only in one of these states; of all devices. It looks at no others. */
    readonly states?: readonly string[] | undefined;
    readonly before?: number | undefined;
    readonly limit: number;
  }): Promise<readonly LedgerRun[]>;
}
