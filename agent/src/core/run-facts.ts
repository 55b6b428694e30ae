import type { Seal } from './mark.ts';

/** Facts of a run that never change. */
export interface RunFacts {
  readonly number: number;
  readonly id: string;
  readonly uid: string;
  readonly workflow: string;
  readonly version: number;
  readonly startedAtMs: number;
  /** The run that began it as a child, and its operation there; empty and 0: none did. */
  readonly parent: string;
  readonly parentOp: number;
  /** Number of the run's first history. */
  readonly place: number;
  /** Whom it is about; empty: nobody. */
  readonly subject: string;
}

/** A signal that nobody has waited for yet. */
export interface KeptSignal {
  readonly id: string;
  /** Encoded value. */
  readonly payload: Uint8Array;
  readonly seal: Seal | undefined;
}
