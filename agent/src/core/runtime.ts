import {
  HoldfastError,
  checkName,
  equalBytes,
  messageOf,
  type Command,
  type Entry,
  type EntryBody,
  type Lane,
  type StoreOp,
} from '@holdfast/protocol';
import { beginChild, toParent } from './children.ts';
import { applyCommand } from './commands.ts';
import { Conditions, type ConditionOf } from './conditions.ts';
import {
  RunNumbers,
  birthOf,
  newId,
  numberOf,
  openRun,
  unborn,
  type Birth,
  type Engine,
} from './engine.ts';
import { continueRun } from './continue-run.ts';
import type { Journal } from './journal.ts';
import { Parking } from './parking.ts';
import type { RuntimePorts } from './ports.ts';
import { Pump } from './pump.ts';
import * as repairs from './repairs.ts';
import { Residents } from './residents.ts';
import type { Run } from './run.ts';
import { RunEffects } from './run-effects.ts';
import { RunJournal, recordOf } from './run-journal.ts';
import { layout, type RunStore } from './run-store.ts';
import { States } from './states.ts';
import { Timers } from './timers.ts';
import type { RunState } from './views.ts';
import type { Workflow } from './workflow.ts';
import { Workflows } from './workflows.ts';

export interface RuntimeOptions {
  readonly ports: RuntimePorts;
  readonly journal: Journal;
  readonly store: RunStore;
  readonly workflows: readonly Workflow[];
  /** What steps can wait for. Default: nothing. */
  readonly conditionOf?: ConditionOf;
}

export interface StartRun {
  readonly workflow: string;
  /** Encoded value. */
  readonly input: Uint8Array;
  /** Default: a new one. */
  readonly id?: string | undefined;
}

export interface StartedRun {
  readonly number: number;
  readonly id: string;
  /** False: it was there already, of the same workflow and with the same input. */
  readonly created: boolean;
}

/** Runs loaded side by side at a start: enough to be quick, few enough to stay small. */
const RECOVER_AT_ONCE = 32;
/** Ends of the process that a run may be at work in, before it is thought to cause them. */
const CRASHES_MAX = 20;

/** The engine: starts runs, wakes them, feeds them, and lets them end. */
export class Runtime {
  readonly #engine: Engine;
  readonly #timers: Timers;
  readonly #pump: Pump;
  readonly #effects: RunEffects;
  readonly #parking: Parking;
  readonly #conditions: Conditions;
  readonly #starting = new Map<string, Promise<StartedRun>>();
  readonly #endWaiters = new Map<number, Set<() => void>>();
  readonly #listeners = new Set<() => void>();
  readonly #entryListeners = new Map<string, Set<(entry: Entry) => void>>();
  #lastCommand = 0;
  #commandQueue: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(options: RuntimeOptions) {
    const { ports, journal, store } = options;
    const { clock, log } = ports;
    const workflows = new Workflows(options.workflows);
    const states = new States();
    const of = options.conditionOf ?? (() => undefined);
    this.#conditions = new Conditions({ clock, log, of });
    this.#pump = new Pump(ports.turn, (run) => this.#settled(run));
    this.#timers = new Timers(clock, (run, op) => this.#wake(run, op));
    const runJournal = new RunJournal(journal, (run, entry) => {
      if (!run.closed) this.#pump.add(run);
      for (const listener of this.#entryListeners.get(run.id) ?? []) listener(entry);
      this.#changed();
    });
    this.#effects = new RunEffects({
      ports,
      journal: runJournal,
      timers: this.#timers,
      conditions: this.#conditions,
      onEnded: (run, state) => this.#ended(run, state),
      onReturned: (run) => this.#pump.add(run),
      onFault: (run, error) => this.#fault(run, error),
      onReady: (run, op) => this.#wake(run, op),
      beginChild: (run, op) => beginChild(this.#engine, run, op),
      toParent: (run, body) => toParent(this.#engine, run, body),
      continueRun: (run, input) => this.#continue(run, input),
    });
    const residents = new Residents({
      store,
      workflows,
      host: this.#effects,
      onLoaded: (run) => this.#pump.add(run),
    });
    const numbers = new RunNumbers();
    this.#engine = { ports, journal, store, workflows, states, residents, runJournal, numbers };
    this.#parking = new Parking({ clock, journal, residents, states });
  }

