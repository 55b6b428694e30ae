import type { Lane, OnProgress } from '@holdfast/protocol';
import type { FleetBacklog } from './backlog/backlog-views.ts';
import type { FleetCalls } from './call-views.ts';
import type { ClockFlag } from './device-clock.ts';
import type {
  DeviceDetailView,
  DevicesQuery,
  DevicesView,
  ProblemView,
  RekeyedView,
  RevokedView,
} from './device-views.ts';
import type { InstructionKind, Outcome } from './dispatch.ts';
import type { ExportPage, ExportQuery } from './out/export.ts';
import type { LedgerHoleReason } from './ledger.ts';
import type { FleetRetention } from './retention/retention-views.ts';
import type { FleetWebhooks } from './out/webhook-views.ts';

/**
 * What the HTTP API serves and the command line prints. Every object that leaves the process
 * carries its schema and version; fields are added, never renamed. Times are RFC 3339, `null`
 * where there is none; values are in their display form.
 */

/** A run, in a line. */
export interface RunView {
  readonly id: string;
  readonly device: string;
  readonly workflow: string;
  readonly state: string;
  /** Why it has failed or is stuck; `null`: it is neither. */
  readonly reason: RunReasonView | null;
  /** What the workflow said of itself last. */
  readonly status: unknown;
  readonly startedAt: string | null;
  readonly updatedAt: string | null;
  /** Of these two times; the less certain one. */
  readonly clock: ClockFlag;
  /** Entries of this run that have arrived. */
  readonly entries: number;
}

/** What can be told of anything: never what the error says. */
export interface RunReasonView {
  /** Of an error of Holdfast, `HF_…`; the name of another one; `null`: it is not known. */
  readonly code: string | null;
  /** The operation that failed, or that a stuck run was at; `null`: it was none. */
  readonly step: string | null;
}

export interface RunsView {
  readonly schema: 'holdfast.fleet-runs/1';
  readonly at: string;
  /** `null`: of all devices. */
  readonly device: string | null;
  readonly runs: readonly RunView[];
  /** `before` of the next page, which may have none that fits; `null`: these were the last. */
  readonly next: string | null;
  readonly problems: readonly ProblemView[];
}

/**
 * An entry with the fields of its kind; `kind` is `null` for one this version does not know.
 *
 * `at` and what follows from it (`dueAt`, `nextAt`, `expiresAt`) are true times, as well as the
 * gateway knows: `clock` says how well, `deviceAt` what the device said where that is another
 * time. Of an `unsynced` one it is only known that it was between `notBefore` and `notAfter`.
 */
export interface EntryView {
  readonly lane: Lane;
  readonly epoch: number;
  readonly seq: number;
  readonly receivedAt: string | null;
  readonly bytes: number;
  readonly kind: string | null;
  readonly [field: string]: unknown;
}

/** Entries that will never come, and why. */
export interface HoleView {
  readonly lane: Lane;
  readonly epoch: number;
  readonly seqFirst: number;
  readonly seqLast: number;
  readonly reason: LedgerHoleReason;
  /** Of what it took the place of, as the device counted; 0: not known. */
  readonly bytes: number;
  readonly firstAt: string | null;
  readonly lastAt: string | null;
  readonly receivedAt: string | null;
}

export interface EntriesView {
  readonly schema: 'holdfast.entries/1';
  readonly at: string;
  readonly device: string;
  readonly epoch: number;
  readonly entries: readonly EntryView[];
  /** Between, before and behind these entries. */
  readonly holes: readonly HoleView[];
  /** Where to go on, for each lane that has more; empty: these were the last. */
  readonly next: readonly { readonly lane: Lane; readonly after: number }[];
}

/** The value of one entry, also where it is too large for the entry itself. */
export interface ValueView {
  readonly schema: 'holdfast.value/1';
  readonly at: string;
  readonly device: string;
  readonly epoch: number;
  readonly lane: Lane;
  readonly seq: number;
  readonly kind: string;
  /** Of the encoded value. */
  readonly bytes: number;
  /** JSON form; `null`: the entry has none. */
  readonly value: unknown;
}

export interface VerifyView {
  readonly schema: 'holdfast.verify/1';
  readonly at: string;
  readonly whole: boolean;
  readonly entries: number;
  readonly lanes: number;
  /** Declared holes, which are no faults. */
  readonly holes: { readonly count: number; readonly entries: number };
  /** Entries that were kept for long enough. */
  readonly pruned: number;
  /** Contents of erasable values: those held, those that never came, those that were erased. */
  readonly contents: {
    readonly held: number;
    readonly absent: number;
    readonly erased: number;
  };
  readonly faults: readonly {
    readonly device: string;
    readonly epoch: number;
    readonly lane: Lane;
    readonly seq: number;
    readonly why: string;
  }[];
}

