import type { EntryClock } from './entry-times.ts';
import type { Lane } from '@holdfast/protocol';
import type { TimeSource } from './boots.ts';
import type { MeterView } from './link-meter.ts';
import type { ScheduleState } from './schedule-views.ts';
import type { SyncTimesView } from './sync-times.ts';

/**
 * What the socket serves and the command line prints. Every object that leaves the process carries
 * its schema and version; fields are added, never renamed.
 */

export const runStates = [
  'pending',
  'running',
  'sleeping',
  'waiting-signal',
  'waiting-condition',
  'waiting-call',
  'retrying',
  'stuck',
  'paused',
  'completed',
  'failed',
  'cancelled',
] as const;
export type RunState = (typeof runStates)[number];

export const finalStates: ReadonlySet<RunState> = new Set(['completed', 'failed', 'cancelled']);

/** One of the two ends of what a person sees of an error. */
export interface Problem {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
}

/** Holes: entries that will never come, because they were shed, damaged or trimmed. */
export interface HolesView {
  readonly count: number;
  /** Entries that they took the place of, and their bytes. */
  readonly entries: number;
  readonly bytes: number;
}

export interface LaneBacklog {
  readonly lane: Lane;
  /** Highest seq journaled; 0: none. */
  readonly head: number;
  /** Highest seq handed to the broker in this session; ≥ acked. */
  readonly sent: number;
  /** Highest seq acknowledged by the ledger: the watermark. */
  readonly acked: number;
  /** Entries between the two that are here: head - acked - holes.entries. */
  readonly pending: number;
  /** Bytes of the pending entries. */
  readonly bytes: number;
  /** What is gone between the two, and will be declared to the ledger. */
  readonly holes: HolesView;
  /** When the oldest pending entry was journaled; `null` when none is pending. RFC 3339. */
  readonly oldestAt: string | null;
}

export type LinkState =
  /** No gateway is configured. */
  | 'none'
  /** No connection; `nextTryAt` says when the next one is tried. */
  | 'offline'
  /** A connection or the gateway's welcome is awaited. */
  | 'connecting'
  /** Connected and welcomed; entries are on their way. */
  | 'syncing'
  /** Connected and welcomed; nothing is pending. */
  | 'synced'
  /** Connected, pending, and nothing was acknowledged for too long; or refused. */
  | 'stuck'
  /** The agent does not run; what is said is what the store holds. */
  | 'stopped';

/** How the link to the gateway is, and since when. */
export interface LinkView {
  readonly state: LinkState;
  readonly gateway: string | null;
  /** Since when the link is in this state. */
  readonly since: string | null;
  readonly lastAckAt: string | null;
  readonly nextTryAt: string | null;
  /** Attempts since the last session. */
  readonly attempt: number;
  /** Why it is offline or stuck. */
  readonly problem: Problem | null;
  /** Batches that were sent again since the agent started. */
  readonly resends: number;
  /** Of a link that costs: whether it may be used now, and what it has used. `null`: any link. */
  readonly metered: MeterView | null;
}

/** What a device knows of the time. */
export interface ClockView {
  /** Who is believed; `none`: nobody yet, and `at` is the earliest that it can be. */
  readonly source: TimeSource;
  readonly at: string;
  /** How far the wall clock of the system is ahead of it, ms. */
  readonly wallAheadMs: number;
}

export interface JournalStateView {
  /**
   * `failed`: nothing reaches the disk. New work is refused, what is under way waits.
   * `full`: the budget is used up, or the disk nearly full. New work is refused, what is under way
   * goes on.
   */
  readonly state: 'ok' | 'full' | 'failed';
  /** What the entries that are kept take, about. */
  readonly usedBytes: number;
  /** What they may take; `null`: the agent does not run, which knows. */
  readonly maxBytes: number | null;
  /** What the files of the store take; more than `usedBytes` until they are compacted. */
  readonly fileBytes: number | null;
  /** What its file system has free for it; `null`: not known. */
  readonly diskFreeBytes: number | null;
  /**
   * When nothing more fits in if as much is journaled as since the oldest pending entry, ms;
   * `null`: what is journaled is acknowledged, or it is not known.
   */
  readonly fullInMs: number | null;
  /** How long the last 256 commits took, ms; `null`: there was none. */
  readonly syncMs: SyncTimesView | null;
  /** Since when it is not `ok`. */
  readonly since: string | null;
  readonly problem: Problem | null;
}