  get workflowNames(): readonly string[] {
    return this.#engine.workflows.names;
  }
  get residentCount(): number {
    return this.#engine.residents.size;
  }
  lastCommand(): number {
    return this.#lastCommand;
  }

  /**
   * Reads which runs have not ended, arms their timers, and sets those going that were at work.
   * Resolves once each of these has been loaded.
   */
  async recover(): Promise<void> {
    const { store, states, numbers, ports, residents } = this.#engine;
    numbers.startFrom((await store.meta('runs')) + 1);
    this.#lastCommand = await store.meta('command');
    for await (const { record } of store.records('f')) {
      if (!record.isContinued) states.set(0, record.state);
    }
    const active = await this.#findActive();
    const nowMs = ports.clock.nowMs();
    for await (const { run, op, dueAtMs } of store.timers()) {
      this.#timers.arm(run, op, dueAtMs - nowMs);
    }
    const take = async (): Promise<void> => {
      for (let next = active.shift(); next !== undefined; next = active.shift()) {
        await residents.load(next);
      }
    };
    await Promise.all(Array.from({ length: RECOVER_AT_ONCE }, take));
    await this.#cancelOrphans();
  }

  /**
   * Starts a run. Durable once it resolves.
   *
   * @throws HF_WORKFLOW_UNKNOWN, HF_NAME_INVALID, HF_RUN_CONFLICT, HF_JOURNAL_BUSY.
   */
  async start(request: StartRun): Promise<StartedRun> {
    this.#checkOpen();
    const { workflows, ports } = this.#engine;
    const code = workflows.named(request.workflow);
    if (code === undefined) {
      const known = workflows.names.join(', ') || 'none';
      const why = `${request.workflow}; registered: ${known}`;
      throw new HoldfastError('HF_WORKFLOW_UNKNOWN', { why });
    }
    const id = checkName('run', request.id ?? newId(ports));
    // Two callers with one id get one run: the second waits for what the first finds or makes.
    const before = this.#starting.get(id);
    if (before !== undefined) {
      await before.catch(() => undefined);
      return this.start({ ...request, id });
    }
    const starting = this.#start(code, id, request.input).finally(() => this.#starting.delete(id));
    this.#starting.set(id, starting);
    return starting;
  }

