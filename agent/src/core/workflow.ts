import { HoldfastError, checkName, type Duration, type Lane } from '@holdfast/protocol';
import { sealingOf, type MarkOptions, type MarkedOptions } from './mark.ts';
import { signalOf, type Signal } from './signal.ts';

/** When and how often a failed attempt is repeated. */
export interface RetryPolicy {
  /** Attempts in all, the first included. Default 5; `Infinity` never gives up. */
  readonly attempts?: number;
  /** Pause after the first failure. Default 1 s. */
  readonly minDelay?: Duration;
  /** Longest pause. Default 5 min. */
  readonly maxDelay?: Duration;
  /** What each pause is multiplied by for the next. Default 2. */
  readonly factor?: number;
  /**
   * Part of each pause, 0 to 1, that chance takes away, so that a fleet does not try in step.
   * Default 0: none.
   */
  readonly jitter?: number;
  /** No attempt begins later than this after the first one failed. Default: no limit. */
  readonly maxElapsed?: Duration;
  /** `false` ends the attempts: the error is final. Default: every error but a TerminalError. */
  readonly retryIf?: (error: unknown, attempt: number) => boolean;
  /**
   * Pause after this error; `undefined`: as without it. Default: what a RetryableError says. What
   * is no duration fails the step with HF_RETRY_POLICY, as does a throw of this or of `retryIf`.
   */
  readonly delay?: (error: unknown, attempt: number) => Duration | undefined;
}

/** What a step can wait for: `online`, `unmetered`, `reachable(host:port)`, or one of your own. */
export type ConditionName = string;

/** How a step is attempted, and when. */
export interface StepOptions extends MarkedOptions {
  /** `false`: one attempt. Default: 5 attempts, 1 s, 2 s, 4 s, 8 s apart. */
  readonly retry?: RetryPolicy | false;
  /** Longest time of one attempt; then its signal aborts and it counts as failed. */
  readonly timeout?: Duration;
  /**
   * The body is begun once, whatever happens. That it is about to be is durable before. When the
   * device dies in the middle, the step rejects with HF_STEP_INTERRUPTED: its effect may have
   * happened, and the code decides.
   */
  readonly atMostOnce?: boolean;
  /** No attempt begins before all of these hold. Waiting for them uses no attempt. */
  readonly when?: ConditionName | readonly ConditionName[];
}

/** Options of a step that can be undone. */
export interface CompensatedOptions<T> extends Omit<StepOptions, 'redact'> {
  /** Paths, as in `StepOptions`; or a function that makes what leaves of the result. */
  readonly redact?: readonly string[] | ((result: NoInfer<T>) => unknown);
  /**
   * Undoes the step when the run fails or is cancelled later: as a durable step of its own, with
   * retries, in the reverse order of completion. Given the step's result; `undefined` when the step
   * failed in doubt, by a timeout or an interruption, and may have had its effect.
   */
  readonly compensate?: (result: T | undefined, info: StepInfo) => unknown;
}

/** Options of a step that somebody outside completes. */
export interface ExternalOptions<T> extends CompensatedOptions<T> {
  /**
   * The body hands out `token`; the step ends when somebody completes or fails it with that, from
   * the API, the socket or the command line, maybe days later.
   */
  readonly external: true;
}

/** What the body of a step is given. */
export interface StepInfo {
  /** The same in every attempt of this step, across restarts; no other step has it. */
  readonly idempotencyKey: string;
  /** 1 in the first attempt. */
  readonly attempt: number;
  /** When this attempt times out, ms since 1970; `undefined`: the step has no timeout. */
  readonly deadlineAtMs: number | undefined;
  /** Aborts when the attempt times out, the run is cancelled or the agent closes. */
  readonly signal: AbortSignal;
  /** Completes this step from outside, if it is `external`. */
  readonly token: string;
  /**
   * The attempt's place in a trace, to be sent along with what it asks of others; `undefined`: it
   * belongs to none.
   */
  readonly traceparent: string | undefined;
}

/** Thrown by a step: no further attempt mends this. */
export class TerminalError extends Error {
  override readonly name = 'TerminalError';
}

/** Thrown by a step: try again, but not before that time has passed, or that moment has come. */
export class RetryableError extends Error {
  override readonly name = 'RetryableError';
  readonly retryAfter: Duration | Date;

  constructor(
    message: string,
    options: { readonly retryAfter: Duration | Date; readonly cause?: unknown },
  ) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.retryAfter = options.retryAfter;
  }
}

