import {
  HoldfastError,
  assert,
  decodeValue,
  messageOf,
  type Entry,
  type EntryOf,
} from '@holdfast/protocol';
import { createContext, type ContextHost } from './context.ts';
import type { Op, OpKind, OpRequest } from './op.ts';
import { Progress, type Standing } from './progress.ts';
import type { Workflow } from './workflow.ts';

/** Facts of a run that never change. */
export interface RunFacts {
  readonly number: number;
  readonly id: string;
  readonly uid: string;
  readonly workflow: string;
  readonly version: number;
  readonly startedAtMs: number;
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
  | { readonly kind: 'threw'; readonly error: unknown };

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
export class Run implements ContextHost {
  readonly facts: RunFacts;
  readonly progress = new Progress();
  readonly ops = new Map<number, Op>();
  nowMs = 0;
  /** Position in the history that the next entry of this run gets. */
  n = 0;
  live = false;
  outcome: Outcome | undefined;
  stuck: HoldfastError | undefined;
  /** Its final entry is on its way or durable, or it was put away: nothing more is begun. */
  closed = false;
  /** The store's record says that it waits: whatever wakes it must say so in the same commit. */
  parked = false;

  readonly #whenLive: (() => void)[] = [];
  readonly #host: RunHost;
  readonly #code: Workflow | undefined;
  #history: Entry[] = [];
  /** First entry of `#history` that the code has not been handed. */
  #next = 0;
  readonly #open = new Map<number, Op>();
  readonly #signals = new Map<string, Uint8Array[]>();
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

  /** Adds durable entries of this run, in the order of their `n`. */
  feed(entries: readonly Entry[]): void {
    for (const entry of entries) {
      this.progress.add(entry);
      this.#history.push(entry);
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
    for (const op of this.#open.values()) this.#begin(op);
    for (const resolve of this.#whenLive.splice(0)) resolve();
  }

  /** Resolves once the history is used up. Stays pending for a run that is stuck. */
  untilLive(): Promise<void> {
    return this.live ? Promise.resolve() : new Promise((done) => this.#whenLive.push(done));
  }

  request(request: OpRequest): Promise<unknown> {
    if (this.#inStep !== undefined) {
      throw new HoldfastError('HF_STEP_NESTED', {
        why: `${request.kind} ${request.name} was begun inside step ${this.#inStep}`,
      });
    }
    if (!this.#driven || this.closed) {
      throw new HoldfastError('HF_CONTEXT_CLOSED', {
        why: `${request.kind} ${request.name} of run ${this.id} was begun outside its workflow`,
      });
    }
    return new Promise((resolve, reject) => {
      const number = this.ops.size + 1;
      const op: Op = { number, request, resolve, reject, ...freshOp };
      this.ops.set(number, op);
      this.#open.set(number, op);
      if (request.kind === 'wait' && this.#takeSignal(op)) return;
      if (this.live) this.#begin(op);
    });
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
    return open.length > 0 && open.every((op) => !op.attempting && waits.has(op.request.kind));
  }

  standing(): Standing {
    if (!this.live || this.closed || this.stuck) return this.progress.standing();
    const open = this.open();
    const first = stateOrder
      .map(([state, is]) => ({ state, op: open.find(is) }))
      .find(({ op }) => op !== undefined);
    if (first?.op === undefined) return { state: 'running', at: '', attempt: 0, nextAtMs: 0 };
    const { op, state } = first;
    const attempt = op.request.kind === 'step' ? op.attempts + (op.executing ? 1 : 0) : 0;
    return { state, at: op.request.name, attempt, nextAtMs: op.executing ? 0 : op.dueAtMs };
  }

  /** @returns Whether the code may go on now. */
  #apply(entry: Entry): boolean {
    this.nowMs = Math.max(this.nowMs, entry.atMs);
    try {
      return this.#applyEntry(entry);
    } catch (error) {
      this.stuck =
        error instanceof HoldfastError
          ? error
          : new HoldfastError('HF_ENTRY_DAMAGED', { why: messageOf(error), cause: error });
      return false;
    }
  }

  #applyEntry(entry: Entry): boolean {
    switch (entry.kind) {
      case 'run.started':
        return this.#start(entry);
      case 'run.status':
        return this.#settle(this.#expect(entry, 'status'), (op) => op.resolve(undefined));
      case 'event.emitted':
        return this.#settle(this.#expect(entry, 'emit'), (op) => op.resolve(undefined));
      case 'step.completed':
        return this.#settle(this.#expect(entry, 'step'), (op) =>
          op.resolve(decodeValue(entry.result)),
        );
      case 'step.failed':
        return this.#settle(this.#expect(entry, 'step'), (op) => op.reject(stepFailed(entry)));
      case 'step.retrying':
        return this.#note(this.#expect(entry, 'step'), entry.nextAtMs, entry.attempt);
      case 'timer.set':
        return this.#note(this.#expect(entry, 'sleep', 'wait'), entry.dueAtMs);
      case 'timer.fired':
        return this.#fired(this.#expect(entry, 'sleep', 'wait', 'call'));
      case 'call.requested':
        return this.#note(this.#expect(entry, 'call'), entry.expiresAtMs);
      case 'call.completed':
        return this.#settle(this.#expect(entry, 'call'), (op) =>
          op.resolve(decodeValue(entry.result)),
        );
      case 'call.failed':
        return this.#settle(this.#expect(entry, 'call'), (op) => op.reject(callFailed(entry)));
      case 'signal.received':
        return this.#signal(entry);
      case 'run.stuck':
      case 'run.completed':
      case 'run.failed':
      case 'run.cancelled':
        return false;
      default:
        return false;
    }
  }

  #start(entry: EntryOf<'run.started'>): boolean {
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

  async #runCode(code: Workflow, input: never): Promise<void> {
    try {
      this.outcome = { kind: 'returned', value: await code.body(createContext(this), input) };
    } catch (error) {
      this.outcome = { kind: 'threw', error };
    }
    // Code that awaited something foreign ends when nobody is looking.
    if (!this.#driven) this.#host.returned(this);
  }

  /** The operation an entry belongs to, if the code began the same one at that place. */
  #expect(
    entry: Extract<Entry, { op: number; name: string }>,
    ...kinds: readonly OpKind[]
  ): Op {
    const op = this.ops.get(entry.op);
    if (op !== undefined && kinds.includes(op.request.kind) && op.request.name === entry.name) {
      return op;
    }
    const expected = `${kinds.join(' or ')} "${entry.name}"`;
    const came = op ? `${op.request.kind} "${op.request.name}"` : 'nothing';
    throw new HoldfastError('HF_CODE_MISMATCH', {
      why: `operation ${entry.op} was ${expected} when it was journaled; the code begins ${came}`,
      details: { run: this.id, n: entry.n, op: entry.op, expected, came },
    });
  }

