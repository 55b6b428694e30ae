import { HoldfastError, encodeValue, type EntryBody, type Lane } from '@holdfast/protocol';
import { fullOf, usedBytes, type Budget, type Kept } from './budget.ts';
import type { Trouble } from './journal-recovery.ts';

export interface AdmissionParts {
  /** Absent: entries may take anything. */
  readonly budget?: Budget | undefined;
  /** Why the disk has no room for new work. Absent: nobody looks. */
  readonly shortage?: (() => HoldfastError | undefined) | undefined;
  readonly journal: Kept;
  readonly trouble: () => Trouble | undefined;
  /** Bytes that wait for a commit. */
  readonly queueBytes: () => number;
  /** Journals a fact for the cloud. */
  readonly emit: (body: EntryBody) => void;
}

/** Bytes that may wait for a commit before new work is refused. */
const QUEUE_BYTES_MAX = 64 * 1024 * 1024;

/** Decides whether new work from outside is taken. What is under way never asks. */
export class Admission {
  readonly #parts: AdmissionParts;
  /** New work is being refused with this, and so many pieces of it were. */
  #refusing: { readonly code: string; count: number } | undefined;

  constructor(parts: AdmissionParts) {
    this.#parts = parts;
  }

  /** Why there is no room for new work: on the disk, or in the budget. */
  get full(): HoldfastError | undefined {
    const { budget, shortage, journal } = this.#parts;
    const short = shortage?.();
    if (short !== undefined || budget === undefined) return short;
    return usedBytes(journal) >= budget.refuseAt ? fullOf(budget) : undefined;
  }

  /** @throws HF_JOURNAL_BUSY, HF_JOURNAL_FAILED, HF_JOURNAL_FULL, HF_DISK_FULL */
  check(lane: Lane): void {
    const { trouble, queueBytes } = this.#parts;
    const failed = trouble();
    if (failed !== undefined) throw failed.error;
    const { full } = this;
    if (full === undefined) this.#accept();
    else if (!this.#givesWay(lane, full)) throw this.#refuse(full);
    if (queueBytes() <= QUEUE_BYTES_MAX) return;
    throw new HoldfastError('HF_JOURNAL_BUSY', { details: { queueBytes: queueBytes() } });
  }

  /** The bulk lane makes room for itself, as long as the budget is not at its very end. */
  #givesWay(lane: Lane, full: HoldfastError): boolean {
    const { budget, journal } = this.#parts;
    if (lane !== 'bulk' || budget === undefined || full.code !== 'HF_JOURNAL_FULL') return false;
    if (usedBytes(journal) >= budget.maxBytes) throw full;
    return true;
  }

  /** The cloud is to know what the callers were told: the reserve is also for that. */
  #refuse(full: HoldfastError): HoldfastError {
    const { code } = full;
    if (this.#refusing === undefined) {
      this.#refusing = { code, count: 0 };
      this.#parts.emit(factOf('holdfast.refusing', { code, why: full.why ?? full.message }));
    }
    this.#refusing.count += 1;
    return full;
  }

  #accept(): void {
    if (this.#refusing === undefined) return;
    const { code, count } = this.#refusing;
    this.#refusing = undefined;
    this.#parts.emit(factOf('holdfast.accepting', { code, refused: count }));
  }
}

/** An event of the agent itself. */
export function factOf(name: string, payload: Readonly<Record<string, unknown>>): EntryBody {
  return { kind: 'event.emitted', run: '', n: 0, op: 0, name, payload: encodeValue(payload) };
}
