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
import type { OpenEntry } from './contents.ts';
import { createContext, undoPolicy, type ContextHost } from './context.ts';
import { applyEntry, type HistoryTarget } from './history-fold.ts';
import {
  abortOp,
  cancelOp,
  isEffect,
  isNote,
  settleOp,
  Op,
  type OpRequest,
} from './op.ts';
import { cutOwnFrames } from './own-frames.ts';
import { Progress, type Standing } from './progress.ts';
import type { KeptSignal, RunFacts } from './run-facts.ts';
import type { Outcome, RunHost } from './run-host.ts';
import type { Signal } from './signal.ts';
import { standingOf } from './standing.ts';
import { Tape } from './tape.ts';
import { checkGiven } from './value-parts.ts';
import { Waiters } from './waiters.ts';
import type { StepInfo, Workflow } from './workflow.ts';

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
  /** `undefined`: it is not registered. */
  readonly code: Workflow | undefined;
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
  /** It began in this process: nobody has seen yet what its code logs. */
  isNew = false;
  /** Entries that are on their way to the store. */
  inFlight = 0;

  readonly #whenLive = new Waiters();
  readonly #whenReplaced = new Waiters();
  readonly #host: RunHost;
  readonly #tape = new Tape();
  /** What the code has cancelled while it was replayed. */
  #abandoned: Op[] = [];
  readonly #open = new Map<number, Op>();
  readonly #signals = new Map<string, KeptSignal[]>();
  readonly #compensations = new Compensations();
  #begun = false;
  /** True while code may run: from handing it something until everything has settled. */
  #driven = false;
  /** True while its code does what it can do by itself: what begins something then is its code. */
  #atWork = false;
  #inStep: string | undefined;
  #onSettled: (() => void) | undefined;

  constructor(facts: RunFacts, code: Workflow | undefined, host: RunHost) {
    this.facts = facts;
    this.code = code;
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
  get signals(): readonly Signal[] {
    return this.code?.signals ?? [];
  }
  get replaying(): boolean {
    return !this.live && !this.isNew;
  }
  /** How many entries wait to be handed to the code. */
  get pending(): number {
    return this.closed || this.stuck !== undefined ? 0 : this.#tape.pending;
  }
  get hasWork(): boolean {
    return this.pending > 0;
  }
  /** Whether its code goes on in a new history: what comes from outside is for that one. */
  get isContinuing(): boolean {
    return this.outcome?.kind === 'continues';
  }
  /** Signals that nobody has waited for, in order, by name. */
  get keptSignals(): ReadonlyMap<string, readonly KeptSignal[]> {
    return this.#signals;
  }

  /** Adds durable entries of this run, in the order of their `n`. */
  feed(entries: readonly Entry[]): void {
    for (const entry of entries) {
      this.progress.add(entry);
      this.#tape.add(entry);
      if (!this.live) this.#tape.mention(entry);
    }
  }

  /**
   * Hands entries to the code up to the first that lets it go on. The caller then lets everything
   * settle and calls `endTurn`.
   */
  drive(): void {
    this.#driven = true;
    this.#atWork = true;
    while (this.hasWork) {
      const entry = this.#tape.take();
      if (entry !== undefined && this.#apply(entry)) return;
    }
  }

  /** All that its code can do by itself is done. */
  readonly spent = (): void => {
    this.#atWork = false;
  };

  /** Ends the turn that `drive` began; goes live once the history is used up. */
  endTurn(): void {
    this.#driven = false;
    this.#atWork = false;
    if (this.stuck !== undefined) {
      this.#whenLive.end(this.stuck);
      return;
    }
    this.#tape.trim();
    if (this.#tape.pending > 0 || this.live) return;
    this.live = true;
    this.#tape.end();
    this.beginOpen();
    for (const op of this.#abandoned.splice(0)) this.#host.abandoned(this, op);
    this.#whenLive.end();
  }

  /** Begins what was asked for and not begun yet. */
  beginOpen(): void {
    for (const op of this.#open.values()) this.#begin(op);
  }

  /** Resolves once the next history of a run that is continuing has begun, or it has ended. */
  whenReplaced(): Promise<void> {
    return this.#whenReplaced.wait();
  }

  /** @param failure Why it is not: the store takes nothing any more. */
  replaced(failure?: unknown): void {
    this.#whenReplaced.end(failure);
  }

  /** Resolves once the history is used up. Rejects with the reason for a run that is stuck. */
  untilLive(): Promise<void> {
    if (this.stuck !== undefined) return Promise.reject(this.stuck);
    return this.live ? Promise.resolve() : this.#whenLive.wait();
  }

  /**
   * Fails the run for a rejection that nobody handles: a branch that its code does not await.
   *
   * @returns Whether it was its own.
   */
  stray(error: unknown): boolean {
    if (!this.#driven || this.closed) return false;
    // A branch that was cancelled with the run has nobody to tell either.
    if (this.scope.reason !== undefined) return true;
    cutOwnFrames(error);
    const reason = new HoldfastError('HF_BRANCH_FAILED', { why: messageOf(error), cause: error });
    this.cancelScope(this.scope, reason);
    if (this.outcome?.kind === 'returned') {
      this.outcome = undefined;
      void this.#end(this.#undo(reason));
    }
    return true;
  }

  request(request: OpRequest, scope: CancelScope): Promise<unknown> {
    this.#checkUse(request.kind, request.name);
    checkGiven(request, this.facts.subject);
    return this.#ask(request, scope);
  }

  /** The same for what the code does not ask for itself. */
  #ask(request: OpRequest, scope: CancelScope): Promise<unknown> {
    if (scope.reason !== undefined) return Promise.reject(scope.reason);
    return new Promise((resolve, reject) => {
      const number = this.ops.size + 1;
      const op = new Op({ number, request, scope, resolve, reject });
      this.ops.set(number, op);
      this.#open.set(number, op);
      if (request.kind === 'wait' && this.#takeSignal(op)) return;
      if (this.live) this.#begin(op);
    });
  }

  patched(name: string): boolean {
    this.#checkUse('patched', name);
    // It has been here before, and beyond, without this.
    if (this.#tape.patchAt(this.ops.size + 1, name) === 'passed') return false;
    // Later entries stand behind this one in the journal: nothing needs to wait for it. The mark is
    // made in a part that was cancelled too, since the code goes on from what it says.
    this.#ask({ kind: 'patch', name }, new CancelScope()).catch(() => undefined);
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
      const { reason: why } = op.scope;
      if (why === undefined) continue;
      if (this.#mayHaveHappened(op)) {
        // It is settled once that is in the history, so that every replay knows what to undo.
        abortOp(op, why);
        if (this.live) this.#host.doubted(this, op);
        continue;
      }
      if (op.inDoubt) this.undoable(op, undefined);
      cancelOp(op, why);
      this.settled(op);
      this.abandon(op);
    }
  }

  log(message: string, fields: Readonly<Record<string, unknown>>): void {
    this.#host.log(this, message, fields);
  }

  /** Runs the body of a step; `ctx` is refused while its synchronous part lasts. */
  insideStep(step: Extract<OpRequest, { kind: 'step' }>, info: StepInfo): unknown {
    this.#inStep = step.name;
    try {
      return step.body(info);
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
    // What is on its way into this history would not be carried into the next.
    if (this.isContinuing && this.inFlight > 0) return false;
    return !this.open().some((op) => isEffect(op));
  }

  /** Whether only the outside can make it go on: nothing of it is at work here. */
  isWaiting(): boolean {
    // With an entry on its way there is something to do, though it cannot be done yet.
    if (!this.live || this.closed || this.hasWork || this.inFlight > 0) return false;
    const open = this.open();
    if (this.paused) return open.every((op) => !op.attempting);
    return open.length > 0 && open.every((op) => !op.attempting && !isNote(op));
  }

  standing(): Standing {
    return this.live && !this.closed && !this.stuck ? standingOf(this) : this.progress.standing();
  }

  start(entry: EntryOf<'run.started'>): boolean {
    assert(!this.#begun, 'a run starts once');
    this.#begun = true;
    if (this.code === undefined) {
      throw new HoldfastError('HF_WORKFLOW_UNKNOWN', {
        why: `run ${this.id} is of workflow ${this.workflow} version ${this.facts.version}`,
      });
    }
    // The input is what the workflow's own type says: it was checked when the run was started.
    const input = decodeValue(entry.input) as never;
    void this.#runCode(this.code, input);
    return true;
  }

  signal(entry: EntryOf<'signal.received'> & Pick<OpenEntry, 'seal'>): boolean {
    const { name, id, payload, seal } = entry;
    const isFor = (op: Op): boolean => op.request.kind === 'wait' && op.request.name === name;
    const waiting = this.open().find(isFor);
    if (waiting !== undefined) {
      settleOp(waiting, { value: decodeValue(payload) });
      this.settled(waiting);
      return true;
    }
    const kept = this.#signals.get(name);
    if (kept) kept.push({ id, payload, seal });
    else this.#signals.set(name, [{ id, payload, seal }]);
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

  /** What a cancelled operation began elsewhere is to end. */
  abandon(op: Op): void {
    if (this.live) this.#host.abandoned(this, op);
    else this.#abandoned.push(op);
  }

  settled(op: Op): void {
    this.#open.delete(op.number);
    this.#onSettled?.();
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
    await this.#end(this.#outcomeOf(code, input));
  }

  async #outcomeOf(code: Workflow, input: never): Promise<Outcome> {
    try {
      const value = await code.body(createContext(this, this.scope), input);
      // A run that was cancelled and returned all the same has cleaned up: it is cancelled.
      const { reason } = this.scope;
      return reason === undefined ? { kind: 'returned', value } : await this.#undo(reason);
    } catch (error) {
      cutOwnFrames(error);
      return this.#undo(error);
    }
  }

  async #end(outcome: Promise<Outcome>): Promise<void> {
    const ended = await outcome;
    this.outcome ??= ended;
    // Code that awaited something foreign ends when nobody is looking.
    if (!this.#driven) this.#host.returned(this);
  }

  async #undo(error: unknown): Promise<Outcome> {
    // It goes on in a new history, whatever its code does after that.
    if (this.outcome?.kind === 'continues') return this.outcome;
    // What is at work may yet complete, and is to be undone then.
    while (this.open().some(({ request }) => request.kind === 'step' && request.compensate)) {
      await new Promise<void>((settled) => (this.#onSettled = settled));
    }
    if (this.#compensations.isEmpty) return { kind: 'threw', error };
    const shield = new CancelScope(undefined, true);
    const compensate = undefined;
    const ended = await this.#compensations.run(error, (name, { body, sealing }) =>
      this.#ask({ kind: 'step', name, body, policy: undoPolicy, compensate, sealing }, shield),
    );
    return { kind: 'threw', error: ended };
  }

  /** Whether a step that can be undone is cancelled at work, and no entry says so yet. */
  #mayHaveHappened(op: Op): boolean {
    if (op.request.kind !== 'step' || !op.request.compensate || op.inDoubt) return false;
    if (this.live) return op.executing;
    return this.#tape.willStart(op.number);
  }

  #takeSignal(op: Op): boolean {
    const kept = this.#signals.get(op.request.name)?.shift();
    if (kept === undefined) return false;
    settleOp(op, { value: decodeValue(kept.payload) });
    this.settled(op);
    return true;
  }

  #checkUse(kind: string, name?: string): void {
    if (this.#atWork && this.#inStep === undefined && !this.closed) return;
    const what = name === undefined ? kind : `${kind} ${name}`;
    if (this.#inStep !== undefined) {
      throw new HoldfastError('HF_STEP_NESTED', {
        why: `${what} was begun inside step ${this.#inStep}`,
      });
    }
    const steps = this.open().filter((op) => op.executing);
    const [step] = steps;
    const within = step === undefined ? '' : `, while step ${step.request.name} was at work`;
    throw new HoldfastError(steps.length === 1 ? 'HF_STEP_NESTED' : 'HF_CONTEXT_CLOSED', {
      why: `${what} of run ${this.id} was begun outside its workflow${within}`,
    });
  }

  #begin(op: Op): void {
    if (op.settled || op.begun || this.closed) return;
    if (this.paused && !isNote(op)) return;
    // The code has ended without it: what it did not await is finished only if it has an effect.
    if (this.outcome !== undefined && !isEffect(op)) return;
    op.begun = true;
    this.#host.begin(this, op);
  }
}