/** How often a condition is looked at, and for how long. */
export interface UntilOptions extends MarkedOptions {
  /** Pause between two looks. Default 10 s. */
  readonly every?: Duration;
  /** What each pause is multiplied by for the next. Default 1. */
  readonly factor?: number;
  /** Longest pause. Default 1 h. */
  readonly maxEvery?: Duration;
  /** Time until it rejects with HF_WAIT_TIMEOUT. Default: never. */
  readonly timeout?: Duration;
}

/** What `until` takes for "not yet". */
export type Nothing = undefined | null | false | 0 | '';

/** Of a run that another run starts and waits for. */
export interface ChildOptions {
  /** Default: made of the run's id and the operation's number, so the same in every replay. */
  readonly id?: string;
}

/** How many items are worked on at once, and how many must succeed. */
export interface MapOptions {
  /** Items in work at a time, ≥ 1. Default 8. */
  readonly concurrency?: number;
  /** Ends early, and well, once this many succeeded. Default: all must. */
  readonly minSuccessful?: number;
  /** Failures that are borne; one more rejects. Default 0, or what `minSuccessful` leaves over. */
  readonly toleratedFailures?: number;
}

/** One item of `map`, in its place. `skipped`: it ended early without this one. */
export type MapResult<T> =
  | { readonly status: 'fulfilled'; readonly value: T }
  | { readonly status: 'rejected'; readonly reason: unknown }
  | { readonly status: 'skipped' };

/** A part of a workflow that can be cancelled by itself. */
export interface Scope<T> {
  readonly result: Promise<T>;
  /** Rejects what it awaits with HF_RUN_CANCELLED and aborts its steps. */
  cancel(reason?: string): void;
}

/** How long a call to the gateway is waited for, and what leaves the device. */
export interface CallOptions {
  /** Time until the call fails with HF_CALL_TIMEOUT, offline time included. Default: never. */
  readonly timeout?: Duration;
}

/** How long a signal is waited for. */
export interface WaitOptions {
  /** Time until the wait rejects with HF_WAIT_TIMEOUT. Default: never. */
  readonly timeout?: Duration;
}

/** By which lane an event goes, and whom it is about. */
export interface EmitOptions {
  /** Default `normal`. `bulk` for measurements, `urgent` for alarms. */
  readonly lane?: Lane;
  /** Whom it is about: the payload can be erased by this. Default: as the run, if there is one. */
  readonly subject?: string;
}

/**
 * What a workflow does the world with. Everything it awaits should come from here: the outcome of
 * each operation is journaled, and handed back instead of done again when the code is replayed.
 */
export interface Context {
  readonly runId: string;
  readonly workflow: string;

  /**
   * Does a named unit of work at least once and journals its outcome.
   *
   * Resolves with the stored form of the result once it would survive a power cut. Rejects with
   * HF_STEP_FAILED, its `cause` the last error, after the last attempt. Failed attempts are
   * journaled: neither their number nor the pause starts over after a restart.
   */
  step<T>(
    name: string,
    body: (info: StepInfo) => T | Promise<T>,
    options?: CompensatedOptions<T>,
  ): Promise<T>;
  /** The same for a step that somebody outside completes, with what they give. */
  step<T = unknown>(
    name: string,
    body: (info: StepInfo) => unknown,
    options: ExternalOptions<T>,
  ): Promise<T>;

  /**
   * Has a handler at the gateway do a unit of work, when there is a link, and journals its result.
   * Rejects with HF_CALL_FAILED or HF_CALL_TIMEOUT.
   */
  call<T = unknown>(service: string, input?: unknown, options?: CallOptions): Promise<T>;

  /** Resolves after that time, across restarts. Never early because the clock was set. */
  sleep(duration: Duration): Promise<void>;

  /** Resolves at that time, across restarts; at once when it has passed. */
  sleepUntil(time: Date | number): Promise<void>;

  /**
   * Looks again and again, across restarts, until `check` gives something truthy, and resolves with
   * it. Looks that give nothing are not journaled. Rejects with HF_WAIT_TIMEOUT.
   */
  until<T>(
    name: string,
    check: (info: StepInfo) => T | Nothing | Promise<T | Nothing>,
    options?: UntilOptions,
  ): Promise<T>;

  /**
   * Begins a run of another workflow as a child and resolves with its output. Rejects with
   * HF_CHILD_FAILED. The child is cancelled with this run, and when this run ends without it.
   */
  child<I, O>(workflow: Workflow<I, O>, input: NoInfer<I>, options?: ChildOptions): Promise<O>;

  /** Begins a run of another workflow that goes its own way; resolves with its id. */
  detach<I, O>(
    workflow: Workflow<I, O>,
    input: NoInfer<I>,
    options?: ChildOptions,
  ): Promise<string>;