  #settle(op: Op, settle: (op: Op) => void): boolean {
    if (op.settled) return false;
    op.settled = true;
    op.executing = false;
    this.#open.delete(op.number);
    settle(op);
    return true;
  }

  #note(op: Op, dueAtMs: number, attempts?: number): boolean {
    op.begun = op.request.kind !== 'step';
    op.dueAtMs = dueAtMs;
    if (attempts !== undefined) op.attempts = attempts;
    return false;
  }

  #fired(op: Op): boolean {
    const { kind, name } = op.request;
    return this.#settle(op, () => {
      if (kind === 'sleep') op.resolve(undefined);
      else if (kind === 'wait') op.reject(timedOut('HF_WAIT_TIMEOUT', `signal ${name}`));
      else op.reject(timedOut('HF_CALL_TIMEOUT', `call ${name}`));
    });
  }

  #signal(entry: EntryOf<'signal.received'>): boolean {
    const waiting = this.open().find(
      (op) => op.request.kind === 'wait' && op.request.name === entry.name,
    );
    if (waiting) return this.#settle(waiting, (op) => op.resolve(decodeValue(entry.payload)));
    const kept = this.#signals.get(entry.name);
    if (kept) kept.push(entry.payload);
    else this.#signals.set(entry.name, [entry.payload]);
    return false;
  }

  #takeSignal(op: Op): boolean {
    const payload = this.#signals.get(op.request.name)?.shift();
    if (payload === undefined) return false;
    return this.#settle(op, () => op.resolve(decodeValue(payload)));
  }

  #begin(op: Op): void {
    if (op.settled || op.begun || this.closed) return;
    // The code has ended without it: what it did not await is finished only if it has an effect.
    if (this.outcome !== undefined && !effects.has(op.request.kind)) return;
    op.begun = true;
    this.#host.begin(this, op);
  }
}

const freshOp = {
  settled: false,
  begun: false,
  executing: false,
  attempting: false,
  attempts: 0,
  dueAtMs: 0,
  abort: undefined,
} as const;

const waits: ReadonlySet<OpKind> = new Set(['step', 'sleep', 'wait', 'call']);
const effects: ReadonlySet<OpKind> = new Set(['step', 'emit', 'status']);

const stateOrder: readonly (readonly [Standing['state'], (op: Op) => boolean])[] = [
  ['running', (op) => op.executing],
  ['retrying', (op) => op.request.kind === 'step'],
  ['waiting-call', (op) => op.request.kind === 'call'],
  ['waiting-signal', (op) => op.request.kind === 'wait'],
  ['sleeping', (op) => op.request.kind === 'sleep'],
];

function stepFailed(entry: EntryOf<'step.failed'>): HoldfastError {
  const cause = decodeValue(entry.error);
  return new HoldfastError('HF_STEP_FAILED', {
    why: `${entry.name}, attempt ${entry.attempt}: ${messageOf(cause)}`,
    details: { step: entry.name, attempts: entry.attempt },
    cause,
  });
}

function callFailed(entry: EntryOf<'call.failed'>): HoldfastError {
  const cause = decodeValue(entry.error);
  return new HoldfastError('HF_CALL_FAILED', {
    why: `${entry.name}: ${messageOf(cause)}`,
    details: { service: entry.name },
    cause,
  });
}

function timedOut(code: 'HF_WAIT_TIMEOUT' | 'HF_CALL_TIMEOUT', what: string): HoldfastError {
  return new HoldfastError(code, { why: what });
}
