import type { Chance, Log, Sha256, Tracer } from '@holdfast/protocol';
import type { DeviceTime } from './device-time.ts';

/** Makes the signals that steps are given; the platform has the class, core does not. */
export interface AbortHandle {
  /** Made when it is asked for: a signal costs more than all else of a small step. */
  readonly signal: AbortSignal;
  abort(reason: unknown): void;
  /** Calls `listener` when it aborts, or at once if it has. */
  onAbort(listener: (reason: unknown) => void): void;
}

export interface AttemptsOptions {
  /** Number of the first attempt, ≥ 1: earlier ones were made before a restart. */
  readonly first: number;
  /** Number of the last attempt; may be Infinity. */
  readonly last: number;
  readonly minDelayMs: number;
  readonly maxDelayMs: number;
  readonly factor: number;
  readonly abort: Pick<AbortHandle, 'signal'>;
  /**
   * Told of each failed attempt before the pause; `nextDelayMs` is undefined after the last one.
   * `stop` ends the attempts; somebody else goes on with them later.
   */
  onFailed(
    attempt: number,
    error: unknown,
    nextDelayMs: number | undefined,
  ): Promise<'retry' | 'stop'>;
}

/**
 * Makes attempts within this process until one succeeds, the last one failed, or `onFailed` says
 * stop. Resolves in each of these cases; rejects only with what `onFailed` rejects with.
 */
export type Attempts = (
  run: (attempt: number) => Promise<void>,
  options: AttemptsOptions,
) => Promise<void>;

/**
 * Calls `listener` for each rejection that nobody handles, once everything else has settled. It
 * says whether the rejection was its own. @returns Stops.
 */
export type OnStray = (listener: (error: unknown) => boolean) => () => void;

/** What the runtime needs of the world. */
export interface RuntimePorts {
  readonly clock: DeviceTime;
  readonly chance: Chance;
  readonly log: Log;
  readonly sha256: Sha256;
  readonly attempts: Attempts;
  readonly newAbort: () => AbortHandle;
  /** Calls `work`, as a microtask, once all that can go on without the outside has gone on. */
  readonly turn: (work: () => void) => void;
  /** Calls `spent` once all that code at work can do without the outside is done, and no later. */
  readonly whenSpent: (spent: () => void) => void;
  readonly onStray: OnStray;
  /** Default: nobody wants spans. */
  readonly tracer?: Tracer | undefined;
}
