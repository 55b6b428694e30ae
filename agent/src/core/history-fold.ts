import {
  HoldfastError,
  codeOf,
  decodeValue,
  messageOf,
  type Entry,
  type EntryOf,
} from '@holdfast/protocol';
import { WALL, type Instant } from './device-time.ts';
import { settleOp, type Op, type OpKind } from './op.ts';
import { cutOwnFrames } from './own-frames.ts';

/** What history does to a run. */
export interface HistoryTarget {
  readonly id: string;
  readonly ops: ReadonlyMap<number, Op>;
  start(entry: EntryOf<'run.started'>): boolean;
  signal(entry: EntryOf<'signal.received'>): boolean;
  cancel(entry: EntryOf<'cancel.requested'>): boolean;
  pause(isPaused: boolean): boolean;
  /** An operation was settled by history. `result`: what a step completed with. */
  settled(op: Op): void;
  /** A step is to be undone if the run fails. */
  undoable(op: Op, result: unknown): void;
  /** What a cancelled operation began elsewhere is to end. */
  abandon(op: Op): void;
}

/**
 * Applies an entry to a run: the one place that says what each kind does to the code's operations.
 *
 * @returns Whether the code may go on now.
 * @throws HF_CODE_MISMATCH when the code has not begun what the entry belongs to.
 */
export function applyEntry(run: HistoryTarget, entry: Entry): boolean {
  switch (entry.kind) {
    case 'run.started':
      return run.start(entry);
    case 'signal.received':
      return run.signal(entry);
    case 'cancel.requested':
      return run.cancel(entry);
    case 'run.paused':
    case 'run.resumed':
      return run.pause(entry.kind === 'run.paused');
    case 'run.status':
      return resolve(run, expect(run, entry, 'status'), undefined);
    case 'event.emitted':
      return resolve(run, expect(run, entry, 'emit'), undefined);
    case 'patch.marked':
      return resolve(run, expect(run, entry, 'patch'), undefined);
    case 'step.completed':
      return completed(run, entry);
    case 'step.failed':
      return failed(run, entry);
    case 'step.started':
      return started(run, entry);
    case 'call.completed':
      return resolve(run, expect(run, entry, 'call'), decodeValue(entry.result));
    case 'call.failed':
      return reject(run, expect(run, entry, 'call'), callFailed(entry));
    case 'child.completed':
      return resolve(run, expect(run, entry, 'child'), decodeValue(entry.result));
    case 'child.failed':
      return reject(run, expect(run, entry, 'child'), childFailed(entry));
    case 'child.started':
      return childStarted(run, entry);
    case 'timer.fired':
      return fired(run, expect(run, entry, 'sleep', 'wait', 'call', 'step'));
    default:
      note(run, entry);
      return false;
  }
}

/** What an operation is to know when the code goes on living with it. */
function note(run: HistoryTarget, entry: Entry): void {
  switch (entry.kind) {
    case 'step.retrying': {
      const op = expect(run, entry, 'step');
      op.attempts = entry.attempt;
      op.dueAtMs = entry.nextAtMs;
      op.due = instantOf(entry, entry.nextAtMs);
      op.failedFirst ??= instantOf(entry, entry.atMs);
      op.timedOut ||= canBeUndone(op) && hasTimedOut(entry.error);
      op.inDoubt = false;
      return;
    }
    case 'step.handed': {
      const op = expect(run, entry, 'step');
      op.handed = true;
      op.begun = true;
      return;
    }
    case 'timer.set': {
      const op = expect(run, entry, 'sleep', 'wait', 'step');
      const due = instantOf(entry, entry.dueAtMs);
      if (op.request.kind === 'step') op.deadline = due;
      else {
        const isOfWall = op.request.kind === 'sleep' && op.request.until.kind === 'at';
        op.due = isOfWall ? { boot: WALL, ms: entry.dueAtMs } : due;
        op.dueAtMs = entry.dueAtMs;
        op.begun = true;
      }
      return;
    }
    case 'call.requested': {
      const op = expect(run, entry, 'call');
      op.dueAtMs = entry.expiresAtMs;
      op.due = entry.expiresAtMs === 0 ? undefined : instantOf(entry, entry.expiresAtMs);
      op.begun = true;
      return;
    }
    default:
  }
}

/** A time of an entry as one of the clock that is never set. */
export function instantOf(entry: Entry, atMs: number): Instant {
  return { boot: entry.boot, ms: entry.monoMs + Math.max(0, atMs - entry.atMs) };
}