/**
 * How an agent ended: closed; killed while its machine went on; or cut off with its machine, which
 * lost its power or was restarted.
 */
export const lastEnds = ['clean', 'killed', 'cut'] as const;
export type LastEnd = (typeof lastEnds)[number];

/** How a device is, as `holdfast status -o json` prints it. */
export interface StatusView {
  readonly schema: 'holdfast.status/1';
  readonly device: string;
  readonly epoch: number;
  /** Name of the device's key; `null`: it has none yet. */
  readonly key: string | null;
  /** That it shows to the broker; `null`: it was not enrolled. */
  readonly certificate: { readonly expiresAt: string } | null;
  readonly agent: {
    readonly version: string;
    readonly running: boolean;
    readonly pid: number | null;
    readonly startedAt: string | null;
    /** Of the one before it; where none runs, of the last one. */
    readonly lastEnd: LastEnd;
    /** Bytes that this end has cut off of a last write, of which nobody was told. */
    readonly tornBytes: number;
  };
  /** `null`: the agent does not run. */
  readonly clock: ClockView | null;
  readonly link: LinkView;
  readonly journal: JournalStateView;
  readonly backlog: {
    readonly pending: number;
    readonly bytes: number;
    readonly oldestAt: string | null;
    /** Of all lanes, not yet declared. */
    readonly holes: HolesView;
    readonly setAside: readonly SetAsideView[];
    readonly lanes: readonly LaneBacklog[];
    /** Entries a second that were acknowledged when a backlog drained last; `null`: not known. */
    readonly usualPerS: number | null;
    /**
     * How long the link must be there until nothing is pending, ms, about; `null`: nothing is
     * pending, or it is not known.
     */
    readonly catchUpMs: number | null;
  };
  /** Number of runs by state; states without runs are left out. */
  readonly runs: Partial<Readonly<Record<RunState, number>>>;
  /** Number of schedules by state; states without schedules are left out. */
  readonly schedules: Partial<Readonly<Record<ScheduleState, number>>>;
  readonly problems: readonly Problem[];
}

/** An entry that no message can carry: it stays here, and the ledger is told of a hole. */
export interface SetAsideView {
  readonly lane: Lane;
  readonly seq: number;
  readonly bytes: number;
  readonly reason: string;
}

/** What a device has not yet handed to the gateway. */
export interface BacklogView {
  readonly schema: 'holdfast.backlog/1';
  readonly device: string;
  readonly at: string;
  readonly link: LinkView;
  readonly pending: number;
  readonly bytes: number;
  readonly oldestAt: string | null;
  readonly holes: HolesView;
  readonly setAside: readonly SetAsideView[];
  readonly lanes: readonly LaneBacklog[];
  /** How fast it grows and drains; absent: the agent does not run. */
  readonly rates?: RatesView;
  /** What it is made of, where that was asked for. */
  readonly parts?: BacklogPartsView;
}

/** Entries a second, over the last while. */
export interface RatesView {
  /** Over how long; below 1,000: too short to tell. */
  readonly overMs: number;
  /** Journaled, and acknowledged by the ledger. */
  readonly inPerS: number;
  readonly outPerS: number;
}

/** What is pending, the most first. */
export interface BacklogPartsView {
  /** Entries that were read for it. Where fewer than are pending, the others are estimated. */
  readonly read: number;
  /** `null`: what no run has journaled, as an event from outside. `runs`: seen among the read. */
  readonly byWorkflow: readonly {
    readonly workflow: string | null;
    readonly pending: number;
    readonly bytes: number;
    readonly oldestAt: string | null;
    readonly runs: number;
  }[];
  readonly byKind: readonly {
    readonly kind: string;
    readonly pending: number;
    readonly bytes: number;
  }[];
}

/** What a backlog is to be told with. */
export interface BacklogQuery {
  /** What it is made of: reads entries, at most some thousand. Default: not. */
  readonly parts?: boolean;
}

