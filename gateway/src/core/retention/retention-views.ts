export interface PruningsView {
  readonly schema: 'holdfast.prunings/1';
  readonly at: string;
  /** Newest first. */
  readonly prunings: readonly {
    readonly at: string | null;
    readonly entries: number;
    readonly bytes: number;
    readonly runs: number;
    readonly commands: number;
  }[];
}

export interface FleetRetention {
  /** Receipts of what was in the ledger for as long as it was to be. */
  prunings(limit: number): Promise<PruningsView>;
}
