import {
  HoldfastError,
  codeOf,
  decodeEntry,
  decodeValue,
  durationMs,
  encodeValue,
  lanes,
  type Duration,
  type Log,
} from '@holdfast/protocol';
import type { ScheduleRequest } from '../core/schedules.ts';
import type { Workflow } from '../core/workflow.ts';
import { Life } from './life.ts';
import { SimClock } from './sim-clock.ts';
import { SimStore, type Outcome } from './sim-store.ts';
import { TestGateway, type TestHandlers } from './test-gateway.ts';
import { TestRun, type TestRunHost } from './test-run.ts';
import { watchedWorkflow, type StepAttempt } from './watched-workflow.ts';

type AnyWorkflow = Workflow<never, unknown>;

/** A schedule of a device of a test. */
export interface TestSchedule extends Omit<ScheduleRequest, 'workflow'> {
  readonly workflow: string | AnyWorkflow;
}

/** What a device of a test begins with. */
export interface TestDeviceOptions {
  readonly workflows: readonly AnyWorkflow[];
  /** What executes calls, by the name of the service. Default: calls stay open. */
  readonly handlers?: TestHandlers;
  /** What steps can wait for besides `online`, by name. */
  readonly conditions?: Readonly<Record<string, () => boolean | Promise<boolean>>>;
  /** Added at every start of the device. */
  readonly schedules?: readonly TestSchedule[];
  /** Wall time at which it begins. Default 2026-01-01T00:00Z. */
  readonly startAt?: Date | string | number;
  /** The same seed draws the same ids. Default 1. */
  readonly seed?: number;
}

/** An event that was emitted, by a run or outside of one. */
export interface TestEvent {
  readonly name: string;
  readonly payload: unknown;
  /** Empty: none. */
  readonly run: string;
}

/** How long a step's body may wait for something real, each time before time goes on. */
const PATIENCE_MS = 100;
/** Turns in which everything that needs no time has gone on. */
const TURNS = 20;
/** A run that has not ended in a year of its time does not end. */
const RUN_MS_MAX = 365 * 86_400_000;
const CONDITION_EVERY_MS = 5_000;

/**
 * A device in a test: the runtime as it ships, in virtual time, over a disk in memory and a gateway
 * of handlers. Hours pass in milliseconds, and it loses power when the test says so.
 *
 * Time stands still except in `advance`, `offline` and `result`. Bodies of steps are the real ones.
 */
export class TestDevice {
  readonly clock: SimClock;
  /** Bodies of steps that were begun, in order, over all lives. */
  readonly attempts: StepAttempt[] = [];
  /** Lines of the log that a person must look at. */
  readonly errors: string[] = [];
  readonly #options: TestDeviceOptions;
  readonly #gateway: TestGateway;
  readonly #host: TestRunHost;
  #workflows: readonly AnyWorkflow[];
  #store = new SimStore();
  #life: Life | undefined;
  #boots = 0;
  #signals = 0;
  #isOnline = true;
  /** Told when the disk has failed as planned, and the device is to start again. */
  #onPowerCut: ((device: TestDevice) => Promise<void>) | undefined;

