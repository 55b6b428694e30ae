import type { Op } from './op.ts';
import type { Run } from './run.ts';

/** What a run asks of the runtime. */
export interface RunHost {
  /** Makes the first live effect of an operation. Told once an operation of a live run begins. */
  begin(run: Run, op: Op): void;
  /** An operation of a live run was cancelled: what it began elsewhere is to end too. */
  abandoned(run: Run, op: Op): void;
  /** The same while the body of a step that can be undone is at work: that is to be journaled. */
  doubted(run: Run, op: Op): void;
  /** Its code has ended while it was not being driven. */
  returned(run: Run): void;
  log(run: Run, message: string, fields: Readonly<Record<string, unknown>>): void;
}

/** How the code of a run ended. */
export type Outcome =
  | { readonly kind: 'returned'; readonly value: unknown }
  | { readonly kind: 'threw'; readonly error: unknown }
  /** Goes on in a new history with this input, encoded. */
  | { readonly kind: 'continues'; readonly input: Uint8Array };