  /** Gives a run a signal. Durable once it resolves; the same signal id counts once. */
  async signal(signal: {
    readonly run: string;
    readonly name: string;
    readonly payload: Uint8Array;
    readonly id?: string | undefined;
  }): Promise<void> {
    this.#checkOpen();
    const name = checkName('signal', signal.name);
    const id = checkName('signal id', signal.id ?? newId(this.#engine.ports));
    const run = await openRun(this.#engine, signal.run);
    if (run.progress.signalIds.has(id)) return;
    const { payload } = signal;
    await this.#engine.runJournal.append(run, { kind: 'signal.received', name, id, payload });
  }

  /**
   * Cancels a run: what it awaits rejects with HF_RUN_CANCELLED, so that it can clean up. With
   * `force` it ends at once, and none of its code runs. Durable once it resolves.
   */
  async cancel(request: {
    readonly run: string;
    readonly reason: string;
    readonly force?: boolean | undefined;
  }): Promise<void> {
    this.#checkOpen();
    const number = await numberOf(this.#engine, request.run);
    const record = await this.#engine.store.record(number);
    if (record?.state === 'cancelled') return;
    const run = await openRun(this.#engine, request.run);
    const reason = request.reason.slice(0, 1_024);
    const children = [...run.progress.children.values()];
    if (request.force === true || run.stuck !== undefined) {
      await this.#effects.end(run, { kind: 'run.cancelled', reason }, 'cancelled');
    } else if (!run.progress.isCancelRequested) {
      const body = { kind: 'cancel.requested', reason } as const;
      // Clean-up is to run: a run that is held is let go in the same commit.
      const before = run.progress.isPaused ? [{ run, body: { kind: 'run.resumed' } as const }] : [];
      await this.#engine.runJournal.appendAll([...before, { run, body }]);
    }
    for (const child of children) {
      await this.cancel({ ...request, run: child, reason: `with ${request.run}` }).catch(ignore);
    }
  }

  pause(id: string, reason: string): Promise<void> {
    return repairs.pauseRun(this.#engine, id, reason);
  }
  resume(id: string): Promise<void> {
    return repairs.resumeRun(this.#engine, id);
  }
  retry(id: string, reason: string): Promise<void> {
    return repairs.retryRun(this.#engine, id, reason);
  }
  skip(...args: Parameters<typeof repairs.skipStep> extends [Engine, ...infer R] ? R : never) {
    return repairs.skipStep(this.#engine, ...args);
  }
  fork(...args: Parameters<typeof repairs.forkRun> extends [Engine, ...infer R] ? R : never) {
    return repairs.forkRun(this.#engine, ...args);
  }
  complete(
    ...args: Parameters<typeof repairs.completeStep> extends [Engine, ...infer R] ? R : never
  ) {
    return repairs.completeStep(this.#engine, ...args);
  }

  /** Journals an event outside any run. Durable once it resolves. */
  async emit(event: {
    readonly name: string;
    readonly payload: Uint8Array;
    readonly lane: Lane;
  }): Promise<void> {
    this.#checkOpen();
    const name = checkName('event', event.name);
    const body: EntryBody = {
      ...{ kind: 'event.emitted', run: '', n: 0, op: 0 },
      ...{ name, payload: event.payload },
    };
    await this.#engine.journal.append([{ lane: event.lane, body }]);
  }

  /** Applies commands one after another; see `UplinkRuntime`. */
  applyCommands(commands: readonly Command[]): Promise<void> {
    const applying = this.#commandQueue.then(async () => {
      const commits: Promise<unknown>[] = [];
      for (const command of commands) {
        if (command.number <= this.#lastCommand) continue;
        if (command.number !== this.#lastCommand + 1) break;
        this.#lastCommand = command.number;
        const { durable } = await applyCommand(this.#commandHost, command);
        commits.push(durable);
      }
      await Promise.all(commits);
    });
    this.#commandQueue = applying.catch(() => undefined);
    return applying;
  }

  /** Number of a run, ended or not. @throws HF_RUN_UNKNOWN */
  numberOf(id: string): Promise<number> {
    return numberOf(this.#engine, id);
  }

  resident(number: number): Run | undefined {
    return this.#engine.residents.get(number);
  }

  counts(): Partial<Record<RunState, number>> {
    const { states, residents } = this.#engine;
    return states.counts((number) => residents.get(number)?.standing().state);
  }

  /** Whether a run of this number has not ended. */
  isOpen(number: number): boolean {
    return this.#engine.states.isOpen(number);
  }

  purged(state: RunState): void {
    this.#engine.states.purge(state);
  }

  /** Something happened that may make conditions hold. */
  nudgeConditions(): void {
    this.#conditions.nudge();
  }

  /** Calls `listener` once, when the run has ended. @returns Stops waiting. */
  onceEnded(number: number, listener: () => void): () => void {
    const waiters = this.#endWaiters.get(number) ?? new Set();
    this.#endWaiters.set(number, waiters.add(listener));
    return () => {
      waiters.delete(listener);
      if (waiters.size === 0) this.#endWaiters.delete(number);
    };
  }

  /** Calls `listener` with each entry of a run, by its id, once it is durable. @returns Stops. */
  onEntry(id: string, listener: (entry: Entry) => void): () => void {
    const listeners = this.#entryListeners.get(id) ?? new Set();
    this.#entryListeners.set(id, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0) this.#entryListeners.delete(id);
    };
  }

  /** Calls `listener` when a run may look different. @returns Stops. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Resolves at the next change, or after `timeoutMs`. */
  onceChanged(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        cancel();
        stop();
        resolve();
      };
      const cancel = this.#engine.ports.clock.wakeIn(Math.max(0, timeoutMs), end);
      const stop = this.onChange(end);
    });
  }

  /**
   * Starts nothing more, and aborts the steps at work; their attempts are made again later. Notes
   * in the store that the process ended in order.
   */
  async close(reason: HoldfastError): Promise<void> {
    const { residents, journal } = this.#engine;
    this.#closed = true;
    this.#timers.close();
    this.#conditions.close();
    this.#parking.close();
    for (const run of residents.all()) {
      run.closed = true;
      for (const op of run.open()) op.abort?.abort(reason);
    }
    await journal.append([], () => [layout.meta('in order', 1)]).catch(ignore);
  }

  /** Whether the body of a step is at work. */
  isExecuting(): boolean {
    for (const run of this.#engine.residents.all()) {
      if (run.open().some((op) => op.executing)) return true;
    }
    return false;
  }

  readonly #commandHost = {
    runOf: async (id: string): Promise<Run | undefined> => {
      const { store, states, residents } = this.#engine;
      const number = await store.numberOf(id);
      if (number === undefined || !states.isOpen(number)) return undefined;
      return residents.load(number).catch(() => undefined);
    },
    nowMs: () => this.#engine.ports.clock.nowMs(),
    appendToRun: (...args: Parameters<RunJournal['append']>) =>
      this.#engine.runJournal.append(...args),
    append: (...args: Parameters<Journal['append']>) => this.#engine.journal.append(...args),
  };

  /** Which runs are to be set going. Counts, for each, a process that did not end in order. */
  async #findActive(): Promise<number[]> {
    const { store, states, journal } = this.#engine;
    const inOrder = (await store.meta('in order')) === 1;
    const active: number[] = [];
    const ops: StoreOp[] = inOrder ? [layout.meta('in order', 0)] : [];
    for await (const { number, record } of store.records('o')) {
      states.set(number, record.state);
      if (!resumes.has(record.state)) continue;
      const crashes = inOrder || record.state === 'stuck' ? 0 : record.crashes + 1;
      const isPoison = crashes > CRASHES_MAX || record.stuckCode === 'HF_RUN_QUARANTINED';
      if (isPoison) states.set(number, 'stuck');
      else active.push(number);
      if (crashes > record.crashes) {
        const quarantined = isPoison ? { state: 'stuck' as const, ...quarantine(crashes) } : {};
        ops.push(layout.openRecord(number, { ...record, crashes, ...quarantined }));
      }
    }
    if (ops.length > 0) await journal.append([], () => ops);
    return active;
  }

  /** Children whose parent ended in the moment the process did. */
  async #cancelOrphans(): Promise<void> {
    const { store, states } = this.#engine;
    for await (const { record } of store.records('o')) {
      if (record.parent === '') continue;
      const parent = await store.numberOf(record.parent);
      if (parent !== undefined && states.isOpen(parent)) continue;
      const reason = `${record.parent} has ended`;
      await this.cancel({ run: record.id, reason }).catch(ignore);
    }
  }

  async #start(code: Workflow, id: string, input: Uint8Array): Promise<StartedRun> {
    const engine = this.#engine;
    const known = await engine.store.numberOf(id);
    if (known !== undefined) return this.#attach(code, id, { number: known, input });
    engine.journal.checkRoom();
    const { name: workflow, version } = code;
    const birth: Birth = birthOf(engine, { id, workflow, version, input });
    try {
      await engine.runJournal.appendAll([birth.entry], birth.ops);
    } catch (error) {
      unborn(engine, birth);
      throw error;
    }
    return { number: birth.run.facts.number, id, created: true };
  }

  async #attach(
    code: Workflow,
    id: string,
    run: { readonly number: number; readonly input: Uint8Array },
  ): Promise<StartedRun> {
    const [first] = await this.#engine.store.history(run.number);
    const started = first?.entry;
    if (started?.kind !== 'run.started') throw new HoldfastError('HF_ENTRY_DAMAGED', { why: id });
    const same = started.workflow === code.name && equalBytes(started.input, run.input);
    if (!same) throw new HoldfastError('HF_RUN_CONFLICT', { why: `${id} of ${started.workflow}` });
    return { number: run.number, id, created: false };
  }

  async #continue(run: Run, input: Uint8Array): Promise<void> {
    const next = await continueRun(this.#engine, run, input);
    for (const op of run.ops.values()) this.#timers.disarm(run.facts.number, op.number);
    // Who waits for the end waits for the end of the last history.
    const waiters = this.#endWaiters.get(run.facts.number);
    this.#endWaiters.delete(run.facts.number);
    if (waiters !== undefined) this.#endWaiters.set(next.facts.number, waiters);
    this.#changed();
  }

  #wake(number: number, opNumber: number): void {
    void this.#goOn(number, opNumber).catch((error: unknown) => {
      if (this.#closed) return;
      const { log } = this.#engine.ports;
      log.error('a run could not be woken', { run: number, why: messageOf(error) });
    });
  }

  async #goOn(number: number, opNumber: number): Promise<void> {
    const { states, residents, journal } = this.#engine;
    if (!states.isOpen(number)) return;
    const run = await residents.load(number);
    await run.untilLive();
    const op = run.ops.get(opNumber);
    if (op !== undefined && !op.settled) {
      op.awaits = undefined;
      return this.#effects.due(run, op);
    }
    // What it was set for has happened otherwise.
    await journal.append([], () => [layout.timer(number, opNumber, undefined)]);
  }

  #settled(run: Run): void {
    if (run.closed || this.#closed) return;
    if (run.stuck !== undefined) void this.#park(run, run.stuck);
    else if (run.isDone()) {
      this.#effects.finish(run).catch((error: unknown) => this.#fault(run, error));
    } else if (run.isWaiting()) this.#parking.add(run);
  }

  async #park(run: Run, why: HoldfastError): Promise<void> {
    const { ports, states, journal, runJournal, residents } = this.#engine;
    const { number } = run.facts;
    const known = run.progress.stuck;
    const reason = why.message.slice(0, 1_024);
    ports.log.error('run is stuck', { run: run.id, code: why.code, why: why.message });
    states.set(number, 'stuck');
    run.parked = false;
    const record = layout.openRecord(number, recordOf(run, 'stuck'));
    try {
      if (known?.code === why.code && known.reason === reason) {
        await journal.append([], () => [record]);
      } else {
        const body = { kind: 'run.stuck', code: why.code, reason } as const;
        await runJournal.append(run, body, { ops: [record] });
      }
      residents.evict(run);
    } catch (error) {
      this.#fault(run, error);
    }
  }

  #ended(run: Run, state: RunState): void {
    const { residents, states } = this.#engine;
    const { number } = run.facts;
    residents.evict(run);
    states.set(number, state);
    const waiters = this.#endWaiters.get(number);
    this.#endWaiters.delete(number);
    for (const waiter of waiters ?? []) waiter();
    for (const child of run.progress.children.values()) {
      const reason = `${run.id} has ended`;
      void this.cancel({ run: child, reason }).catch(ignore);
    }
    this.#changed();
  }

  #fault(run: Run, error: unknown): void {
    if (this.#closed) return;
    const { log } = this.#engine.ports;
    log.error('a run could not go on', { run: run.id, why: messageOf(error) });
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }

  #checkOpen(): void {
    if (this.#closed) throw new HoldfastError('HF_AGENT_CLOSED');
  }
}

const ignore = (): void => undefined;

/** Runs in these states go on by themselves at a start. */
const resumes: ReadonlySet<RunState> = new Set([
  'pending',
  'running',
  'waiting-condition',
  'stuck',
]);

function quarantine(crashes: number) {
  const stuckReason = `the process ended ${crashes} times while it was at work`;
  return { stuckCode: 'HF_RUN_QUARANTINED', stuckReason };
}
