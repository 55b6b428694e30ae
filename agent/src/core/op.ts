import type { HoldfastError, Lane } from '@holdfast/protocol';
import type { CancelScope } from './cancel-scope.ts';
import type { Seal, Sealing } from './mark.ts';
import type { Instant } from './device-time.ts';
import type { AbortHandle } from './ports.ts';
import type { RetryPolicy, StepInfo, Workflow } from './workflow.ts';

/** How often and when attempts of a step are made: `StepOptions`, checked and in milliseconds. */
export interface StepPolicy {
  readonly attempts: number;
  readonly minDelayMs: number;
  readonly maxDelayMs: number;
  readonly factor: number;
  readonly jitter: number;
  readonly maxElapsedMs: number;
  readonly retryIf: RetryPolicy['retryIf'];
  readonly delay: RetryPolicy['delay'];
  /** 0: none. */
  readonly timeoutMs: number;
  readonly atMostOnce: boolean;
  readonly external: boolean;
  /** Names of conditions that must hold before an attempt. */
  readonly when: readonly string[];
  /** Looks again after an attempt that gave nothing: `until`. */
  readonly poll: PollPolicy | undefined;
}

export interface PollPolicy {
  readonly everyMs: number;
  readonly maxEveryMs: number;
  readonly factor: number;
  /** `undefined`: for ever. */
  readonly timeoutMs: number | undefined;
}

/** What the code asked for. Values are encoded: what cannot be stored is refused at the call. */
export type OpRequest =
  | {
      readonly kind: 'step';
      readonly name: string;
      readonly body: (info: StepInfo) => unknown;
      readonly policy: StepPolicy;
      readonly compensate: ((result: unknown, info: StepInfo) => unknown) | undefined;
      /** What of its results and errors leaves. */
      readonly sealing: Sealing;
    }
  | { readonly kind: 'sleep'; readonly name: string; readonly until: SleepEnd }
  | { readonly kind: 'wait'; readonly name: string; readonly timeoutMs: number | undefined }
  | {
      readonly kind: 'call';
      readonly name: string;
      readonly input: Uint8Array;
      readonly timeoutMs: number | undefined;
    }
  | {
      readonly kind: 'child';
      /** Name of the workflow. */
      readonly name: string;
      readonly workflow: Workflow;
      readonly input: Uint8Array;
      readonly id: string | undefined;
      readonly isDetached: boolean;
    }
  | {
      readonly kind: 'emit';
      readonly name: string;
      readonly payload: Uint8Array;
      readonly lane: Lane;
      readonly seal: Seal | undefined;
    }
  | { readonly kind: 'status'; readonly name: string; readonly status: Uint8Array }
  | { readonly kind: 'patch'; readonly name: string };

/** After a time, or at a moment of the wall clock. */
export type SleepEnd =
  { readonly kind: 'after'; readonly ms: number } | { readonly kind: 'at'; readonly ms: number };

export type OpKind = OpRequest['kind'];

/** What begins an operation. */
export interface OpBegin {
  /** Operations are numbered in the order the code begins them, from 1. */
  readonly number: number;
  readonly request: OpRequest;
  readonly scope: CancelScope;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** An operation of a run: the code awaits it; history or the world settles it. */
export class Op implements OpBegin {
  readonly number: number;
  readonly request: OpRequest;
  readonly scope: CancelScope;
  resolve: (value: unknown) => void;
  reject: (error: unknown) => void;
  settled = false;
  /** Its first live effect was made, or history says so. */
  begun = false;
  /** A step's body is at work in this process. */
  executing = false;
  /** This process makes the attempts of a step, or waits a short while for the next. */
  attempting = false;
  /** When this process began the attempt that it makes, monotonic. */
  beganMonoMs = 0;
  /** Failed attempts that are journaled. */
  attempts = 0;
  /** When the first of them failed; `undefined`: none has. */
  failedFirst: Instant | undefined;
  /** One of them timed out: it may have had its effect. */
  timedOut = false;
  /** Looks of `until` in this life that gave nothing. */
  looks = 0;
  /** When a timer or the next attempt is due; `undefined`: there is none. */
  due: Instant | undefined;
  /** The same as wall time, for people; 0: there is none. */
  dueAtMs = 0;
  /** When `until` gives up; `undefined`: never. */
  deadline: Instant | undefined;
  /** History has a step.started without an outcome: what it does may have had its effect. */
  inDoubt = false;
  /** An external step's body has ended; only its token settles it. */
  handed = false;
  /** A condition that it waits for; `undefined`: none. */
  awaits: string | undefined;
  /** Id of the child run; empty: none was begun. */
  child = '';
  /** Aborts what the step is doing. */
  abort: AbortHandle | undefined;
  /** Gives the place at work to another step; harmless the second time. */
  leave: (() => void) | undefined;

  constructor({ number, request, scope, resolve, reject }: OpBegin) {
    this.number = number;
    this.request = request;
    this.scope = scope;
    this.resolve = resolve;
    this.reject = reject;
  }
}

/** Ends an operation for the code: nothing that happens to it later is looked at. */
export function settleOp(
  op: Op,
  outcome: { readonly value: unknown } | { readonly error: unknown },
): void {
  op.settled = true;
  op.awaits = undefined;
  restOp(op);
  if ('error' in outcome) op.reject(outcome.error);
  else op.resolve(outcome.value);
  // A run has all its operations until it ends: those that are over are to hold little.
  op.resolve = ignore;
  op.reject = ignore;
}

/** This process does nothing for it any more. */
export function restOp(op: Op): void {
  op.attempting = false;
  op.executing = false;
  op.abort = undefined;
}

const ignore = (): void => undefined;

/** Aborts what an operation does in this process. A body that goes on keeps no other waiting. */
export function abortOp(op: Op, reason: HoldfastError): void {
  op.abort?.abort(reason);
  op.leave?.();
}

/** Cancels an operation and what it does in this process. */
export function cancelOp(op: Op, reason: HoldfastError): void {
  abortOp(op, reason);
  settleOp(op, { error: reason });
}

const notes: ReadonlySet<OpKind> = new Set(['emit', 'status', 'patch']);

/** Whether it is a note to the journal: it does nothing to the world, and waits for nothing. */
export function isNote({ request }: Op): boolean {
  return notes.has(request.kind);
}

/** Whether it is finished though the code did not wait for it. */
export function isEffect(op: Op): boolean {
  const { request } = op;
  if (request.kind === 'child') return request.isDetached;
  return request.kind === 'step' || isNote(op);
}
