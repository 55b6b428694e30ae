import { HoldfastError, checkName, type Duration, type Lane } from '@holdfast/protocol';

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
}

export interface StepOptions {
  /** `false`: one attempt. Default: 5 attempts, 1 s, 2 s, 4 s, 8 s apart. */
  readonly retry?: RetryPolicy | false;
  /** Longest time of one attempt; then its signal aborts and it counts as failed. */
  readonly timeout?: Duration;
}

/** What the body of a step is given. */
export interface StepInfo {
  /** The same in every attempt of this step, across restarts; no other step has it. */
  readonly idempotencyKey: string;
  /** 1 in the first attempt. */
  readonly attempt: number;
  /** Aborts when the attempt times out, the run is cancelled or the agent closes. */
  readonly signal: AbortSignal;
}

export interface CallOptions {
  /** Time until the call fails with HF_CALL_TIMEOUT, offline time included. Default: never. */
  readonly timeout?: Duration;
}

export interface WaitOptions {
  /** Time until the wait rejects with HF_WAIT_TIMEOUT. Default: never. */
  readonly timeout?: Duration;
}

export interface EmitOptions {
  /** Default `normal`. `bulk` for measurements, `urgent` for alarms. */
  readonly lane?: Lane;
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
    options?: StepOptions,
  ): Promise<T>;

  /**
   * Has a handler at the gateway do a unit of work, when there is a link, and journals its result.
   * Rejects with HF_CALL_FAILED or HF_CALL_TIMEOUT.
   */
  call<T = unknown>(service: string, input?: unknown, options?: CallOptions): Promise<T>;

  /** Resolves after that time, across restarts. Never early because the clock was set. */
  sleep(duration: Duration): Promise<void>;

  /**
   * Resolves with the payload of the next signal of that name. Signals that came before the wait
   * are kept in order. Rejects with HF_WAIT_TIMEOUT.
   */
  waitFor<T = unknown>(signal: string, options?: WaitOptions): Promise<T>;

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

export interface WorkflowOptions {
  /** Raise it when the code changes in a way that old runs cannot follow. Default 1. */
  readonly version?: number;
}

export type WorkflowBody<I, O> = (ctx: Context, input: I) => Promise<O>;

/** A named, versioned async function whose runs survive crashes and outages. */
export interface Workflow<I = never, O = unknown> {
  readonly kind: 'workflow';
  readonly name: string;
  readonly version: number;
  readonly body: WorkflowBody<I, O>;
}

/**
 * Defines a workflow.
 *
 * @throws HF_NAME_INVALID, HF_CONFIG_INVALID for a version that is not an integer ≥ 1.
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
  return Object.freeze({ kind: 'workflow', name, version, body });
}

export function isWorkflow(value: unknown): value is Workflow {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'workflow';
}
