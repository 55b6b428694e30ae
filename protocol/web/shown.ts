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
  /** Why it has failed or is stuck, in a few words; empty: it is neither, or nobody knows. */
  readonly why: string;
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
  /** What that is to it: its input, its result; empty: nothing. */
  readonly valueIs: string;
  /** Of what began a run: what the idempotency keys of its steps begin with; empty: of others. */
  readonly uid: string;
}

/** Why something that was asked for is not there. */
export interface ShownProblem {
  /** Stable, see docs/ERRORS.md. */
  readonly code: string;
  readonly title: string;
  readonly detail: string;
  readonly hint: string;
}

/** A code and a step, as somebody would say where it went wrong. */
export function reasonText(
  reason: { readonly code: string | null; readonly step: string | null } | null,
): string {
  if (reason === null) return '';
  const { code, step } = reason;
  return [code ?? '', step === null ? '' : `at ${step}`].filter((each) => each !== '').join(' ');
}

/** What the value of an entry of this kind is to it, in the words of a person. */
export function valueNameOf(kind: string): string {
  if (/\.(started|requested)$/.test(kind)) return 'input';
  if (/\.(failed|retrying)$/.test(kind)) return 'error';
  if (kind.endsWith('.completed')) return 'output';
  if (/\.(stuck|cancelled|paused|retried)$/.test(kind)) return 'reason';
  return kind === 'run.status' ? 'status' : 'payload';
}

const finalStates = ['completed', 'failed', 'cancelled'];

/** Whether a run in this state has ended. */
export function isFinal(state: string): boolean {
  return finalStates.includes(state);
}
