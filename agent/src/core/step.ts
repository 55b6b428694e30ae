import {
  HoldfastError,
  durationMs,
  encodeThrown,
  encodeValue,
  formatDuration,
  formatTraceparent,
  messageOf,
  type Duration,
} from '@holdfast/protocol';
import { delayAfter } from './backoff.ts';
import { BodyInfo } from './body-info.ts';
import type { Conditions } from './conditions.ts';
import { restOp, type Op, type OpRequest } from './op.ts';
import { cutOwnFrames } from './own-frames.ts';
import type { AbortHandle, RuntimePorts } from './ports.ts';
import type { Run } from './run.ts';
import type { RunJournal, TimerChange } from './run-journal.ts';
import type { StepGate } from './step-gate.ts';
import type { Timers } from './timers.ts';
import type { Tracing } from './tracing.ts';
import { RetryableError, TerminalError } from './workflow.ts';

export type StepRequest = Extract<OpRequest, { kind: 'step' }>;

/** What running a step asks of the runtime. */
export interface StepHost {
  readonly ports: RuntimePorts;
  readonly journal: RunJournal;
  readonly timers: Timers;
  readonly conditions: Conditions;
  readonly gate: StepGate;
  readonly tracing: Tracing;
}

/** A pause longer than this is a durable timer, so that the run can be put away meanwhile. */
export const PAUSE_IN_MEMORY_MS_MAX = 10_000;

/** A look of `until` gave nothing. */
class NothingYet extends Error {
  override readonly name = 'NothingYet';
}

/**
 * Makes the attempts of a step that are left, journaling each failed one, until it has an outcome,
 * the pause is long, or a condition does not hold. Ends without an outcome when the run is closed.
 */
export function runStep(host: StepHost, run: Run, op: Op, request: StepRequest): Promise<void> {
  op.attempting = true;
  const first = { host, run, op, request, attempt: op.attempts + 1 };
  // Nearly every step succeeds at once, and is over once it is settled.
  return makeAttempt(first).catch((error: unknown) => attemptAgain(first, error));
}

/** The attempts that are left after the first one of this process, which has failed. */
async function attemptAgain(first: Attempt, error: unknown): Promise<void> {
  const { host, op, request } = first;
  const { policy } = request;
  const abort = (op.abort ??= host.ports.newAbort());
  const make = (attempt: number): Promise<void> =>
    attempt === first.attempt ? Promise.reject(error) : makeAttempt({ ...first, attempt });
  await host.ports.attempts(make, {
    first: first.attempt,
    last: policy.attempts,
    minDelayMs: policy.minDelayMs,
    maxDelayMs: policy.maxDelayMs,
    factor: policy.factor,
    abort,
    onFailed: (attempt, failure) => attemptFailed({ ...first, attempt }, failure),
  });
  restOp(op);
}

interface Attempt {
  readonly host: StepHost;
  readonly run: Run;
  readonly op: Op;
  readonly request: StepRequest;
  readonly attempt: number;
}

async function makeAttempt(each: Attempt): Promise<void> {
  const { host, run, op, request, attempt } = each;
  const { name, policy } = request;
  // Ten thousand may wait here: what an attempt needs is made when it may begin.
  const leave = (op.leave = await host.gate.enter(run.facts.number));
  op.beganMonoMs = host.ports.clock.monoMs();
  op.abort ??= host.ports.newAbort();
  let value: unknown;
  try {
    if (isOver(each)) return;
    if (policy.atMostOnce) {
      // From here on the effect may happen, so from here on it is never begun again.
      const body = { op: op.number, name, attempt };
      await host.journal.appendOwn(run, { kind: 'step.started', ...body });
      if (isOver(each)) return;
    }
    op.executing = true;
    const given = runBody(each);
    value = isPromise(given) ? await given : given;
  } finally {
    leave();
    op.leave = undefined;
  }
  if (isOver(each)) return;
  if (policy.external) {
    op.handed = true;
    op.executing = false;
    await host.journal.appendOwn(run, { kind: 'step.handed', op: op.number, name });
    restOp(op);
    return ended(each);
  }
  if (policy.poll !== undefined && !value) throw new NothingYet();
  const result = encodeValue(value, 'result');
  const tookMs = Math.round(host.ports.clock.monoMs() - op.beganMonoMs);
  const seal = request.sealing('result', result);
  const kind = 'step.completed' as const;
  const entry = { kind, op: op.number, name, attempt, tookMs, result, seal };
  await host.journal.appendOwn(run, entry, dropTimer(op));
  ended(each);
}

