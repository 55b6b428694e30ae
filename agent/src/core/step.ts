import {
  HoldfastError,
  codeOf,
  encodeThrown,
  encodeValue,
  formatDuration,
} from '@holdfast/protocol';
import type { Op, OpRequest } from './op.ts';
import type { AbortHandle, RuntimePorts } from './ports.ts';
import type { Run } from './run.ts';
import type { RunJournal, TimerChange } from './run-journal.ts';
import type { Timers } from './timers.ts';

type StepRequest = Extract<OpRequest, { kind: 'step' }>;

/** What running a step asks of the runtime. */
export interface StepHost {
  readonly ports: RuntimePorts;
  readonly journal: RunJournal;
  readonly timers: Timers;
}

/** A pause longer than this is a durable timer, so that the run can be put away meanwhile. */
export const PAUSE_IN_MEMORY_MS_MAX = 10_000;

/**
 * Makes the attempts of a step that are left, journaling each failed one, until it has an outcome
 * or the pause is long. Ends without an outcome when the run is closed.
 */
export async function runStep(host: StepHost, run: Run, op: Op, request: StepRequest) {
  const { policy } = request;
  const abort = host.ports.newAbort();
  op.abort = abort;
  op.attempting = true;
  await host.ports.attempts((attempt) => makeAttempt({ host, run, op, request, attempt }), {
    first: op.attempts + 1,
    last: policy.attempts,
    minDelayMs: policy.minDelayMs,
    maxDelayMs: policy.maxDelayMs,
    factor: policy.factor,
    signal: abort.signal,
    onFailed: (attempt, error, nextDelayMs) =>
      attemptFailed({ host, run, op, request, attempt }, error, nextDelayMs),
  });
  op.attempting = false;
  op.executing = false;
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
  op.executing = true;
  const startMs = host.ports.clock.monoMs();
  const result = encodeValue(await runBody(each), 'result');
  if (run.closed || op.settled) return;
  const { name } = request;
  const tookMs = Math.round(host.ports.clock.monoMs() - startMs);
  const body = { op: op.number, name, attempt, tookMs, result };
  await host.journal.appendOwn(run, { kind: 'step.completed', ...body }, dropTimer(op));
}

/** Runs the user's code once, for at most the timeout. What comes after it is ignored. */
function runBody(each: Attempt): Promise<unknown> {
  const { host, run, op, request, attempt } = each;
  const handle = request.policy.timeoutMs === 0 ? op.abort : host.ports.newAbort();
  const signal = (handle ?? host.ports.newAbort()).signal;
  const info = { idempotencyKey: `${run.uid}/${op.number}`, attempt, signal };
  // In an async function, so that a synchronous throw is a rejection too.
  const work = (async () => run.insideStep(request.name, () => request.body(info)))();
  return request.policy.timeoutMs === 0 ? work : withTimeout(each, work, handle);
}

function withTimeout(
  each: Attempt,
  work: Promise<unknown>,
  handle: AbortHandle | undefined,
): Promise<unknown> {
  const { host, op, request } = each;
  const { timeoutMs } = request.policy;
  const whole = op.abort;
  return new Promise((resolve, reject) => {
    const cancel = host.ports.clock.wakeIn(timeoutMs, () => {
      const error = new HoldfastError('HF_STEP_TIMEOUT', {
        why: `${request.name} took longer than ${formatDuration(timeoutMs)}`,
      });
      handle?.abort(error);
      reject(error);
    });
    // The run may be cancelled or closed while the attempt is at work: its signal follows.
    whole?.onAbort((reason) => handle?.abort(reason));
    work.then(resolve, reject).finally(cancel);
  });
}

async function attemptFailed(
  each: Attempt,
  error: unknown,
  nextDelayMs: number | undefined,
): Promise<'retry' | 'stop'> {
  const { host, run, op, request, attempt } = each;
  if (run.closed || op.settled) return 'stop';
  const entry = { op: op.number, name: request.name, attempt, error: encodeThrown(error) };
  if (nextDelayMs === undefined || isFinal(error)) {
    await host.journal.appendOwn(run, { kind: 'step.failed', ...entry }, dropTimer(op));
    return 'stop';
  }
  const nextAtMs = host.ports.clock.nowMs() + nextDelayMs;
  const long = nextDelayMs > PAUSE_IN_MEMORY_MS_MAX;
  op.executing = false;
  op.attempts = attempt;
  op.dueAtMs = nextAtMs;
  const timer: TimerChange | undefined = long ? { op: op.number, dueAtMs: nextAtMs } : undefined;
  await host.journal.appendOwn(run, { kind: 'step.retrying', ...entry, nextAtMs }, { timer });
  if (long) host.timers.arm(run.facts.number, op.number, nextDelayMs);
  return long ? 'stop' : 'retry';
}

/** Errors of ours that no repetition mends: a value that cannot be stored, a nested step. */
function isFinal(error: unknown): boolean {
  return codeOf(error) !== undefined && error instanceof HoldfastError && error.retry === 'never';
}

/** A pause before this attempt may have left a timer behind. */
function dropTimer(op: Op): { timer: TimerChange | undefined } {
  return { timer: op.attempts > 0 ? { op: op.number, dueAtMs: undefined } : undefined };
}
