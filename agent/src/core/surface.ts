import type { Lane } from '@holdfast/protocol';
import type { RunsQuery } from './run-list.ts';
import type { Erased, EraseRequest } from './erasure.ts';
import type { JournalQuery } from './journal-filter.ts';
import type { LogsView } from './kept-log.ts';
import type { SchedulesView } from './schedule-views.ts';
import type { ConflictPolicy, ReusePolicy } from './start-policies.ts';
import type {
  BacklogQuery,
  BacklogView,
  HistoryView,
  JournalView,
  LinkView,
  RunDetailView,
  RunIdsView,
  RunsView,
  SettingsView,
  StatusView,
} from './views.ts';

/** Where the socket is, in the data directory, unless it is told to be elsewhere… */
export const SOCKET_NAME = 'agent.sock';
/** …and the file in the data directory that has its path when it is. */
export const SOCKET_NOTE = 'socket';

export interface StartRequest {
  readonly workflow: string;
  /** Plain JSON. */
  readonly input: unknown;
  /** Default: a new id. */
  readonly id?: string | undefined;
  /** Whom it is about: what leaves of it can be erased by this. Default: nobody. */
  readonly subject?: string | undefined;
  /** When a run with this id has not ended. Default `attach`: the same input is that run. */
  readonly onConflict?: ConflictPolicy | undefined;
  /** When the run with this id has ended. Default `attach`. */
  readonly reuse?: ReusePolicy | undefined;
  /** Place in a trace of whoever starts it [W3C Trace Context]. */
  readonly traceparent?: string | undefined;
}

export interface SignalRequest {
  readonly run: string;
  readonly name: string;
  readonly payload?: unknown;
  /** Signals with the same id count once. Default: a new id. */
  readonly id?: string | undefined;
  /** Place in a trace of its sender. */
  readonly traceparent?: string | undefined;
  /** Whom it is about. Default: as the run. */
  readonly subject?: string | undefined;
}

export interface CancelRequest {
  readonly run: string;
  readonly reason: string;
  /** It ends at once, and none of its code runs any more. Default: it may clean up. */
  readonly force?: boolean | undefined;
}

/** A wish of a person about a run, and why, for the journal. */
export interface RepairRequest {
  readonly run: string;
  readonly reason: string;
}

export interface SkipRequest {
  readonly run: string;
  /** Name of a step that is open. */
  readonly step: string;
  /** What it is to resolve with; plain JSON. */
  readonly result?: unknown;
}

export interface ForkRequest {
  readonly run: string;
  /** Name or number of the operation that the new run does anew, with all behind it. */
  readonly step: string;
  /** Default: a new id. */
  readonly id?: string | undefined;
}

/** The outcome of a step that is `external`: what it resolves with, or why it fails. */
export interface CompleteRequest {
  readonly token: string;
  /** Plain JSON. */
  readonly result?: unknown;
  /** The step fails with a TerminalError of this message: no further attempt is made. */
  readonly error?: string | undefined;
}

export interface EmitRequest {
  readonly name: string;
  /** Plain JSON. */
  readonly payload?: unknown;
  /** Default `normal`. */
  readonly lane?: Lane | undefined;
  /** Whom it is about. Default: nobody. */
  readonly subject?: string | undefined;
}

/** Another key of the device. */
export interface KeyChanged {
  readonly device: string;
  /** Its name. */
  readonly key: string;
  /** Where the agent connects to. */
  readonly gateway: string;
  /** When its certificate expires; RFC 3339. */
  readonly certificateUntil: string;
}

export interface RevealOptions {
  /** What was marked local or redacted is shown too. Default: as it leaves the device. */
  readonly reveal?: boolean;
}

/** Resolves once more bytes may be sent. */
export type SendBytes = (bytes: Uint8Array) => Promise<void>;

/**
 * What the agent offers to the socket, in plain JSON. Every failure is a HoldfastError. What
 * changes the agent's state is durable once the call resolves.
 */
