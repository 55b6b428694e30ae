/** An entry of the ledger, as the API of a gateway shows it. */
export interface LedgerRow {
  readonly lane: string;
  readonly epoch: number;
  readonly seq: number;
  readonly kind: string | null;
  readonly at?: string;
  readonly run?: string;
  readonly op?: unknown;
  readonly name?: string;
  readonly output?: unknown;
  readonly result?: unknown;
  /** Number of the command that it obeys; 0: none. */
  readonly command?: number;
  /** Of a receipt. */
  readonly outcome?: 'applied' | 'expired' | 'rejected';
  /** Of the command that a receipt is of. */
  readonly key?: string;
}
