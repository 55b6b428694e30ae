import type { BatchItem, Command, Lane, PerLane, Report } from '@holdfast/protocol';

/** Where a lane of the journal stands. Hashes are those of the chain at that seq. */
export interface LanePosition {
  readonly head: number;
  readonly headHash: Uint8Array;
  readonly acked: number;
  readonly ackedHash: Uint8Array;
}

export interface ReadLimits {
  readonly entriesMax: number;
  /** Bytes of the entries; at least one entry is returned whatever its size. */
  readonly bytesMax: number;
}

/** What the uplink needs of the journal. */
export interface UplinkJournal {
  readonly epoch: number;
  /** Of its machine; what is journaled now is stamped with it. */
  readonly boot: number;
  /** What is durable now. */
  positions(): PerLane<LanePosition>;
  /**
   * Consecutive entries from `seqFirst` on, with what goes beside them, and the chain's hash before
   * the first.
   */
  read(
    lane: Lane,
    seqFirst: number,
    limits: ReadLimits,
  ): Promise<{ readonly previousHash: Uint8Array; readonly entries: readonly BatchItem[] }>;
  /**
   * Records that the ledger holds everything through `watermark`. May become durable later: a lost
   * one costs a resend that the ledger recognises.
   */
  acknowledge(lane: Lane, watermark: number): void;
  /** Calls `listener` after each commit that added entries. @returns Stops. */
  onCommit(listener: () => void): () => void;
}

/** What the uplink needs of the runtime. */
export interface UplinkRuntime {
  /** Number of the last command applied. */
  lastCommand(): number;
  /**
   * Applies commands in order, each in one commit with its effect and its receipt. Skips those
   * with a number ≤ lastCommand; stops at a gap. Resolves once they are durable.
   */
  applyCommands(commands: readonly Command[]): Promise<void>;
  /** The present, as the store and the memory have it. */
  report(): Promise<Report>;
}
