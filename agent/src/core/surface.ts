import type { Lane } from '@holdfast/protocol';
import type { BacklogView, JournalView, RunDetailView, RunsView, StatusView } from './views.ts';

export interface StartRequest {
  readonly workflow: string;
  /** Plain JSON. */
  readonly input: unknown;
  /** Default: a new id. Starting the same id with the same input again attaches to the run. */
  readonly id?: string | undefined;
}

export interface SignalRequest {
  readonly run: string;
  readonly name: string;
  readonly payload?: unknown;
  /** Signals with the same id count once. Default: a new id. */
  readonly id?: string | undefined;
}

/**
 * What the agent offers to the socket, in plain JSON. Every failure is a HoldfastError. What
 * changes the agent's state is durable once the call resolves.
 */
export interface AgentSurface {
  status(): Promise<StatusView>;
  backlog(): Promise<BacklogView>;
  /** Newest first. Without `all`, only runs that have not ended. */
  runs(query: { readonly all: boolean; readonly limit: number }): Promise<RunsView>;
  /** @throws HF_RUN_UNKNOWN */
  run(id: string): Promise<RunDetailView>;
  /**
   * Entries of one lane, or of all merged by time, oldest first. `after`: only with a higher seq
   * (with `lane`); `limit`: the newest that many when `after` is absent.
   */
  journal(query: {
    readonly lane?: Lane | undefined;
    readonly after?: number | undefined;
    readonly limit: number;
  }): Promise<JournalView>;
  /** @throws HF_WORKFLOW_UNKNOWN, HF_RUN_CONFLICT, HF_NAME_INVALID, HF_VALUE_TOO_LARGE, … */
  startRun(request: StartRequest): Promise<{ readonly id: string; readonly created: boolean }>;
  /** @throws HF_RUN_UNKNOWN, HF_RUN_FINISHED, HF_NAME_INVALID */
  signal(request: SignalRequest): Promise<void>;
  /** Cancelling a cancelled run does nothing. @throws HF_RUN_UNKNOWN, HF_RUN_FINISHED */
  cancel(request: { readonly run: string; readonly reason: string }): Promise<void>;
  /** Resolves with the run once it has ended. @throws HF_WAIT_TIMEOUT, HF_RUN_UNKNOWN */
  waitRun(query: { readonly run: string; readonly timeoutMs: number }): Promise<RunDetailView>;
  /** Resolves once nothing is pending in any lane. @throws HF_WAIT_TIMEOUT */
  waitSynced(query: { readonly timeoutMs: number }): Promise<BacklogView>;
}
