import {
  codeOf,
  valueIn,
  withValue,
  type Entry,
  type EntryBody,
  type Lane,
  type StoreOp,
} from '@holdfast/protocol';
import { sealBody, type OpenEntry } from './contents.ts';
import type { Instant } from './device-time.ts';
import type { Draft, EntryRef, Journal } from './journal.ts';
import type { Seal } from './mark.ts';
import type { RuntimePorts } from './ports.ts';
import { appendWith, type Rider } from './rider.ts';
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
  readonly run: Run;
  readonly n: number;
  readonly body: RunEntryBody;
  readonly seal: Seal | undefined;
  readonly draft: Draft;
  /** Its value is in parts. */
  readonly isSplit: boolean;
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
    const { timer, ops = none, lane = 'normal', rider } = options;
    const own = { run, body, lane };
    const entries = options.with === undefined ? [own] : [own, ...options.with];
    const all = timer === undefined ? ops : [timerOp(run, timer), ...ops];
    return this.appendAll(entries, all, rider);
  }

  /** The same for several entries, of several runs, as one. */
  async appendAll(
    entries: readonly RunEntry[],
    ops: readonly StoreOp[] = none,
    rider?: Rider,
  ): Promise<void> {
    const ends = new Map<Run, number>();
    const placed = entries.flatMap((each) => {
      const n = ends.get(each.run) ?? each.run.n;
      const split = this.#place(each, n);
      ends.set(each.run, n + split.length);
      return split;
    });
    const drafts = placed.map((each) => each.draft);
    const opsOf = (refs: readonly EntryRef[]) => [...rowsOf(placed, refs), ...wake(ends), ...ops];
    let refs: readonly EntryRef[];
    for (const run of ends.keys()) run.inFlight += 1;
    try {
      refs = await appendWith(this.#journal, rider, drafts, opsOf);
    } catch (error) {
      for (const run of ends.keys()) if (!run.closed) this.#listener.onRefused(run);
      throw error;
    } finally {
      for (const run of ends.keys()) run.inFlight -= 1;
    }
    placed.forEach((each, index) => this.#feed(each, refs[index]));
  }

  /** An entry, and the parts of its value where it has some. */
  #place({ run, body, lane = 'normal' }: RunEntry, n: number): readonly PlacedEntry[] {
    const seal = sealOf(body, run);
    // A body, a run and a place make a whole entry body again.
    const whole = Object.assign({ run: run.id, n }, body) as EntryBody;
    const draft = seal ? { lane, ...sealBody(whole, seal, this.#ports) } : { lane, body: whole };
    const split = splitDraft(draft, this.#journal);
    const isSplit = split.length > 1;
    return split.map((each) => {
      const place = each.body.kind === 'value.part' ? each.body.n : n;
      return { run, n: place, body, seal, draft: each, isSplit };
    });
  }

  #feed({ run, body, seal, isSplit }: PlacedEntry, ref: EntryRef | undefined): void {
    if (ref === undefined || ref.entry.kind === 'value.part') return;
    const isOpen = seal === undefined && !isSplit;
    const entry = isOpen ? ref.entry : openAgain(ref.entry, body, seal);
    run.feed([entry]);
    this.#listener.onDurable(run, entry);
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

/** The rows that say where in their runs' histories the entries stand. */
function rowsOf(placed: readonly PlacedEntry[], refs: readonly EntryRef[]): StoreOp[] {
  return refs.flatMap((ref, index) => {
    const each = placed[index];
    return each === undefined ? [] : [layout.history(each.run.facts.number, each.n, ref)];
  });
}

/** These runs have so many entries now. @returns What their records are to say. */
function wake(ends: ReadonlyMap<Run, number>): StoreOp[] {
  const ops: StoreOp[] = [];
  for (const [run, n] of ends) {
    run.n = n;
    ops.push(...wakeOps(run));
  }
  return ops;
}

/** The run itself goes on with what was given. */
function openAgain(entry: Entry, body: RunEntryBody, seal: Seal | undefined): OpenEntry {
  return { ...withValue(entry, valueIn(body)), seal };
}

function timerOp(run: Run, { op, due }: TimerChange): StoreOp {
  return layout.timer(run.facts.number, op, due);
}

/** The record of a run that waited says so no more, or counts no crashes any more. */
function wakeOps(run: Run): StoreOp[] {
  if (run.closed || (!run.parked && run.crashes === 0)) return [];
  run.parked = false;
  run.crashes = 0;
  return [layout.openRecord(run.facts.number, recordOf(run, 'running'))];
}

function never(): Promise<never> {
  return new Promise(() => {});
}

/** What the store is to know of a run in this state. */
export function recordOf(run: Run, state: RunState): RunRecord {
  const { number: _, ...facts } = run.facts;
  const standing = run.standing();
  const stuck = state === 'stuck' ? run.stuck : undefined;
  return {
    ...{ ...facts, state, n: run.n, crashes: run.crashes, isContinued: false },
    hasContents: run.progress.hasContents,
    updatedAtMs: run.progress.updatedAtMs || facts.startedAtMs,
    status: run.progress.status,
    at: standing.at,
    attempt: standing.attempt,
    nextAtMs: standing.nextAtMs,
    stuckCode: stuck?.code ?? '',
    stuckReason: stuck?.message ?? '',
  };
}
