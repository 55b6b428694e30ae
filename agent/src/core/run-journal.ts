import {
  codeOf,
  valueIn,
  withValue,
  type EntryBody,
  type Lane,
  type StoreOp,
} from '@holdfast/protocol';
import { sealBody, type OpenEntry } from './contents.ts';
import type { Instant } from './device-time.ts';
import type { Outcome } from './group-commit.ts';
import type { Draft, EntryRef, Journal } from './journal.ts';
import type { Seal } from './mark.ts';
import type { RuntimePorts } from './ports.ts';
import type { Rider } from './rider.ts';
import type { Run } from './run.ts';
import type { RunRecord } from './run-record.ts';
import { sealOf } from './run-seals.ts';
import { layout } from './run-store.ts';
import { splitDraft } from './value-parts.ts';
import type { RunState } from './views.ts';

/** An entry of a run without what the journal adds. `seal`: what of its value leaves. */
export type RunEntryBody = EntryBody extends infer B
  ? B extends { run: string; n: number }
    ? Omit<B, 'run' | 'n'> & { readonly seal?: Seal | undefined }
    : never
  : never;

/** A durable timer that is set, or dropped, in the same commit. */
export interface TimerChange {
  readonly op: number;
  /** `undefined`: dropped. */
  readonly due: Instant | undefined;
}

export interface RunAppend {
  readonly lane?: Lane;
  readonly timer?: TimerChange | undefined;
  /** Further changes of the same commit. */
  readonly ops?: readonly StoreOp[];
  /** Entries of other runs in the same commit. */
  readonly with?: readonly RunEntry[];
  /** What else is to be in the same commit. */
  readonly rider?: Rider | undefined;
}

/** An entry and the run it belongs to. */
export interface RunEntry {
  readonly run: Run;
  readonly body: RunEntryBody;
  readonly lane?: Lane;
}

/** An entry with its place in the history of its run. */
interface PlacedEntry {
  readonly of: Run;
  readonly draft: Draft;
  /** What it is made of, where it is journaled with less of its value, or in parts. */
  readonly whole: { readonly body: RunEntryBody; readonly seal: Seal | undefined } | undefined;
}

/** What is in a commit besides entries of runs. */
interface Extra {
  readonly ops: readonly StoreOp[];
  readonly rider?: Rider | undefined;
}

/** Whom to tell what becomes of entries, once they were fed to their runs. */
interface Told {
  readonly durable: () => void;
  readonly refused: (error: unknown) => void;
}

const none: readonly StoreOp[] = [];

export interface RunJournalListener {
  /** A run has been fed an entry that is durable. */
  readonly onDurable: (run: Run, entry: OpenEntry) => void;
  /** An entry of a run was not taken: it is on its way no more. */
  readonly onRefused: (run: Run) => void;
}

/** Appends entries of runs: each with its place in the history, in one commit. */
export class RunJournal {
  readonly #journal: Journal;
  readonly #ports: Pick<RuntimePorts, 'chance' | 'sha256'>;
  readonly #listener: RunJournalListener;

  constructor(
    journal: Journal,
    ports: Pick<RuntimePorts, 'chance' | 'sha256'>,
    listener: RunJournalListener,
  ) {
    this.#journal = journal;
    this.#ports = ports;
    this.#listener = listener;
  }

  /**
   * Journals an entry of a run and, once it is durable, feeds it to the run.
   *
   * @throws HF_VALUE_TOO_LARGE before anything was changed; HF_JOURNAL_FAILED, HF_AGENT_CLOSED.
   */
  append(run: Run, body: RunEntryBody, options: RunAppend = {}): Promise<void> {
    return new Promise((durable, refused) => this.#add(run, body, options, { durable, refused }));
  }

  /**
   * The same for what the run's own code causes. A journal that fails or closes is not the code's
   * failure: the operation stays pending, and goes on from the store at the next start.
   */
  appendOwn(run: Run, body: RunEntryBody, options: RunAppend = {}): Promise<void> {
    return new Promise((durable, reject) => {
      if (run.closed) return;
      const refused = (error: unknown): void => {
        if (codeOf(error) === 'HF_VALUE_TOO_LARGE') reject(error);
      };
      this.#add(run, body, options, { durable, refused });
    });
  }

  /** The same for several entries, of several runs, as one. */
  appendAll(
    entries: readonly RunEntry[],
    ops: readonly StoreOp[] = none,
    rider?: Rider,
  ): Promise<void> {
    return new Promise((durable, refused) =>
      this.#addAll(entries, { ops, rider }, { durable, refused }),
    );
  }

  #add(run: Run, body: RunEntryBody, options: RunAppend, told: Told): void {
    const { timer, ops = none, lane = 'normal', rider } = options;
    const own = { run, body, lane };
    const entries = options.with === undefined ? [own] : [own, ...options.with];
    const all = timer === undefined ? ops : [timerOp(run, timer), ...ops];
    this.#addAll(entries, { ops: all, rider }, told);
  }

