import type { Lane } from '@holdfast/protocol';
import { liveStates } from './live.ts';

/** What is told of devices, by the rules of all views: see `fleet-views.ts`. */

export interface ProblemView {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
}

/** What the device said last, at `reportedAt`: it may hold more by now. */
export interface ReportedBacklog {
  /** Entries it had by then that the ledger does not have now. */
  readonly pending: number;
  /** Bytes of the entries that were pending then. */
  readonly bytes: number;
  /** When the oldest of them was journaled, by the clock of the device. */
  readonly oldestAt: string | null;
  readonly reportedAt: string;
}

/** `unknown`: no gateway runs on the ledger. */
export const deviceStates = [...liveStates, 'unknown'] as const;

export interface DeviceView {
  readonly device: string;
  readonly state: (typeof deviceStates)[number];
  readonly epoch: number;
  /** When that epoch was first heard of, and why it began; `null`: it is the first, or not told. */
  readonly began: { readonly at: string | null; readonly cause: string | null };
  readonly firstSeenAt: string | null;
  readonly lastSeenAt: string | null;
  readonly lastAckAt: string | null;
  readonly agentVersion: string | null;
  /** Entries of this epoch in the ledger. */
  readonly entries: number;
  /** Declared holes of this epoch: entries that will never come, and their size. */
  readonly holes: { readonly count: number; readonly entries: number; readonly bytes: number };
  readonly lanes: readonly LaneView[];
  /** `null`: it has not reported since this gateway started. */
  readonly backlog: ReportedBacklog | null;
  /** How far its wall clock is ahead; `null`: not compared since this gateway started. */
  readonly clockAheadMs: number | null;
  /** Number of its runs by state, as last reported. */
  readonly runs: Readonly<Record<string, number>> | null;
  /** Messages of it that were refused since this gateway started. */
  readonly refusals: number;
  /** Why the last of them was. */
  readonly refusal: { readonly code: string; readonly why: string } | null;
  /** Number of the last command issued; 0: none. */
  readonly lastCommand: number;
  /** Commands, results of calls among them, that it has not said anything of. */
  readonly commandsWaiting: number;
  /**
   * The most it was behind in each of the last 24 hours, the oldest first; in it `null`: nothing
   * was heard then, or it is not known. `null`: that was not asked for.
   */
  readonly peaks: readonly (number | null)[] | null;
  /** What a person says of it, by name. */
  readonly tags: Readonly<Record<string, string>>;
}

/** How far a lane is. */
export interface LaneView {
  readonly lane: Lane;
  /** Highest seq such that it and all before are in the ledger; 0: none. */
  readonly watermark: number;
  /** Highest seq journaled, as reported last; `null`: not since this gateway started. */
  readonly head: number | null;
  /** Highest seq that the device knew to be in the ledger, as reported last. */
  readonly acked: number | null;
}

export interface DevicesView {
  readonly schema: 'holdfast.devices/1';
  readonly at: string;
  readonly devices: readonly DeviceView[];
  /** `after` of the next page; `null`: these were the last. */
  readonly next: string | null;
  /** Of all devices, whatever was asked for. */
  readonly summary: FleetSummary;
  /** Of all devices. */
  readonly problems: readonly ProblemView[];
}

/** A fleet in a few numbers. */
export interface FleetSummary {
  readonly devices: number;
  /** Entries that have not arrived, as reported last. */
  readonly pending: number;
  /** Number of devices by state; states without any are left out. */
  readonly states: Readonly<Record<string, number>>;
  /** Number of devices by the version of their agent, of those that have reported. */
  readonly versions: Readonly<Record<string, number>>;
}

/** One life of a device's journal. */
export interface EpochView {
  readonly epoch: number;
  readonly beganAt: string | null;
  /** Hex; `null`: not known. */
  readonly machine: string | null;
  /** Why it began; `null`: it is the first, or the device has not told yet. */
  readonly cause: string | null;
  /** The epoch before it; `null`: none. */
  readonly oldEpoch: number | null;
  readonly why: string;
  readonly lanes: readonly { readonly lane: Lane; readonly watermark: number }[];
}

export interface DeviceDetailView extends DeviceView {
  readonly schema: 'holdfast.device/1';
  readonly at: string;
  /** Every life of its journal, the newest first. */
  readonly epochs: readonly EpochView[];
  readonly keys: readonly KeyView[];
}

/** A key that a device was known by, or is to be. */
export interface KeyView {
  readonly key: string;
  /** When it greeted with it first; `null`: not yet. */
  readonly since: string | null;
  /** When a person decided for it; `null`: it was the first that was seen. */
  readonly acceptedAt: string | null;
  /** When another one took its place; `null`: it counts, or is to. */
  readonly revokedAt: string | null;
  /** When the newest certificate that was issued for it expires; `null`: none was. */
  readonly certificateTo: string | null;
}

export interface RekeyedView {
  readonly schema: 'holdfast.rekeyed/1';
  readonly at: string;
  readonly device: string;
  /** The key that the device is known by from its next hello with it on. */
  readonly key: string;
}

export interface RevokedView {
  readonly schema: 'holdfast.revoked/1';
  readonly at: string;
  readonly device: string;
}

export interface DevicesQuery {
  /** Only those that have all of these. */
  readonly tags?: Readonly<Record<string, string>> | undefined;
  /** Only in one of these states. */
  readonly state?: readonly string[] | undefined;
  /** Only those whose agent is of this version, as reported since this gateway started. */
  readonly version?: string | undefined;
  /** Whether `peaks` are told. */
  readonly peaks?: boolean | undefined;
  /** Only those with this in their id. */
  readonly search?: string | undefined;
  /**
   * `id`, which is the default, goes page by page. `attention`: those that need a person first,
   * then those with the largest backlogs; one page of them.
   */
  readonly order?: 'id' | 'attention' | undefined;
  /** Only behind this id; the `next` of the page before. */
  readonly after?: string | undefined;
  readonly limit: number;
}