/** Whether there is anything to wait for: to await what is there takes a promise all the same. */
function isPromise(given: unknown): boolean {
  return typeof given === 'object' && given !== null && 'then' in given;
}

/** What came of the attempt is durable. */
function ended({ host, run, op, request, attempt }: Attempt, ...failure: readonly unknown[]): void {
  if (host.tracing.isOff) return;
  const tookMs = host.ports.clock.monoMs() - op.beganMonoMs;
  const { name } = request;
  const outcome = failure.length === 0 ? { tookMs } : { tookMs, error: failure[0] };
  host.tracing.attemptEnded(run, { op: op.number, name, attempt }, outcome);
}

/** Whether nobody looks at what comes of it any more. */
function isOver({ run, op }: Attempt): boolean {
  return run.closed || op.settled || op.scope.reason !== undefined;
}

/** Runs the user's code once, for at most the timeout. What comes after it is ignored. */
function runBody(each: Attempt): unknown {
  const { host, run, op, request, attempt } = each;
  const { timeoutMs } = request.policy;
  const abort = (timeoutMs === 0 ? op.abort : undefined) ?? host.ports.newAbort();
  const context = host.tracing.ofAttempt(run, op.number, attempt);
  const info = new BodyInfo({
    run: run.facts,
    op: op.number,
    attempt,
    abort,
    deadlineAtMs: timeoutMs === 0 ? undefined : host.ports.clock.nowMs() + timeoutMs,
    traceparent: context && formatTraceparent(context),
  });
  const begin = (): unknown => run.insideStep(request, info);
  if (timeoutMs === 0) return host.tracing.within(context, begin);
  // In an async function, so that a synchronous throw is a rejection too.
  return withTimeout(each, (async () => host.tracing.within(context, begin))(), abort);
}

function withTimeout(each: Attempt, work: Promise<unknown>, handle: AbortHandle): Promise<unknown> {
  const { host, op, request } = each;
  const { timeoutMs } = request.policy;
  const whole = op.abort;
  return new Promise((resolve, reject) => {
    const cancel = host.ports.clock.wakeIn(timeoutMs, () => {
      const error = new HoldfastError('HF_STEP_TIMEOUT', {
        why: `${request.name} took longer than ${formatDuration(timeoutMs)}`,
      });
      handle.abort(error);
      reject(error);
    });
    // The run may be cancelled or closed while the attempt is at work: its signal follows.
    whole?.onAbort((reason) => handle.abort(reason));
    work.then(resolve, reject).finally(cancel);
  });
}

async function attemptFailed(each: Attempt, error: unknown): Promise<'retry' | 'stop'> {
  const { host, run, op, request, attempt } = each;
  const { policy, name } = request;
  if (isOver(each)) return 'stop';
  op.executing = false;
  if (error instanceof NothingYet) return lookLater(each);
  cutOwnFrames(error);
  const next = nextDelay(each, error);
  const thrown = encodeThrown(next.error);
  const seal = request.sealing('error', thrown);
  const entry = { op: op.number, name, attempt, error: thrown, seal };
  if (next.delayMs === undefined) {
    await host.journal.appendOwn(run, { kind: 'step.failed', ...entry }, dropTimer(op));
    ended(each, next.error);
    return 'stop';
  }
  const { delayMs } = next;
  const { clock } = host.ports;
  const nextAtMs = clock.nowMs() + delayMs;
  const isDurable = delayMs > PAUSE_IN_MEMORY_MS_MAX;
  op.attempts = attempt;
  op.failedFirst ??= clock.after(0);
  op.dueAtMs = nextAtMs;
  op.due = clock.after(delayMs);
  const timer: TimerChange = { op: op.number, due: op.due };
  const retrying = { kind: 'step.retrying', ...entry, nextAtMs } as const;
  await host.journal.appendOwn(run, retrying, isDurable ? { timer } : {});
  ended(each, next.error);
  const isOwnPause = delayMs !== delayAfter(policy, attempt);
  if (!isDurable && !isOwnPause && policy.when.length === 0) return 'retry';
  host.timers.arm(run.facts.number, op.number, op.due);
  return 'stop';
}