export interface RunsQuery {
  readonly device?: string | undefined;
  /** This one alone, of that device. */
  readonly run?: string | undefined;
  /** Only of devices that have all of these. */
  readonly tags?: Readonly<Record<string, string>> | undefined;
  /** Only in one of these states. */
  readonly state?: readonly string[] | undefined;
  readonly workflow?: string | undefined;
  /** By their newest entry, as the gateway knows its true time. */
  readonly updatedSinceMs?: number | undefined;
  readonly updatedBeforeMs?: number | undefined;
  /** `next` of the page before. */
  readonly before?: string | undefined;
  readonly limit: number;
}

export interface EntriesQuery {
  readonly device: string;
  /** Default: the current one. */
  readonly epoch?: number | undefined;
  /** Default: all lanes. */
  readonly lane?: Lane | undefined;
  /** Only with a higher seq; needs `lane`. */
  readonly after?: number | undefined;
  /** Of each lane. */
  readonly limit: number;
}

export interface ValueQuery {
  readonly device: string;
  /** Default: the current one. */
  readonly epoch?: number | undefined;
  readonly lane: Lane;
  readonly seq: number;
}

/** The receipt of an erasure. It does not say whom it was about. */
export interface ErasureView {
  readonly schema: 'holdfast.erasure/1';
  readonly at: string | null;
  readonly by: string;
  readonly reason: string;
  /** Contents of entries that were deleted, their bytes, and results of calls. */
  readonly contents: number;
  readonly bytes: number;
  readonly commands: number;
  /** False: it stopped short; erase again. */
  readonly complete: boolean;
  /** Whose contents they were; the first 1,000 ranges. */
  readonly ranges: readonly {
    readonly device: string;
    readonly epoch: number;
    readonly lane: Lane;
    readonly first: number;
    readonly last: number;
  }[];
}

export interface ErasuresView {
  readonly schema: 'holdfast.erasures/1';
  readonly at: string;
  /** Newest first. */
  readonly erasures: readonly ErasureView[];
}

/** A page of what is held on a subject. */
export interface HeldView {
  readonly schema: 'holdfast.held/1';
  readonly at: string;
  readonly entries: readonly (EntryView & { readonly device: string })[];
  /** Results of calls, on their way to a device or there. */
  readonly commands: readonly {
    readonly device: string;
    readonly number: number;
    readonly kind: string;
    readonly run: string;
    readonly payload: unknown;
  }[];
  /** Give it as `after` for the page behind; `null`: this was the last. */
  readonly next: string | null;
}

export interface EraseQuery {
  readonly subject: string;
  /** Who wants it, and why: for the receipt. */
  readonly by: string;
  readonly reason: string;
}

export interface HeldQuery {
  readonly subject: string;
  readonly after?: string | undefined;
  readonly limit: number;
}

export interface TaggedView {
  readonly schema: 'holdfast.tagged/1';
  readonly at: string;
  readonly device: string;
  readonly tags: Readonly<Record<string, string>>;
}

/** For whom a command is meant: exactly one of these. */
export type Target =
  | { readonly device: string }
  | { readonly tags: Readonly<Record<string, string>> }
  | { readonly all: true };

/** A command before it is issued. */
export interface IssueQuery {
  readonly id: string;
  readonly kind: InstructionKind;
  readonly to: Target;
  /** Of the run that it is about; `run.start`: default: the id of the command. */
  readonly run?: string | undefined;
  /** Of the workflow, the signal, the step or the setting; the token of a step. */
  readonly name?: string | undefined;
  /** JSON: input, payload, result, setting; text: the reason, or what a step fails with. */
  readonly payload?: unknown;
  /** RFC 3339: after that no device applies it. `null`: never. */
  readonly expiresAt: string | null;
  readonly by: string;
}

/** What was issued under one id, and how far it is. */
export interface CommandProgress {
  readonly id: string;
  readonly kind: string;
  /** Whom it is meant for, in words. */
  readonly to: string;
  readonly run: string | null;
  readonly name: string | null;
  readonly payload: unknown;
  readonly issuedAt: string | null;
  readonly by: string;
  readonly expiresAt: string | null;
  /** False: it was cut short; issue it again, with its id. */
  readonly complete: boolean;
  /**
   * When the one device that it waits for was heard last, which is offline; `null`: it is not, or
   * was not heard since this gateway started.
   */
  readonly offlineSince: string | null;
  /** Numbers of devices; those that are waited for have said nothing yet. */
  readonly devices: {
    readonly issued: number;
    readonly waiting: number;
    readonly applied: number;
    readonly expired: number;
    readonly rejected: number;
  };
}

export interface CommandView extends CommandProgress {
  readonly schema: 'holdfast.command/1';
  readonly at: string;
}

export interface CommandsView {
  readonly schema: 'holdfast.commands/1';
  readonly at: string;
  readonly commands: readonly CommandProgress[];
  /** Give it as `before` for the page behind; `null`: this was the last. */
  readonly next: number | null;
}

export interface CommandsQuery {
  readonly before?: number | undefined;
  readonly limit: number;
}