  /**
   * Does the same for each item, a few at a time. Results are in the order of the items. Rejects
   * with the first failure beyond what is tolerated, and cancels what is still at work.
   */
  map<I, T>(
    items: readonly I[],
    each: (item: I, ctx: Context, index: number) => Promise<T>,
    options?: MapOptions,
  ): Promise<MapResult<T>[]>;

  /**
   * Ends this history and goes on in a new one with that input: how a run goes on for ever. Signals
   * that nobody has waited for yet are carried over. Never resolves: `return` it.
   */
  continueAsNew(input: unknown): Promise<never>;

  /**
   * Whether the new way is to be taken here: true for runs that come here first, false for those
   * that have gone the old way. The answer stays the same in every replay.
   */
  patched(name: string): boolean;

  /** Runs a part that can be cancelled by itself. */
  scope<T>(body: (ctx: Context) => Promise<T>): Scope<T>;

  /** Runs a part that goes on though the run was cancelled: for clean-up. */
  shielded<T>(body: (ctx: Context) => Promise<T>): Promise<T>;

  /**
   * Resolves with the payload of the next signal of that name. Signals that came before the wait
   * are kept in order. Rejects with HF_WAIT_TIMEOUT.
   */
  waitFor<T = unknown>(signal: Signal<T> | string, options?: WaitOptions): Promise<T>;

  /** Journals a fact for the cloud, once. Resolves once it is durable. */
  emit(event: string, payload?: unknown, options?: EmitOptions): Promise<void>;

  /** Journals what people are to see of this run. Resolves once it is durable. */
  setStatus(status: unknown): Promise<void>;

  /** Wall time of what the run knows last, ms since 1970: the same on replay. */
  now(): number;
  /** A number in [0, 1): the same on replay. */
  random(): number;
  /** A version 4 UUID: the same on replay. */
  uuid(): string;
  /** Writes to the agent's log, not again on replay. */
  log(message: string, fields?: Readonly<Record<string, unknown>>): void;
}

/** Of which version a workflow is, and what of its input and output leaves the device. */
export interface WorkflowOptions {
  /**
   * Raise it when the code changes in a way that old runs cannot follow, and keep the old version
   * registered until its last run has ended: a run stays with the version it began with. Default 1.
   */
  readonly version?: number;
  /** Signals whose payloads are read or marked before its runs get them; see `signal`. */
  readonly signals?: readonly Signal[];
  /** What of its inputs and outputs leaves the device. Default: all of it. */
  readonly marks?: WorkflowMarks;
}

/** Marks of what is not a step's or a signal's. Those bring their own. */
export interface WorkflowMarks {
  /** Of what its runs are started with, and of what they go on with in a new history. */
  readonly input?: MarkOptions;
  readonly output?: MarkOptions;
}

/** The function of a workflow: everything that it learns of the world, it learns by `ctx`. */
export type WorkflowBody<I, O> = (ctx: Context, input: I) => Promise<O>;

/** A named, versioned async function whose runs survive crashes and outages. */
export interface Workflow<I = never, O = unknown> {
  readonly kind: 'workflow';
  readonly name: string;
  readonly version: number;
  readonly signals: readonly Signal[];
  readonly marks?: WorkflowMarks;
  readonly body: WorkflowBody<I, O>;
}

/**
 * Defines a workflow.
 *
 * @throws HF_NAME_INVALID, HF_CONFIG_INVALID for a version that is not an integer ≥ 1, or two
 *   signals of one name.
 */
export function workflow<I, O>(
  name: string,
  body: WorkflowBody<I, O>,
  options: WorkflowOptions = {},
): Workflow<I, O> {
  checkName('workflow', name);
  const version = options.version ?? 1;
  if (!Number.isSafeInteger(version) || version < 1) {
    throw new HoldfastError('HF_CONFIG_INVALID', {
      why: `the version of workflow ${name} is ${String(version)}, not an integer from 1`,
    });
  }
  if (typeof body !== 'function') throw new TypeError(`the body of ${name} is not a function`);
  const { marks = {} } = options;
  for (const each of [marks.input, marks.output]) sealingOf(each ?? {});
  const signals = checkSignals(name, options.signals ?? []);
  return Object.freeze({ kind: 'workflow', name, version, signals, marks, body });
}

function checkSignals(owner: string, signals: readonly Signal[]): readonly Signal[] {
  for (const each of signals) {
    if (signalOf(signals, each.name) === each) continue;
    const why = `workflow ${owner} has two signals named ${each.name}`;
    throw new HoldfastError('HF_CONFIG_INVALID', { why });
  }
  return [...signals];
}

/** Whether a value was made by `workflow`, of any copy of this package. */
export function isWorkflow(value: unknown): value is Workflow {
  return (
    typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'workflow'
  );
}