/** How long to pause after an error; `undefined`: it is final, and `error` is why. */
function nextDelay(
  { host, op, request, attempt }: Attempt,
  error: unknown,
): { readonly error: unknown; readonly delayMs?: number } {
  const { policy } = request;
  if (attempt >= policy.attempts || policy.atMostOnce || isFinal(error)) return { error };
  const { clock } = host.ports;
  try {
    if (policy.retryIf !== undefined && policy.retryIf(error, attempt) === false) return { error };
    const asked = policy.delay?.(error, attempt) ?? retryAfterOf(error, clock.nowMs());
    const jitter = 1 - (policy.jitter === 0 ? 0 : policy.jitter * host.ports.chance.next());
    const ownMs = Math.round(delayAfter(policy, attempt) * jitter);
    const delayMs = asked === undefined ? ownMs : durationMs(asked);
    const elapsedMs = op.failedFirst === undefined ? 0 : clock.sinceMs(op.failedFirst);
    return elapsedMs + delayMs > policy.maxElapsedMs ? { error } : { error, delayMs };
  } catch (fault) {
    // The policy itself is at fault: the step fails with that, the agent goes on.
    const why = `of step ${request.name}: ${messageOf(fault)}`;
    const cause = new AggregateError([error, fault], 'the failure, and that of its retry policy');
    return { error: new HoldfastError('HF_RETRY_POLICY', { why, cause }) };
  }
}

/** What no repetition mends: TerminalError, and errors of ours such as a nested step. */
function isFinal(error: unknown): boolean {
  if (error instanceof TerminalError) return true;
  // One of another copy of this package, or one that was journaled.
  if (error instanceof Error && error.name === 'TerminalError') return true;
  return error instanceof HoldfastError && error.retry === 'never';
}

function retryAfterOf(error: unknown, nowMs: number): Duration | undefined {
  const isOurs =
    error instanceof RetryableError || (error instanceof Error && error.name === 'RetryableError');
  if (!isOurs || !('retryAfter' in error)) return undefined;
  const { retryAfter } = error;
  if (retryAfter instanceof Date) return Math.max(0, retryAfter.getTime() - nowMs);
  return retryAfter;
}

/** Sets the next look of `until`; nothing is journaled for one that gave nothing. */
function lookLater({ host, run, op, request }: Attempt): 'stop' {
  const { poll } = request.policy;
  if (poll === undefined) return 'stop';
  op.looks += 1;
  const { clock } = host.ports;
  const grown = poll.everyMs * poll.factor ** (op.looks - 1);
  const restMs = op.deadline === undefined ? grown : Math.max(0, clock.untilMs(op.deadline));
  const delayMs = Math.min(grown, poll.maxEveryMs, restMs);
  op.dueAtMs = clock.nowMs() + delayMs;
  op.due = clock.after(delayMs);
  host.timers.arm(run.facts.number, op.number, op.due);
  return 'stop';
}

const noTimer: { readonly timer?: TimerChange } = {};

/** A pause before this attempt may have left a timer behind. */
function dropTimer(op: Op): { readonly timer?: TimerChange } {
  return op.due === undefined ? noTimer : { timer: { op: op.number, due: undefined } };
}
