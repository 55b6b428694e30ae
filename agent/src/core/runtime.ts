import {
  HoldfastError,
  checkName,
  equalBytes,
  hex,
  messageOf,
  type Command,
  type EntryBody,
  type Lane,
} from '@holdfast/protocol';
import { applyCommand } from './commands.ts';
import type { Journal } from './journal.ts';
import { Parking } from './parking.ts';
import type { RuntimePorts } from './ports.ts';
import { Pump } from './pump.ts';
import { Residents, States, Workflows } from './residents.ts';
import type { Run } from './run.ts';
import { RunEffects } from './run-effects.ts';
import { RunJournal, recordOf } from './run-journal.ts';
import { RunStore, layout } from './run-store.ts';
import { Timers } from './timers.ts';
import type { RunState } from './views.ts';
import type { Workflow } from './workflow.ts';

export interface RuntimeOptions {
  readonly ports: RuntimePorts;
  readonly journal: Journal;
  readonly store: RunStore;
  readonly workflows: readonly Workflow[];
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

/** The engine: starts runs, wakes them, feeds them, and lets them end. */
export class Runtime {
  readonly #ports: RuntimePorts;
  readonly #journal: Journal;
  readonly #store: RunStore;
  readonly #workflows: Workflows;
  readonly #states = new States();
  readonly #timers: Timers;
  readonly #pump: Pump;
  readonly #runJournal: RunJournal;
  readonly #effects: RunEffects;
  readonly #residents: Residents;
  readonly #parking: Parking;
  readonly #starting = new Map<string, Promise<StartedRun>>();
  readonly #endWaiters = new Map<number, Set<() => void>>();
  readonly #listeners = new Set<() => void>();
  #nextNumber = 1;
  #lastCommand = 0;
  #commandQueue: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(options: RuntimeOptions) {
    const { ports, journal, store } = options;
    this.#ports = ports;
    this.#journal = journal;
    this.#store = store;
    this.#workflows = new Workflows(options.workflows);
    this.#pump = new Pump(ports.turn, (run) => this.#settled(run));
    this.#timers = new Timers(ports.clock, (run, op) => this.#due(run, op));
    this.#runJournal = new RunJournal(journal, (run) => {
      if (!run.closed) this.#pump.add(run);
      this.#changed();
    });
    this.#effects = new RunEffects({
      ports,
      journal: this.#runJournal,
      timers: this.#timers,
      onEnded: (run, state) => this.#ended(run, state),
      onReturned: (run) => this.#pump.add(run),
      onFault: (run, error) => this.#fault(run, error),
    });
    this.#residents = new Residents({
      store,
      workflows: this.#workflows,
      host: this.#effects,
      onLoaded: (run) => this.#pump.add(run),
    });
    this.#parking = new Parking({
      clock: ports.clock,
      journal,
      residents: this.#residents,
      states: this.#states,
    });
  }

  get workflowNames(): readonly string[] {
    return this.#workflows.names;
  }
  get residentCount(): number {
    return this.#residents.size;
  }
  lastCommand(): number {
    return this.#lastCommand;
  }

  /**
   * Reads which runs have not ended, arms their timers, and sets those going that were at work.
   * Resolves once each of these has been loaded.
   */
  async recover(): Promise<void> {
    this.#nextNumber = (await this.#store.meta('runs')) + 1;
    this.#lastCommand = await this.#store.meta('command');
    for await (const { record } of this.#store.records('f')) this.#states.set(0, record.state);
    const active: number[] = [];
    for await (const { number, record } of this.#store.records('o')) {
      this.#states.set(number, record.state);
      if (resumes.has(record.state)) active.push(number);
    }
    const nowMs = this.#ports.clock.nowMs();
    for await (const { run, op, dueAtMs } of this.#store.timers()) {
      this.#timers.arm(run, op, dueAtMs - nowMs);
    }
    const take = async (): Promise<void> => {
      for (let next = active.shift(); next !== undefined; next = active.shift()) {
        await this.#residents.load(next);
      }
    };
    await Promise.all(Array.from({ length: RECOVER_AT_ONCE }, take));
  }

  /**
   * Starts a run. Durable once it resolves.
   *
   * @throws HF_WORKFLOW_UNKNOWN, HF_NAME_INVALID, HF_RUN_CONFLICT, HF_JOURNAL_BUSY.
   */
  async start(request: StartRun): Promise<StartedRun> {
    this.#checkOpen();
    const code = this.#workflows.named(request.workflow);
    if (code === undefined) {
      const known = this.#workflows.names.join(', ') || 'none';
      const why = `${request.workflow}; registered: ${known}`;
      throw new HoldfastError('HF_WORKFLOW_UNKNOWN', { why });
    }
    const id = checkName('run', request.id ?? this.#newId());
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
    const id = checkName('signal id', signal.id ?? this.#newId());
    const run = await this.#residents.load(await this.#numberOf(signal.run));
    if (run.closed) throw new HoldfastError('HF_RUN_FINISHED', { why: run.id });
    if (run.progress.signalIds.has(id)) return;
    const { payload } = signal;
    await this.#runJournal.append(run, { kind: 'signal.received', name, id, payload });
  }

  /** Ends a run without running its code any further. Durable once it resolves. */
  async cancel(request: { readonly run: string; readonly reason: string }): Promise<void> {
    this.#checkOpen();
    const number = await this.#numberOf(request.run);
    const record = await this.#store.record(number);
    if (record?.state === 'cancelled') return;
    const run = await this.#residents.load(number);
    if (run.closed) throw new HoldfastError('HF_RUN_FINISHED', { why: run.id });
    const reason = request.reason.slice(0, 1_024);
    await this.#effects.end(run, { kind: 'run.cancelled', reason }, 'cancelled');
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
    await this.#journal.append([{ lane: event.lane, body }]);
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
    return this.#numberOf(id);
  }

  resident(number: number): Run | undefined {
    return this.#residents.get(number);
  }

  counts(): Partial<Record<RunState, number>> {
    return this.#states.counts((number) => this.#residents.get(number)?.standing().state);
  }

  /** Whether a run of this number has not ended. */
  isOpen(number: number): boolean {
    return this.#states.isOpen(number);
  }

  purged(state: RunState): void {
    this.#states.purge(state);
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
      const cancel = this.#ports.clock.wakeIn(Math.max(0, timeoutMs), end);
      const stop = this.onChange(end);
    });
  }

  /** Starts nothing more, and aborts the steps at work; their attempts are made again later. */
  close(reason: HoldfastError): void {
    this.#closed = true;
    this.#timers.close();
    this.#parking.close();
    for (const run of this.#residents.all()) {
      run.closed = true;
      for (const op of run.open()) op.abort?.abort(reason);
    }
  }

  /** Whether the body of a step is at work. */
  isExecuting(): boolean {
    for (const run of this.#residents.all()) {
      if (run.open().some((op) => op.executing)) return true;
    }
    return false;
  }

  readonly #commandHost = {
    runOf: async (id: string): Promise<Run | undefined> => {
      const number = await this.#store.numberOf(id);
      if (number === undefined || !this.#states.isOpen(number)) return undefined;
      return this.#residents.load(number).catch(() => undefined);
    },
    nowMs: () => this.#ports.clock.nowMs(),
    appendToRun: (...args: Parameters<RunJournal['append']>) => this.#runJournal.append(...args),
    append: (...args: Parameters<Journal['append']>) => this.#journal.append(...args),
  };

  async #start(code: Workflow, id: string, input: Uint8Array): Promise<StartedRun> {
    const known = await this.#store.numberOf(id);
    if (known !== undefined) return this.#attach(code, id, { number: known, input });
    this.#journal.checkRoom();
    const number = this.#nextNumber;
    const uid = hex(this.#ports.chance.bytes(10));
    const { name: workflow, version } = code;
    const startedAtMs = this.#ports.clock.nowMs();
    const run = this.#residents.create({ number, id, uid, workflow, version, startedAtMs });
    this.#nextNumber += 1;
    this.#states.set(number, 'pending');
    try {
      const facts = { workflow, version, uid, input, parent: '', parentOp: 0 };
      const body = { kind: 'run.started', ...facts } as const;
      await this.#runJournal.append(run, body, {
        ops: [
          layout.openRecord(number, recordOf(run, 'pending')),
          layout.runId(id, number),
          layout.meta('runs', number),
        ],
      });
    } catch (error) {
      this.#residents.evict(run);
      this.#states.set(number, 'cancelled');
      this.#states.purge('cancelled');
      throw error;
    }
    return { number, id, created: true };
  }

  async #attach(
    code: Workflow,
    id: string,
    run: { readonly number: number; readonly input: Uint8Array },
  ): Promise<StartedRun> {
    const [first] = await this.#store.history(run.number);
    const started = first?.entry;
    if (started?.kind !== 'run.started') throw new HoldfastError('HF_ENTRY_DAMAGED', { why: id });
    const same = started.workflow === code.name && equalBytes(started.input, run.input);
    if (!same) throw new HoldfastError('HF_RUN_CONFLICT', { why: `${id} of ${started.workflow}` });
    return { number: run.number, id, created: false };
  }

  async #numberOf(id: string): Promise<number> {
    const number = await this.#store.numberOf(id);
    if (number === undefined) throw new HoldfastError('HF_RUN_UNKNOWN', { why: id });
    return number;
  }

  /** Time first, so that ids sort as they were made; then chance. */
  #newId(): string {
    const time = this.#ports.clock.nowMs().toString(36).padStart(9, '0');
    return `${time}-${hex(this.#ports.chance.bytes(5))}`;
  }

  #due(number: number, opNumber: number): void {
    void this.#fire(number, opNumber).catch((error: unknown) => {
      this.#ports.log.error('a timer could not be fired', { run: number, why: messageOf(error) });
    });
  }

  async #fire(number: number, opNumber: number): Promise<void> {
    if (!this.#states.isOpen(number)) return;
    const run = await this.#residents.load(number);
    await run.untilLive();
    const op = run.ops.get(opNumber);
    if (op !== undefined && !op.settled) return this.#effects.due(run, op);
    // What it was set for has happened otherwise.
    await this.#journal.append([], () => [layout.timer(number, opNumber, undefined)]);
  }

  #settled(run: Run): void {
    if (run.closed || this.#closed) return;
    if (run.stuck !== undefined) void this.#park(run, run.stuck);
    else if (run.isDone()) {
      this.#effects.finish(run).catch((error: unknown) => this.#fault(run, error));
    } else if (run.isWaiting()) this.#parking.add(run);
  }

  async #park(run: Run, why: HoldfastError): Promise<void> {
    const { number } = run.facts;
    const known = run.progress.stuck;
    const reason = why.message.slice(0, 1_024);
    this.#ports.log.error('run is stuck', { run: run.id, code: why.code, why: why.message });
    this.#states.set(number, 'stuck');
    run.parked = false;
    const record = layout.openRecord(number, recordOf(run, 'stuck'));
    try {
      if (known?.code === why.code && known.reason === reason) {
        await this.#journal.append([], () => [record]);
      } else {
        const body = { kind: 'run.stuck', code: why.code, reason } as const;
        await this.#runJournal.append(run, body, { ops: [record] });
      }
      this.#residents.evict(run);
    } catch (error) {
      this.#fault(run, error);
    }
  }

  #ended(run: Run, state: RunState): void {
    const { number } = run.facts;
    this.#residents.evict(run);
    this.#states.set(number, state);
    const waiters = this.#endWaiters.get(number);
    this.#endWaiters.delete(number);
    for (const waiter of waiters ?? []) waiter();
    this.#changed();
  }

  #fault(run: Run, error: unknown): void {
    if (this.#closed) return;
    this.#ports.log.error('a run could not go on', { run: run.id, why: messageOf(error) });
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }

  #checkOpen(): void {
    if (this.#closed) throw new HoldfastError('HF_AGENT_CLOSED');
  }
}

/** Runs in these states are at work: they go on by themselves at a start. */
const resumes: ReadonlySet<RunState> = new Set(['pending', 'running', 'stuck']);
