import type { Lane } from '@holdfast/protocol';
import type { AbortHandle } from './ports.ts';
import type { StepInfo } from './workflow.ts';

/** How often and when attempts of a step are made: `StepOptions`, checked and in milliseconds. */
export interface StepPolicy {
  readonly attempts: number;
  readonly minDelayMs: number;
  readonly maxDelayMs: number;
  readonly factor: number;
  /** 0: none. */
  readonly timeoutMs: number;
}

/** What the code asked for. Values are encoded: what cannot be stored is refused at the call. */
export type OpRequest =
  | {
      readonly kind: 'step';
      readonly name: string;
      readonly body: (info: StepInfo) => unknown;
      readonly policy: StepPolicy;
    }
  | { readonly kind: 'sleep'; readonly name: string; readonly durationMs: number }
  | { readonly kind: 'wait'; readonly name: string; readonly timeoutMs: number | undefined }
  | {
      readonly kind: 'call';
      readonly name: string;
      readonly input: Uint8Array;
      readonly timeoutMs: number | undefined;
    }
  | {
      readonly kind: 'emit';
      readonly name: string;
      readonly payload: Uint8Array;
      readonly lane: Lane;
    }
  | { readonly kind: 'status'; readonly name: string; readonly status: Uint8Array };

export type OpKind = OpRequest['kind'];

/** An operation of a run: the code awaits it; history or the world settles it. */
export interface Op {
  /** Operations are numbered in the order the code begins them, from 1. */
  readonly number: number;
  readonly request: OpRequest;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
  settled: boolean;
  /** Its first live effect was made, or history says so. */
  begun: boolean;
  /** A step's body is at work in this process. */
  executing: boolean;
  /** This process makes the attempts of a step, or waits a short while for the next. */
  attempting: boolean;
  /** Failed attempts that are journaled. */
  attempts: number;
  /** When a timer or the next attempt is due, wall time; 0: there is none. */
  dueAtMs: number;
  /** Aborts what the step is doing. */
  abort: AbortHandle | undefined;
}