/** A run, in a line. */
export interface RunView {
  readonly id: string;
  readonly workflow: string;
  readonly version: number;
  readonly state: RunState;
  /** What the workflow set last with `ctx.setStatus`; JSON form. */
  readonly status: unknown;
  /** The operation it is at, for example `authorize-payment`. */
  readonly at: string | null;
  /** The attempt of that operation; 0 when it is no step. */
  readonly attempt: number;
  readonly startedAt: string;
  readonly updatedAt: string;
  /** When it goes on by itself: a timer or the next attempt. */
  readonly nextAt: string | null;
  /** Entries of its history, and those that the ledger has; where that was asked for. */
  readonly synced?: { readonly entries: number; readonly acked: number };
  /** JSON form of the output, once completed. */
  readonly output?: unknown;
  readonly error?: ErrorView;
}

/** An error as far as a person sees it. */
export interface ErrorView {
  readonly name: string;
  readonly message: string;
  readonly code?: string;
}

export interface RunsView {
  readonly schema: 'holdfast.runs/1';
  readonly device: string;
  readonly runs: readonly RunView[];
  /** The cursor of the next page; `null`: there is none. */
  readonly next: string | null;
}

export interface HistoryRow {
  readonly n: number;
  readonly lane: Lane;
  readonly seq: number;
  readonly kind: string;
  readonly at: string;
  /** What `at` is worth, and what the device took for the time then, where that is another. */
  readonly clock: EntryClock;
  readonly deviceAt: string | null;
  readonly name: string | null;
  readonly attempt: number | null;
  readonly synced: boolean;
  /** JSON form of what the entry carries, or `null`. */
  readonly value: unknown;
  /** Operations count from 1, in the order the code began them; `null`: of the run itself. */
  readonly op: number | null;
  /** What the attempt of a step took, where it is known. */
  readonly tookMs: number | null;
}

/** The failure that the run has last met and not got over. */
export interface LastError extends ErrorView {
  /** Name of the operation that failed. */
  readonly step: string;
  /** Which attempt of it; 0 when it is no step. */
  readonly attempt: number;
  readonly at: string;
}

/** A run with its history. */
export interface RunDetailView extends RunView {
  readonly schema: 'holdfast.run/1';
  readonly input: unknown;
  /** What the idempotency keys of its steps begin with: `UID/OP`; `null`: not known. */
  readonly uid: string | null;
  readonly lastError: LastError | null;
  /** In words, for example `signal paid`; `null`: it is at work, or has ended. */
  readonly waitsFor: string | null;
  readonly history: readonly HistoryRow[];
}

/** One entry of a history: its very bytes, and what they say. */
export interface ExportedEntry {
  readonly n: number;
  readonly lane: Lane;
  readonly seq: number;
  /** Lower-case hexadecimal. */
  readonly bytes: string;
  /** Likewise, the value that was sealed in it, where that was asked for. */
  readonly content?: string;
  /** The fields of the entry, values in their JSON form; `null`: the bytes do not decode. */
  readonly entry: Readonly<Record<string, unknown>> | null;
}

/** All that a replay of a run needs. */
export interface HistoryView {
  readonly schema: 'holdfast.history/1';
  readonly device: string;
  readonly epoch: number;
  readonly run: string;
  readonly workflow: string;
  readonly version: number;
  readonly state: RunState;
  readonly entries: readonly ExportedEntry[];
}

export interface RunIdsView {
  readonly schema: 'holdfast.run-ids/1';
  /** In the order of their bytes. */
  readonly ids: readonly string[];
}

/** What the gateway has set on a device, in the order of the names. */
export interface SettingsView {
  readonly schema: 'holdfast.settings/1';
  readonly device: string;
  readonly settings: readonly { readonly name: string; readonly value: unknown }[];
}

export interface JournalRow {
  readonly lane: Lane;
  readonly seq: number;
  readonly at: string;
  /** What `at` is worth, and what the device took for the time then, where that is another. */
  readonly clock: EntryClock;
  readonly deviceAt: string | null;
  readonly kind: string;
  readonly run: string | null;
  readonly name: string | null;
  readonly bytes: number;
  readonly synced: boolean;
  readonly value: unknown;
  /** Its bytes, lower-case hexadecimal: what was hashed and is sent; where that was asked for. */
  readonly hex?: string;
}

export interface JournalView {
  readonly schema: 'holdfast.journal/1';
  readonly device: string;
  readonly epoch: number;
  readonly rows: readonly JournalRow[];
  /** More of what was asked for may lie further back than was looked. */
  readonly partial?: true;
}
