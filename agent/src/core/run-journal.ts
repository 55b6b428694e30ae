import { codeOf, type EntryBody, type Lane, type StoreOp } from '@holdfast/protocol';
import type { Journal } from './journal.ts';
import type { Run } from './run.ts';
import type { RunRecord } from './run-record.ts';
import { layout } from './run-store.ts';
import type { RunState } from './views.ts';

/** An entry of a run without what the journal adds. */
export type RunEntryBody = EntryBody extends infer B
  ? B extends { run: string; n: number }
    ? Omit<B, 'run' | 'n'>
    : never
  : never;

/** A durable timer that is set, or dropped, in the same commit. */
export interface TimerChange {
  readonly op: number;
  /** `undefined`: dropped. */
  readonly dueAtMs: number | undefined;
}

export interface RunAppend {
  readonly lane?: Lane;
  readonly timer?: TimerChange | undefined;
  /** Further changes of the same commit. */
  readonly ops?: readonly StoreOp[];
}

/** Appends entries of runs: each with its place in the history, in one commit. */
export class RunJournal {
  readonly #journal: Journal;
  readonly #onDurable: (run: Run) => void;

  /** `onDurable` is told of runs that have been fed a durable entry. */
  constructor(journal: Journal, onDurable: (run: Run) => void) {
    this.#journal = journal;
    this.#onDurable = onDurable;
  }

  /**
   * Journals an entry of a run and, once it is durable, feeds it to the run.
   *
   * @throws HF_VALUE_TOO_LARGE before anything was changed; HF_JOURNAL_FAILED, HF_AGENT_CLOSED.
   */
  async append(run: Run, body: RunEntryBody, options: RunAppend = {}): Promise<void> {
    const { lane = 'normal', timer, ops = [] } = options;
    const number = run.facts.number;
    const { n } = run;
    // A body, a run and a place make a whole entry body again.
    const whole = { ...body, run: run.id, n } as EntryBody;
    const [ref] = await this.#journal.append([{ lane, body: whole }], ([placed]) => {
      run.n = n + 1;
      const wake = run.parked ? [layout.openRecord(number, recordOf(run, 'running'))] : [];
      run.parked = false;
      return [
        ...(placed ? [layout.history(number, n, placed)] : []),
        ...(timer ? [layout.timer(number, timer.op, timer.dueAtMs)] : []),
        ...wake,
        ...ops,
      ];
    });
    if (ref === undefined) return;
    run.feed([ref.entry]);
    this.#onDurable(run);
  }

  /**
   * The same for what the run's own code causes. A journal that fails or closes is not the code's
   * failure: the operation stays pending, and goes on from the store at the next start.
   */
  async appendOwn(run: Run, body: RunEntryBody, options: RunAppend = {}): Promise<void> {
    if (run.closed) return never();
    try {
      await this.append(run, body, options);
    } catch (error) {
      if (codeOf(error) === 'HF_VALUE_TOO_LARGE') throw error;
      return never();
    }
  }
}

function never(): Promise<never> {
  return new Promise(() => {});
}

/** What the store is to know of a run in this state. */
export function recordOf(run: Run, state: RunState): RunRecord {
  const { id, uid, workflow, version, startedAtMs } = run.facts;
  const standing = run.standing();
  const stuck = run.stuck && { code: run.stuck.code, reason: run.stuck.message };
  return {
    ...{ id, uid, workflow, version, startedAtMs, state, n: run.n },
    updatedAtMs: run.progress.updatedAtMs || startedAtMs,
    status: run.progress.status,
    at: standing.at,
    attempt: standing.attempt,
    nextAtMs: standing.nextAtMs,
    stuckCode: state === 'stuck' ? (stuck?.code ?? '') : '',
    stuckReason: state === 'stuck' ? (stuck?.reason ?? '') : '',
  };
}