  #addAll(entries: readonly RunEntry[], { ops, rider }: Extra, told: Told): void {
    const placed: PlacedEntry[] = [];
    try {
      for (const each of entries) this.#place(each, placed);
    } catch (error) {
      return told.refused(error);
    }
    for (const { of } of placed) of.inFlight += 1;
    const outcome: Outcome = {
      durable: (refs) => {
        for (const { of } of placed) of.inFlight -= 1;
        for (let index = 0; index < placed.length; index += 1) {
          this.#feed(placed[index], refs[index]);
        }
        told.durable();
      },
      refused: (error) => {
        for (const { of } of placed) of.inFlight -= 1;
        for (const { of } of placed) if (!of.closed) this.#listener.onRefused(of);
        told.refused(error);
      },
    };
    const drafts = placed.map(({ draft }) => draft);
    const opsOf = () => {
      for (const { of } of placed) of.n += 1;
      const woken = wake(placed);
      return woken.length === 0 ? ops : [...woken, ...ops];
    };
    if (rider !== undefined) {
      rider.append(this.#journal, drafts, opsOf).then(outcome.durable, outcome.refused);
      return;
    }
    try {
      this.#journal.enqueue(drafts, opsOf, outcome);
    } catch (error) {
      outcome.refused(error);
    }
  }

  /** Adds an entry, before it the parts of its value where it has some. */
  #place({ run, body, lane = 'normal' }: RunEntry, placed: PlacedEntry[]): void {
    let n = run.n;
    for (const before of placed) if (before.of === run) n += 1;
    const seal = sealOf(body, run);
    // A body, a run and a place make a whole entry body again.
    const entryBody = Object.assign({ run: run.id, n }, body) as EntryBody;
    const { number } = run.facts;
    const draft: Draft =
      seal === undefined
        ? { lane, body: entryBody, run: number }
        : { lane, run: number, ...sealBody(entryBody, seal, this.#ports) };
    const split = splitDraft(draft, this.#journal);
    const whole = seal === undefined && split.length === 1 ? undefined : { body, seal };
    for (const each of split) placed.push({ of: run, draft: each, whole });
  }

  #feed(placed: PlacedEntry | undefined, ref: EntryRef | undefined): void {
    if (placed === undefined || ref === undefined || ref.entry.kind === 'value.part') return;
    const { of, whole } = placed;
    // The run itself goes on with what was given.
    const entry: OpenEntry =
      whole === undefined
        ? ref.entry
        : { ...withValue(ref.entry, valueIn(whole.body)), seal: whole.seal };
    of.feed([entry]);
    this.#listener.onDurable(of, entry);
  }
}

function timerOp(run: Run, { op, due }: TimerChange): StoreOp {
  return layout.timer(run.facts.number, op, due);
}

/** The records of runs that waited say so no more, or count no crashes any more. */
function wake(placed: readonly PlacedEntry[]): StoreOp[] {
  const ops: StoreOp[] = [];
  for (const { of: run } of placed) {
    if (run.closed || (!run.parked && run.crashes === 0)) continue;
    run.parked = false;
    run.crashes = 0;
    ops.push(layout.openRecord(run.facts.number, recordOf(run, 'running')));
  }
  return ops;
}

/** What the store is to know of a run in this state. */
export function recordOf(run: Run, state: RunState): RunRecord {
  const { id, uid, workflow, version, startedAtMs, parent, parentOp, place, subject } = run.facts;
  const standing = run.standing();
  const stuck = state === 'stuck' ? run.stuck : undefined;
  // Named one by one: adding to a copy of an object takes V8 microseconds a field.
  return {
    id,
    uid,
    workflow,
    version,
    startedAtMs,
    parent,
    parentOp,
    place,
    subject,
    state,
    n: run.n,
    crashes: run.crashes,
    isContinued: false,
    hasContents: run.progress.hasContents,
    updatedAtMs: run.progress.updatedAtMs || startedAtMs,
    status: run.progress.status,
    at: standing.at,
    attempt: standing.attempt,
    nextAtMs: standing.nextAtMs,
    stuckCode: stuck?.code ?? '',
    stuckReason: stuck?.message ?? '',
  };
}