type OpEntry = Extract<Entry, { readonly op: number; readonly name: string }>;

/** The operation an entry belongs to, if the code began the same one at that place. */
function expect(run: HistoryTarget, entry: OpEntry, ...kinds: readonly OpKind[]): Op {
  const op = run.ops.get(entry.op);
  if (op !== undefined && kinds.includes(op.request.kind) && op.request.name === entry.name) {
    return op;
  }
  const expected = `${kinds.join(' or ')} "${entry.name}"`;
  const came = op ? `${op.request.kind} "${op.request.name}"` : 'nothing';
  throw new HoldfastError('HF_CODE_MISMATCH', {
    why: `operation ${entry.op} was ${expected} when it was journaled; the code begins ${came}`,
    details: { run: run.id, n: entry.n, op: entry.op, expected, came },
  });
}

function resolve(run: HistoryTarget, op: Op, value: unknown): boolean {
  if (op.settled) return false;
  settleOp(op, { value });
  run.settled(op);
  return true;
}

function reject(run: HistoryTarget, op: Op, error: unknown): boolean {
  if (op.settled) return false;
  // In which turn it was handed on is not to be seen in it: it is the same in every replay.
  cutOwnFrames(error);
  settleOp(op, { error });
  run.settled(op);
  return true;
}

function completed(run: HistoryTarget, entry: EntryOf<'step.completed'>): boolean {
  const op = expect(run, entry, 'step');
  const result = decodeValue(entry.result);
  // Also for a step that was cancelled meanwhile: its effect has happened.
  run.undoable(op, result);
  return resolve(run, op, result);
}

function failed(run: HistoryTarget, entry: EntryOf<'step.failed'>): boolean {
  const op = expect(run, entry, 'step');
  const cause = decodeValue(entry.error);
  const code = codeOf(cause);
  const mayHaveHappened = op.timedOut || code === 'HF_STEP_TIMEOUT';
  if (mayHaveHappened || code === 'HF_STEP_INTERRUPTED') run.undoable(op, undefined);
  if (code === 'HF_STEP_INTERRUPTED') return reject(run, op, cause);
  const error = new HoldfastError('HF_STEP_FAILED', {
    why: `${entry.name}, attempt ${entry.attempt}: ${messageOf(cause)}`,
    details: { step: entry.name, attempts: entry.attempt },
    cause,
  });
  return reject(run, op, error);
}

/** It is at work, once and for all; or it was at work when it was cancelled. */
function started(run: HistoryTarget, entry: EntryOf<'step.started'>): boolean {
  const op = expect(run, entry, 'step');
  const { reason } = op.scope;
  op.inDoubt = true;
  if (reason === undefined || op.settled) return false;
  run.undoable(op, undefined);
  return reject(run, op, reason);
}

function canBeUndone({ request }: Op): boolean {
  return request.kind === 'step' && request.compensate !== undefined;
}

function hasTimedOut(error: Uint8Array): boolean {
  return codeOf(decodeValue(error)) === 'HF_STEP_TIMEOUT';
}

function childStarted(run: HistoryTarget, entry: EntryOf<'child.started'>): boolean {
  const op = expect(run, entry, 'child');
  op.begun = true;
  op.child = entry.child;
  // Its code had cancelled it before it was there.
  if (op.settled && !entry.isDetached) run.abandon(op);
  return entry.isDetached ? resolve(run, op, entry.child) : false;
}

function fired(run: HistoryTarget, op: Op): boolean {
  const { kind, name } = op.request;
  if (kind === 'sleep') return resolve(run, op, undefined);
  const code = kind === 'call' ? 'HF_CALL_TIMEOUT' : 'HF_WAIT_TIMEOUT';
  return reject(run, op, new HoldfastError(code, { why: `${kind} ${name}` }));
}

function callFailed(entry: EntryOf<'call.failed'>): HoldfastError {
  const cause = decodeValue(entry.error);
  return new HoldfastError('HF_CALL_FAILED', {
    why: `${entry.name}: ${messageOf(cause)}`,
    details: { service: entry.name },
    cause,
  });
}

function childFailed(entry: EntryOf<'child.failed'>): HoldfastError {
  const cause = decodeValue(entry.error);
  return new HoldfastError('HF_CHILD_FAILED', {
    why: `${entry.name} ${entry.child}: ${messageOf(cause)}`,
    details: { workflow: entry.name, child: entry.child },
    cause,
  });
}
