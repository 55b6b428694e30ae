import { displayValue, sealKindOf, type Entry, type EntryOf } from '@holdfast/protocol';
import type { RunReason } from './run-ledger.ts';

export const REASON_CODE_LENGTH_MAX = 64;

/** What of a run's history tells why it stands still; `n` is the place in that history. */
export interface ReasonMarks {
  /** Of the error that it failed with or is stuck by; empty: neither, or it is not known. */
  readonly code: string;
  /** The operation that is under way; no name: none is. */
  readonly op: { readonly name: string; readonly n: number };
  /** The newest operation that failed, and with what code; no name: none did. */
  readonly fault: { readonly name: string; readonly n: number; readonly code: string };
}

export const noMarks: ReasonMarks = {
  code: '',
  op: { name: '', n: 0 },
  fault: { name: '', n: 0, code: '' },
};

type RunEntry = Extract<Entry, { readonly run: string }>;

/** Takes an entry in, in any order between lanes. */
export function markOperation({ op, fault }: ReasonMarks, entry: RunEntry): Partial<ReasonMarks> {
  const { n } = entry;
  switch (entry.kind) {
    case 'run.continued':
      return { op: noMarks.op, fault: noMarks.fault };
    case 'run.retried':
      return n >= fault.n ? { fault: { name: '', n, code: '' } } : {};
    case 'step.started':
    case 'step.retrying':
    case 'step.handed':
    case 'timer.set':
    case 'call.requested':
      return n >= op.n ? { op: { name: entry.name, n } } : {};
    case 'step.completed':
    case 'timer.fired':
    case 'call.completed':
    case 'child.completed':
      return n >= op.n ? { op: { name: '', n } } : {};
    case 'step.failed':
    case 'call.failed':
    case 'child.failed': {
      const { name } = entry;
      return {
        ...(n >= op.n && { op: { name: '', n } }),
        ...(n >= fault.n && { fault: { name, n, code: thrownBy(entry) } }),
      };
    }
    default:
      return {};
  }
}

/** The code of the error that an operation's failure is to the workflow. */
function thrownBy(entry: EntryOf<'step.failed' | 'call.failed' | 'child.failed'>): string {
  if (entry.kind === 'call.failed') return 'HF_CALL_FAILED';
  if (entry.kind === 'child.failed') return 'HF_CHILD_FAILED';
  const isCut = errorCode(entry.error) === 'HF_STEP_INTERRUPTED';
  return isCut ? 'HF_STEP_INTERRUPTED' : 'HF_STEP_FAILED';
}

/** What an entry that a run stands still by says of the reason; empty: it says nothing. */
export function codeIn(entry: RunEntry): string {
  if (entry.kind === 'run.stuck') return isName(entry.code) ? entry.code : '';
  return entry.kind === 'run.failed' ? errorCode(entry.error) : '';
}

/** Why a run has failed or is stuck; `undefined`: it is neither. */
export function reasonOf({
  state,
  code,
  op,
  fault,
}: ReasonMarks & { readonly state: string }): RunReason | undefined {
  if (state === 'stuck') return { code, step: op.name };
  // What the workflow threw by itself, after a failure that it had caught, is of no operation.
  return state === 'failed' ? { code, step: fault.code === code ? fault.name : '' } : undefined;
}

/**
 * The code of an error of Holdfast, the name of another one. Never what it says, nor anything of a
 * value that was marked: this stays when that is erased. A name that is none could be anything.
 */
function errorCode(encoded: Uint8Array): string {
  if (sealKindOf(encoded) !== undefined) return '';
  const shown = displayValue(encoded);
  if (typeof shown !== 'object' || shown === null || !('$' in shown) || shown.$ !== 'error') {
    return '';
  }
  const { code, name } = shown as { readonly code?: unknown; readonly name?: unknown };
  if (typeof code === 'string' && code.startsWith('HF_') && isName(code)) return code;
  return typeof name === 'string' && isName(name) ? name : '';
}

function isName(text: string): boolean {
  return text.length <= REASON_CODE_LENGTH_MAX && /^[A-Za-z][\w.]*$/.test(text);
}