export interface AgentSurface {
  status(): Promise<StatusView>;
  backlog(query?: BacklogQuery): Promise<BacklogView>;
  /** One page, newest first. @throws HF_INPUT_INVALID (cursor), HF_QUERY_INVALID */
  runs(query: RunsQuery): Promise<RunsView>;
  /** Ids of runs, ended or not, that begin with `prefix`. */
  runIds(query: { readonly prefix: string; readonly limit: number }): Promise<RunIdsView>;
  /** @throws HF_RUN_UNKNOWN */
  run(id: string, options?: RevealOptions): Promise<RunDetailView>;
  /** @throws HF_RUN_UNKNOWN, HF_ENTRY_DAMAGED for an entry that is gone. */
  history(id: string, options?: RevealOptions): Promise<HistoryView>;
  /**
   * Entries of one lane, or of all merged by time, oldest first. `after`: only with a higher seq
   * (with `lane`); `limit`: the newest that many when `after` is absent.
   */
  journal(query: JournalQuery): Promise<JournalView>;
  /** @throws HF_WORKFLOW_UNKNOWN, HF_RUN_CONFLICT, HF_NAME_INVALID, HF_VALUE_TOO_LARGE, … */
  startRun(request: StartRequest): Promise<{ readonly id: string; readonly created: boolean }>;
  /** @throws HF_RUN_UNKNOWN, HF_RUN_FINISHED, HF_NAME_INVALID */
  signal(request: SignalRequest): Promise<void>;
  /** Cancelling a cancelled run does nothing. @throws HF_RUN_UNKNOWN, HF_RUN_FINISHED */
  cancel(request: CancelRequest): Promise<void>;
  /** Nothing new of the run is begun. @throws HF_RUN_UNKNOWN, HF_RUN_FINISHED */
  pause(request: RepairRequest): Promise<void>;
  /** @throws HF_RUN_UNKNOWN, HF_RUN_FINISHED */
  resume(request: { readonly run: string }): Promise<void>;
  /**
   * A failed run goes on from the operation it failed at, a stuck one tries its code again, and a
   * pause between two attempts ends. @throws HF_RUN_UNKNOWN, HF_RUN_STATE
   */
  retry(request: RepairRequest): Promise<void>;
  /** @throws HF_RUN_UNKNOWN, HF_RUN_FINISHED, HF_RUN_STATE when no such step is open. */
  skip(request: SkipRequest): Promise<void>;
  /** @throws HF_RUN_UNKNOWN, HF_RUN_STATE, HF_RUN_CONFLICT, HF_NAME_INVALID */
  fork(request: ForkRequest): Promise<{ readonly id: string }>;
  /** @throws HF_TOKEN_INVALID when no open step has this token. */
  complete(request: CompleteRequest): Promise<void>;
  /** Journals an event outside any run. @throws HF_NAME_INVALID, HF_VALUE_TOO_LARGE */
  emit(request: EmitRequest): Promise<void>;
  /** Deletes what this device holds on a subject. @throws HF_SUBJECT_NEEDED, HF_NAME_INVALID */
  erase(request: EraseRequest): Promise<Erased>;
  /** What the gateway has set. */
  settings(): Promise<SettingsView>;
  /** Those of the running code, and those that the store knows from earlier. */
  schedules(): Promise<SchedulesView>;
  /** No slot starts a run until it is resumed. @throws HF_SCHEDULE_UNKNOWN */
  pauseSchedule(id: string): Promise<void>;
  /** Slots that came while it was paused are passed over. @throws HF_SCHEDULE_UNKNOWN */
  resumeSchedule(id: string): Promise<void>;
  /** Starts a run now. @throws HF_SCHEDULE_UNKNOWN, HF_SCHEDULE_OVERLAP */
  triggerSchedule(id: string): Promise<{ readonly run: string }>;
  /** Lines of the log since the agent started, the newest `limit` behind line `after`. */
  logs(query: { readonly after: number; readonly limit: number }): Promise<LogsView>;
  /** What is counted and measured, in the text format of Prometheus. */
  metrics(): Promise<string>;
  /** Sends a snapshot of the store as it is at the call; what is being journaled waits for none. */
  snapshot(send: SendBytes): Promise<void>;
  /** Somebody knows that the network is up: connects now. */
  nudge(): Promise<LinkView>;
  /** Has the gateway know the device by another key. @throws HF_RENEWAL_REFUSED and others */
  rotateKey(): Promise<KeyChanged>;
  /** Resolves with the run once it has ended. @throws HF_WAIT_TIMEOUT, HF_RUN_UNKNOWN */
  waitRun(query: { readonly run: string; readonly timeoutMs: number }): Promise<RunDetailView>;
  /** Resolves once nothing is pending in any lane. @throws HF_WAIT_TIMEOUT */
  waitSynced(query: { readonly timeoutMs: number }): Promise<BacklogView>;
}

/** What can be read of an agent, whether it runs or not. */
export type AgentReader = Pick<
  AgentSurface,
  | 'status'
  | 'backlog'
  | 'runs'
  | 'runIds'
  | 'run'
  | 'history'
  | 'journal'
  | 'schedules'
  | 'snapshot'
>;
