import {
  HoldfastError,
  assert,
  decodeValue,
  messageOf,
  type Entry,
  type EntryOf,
} from '@holdfast/protocol';
import { CancelScope } from './cancel-scope.ts';
import { Compensations } from './compensations.ts';
import { createContext, undoPolicy, type ContextHost } from './context.ts';
import { applyEntry, type HistoryTarget } from './history-fold.ts';
import { cancelOp, freshOp, settleOp, type Op, type OpKind, type OpRequest } from './op.ts';
import { Progress, type Standing } from './progress.ts';
import { standingOf } from './standing.ts';
import type { Workflow } from './workflow.ts';

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
}

/** What a run asks of the runtime. */
export interface RunHost {
  /** Makes the first live effect of an operation. Told once an operation of a live run begins. */
  begin(run: Run, op: Op): void;
  /** Its code has ended while it was not being driven. */
  returned(run: Run): void;
  log(run: Run, message: string, fields: Readonly<Record<string, unknown>>): void;
}

export type Outcome =
  | { readonly kind: 'returned'; readonly value: unknown }
  | { readonly kind: 'threw'; readonly error: unknown }
  /** Goes on in a new history with this input, encoded. */
  | { readonly kind: 'continues'; readonly input: Uint8Array };

/**
 * One run in memory: the user's code, and the history it is fed with.
 *
 *   feed(history) ──► replaying ──(history is used up)──► live ──► ended
 *                         └──(code and history disagree)──► stuck
 *
 * The code runs once from its beginning. Entries of the history are handed to it one at a time, in
 * their order, and everything that can go on does before the next one comes: so the code takes the
 * same course in every replay, whatever it awaits in parallel. An operation without an outcome is a
 * promise that stays pending: suspending throws nothing that user code could catch.
 */
export class Run implements ContextHost, HistoryTarget {
  readonly facts: RunFacts;
  readonly progress = new Progress();
  readonly ops = new Map<number, Op>();
  readonly scope = new CancelScope();
  nowMs = 0;
  /** Position in the history that the next entry of this run gets. */
  n = 0;
  live = false;
  outcome: Outcome | undefined;
  stuck: HoldfastError | undefined;
  /** A person holds it: nothing new is begun. */
  paused = false;
  /** Its final entry is on its way or durable, or it was put away: nothing more is begun. */
  closed = false;
  /** The store's record says that it waits: whatever wakes it must say so in the same commit. */
  parked = false;
  /** Ends of the process while it was at work, and nothing of it was journaled since. */
  crashes = 0;

  readonly #whenLive: (() => void)[] = [];
  readonly #host: RunHost;
  readonly #code: Workflow | undefined;
  #history: Entry[] = [];
  /** First entry of `#history` that the code has not been handed. */
  #next = 0;
  /** What history calls each operation first; known while it is replayed. */
  readonly #mentions = new Map<number, string>();
  readonly #open = new Map<number, Op>();
  readonly #signals = new Map<string, Uint8Array[]>();
  readonly #compensations = new Compensations();
  #begun = false;
  /** True while code may run: from handing it something until everything has settled. */
  #driven = false;
  #inStep: string | undefined;

  constructor(facts: RunFacts, code: Workflow | undefined, host: RunHost) {
    this.facts = facts;
    this.#code = code;
    this.#host = host;
  }

  get id(): string {
    return this.facts.id;
  }
  get uid(): string {
    return this.facts.uid;
  }
  get workflow(): string {
    return this.facts.workflow;
  }
  get replaying(): boolean {
    return !this.live;
  }
  /** Whether entries wait to be handed to the code. */
  get hasWork(): boolean {
    return !this.closed && this.#next < this.#history.length && this.stuck === undefined;
  }
  /** Signals that nobody has waited for, in order, by name. */
  get keptSignals(): ReadonlyMap<string, readonly Uint8Array[]> {
    return this.#signals;
  }

  /** Adds durable entries of this run, in the order of their `n`. */
  feed(entries: readonly Entry[]): void {
    for (const entry of entries) {
      this.progress.add(entry);
      this.#history.push(entry);
      if (this.live || !('op' in entry) || !('name' in entry)) continue;
      if (!this.#mentions.has(entry.op)) {
        this.#mentions.set(entry.op, `${entry.kind} ${entry.name}`);
      }
    }
  }

