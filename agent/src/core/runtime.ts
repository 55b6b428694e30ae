import {
  HoldfastError,
  checkName,
  messageOf,
  type Command,
  type Entry,
  type EntryBody,
  type Lane,
  type Metric,
} from '@holdfast/protocol';
import { beginChild, toParent } from './children.ts';
import { cancelRun, type CancelRun } from './cancel-run.ts';
import { CommandQueue } from './command-queue.ts';
import { Conditions, type ConditionOf } from './conditions.ts';
import { RunNumbers, numberOf, type Engine } from './engine.ts';
import { Continuations } from './continue-run.ts';
import { eraseSubject, type Erased, type EraseRequest } from './erasure.ts';
import { sealBody } from './contents.ts';
import type { Journal } from './journal.ts';
import { sealAbout } from './mark.ts';
import { Observers } from './observers.ts';
import { Parking } from './parking.ts';
import type { RuntimePorts } from './ports.ts';
import { Pump, drivenRun } from './pump.ts';
import { recoverRuns } from './recovery.ts';
import * as repairs from './repairs.ts';
import { Residents } from './residents.ts';
import type { Run } from './run.ts';
import { RunEffects } from './run-effects.ts';
import { RunJournal } from './run-journal.ts';
import { layout, type RunStore } from './run-store.ts';
import { KEY_ORDER } from './commands.ts';
import { Signals, type SignalRun } from './signals.ts';
import { Starts, type StartRun, type StartedRun } from './starts.ts';
import { States } from './states.ts';
import { StepGate } from './step-gate.ts';
import { noteStuck } from './stuck-run.ts';
import { Tally } from './tally.ts';
import { Timers } from './timers.ts';
import { Tracing } from './tracing.ts';
import { splitDraft } from './value-parts.ts';
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
  /** Step bodies at work at a time, ≥ 1. Default 64. */
  readonly stepsAtOnce?: number | undefined;
  /** Told of a history that went on in a new one; no other does before it resolves. */
  readonly onContinued?: (number: number) => Promise<void>;
}

/** Step bodies at work at a time. A phone's or a Pi's worth of open sockets and files. */
const STEPS_AT_ONCE = 64;

/** The engine: starts runs, wakes them, feeds them, and lets them end. */
export class Runtime {
  readonly tally = new Tally();
  readonly #engine: Engine;
  readonly #timers: Timers;
  readonly #pump: Pump;
  readonly #effects: RunEffects;
  readonly #parking: Parking;
  readonly #conditions: Conditions;
  readonly #starts: Starts;
  readonly #signals: Signals;
  readonly #stopStrays: () => void;
  readonly #continuations: Continuations;
  readonly #commands: CommandQueue;
  readonly #observers: Observers;
  #closed = false;

  constructor(options: RuntimeOptions) {
    const { ports, journal, store } = options;
    const { clock, log } = ports;
    const workflows = new Workflows(options.workflows);
    const tracing = new Tracing(ports, journal.device);
    const states = new States();
    const of = options.conditionOf ?? (() => undefined);
    this.#observers = new Observers(clock);
    this.#conditions = new Conditions({ clock, log, of });
    this.#pump = new Pump(ports, (run) => this.#settled(run));
    const onDue = (run: number, op: number) => this.#wake(run, op);
    const follow = () => store.eachTimer((timer) => this.#timers.follow(timer));
    const onTimeSet = () => void follow().catch(ignore);
    this.#timers = new Timers({ time: clock, onDue, onTimeSet });
    const runJournal = new RunJournal(journal, ports, {
      onDurable: (run, entry) => {
        if (!run.closed) this.#pump.add(run);
        this.tally.add(run.workflow, entry);
        this.#observers.journaled(run.id, entry);
      },
      // One that is stuck is noted at the next start: again and again now would be for nothing.
      onRefused: (run) => (run.stuck === undefined ? this.#pump.add(run) : undefined),
    });
    this.#effects = new RunEffects({
      ports,
      journal: runJournal,
      timers: this.#timers,
      conditions: this.#conditions,
      gate: new StepGate(options.stepsAtOnce ?? STEPS_AT_ONCE),
      tracing,
      onEnded: (run, state) => this.#ended(run, state),
      onReturned: (run) => this.#pump.add(run),
      onFault: (run, error) => this.#fault(run, error),
      onReady: (run, op) => this.#wake(run, op),
      beginChild: (run, op) => beginChild(this.#engine, run, op),
      toParent: (run, body) => toParent(this.#engine, run, body),
      continueRun: (run, input) => this.#continue(run, input),
      cancelChild: (run, child) => this.#cancelChild(run, child),
    });
    const residents = new Residents({
      store,
      workflows,
      host: this.#effects,
      onLoaded: (run) => this.#pump.add(run),
    });
    const numbers = new RunNumbers();
    const parts = { ports, journal, store, workflows, states, residents, runJournal };
    this.#engine = { ...parts, numbers, tracing };
    this.#parking = new Parking({ clock, journal, residents, states });
    this.#starts = new Starts(this.#engine, this.#effects);
    this.#signals = new Signals(this.#engine);
    this.#commands = new CommandQueue(this.#engine, {
      start: (request) => this.start(request),
      signal: (signal) => this.signal(signal),
      cancel: (request) => this.cancel(request),
      configured: (name) => this.#observers.configured(name),
      takesKeyOrders: () => this.#observers.takesKeyOrders,
      keyOrdered: () => this.#observers.keyOrdered(),
    });
    this.#continuations = new Continuations(this.#engine, options.onContinued ?? (async () => {}));
    this.#stopStrays = ports.onStray((error) => drivenRun()?.stray(error) ?? false);
  }

