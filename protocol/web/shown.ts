import type { Lane } from '@holdfast/protocol';

/** What pages show, wherever they have it from: the gateway's ledger or the device's journal. */

export interface ShownRun {
  /** Of a page that shows one device: always the same. */
  readonly device: string;
  readonly id: string;
  readonly workflow: string;
  readonly state: string;
  /** What the workflow said of itself last. */
  readonly status: unknown;
  readonly startedAt: string | null;
  readonly updatedAt: string | null;
}

export interface ShownEntry {
  readonly lane: Lane;
  readonly seq: number;
  /** `null`: of a kind that is not known here. */
  readonly kind: string | null;
  readonly at: string | null;
  /** When the gateway got it, where that is known here. */
  readonly arrivedAt: string | null;
  /** The gateway does not have it yet. */
  readonly isPending: boolean;
  /** Empty: it is of no run. */
  readonly run: string;
  readonly name: string;
  /** Place in the history of its run. */
  readonly n: number;
  /** Number of its operation; 0: it is of none. */
  readonly op: number;
  readonly attempt: number;
  readonly tookMs: number;
  /** `null`: not known here. */
  readonly bytes: number | null;
  /** What it carries; `null`: nothing. */
  readonly value: unknown;
}

/** Why something that was asked for is not there. */
export interface ShownProblem {
  /** Stable, see docs/ERRORS.md. */
  readonly code: string;
  readonly title: string;
  readonly detail: string;
  readonly hint: string;
}

const finalStates = ['completed', 'failed', 'cancelled'];

/** Whether a run in this state has ended. */
export function isFinal(state: string): boolean {
  return finalStates.includes(state);
}