  /**
   * Hands entries to the code up to the first that lets it go on. The caller then lets everything
   * settle and calls `endTurn`.
   */
  drive(): void {
    this.#driven = true;
    while (this.hasWork) {
      const entry = this.#history[this.#next];
      this.#next += 1;
      if (entry !== undefined && this.#apply(entry)) return;
    }
  }

  /** Ends the turn that `drive` began; goes live once the history is used up. */
  endTurn(): void {
    this.#driven = false;
    if (this.#next < this.#history.length || this.stuck !== undefined) return;
    this.#history = [];
    this.#next = 0;
    if (this.live) return;
    this.live = true;
    this.#mentions.clear();
    this.beginOpen();
    for (const resolve of this.#whenLive.splice(0)) resolve();
  }

  /** Begins what was asked for and not begun yet. */
  beginOpen(): void {
    for (const op of this.#open.values()) this.#begin(op);
  }

  /** Resolves once the history is used up. Stays pending for a run that is stuck. */
  untilLive(): Promise<void> {
    return this.live ? Promise.resolve() : new Promise((done) => this.#whenLive.push(done));
  }

  request(request: OpRequest, scope: CancelScope): Promise<unknown> {
    this.#checkUse(`${request.kind} ${request.name}`);
    if (scope.reason !== undefined) return Promise.reject(scope.reason);
    return new Promise((resolve, reject) => {
      const number = this.ops.size + 1;
      const op: Op = { number, request, scope, resolve, reject, ...freshOp };
      this.ops.set(number, op);
      this.#open.set(number, op);
      if (request.kind === 'wait' && this.#takeSignal(op)) return;
      if (this.live) this.#begin(op);
    });
  }

  patched(name: string, scope: CancelScope): boolean {
    this.#checkUse(`patched ${name}`);
    const mention = this.#mentions.get(this.ops.size + 1);
    if (mention !== undefined && mention !== `patch.marked ${name}`) return false;
    // Later entries stand behind this one in the journal: nothing needs to wait for it.
    this.request({ kind: 'patch', name }, scope).catch(() => undefined);
    return true;
  }

  continueAsNew(input: Uint8Array): Promise<never> {
    this.#checkUse('continueAsNew');
    this.outcome ??= { kind: 'continues', input };
    return new Promise(() => {});
  }

  /** Cancels a part of the run from its own code. */
  cancelScope(scope: CancelScope, reason: HoldfastError): void {
    scope.cancel(reason);
    for (const op of this.#open.values()) {
      if (op.scope.reason === undefined) continue;
      cancelOp(op, op.scope.reason);
      this.settled(op);
    }
  }

  log(message: string, fields: Readonly<Record<string, unknown>>): void {
    this.#host.log(this, message, fields);
  }

  /** Runs the synchronous part of a step's body; `ctx` is refused while it lasts. */
  insideStep<T>(name: string, body: () => T): T {
    this.#inStep = name;
    try {
      return body();
    } finally {
      this.#inStep = undefined;
    }
  }

  /** The operations whose outcome the code still lacks, in order. */
  open(): Op[] {
    return [...this.#open.values()];
  }

  /** Whether the code has ended and nothing that it began has to be finished any more. */
  isDone(): boolean {
    if (!this.live || this.closed || this.outcome === undefined || this.hasWork) return false;
    return !this.open().some((op) => effects.has(op.request.kind));
  }

  /** Whether only the outside can make it go on: nothing of it is at work here. */
  isWaiting(): boolean {
    if (!this.live || this.closed || this.hasWork) return false;
    const open = this.open();
    if (this.paused) return open.every((op) => !op.attempting);
    return open.length > 0 && open.every((op) => !op.attempting && waits.has(op.request.kind));
  }

  standing(): Standing {
    return this.live && !this.closed && !this.stuck ? standingOf(this) : this.progress.standing();
  }

  start(entry: EntryOf<'run.started'>): boolean {
    assert(!this.#begun, 'a run starts once');
    this.#begun = true;
    if (this.#code === undefined) {
      throw new HoldfastError('HF_WORKFLOW_UNKNOWN', {
        why: `run ${this.id} is of workflow ${this.workflow} version ${this.facts.version}`,
      });
    }
    // The input is what the workflow's own type says: it was checked when the run was started.
    const input = decodeValue(entry.input) as never;
    void this.#runCode(this.#code, input);
    return true;
  }

  signal(entry: EntryOf<'signal.received'>): boolean {
    const { name, payload } = entry;
    const isFor = (op: Op): boolean => op.request.kind === 'wait' && op.request.name === name;
    const waiting = this.open().find(isFor);
    if (waiting !== undefined) {
      settleOp(waiting, { value: decodeValue(payload) });
      this.settled(waiting);
      return true;
    }
    const kept = this.#signals.get(name);
    if (kept) kept.push(payload);
    else this.#signals.set(name, [payload]);
    return false;
  }

  cancel(entry: EntryOf<'cancel.requested'>): boolean {
    this.cancelScope(this.scope, new HoldfastError('HF_RUN_CANCELLED', { why: entry.reason }));
    return true;
  }

  pause(isPaused: boolean): boolean {
    this.paused = isPaused;
    if (!isPaused && this.live) this.beginOpen();
    return false;
  }

  settled(op: Op): void {
    this.#open.delete(op.number);
  }

  undoable(op: Op, result: unknown): void {
    this.#compensations.note(op, result);
  }

  /** @returns Whether the code may go on now. */
  #apply(entry: Entry): boolean {
    this.nowMs = Math.max(this.nowMs, entry.atMs);
    try {
      return applyEntry(this, entry);
    } catch (error) {
      this.stuck =
        error instanceof HoldfastError
          ? error
          : new HoldfastError('HF_ENTRY_DAMAGED', { why: messageOf(error), cause: error });
      return false;
    }
  }

  async #runCode(code: Workflow, input: never): Promise<void> {
    try {
      const value = await code.body(createContext(this, this.scope), input);
      // A run that was cancelled and returned all the same has cleaned up: it is cancelled.
      this.outcome ??= this.scope.reason
        ? await this.#undo(this.scope.reason)
        : { kind: 'returned', value };
    } catch (error) {
      this.outcome ??= await this.#undo(error);
    }
    // Code that awaited something foreign ends when nobody is looking.
    if (!this.#driven) this.#host.returned(this);
  }

  async #undo(error: unknown): Promise<Outcome> {
    if (this.#compensations.isEmpty) return { kind: 'threw', error };
    const shield = new CancelScope(undefined, true);
    const compensate = undefined;
    const ended = await this.#compensations.run(error, (name, body) =>
      this.request({ kind: 'step', name, body, policy: undoPolicy, compensate }, shield),
    );
    return { kind: 'threw', error: ended };
  }

  #takeSignal(op: Op): boolean {
    const payload = this.#signals.get(op.request.name)?.shift();
    if (payload === undefined) return false;
    settleOp(op, { value: decodeValue(payload) });
    this.settled(op);
    return true;
  }

  #checkUse(what: string): void {
    if (this.#inStep !== undefined) {
      throw new HoldfastError('HF_STEP_NESTED', {
        why: `${what} was begun inside step ${this.#inStep}`,
      });
    }
    if (this.#driven && !this.closed) return;
    throw new HoldfastError('HF_CONTEXT_CLOSED', {
      why: `${what} of run ${this.id} was begun outside its workflow`,
    });
  }

  #begin(op: Op): void {
    if (op.settled || op.begun || this.closed) return;
    if (this.paused && !effectless.has(op.request.kind)) return;
    // The code has ended without it: what it did not await is finished only if it has an effect.
    if (this.outcome !== undefined && !effects.has(op.request.kind)) return;
    op.begun = true;
    this.#host.begin(this, op);
  }
}

const waits: ReadonlySet<OpKind> = new Set(['step', 'sleep', 'wait', 'call', 'child']);
const effects: ReadonlySet<OpKind> = new Set(['step', 'emit', 'status', 'patch']);
/** Notes to the journal are made for a paused run too: they do nothing to the world. */
const effectless: ReadonlySet<OpKind> = new Set(['emit', 'status', 'patch']);