  get workflowNames(): readonly string[] {
    return this.#engine.workflows.names;
  }
  get residentCount(): number {
    return this.#engine.residents.size;
  }
  lastCommand(): number {
    return this.#commands.last;
  }

  /**
   * Reads which runs have not ended, arms their timers, and sets those going that were at work.
   * Resolves once each of these has been loaded.
   */
  async recover(): Promise<void> {
    const { store, numbers } = this.#engine;
    numbers.startFrom((await store.meta('runs')) + 1);
    this.#commands.startFrom(await store.meta('command'));
    const orphans = await recoverRuns(this.#engine);
    // Once it is known which runs are open: what is overdue fires at once.
    await store.eachTimer(({ run, op, due }) => this.#timers.arm(run, op, due));
    for (const { id, parent } of orphans) {
      await this.cancel({ run: id, reason: `${parent} has ended` }).catch(ignore);
    }
  }

  /**
   * Starts a run. Durable once it resolves.
   *
   * @throws HF_WORKFLOW_UNKNOWN, HF_NAME_INVALID, HF_CONFIG_INVALID, HF_RUN_CONFLICT,
   *   HF_JOURNAL_BUSY, HF_JOURNAL_FAILED.
   */
  async start(request: StartRun): Promise<StartedRun> {
    this.#checkOpen();
    return this.#starts.start(request);
  }

  /**
   * Gives a run a signal. Durable once it resolves; the same signal id counts once, and does so
   * after the end of its run too.
   *
   * @throws HF_RUN_UNKNOWN, HF_RUN_FINISHED, HF_NAME_INVALID, HF_SIGNAL_REFUSED,
   *   HF_JOURNAL_BUSY, HF_JOURNAL_FAILED.
   */
  async signal(signal: SignalRun): Promise<void> {
    this.#checkRoom();
    await this.#signals.send(signal);
  }

  /**
   * Cancels a run: what it awaits rejects with HF_RUN_CANCELLED, so that it can clean up. With
   * `force` it ends at once, and none of its code runs. Durable once it resolves.
   */
  async cancel(request: CancelRun): Promise<void> {
    this.#checkOpen();
    const cancel = (each: CancelRun) => this.cancel(each);
    await cancelRun(this.#engine, { effects: this.#effects, cancel }, request);
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
    this.#checkRoom();
    return repairs.completeStep(this.#engine, ...args);
  }

  /** Journals an event outside any run. Durable once it resolves. @throws HF_JOURNAL_*. */
  emit(event: {
    readonly name: string;
    readonly payload: Uint8Array;
    readonly lane: Lane;
    /** Whom it is about. Default: nobody. */
    readonly subject?: string | undefined;
  }): Promise<void> {
    const { journal, ports } = this.#engine;
    // One promise, and no more: a device may emit thousands in a second.
    return new Promise((resolve, refused) => {
      this.#checkRoom(event.lane);
      const name = checkName('event', event.name);
      const body: EntryBody = {
        ...{ kind: 'event.emitted', run: '', n: 0, op: 0 },
        ...{ name, payload: event.payload },
      };
      const seal = sealAbout(event.subject);
      const draft = seal === undefined ? { body } : sealBody(body, seal, ports);
      const drafts = splitDraft({ lane: event.lane, ...draft }, journal);
      journal.enqueue(drafts, () => [], { durable: () => resolve(), refused });
    });
  }

  /** Deletes what is held on a subject. Durable, and gone from the files, once it resolves. */
  erase(request: EraseRequest): Promise<Erased> {
    this.#checkOpen();
    return eraseSubject(this.#engine, (each) => this.cancel(each), request);
  }

  /** Applies commands one after another; see `UplinkRuntime`. */
  applyCommands(commands: readonly Command[]): Promise<void> {
    return this.#commands.apply(commands);
  }

  /** What the gateway has set under a name, as an encoded value; `undefined`: nothing. */
  config(name: string): Promise<Uint8Array | undefined> {
    return this.#engine.store.config(name);
  }

  /** Calls `listener` with the name of what the gateway sets, once durable. @returns Stops. */
  onConfigured(listener: (name: string) => void): () => void {
    return this.#observers.onConfigured(listener);
  }

  /** Number of the command by which the device is to take another key; 0: there is none. */
  keyOrder(): Promise<number> {
    return this.#engine.store.meta(KEY_ORDER);
  }

  /** That order is carried out. Durable once it resolves; a later one stays. */
  async keyOrderDone(command: number): Promise<void> {
    if ((await this.keyOrder()) !== command) return;
    await this.#engine.journal.append([], () => [layout.meta(KEY_ORDER, 0)]);
  }

  /** Calls `listener` when the device is to take another key. @returns Stops. */
  onKeyOrder(listener: () => void): () => void {
    return this.#observers.onKeyOrder(listener);
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

  /** What runs have done since the process started. */
  metrics(): readonly Metric[] {
    return [...this.tally.metrics(), ...this.#timers.metrics()];
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
    return this.#observers.onceEnded(number, listener);
  }

  /** Calls `listener` with each entry of a run, by its id, once it is durable. @returns Stops. */
  onEntry(id: string, listener: (entry: Entry) => void): () => void {
    return this.#observers.onEntry(id, listener);
  }

  /** Calls `listener` when a run may look different. @returns Stops. */
  onChange(listener: () => void): () => void {
    return this.#observers.onChange(listener);
  }

  /** Resolves at the next change, or after `timeoutMs`. */
  onceChanged(timeoutMs: number): Promise<void> {
    return this.#observers.onceChanged(timeoutMs);
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
    this.#stopStrays();
  }

  /** Whether the body of a step is at work. */
  isExecuting(): boolean {
    for (const run of this.#engine.residents.all()) {
      if (run.open().some((op) => op.executing)) return true;
    }
    return false;
  }

  async #continue(run: Run, input: Uint8Array): Promise<void> {
    const next = await this.#continuations.next(run, input);
    for (const op of run.ops.values()) this.#timers.disarm(run.facts.number, op.number);
    this.#observers.continued(run.facts.number, next.facts.number);
    for (const child of run.progress.children.values()) this.#cancelChild(run, child);
    run.replaced();
    this.#observers.changed();
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
    if (run.stuck !== undefined) this.#stick(run, run.stuck);
    else if (run.isDone()) {
      this.#effects.finish(run).catch((error: unknown) => this.#fault(run, error));
    } else if (run.isWaiting()) this.#parking.add(run);
  }

  #stick(run: Run, why: HoldfastError): void {
    noteStuck(this.#engine, run, why).catch((error: unknown) => this.#fault(run, error));
  }

  #ended(run: Run, state: RunState): void {
    const { residents, states } = this.#engine;
    const { number } = run.facts;
    residents.evict(run);
    states.set(number, state);
    this.#observers.ended(number);
    for (const child of run.progress.children.values()) this.#cancelChild(run, child);
    run.replaced();
    this.#observers.changed();
  }

  #cancelChild(run: Run, child: string): void {
    const reason = run.closed ? `${run.id} has ended` : `by the code of ${run.id}`;
    void this.cancel({ run: child, reason }).catch(ignore);
  }

  #fault(run: Run, error: unknown): void {
    if (this.#closed) return;
    const { log } = this.#engine.ports;
    log.error('a run could not go on', { run: run.id, why: messageOf(error) });
  }

  #checkOpen(): void {
    if (this.#closed) throw new HoldfastError('HF_AGENT_CLOSED');
  }

  /** Whether work from outside is taken. */
  #checkRoom(lane?: Lane): void {
    this.#checkOpen();
    this.#engine.journal.checkRoom(lane);
  }
}

const ignore = (): void => undefined;
