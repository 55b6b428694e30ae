import { HoldfastError, type Entry } from '@holdfast/protocol';

/**
 * A history as its code is to see it: where a person let a failed run go on, the failure is
 * forgotten, and with it the attempts that led to it.
 */
export function forgetRetried(history: readonly Entry[]): readonly Entry[] {
  if (!history.some((entry) => entry.kind === 'run.retried')) return history;
  const kept: (Entry | undefined)[] = [];
  for (const entry of history) {
    if (entry.kind === 'run.retried') {
      kept.forEach((each, index) => {
        if (each !== undefined && isForgotten(each, entry.op)) kept[index] = undefined;
      });
    }
    kept.push(entry);
  }
  return kept.filter((entry) => entry !== undefined);
}

function isForgotten(entry: Entry, op: number): boolean {
  if (entry.kind === 'run.failed' || entry.kind === 'run.stuck') return true;
  return attemptKinds.has(entry.kind) && 'op' in entry && entry.op === op;
}

const attemptKinds: ReadonlySet<Entry['kind']> = new Set([
  'step.failed',
  'step.retrying',
  'step.started',
  'step.handed',
  'call.requested',
  'call.failed',
  'child.started',
  'child.failed',
  'timer.fired',
  'timer.set',
]);

const failures: ReadonlySet<Entry['kind']> = new Set([
  'step.failed',
  'call.failed',
  'child.failed',
]);

/**
 * The operation that a failed run failed at; 0: in its own code.
 *
 * @throws HF_RUN_STATE when the run went on behind the failure: what it did then would be lost.
 */
export function failedOp(history: readonly Entry[]): number {
  const at = history.findLastIndex((entry) => failures.has(entry.kind));
  const failure = history[at];
  if (failure === undefined || !('op' in failure)) return 0;
  const later = history.slice(at + 1).find((entry) => 'op' in entry && entry.op > failure.op);
  if (later === undefined) return failure.op;
  throw new HoldfastError('HF_RUN_STATE', {
    why: `it went on behind the failure of operation ${failure.op}; fork it from there instead`,
  });
}

/** Kinds that a fork takes over: what was decided, and what came from outside. */
const settled: ReadonlySet<Entry['kind']> = new Set([
  'run.status',
  'step.completed',
  'step.failed',
  'timer.set',
  'timer.fired',
  'call.requested',
  'call.completed',
  'call.failed',
  'child.completed',
  'child.failed',
  'event.emitted',
  'patch.marked',
]);

/** The part of a history that a fork keeps: outcomes of the operations before `op`, and signals. */
export function historyBefore(history: readonly Entry[], op: number): readonly Entry[] {
  const done = new Set(
    history.flatMap((entry) => ('op' in entry && isOutcome(entry.kind) ? [entry.op] : [])),
  );
  return history.filter((entry) => {
    if (entry.kind === 'signal.received') return true;
    if (!('op' in entry) || !settled.has(entry.kind)) return false;
    return entry.op < op && done.has(entry.op);
  });
}

const outcomes: ReadonlySet<Entry['kind']> = new Set([
  'run.status',
  'step.completed',
  'step.failed',
  'timer.fired',
  'call.completed',
  'call.failed',
  'child.completed',
  'child.failed',
  'event.emitted',
  'patch.marked',
]);

function isOutcome(kind: Entry['kind']): boolean {
  return outcomes.has(kind);
}