export interface CommandDevicesView {
  readonly schema: 'holdfast.command-devices/1';
  readonly at: string;
  readonly id: string;
  readonly devices: readonly {
    readonly device: string;
    /** Of the command among those of the device. */
    readonly number: number;
    readonly outcome: Outcome;
    readonly reason: string;
    /** When its receipt arrived. */
    readonly settledAt: string | null;
    /** As that of the command, of a device that has said nothing of it. */
    readonly offlineSince: string | null;
  }[];
  /** Give it as `after` for the page behind; `null`: this was the last. */
  readonly next: string | null;
}

/** What one device was told to do, and what became of it. */
export interface DeviceCommandView {
  /** Among the commands of the device. */
  readonly number: number;
  /** Under which it was issued. */
  readonly id: string;
  readonly kind: string;
  readonly run: string | null;
  readonly name: string | null;
  readonly payload: unknown;
  readonly issuedAt: string | null;
  readonly by: string;
  readonly expiresAt: string | null;
  readonly outcome: Outcome;
  readonly reason: string;
  readonly settledAt: string | null;
}

export interface DeviceCommandsView {
  readonly schema: 'holdfast.device-commands/1';
  readonly at: string;
  readonly device: string;
  /** The newest first; results of calls are not among them. */
  readonly commands: readonly DeviceCommandView[];
}

export interface CommandDevicesQuery {
  readonly id: string;
  readonly after?: string | undefined;
  readonly outcome?: Outcome | undefined;
  readonly limit: number;
}

/** What is known of all devices. Every failure is a HoldfastError. */
export interface QuarantineQuery {
  readonly device: string;
  readonly limit: number;
}

/** What of a device is kept aside, and applied to nothing. */
export interface QuarantineView {
  readonly schema: 'holdfast.quarantine/1';
  readonly at: string;
  readonly device: string;
  /** All that is kept, and how many entries found no room. */
  readonly kept: number;
  readonly bytes: number;
  readonly dropped: number;
  /** The first of them, by epoch, lane and seq; times are those of the device. */
  readonly entries: readonly EntryView[];
}

export interface Fleet extends FleetBacklog, FleetCalls, FleetRetention, FleetWebhooks {
  /** What the ledger has, page by page. @throws HF_REQUEST_INVALID */
  exportPage(query: ExportQuery): Promise<ExportPage>;
  /** In the order of their ids. */
  devices(query: DevicesQuery): Promise<DevicesView>;
  /** @throws HF_DEVICE_UNKNOWN */
  device(device: string): Promise<DeviceDetailView>;
  /** Newest first. @throws HF_DEVICE_UNKNOWN, HF_REQUEST_INVALID */
  runs(query: RunsQuery): Promise<RunsView>;
  /** In the order of their seq, lane by lane. @throws HF_DEVICE_UNKNOWN */
  entries(query: EntriesQuery): Promise<EntriesView>;
  /** What came under a key that counted no more. @throws HF_DEVICE_UNKNOWN */
  quarantine(query: QuarantineQuery): Promise<QuarantineView>;
  /**
   * The value of one entry, whole. @throws HF_DEVICE_UNKNOWN, HF_REQUEST_INVALID where there is no
   * such entry, HF_ENTRY_DAMAGED where a part of it is missing.
   */
  value(query: ValueQuery): Promise<ValueView>;
  /**
   * Has a device be known by another key, by its name, from its next hello on. Its old key counts
   * no more from then on. Durable. @throws HF_DEVICE_UNKNOWN, HF_REQUEST_INVALID
   */
  rekey(device: string, key: string): Promise<RekeyedView>;
  /** Has nothing of a device count any more. @throws HF_DEVICE_UNKNOWN */
  revoke(device: string): Promise<RevokedView>;
  /** Reads the whole ledger and checks every chain. Those who ask meanwhile share the answer. */
  verify(progress?: OnProgress): Promise<VerifyView>;
  /** Deletes what is held on a subject; gone from the files once it resolves. */
  erase(query: EraseQuery): Promise<ErasureView>;
  erasures(limit: number): Promise<ErasuresView>;
  held(query: HeldQuery): Promise<HeldView>;
  /** Gives a device these tags in the place of those it had. Durable. @throws HF_DEVICE_UNKNOWN */
  tag(device: string, tags: Readonly<Record<string, string>>): Promise<TaggedView>;
  /**
   * Issues a command: to a device, to all that have some tags, or to all there are now. Durable
   * once it resolves; the same id again changes nothing, or goes on where it was cut short.
   *
   * @throws HF_DEVICE_UNKNOWN, HF_COMMAND_CONFLICT, HF_VALUE_TOO_LARGE
   */
  issue(query: IssueQuery): Promise<CommandView>;
  /** Newest first. */
  commands(query: CommandsQuery): Promise<CommandsView>;
  /** @throws HF_COMMAND_UNKNOWN */
  command(id: string): Promise<CommandView>;
  /** What became of it on each device. @throws HF_COMMAND_UNKNOWN */
  commandDevices(query: CommandDevicesQuery): Promise<CommandDevicesView>;
  /** What one device was told, among its newest commands. @throws HF_DEVICE_UNKNOWN */
  deviceCommands(query: {
    readonly device: string;
    readonly limit: number;
  }): Promise<DeviceCommandsView>;
}