  private constructor(options: TestDeviceOptions) {
    this.#options = options;
    this.#workflows = options.workflows;
    const { startAt = Date.UTC(2026, 0, 1), handlers = {} } = options;
    this.clock = new SimClock(new Date(startAt).getTime());
    this.#gateway = new TestGateway(handlers, this.clock);
    this.#host = {
      untilEnded: (run) => this.#untilEnded(run),
      signal: (run, name, payload) => this.#signal(run, name, payload),
      cancel: (run, reason) => this.#given(({ runtime }) => runtime.cancel({ run, reason })),
      view: (run) => this.#alive().inspector.run(run),
      export: (run) => this.#alive().inspector.history(run, { reveal: true }),
    };
  }

  /** A device with an empty disk, connected to its gateway, at its first start. */
  static async open(options: TestDeviceOptions): Promise<TestDevice> {
    const device = new TestDevice(options);
    await device.restart();
    return device;
  }

  /** What its clock says. */
  get now(): Date {
    return new Date(this.clock.nowMs());
  }

  /** Starts a run, and lets everything happen that needs no time. */
  async start<I, O>(
    workflow: Workflow<I, O>,
    input: NoInfer<I>,
    options: { readonly id?: string } = {},
  ): Promise<TestRun<O>> {
    const { id } = options;
    const request = { workflow: workflow.name, input: encodeValue(input, 'input'), id };
    const started = await this.#durable(({ runtime }) => runtime.start(request));
    return new TestRun<O>(this.#host, started.id);
  }

  /** A run that was started before, for example by a schedule. */
  run<O = unknown>(id: string): TestRun<O> {
    return new TestRun<O>(this.#host, id);
  }

  /** Ids of all runs, oldest first. */
  async runs(): Promise<readonly string[]> {
    const { runs } = await this.#alive().inspector.runs({ all: true, limit: 10_000 });
    return runs.map(({ id }) => id).toReversed();
  }

  /** Events that were emitted and are durable: `urgent` ones first, then in order. */
  async events(): Promise<readonly TestEvent[]> {
    const { journal, runs } = this.#alive();
    const heads = journal.positions();
    const events: TestEvent[] = [];
    for (const [index, lane] of lanes.entries()) {
      for (const { seq, bytes } of await journal.entries(lane, 1, heads[index]?.head ?? 0)) {
        const entry = decodeEntry(bytes);
        if (entry.kind !== 'event.emitted') continue;
        const payload = (await runs.wholeValue({ lane, seq, entry })) ?? entry.payload;
        events.push({ name: entry.name, payload: decodeValue(payload), run: entry.run });
      }
    }
    return events;
  }

  /** Lets time pass; timers, retries, calls and schedules come when they are due. */
  async advance(duration: Duration): Promise<void> {
    let restMs = durationMs(duration);
    await this.settle();
    for (;;) {
      const nextMs = this.clock.nextInMs;
      if (nextMs === undefined || nextMs > restMs) break;
      restMs -= nextMs;
      await this.clock.advance(nextMs);
      await this.settle();
    }
    await this.clock.advance(restMs);
  }

  /** The link goes down; with a duration, it comes back after that. */
  async offline(duration?: Duration): Promise<void> {
    this.#isOnline = false;
    await this.settle();
    if (duration === undefined) return;
    await this.advance(duration);
    await this.online();
  }

  /** The link comes back. */
  async online(): Promise<void> {
    this.#isOnline = true;
    this.#life?.runtime.nudgeConditions();
    await this.settle();
  }

  /** Sets the wall clock, as a person or NTP does; no time passes. */
  setClock(time: Date | string | number): void {
    this.clock.setWall(new Date(time).getTime());
  }

  /**
   * Power is cut: what had not resolved may be lost. Until `restart`, time passes without the
   * device.
   */
  crash(): void {
    this.#store = this.#alive().kill();
    this.#life = undefined;
  }

  /** Starts on what the disk holds, cutting its power if it runs; with new code, if given. */
  async restart(change: Partial<Pick<TestDeviceOptions, 'workflows' | 'handlers'>> = {}) {
    if (this.#life !== undefined) this.crash();
    // Power comes back: a machine whose clock went on meanwhile, on its battery.
    if (this.#boots > 0) this.clock.reboot();
    this.#workflows = change.workflows ?? this.#workflows;
    this.#gateway.handlers = change.handlers ?? this.#gateway.handlers;
    this.#boots += 1;
    const boot = this.#boots;
    const life = await Life.open({
      ...{ device: 'test-1', seed: this.#options.seed ?? 1 },
      ...{ clock: this.clock, store: this.#store, log: this.#log },
      workflows: this.#workflows.map((each) =>
        watchedWorkflow(each, (attempt) => this.attempts.push({ ...attempt, boot })),
      ),
      conditionOf: (name) => this.#condition(name),
    });
    this.#life = life;
    await life.recover();
    for (const { workflow, ...schedule } of this.#options.schedules ?? []) {
      const name = typeof workflow === 'string' ? workflow : workflow.name;
      await life.schedules.add({ ...schedule, workflow: name });
    }
    await this.settle();
  }

  /** Lets everything happen that needs no time. */
  async settle(): Promise<void> {
    await this.clock.advance(0); // Timers that came due while it was off.
    for (let turns = 0; turns < TURNS; turns += 1) await immediate();
    if (this.#life?.hasFailed === true) return this.#powerCut();
    await this.#untilIdle();
    if (this.#life === undefined || !this.#isOnline) return;
    if (!(await this.#gateway.take(this.#life))) return;
    await this.#untilIdle();
    await this.#gateway.deliver(this.#life).catch(ignorePowerCut);
    await this.settle();
  }

  /**
   * Plans a power cut at a commit that is to come, counted from now, before or after the disk has
   * it. `onCut` starts the device again.
   */
  cutPowerAtCommit(
    number: number,
    outcome: Outcome,
    onCut: (device: TestDevice) => Promise<void>,
  ): void {
    this.#onPowerCut = onCut;
    this.#store.failWriteNumber(this.#store.writes + number, outcome);
  }

  /** How often it was started. */
  get boots(): number {
    return this.#boots;
  }

  /** Commits that the disk has, of all lives. */
  get commits(): number {
    return this.#store.writesEver;
  }

  async #powerCut(): Promise<void> {
    const onCut = this.#onPowerCut;
    this.#onPowerCut = undefined;
    if (onCut === undefined) throw new HoldfastError('HF_JOURNAL_FAILED');
    await onCut(this);
  }

  /** Does something that is durable once it resolves, again after a power cut in the middle. */
  async #durable<T>(act: (life: Life) => Promise<T>): Promise<T> {
    try {
      const result = await act(this.#alive());
      await this.settle();
      return result;
    } catch (error) {
      if (codeOf(error) !== 'HF_JOURNAL_FAILED' || this.#onPowerCut === undefined) throw error;
      await this.settle();
      return this.#durable(act);
    }
  }

  /** The same for what a run takes, which it may have ended by before the power was cut. */
  async #given(act: (life: Life) => Promise<void>): Promise<void> {
    const { boots } = this;
    await this.#durable(act).catch((error: unknown) => {
      if (codeOf(error) !== 'HF_RUN_FINISHED' || boots === this.boots) throw error;
    });
  }

  async #signal(run: string, name: string, payload: unknown): Promise<void> {
    this.#signals += 1;
    const signal = { run, name, payload: encodeValue(payload, 'payload') };
    const id = `test-${this.#signals}`;
    await this.#given(({ runtime }) => runtime.signal({ ...signal, id }));
  }

  async #untilEnded(run: string): Promise<unknown> {
    await this.settle();
    const endMs = this.clock.trueMs + RUN_MS_MAX;
    for (;;) {
      const { runtime, inspector } = this.#alive();
      const number = await runtime.numberOf(run);
      if (!runtime.isOpen(number)) return inspector.result(number);
      const view = await inspector.run(run);
      const nextMs = this.clock.nextInMs;
      const isOver = nextMs === undefined || this.clock.trueMs + nextMs > endMs;
      const isStill = this.#gateway.isBusy === false && waitsForOutside.has(view.state);
      if (isOver || (isStill && view.nextAt === null)) throw notEnded(run, view);
      await this.advance(nextMs);
    }
  }

  /** Bodies of steps and handlers may wait for something real for a while. */
  async #untilIdle(): Promise<void> {
    const endMs = performance.now() + PATIENCE_MS;
    const isAtWork = () => this.#gateway.isExecuting || this.#life?.runtime.isExecuting() === true;
    while (isAtWork() && performance.now() < endMs) {
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }

  #condition(name: string) {
    const isBuiltIn = name === 'online' || name === 'unmetered';
    const check = this.#options.conditions?.[name] ?? (isBuiltIn && (() => this.#isOnline));
    return check ? { check, everyMs: CONDITION_EVERY_MS } : undefined;
  }

  readonly #log: Log = {
    error: (message, fields) => this.errors.push(`${message} ${JSON.stringify(fields ?? {})}`),
    info: () => undefined,
    debug: () => undefined,
  };

  #alive(): Life {
    if (this.#life !== undefined) return this.#life;
    throw new HoldfastError('HF_AGENT_CLOSED', { why: 'the device is off: restart() it' });
  }
}

/** No time ends these: somebody has to do something. */
const waitsForOutside: ReadonlySet<string> = new Set([
  'waiting-signal',
  'waiting-call',
  'paused',
  'stuck',
]);

function notEnded(
  run: string,
  view: { readonly state: string; readonly at: string | null; readonly error?: unknown },
): HoldfastError {
  const at = view.at === null ? '' : ` at ${view.at}`;
  const error = view.error === undefined ? '' : `: ${JSON.stringify(view.error)}`;
  const why = `run ${run} is ${view.state}${at}${error}, and time alone does not end it`;
  return new HoldfastError('HF_WAIT_TIMEOUT', { why });
}

function ignorePowerCut(error: unknown): void {
  if (codeOf(error) !== 'HF_JOURNAL_FAILED') throw error;
}

function immediate(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
