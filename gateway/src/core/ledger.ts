import { holeReasons } from '@holdfast/protocol';
import type {
  Batch,
  CarriedEntry,
  Command,
  Entry,
  Hole,
  Lane,
  OnProgress,
  PerLane,
} from '@holdfast/protocol';
import type { CallLedger } from './call.ts';
import type { CommandLedger } from './command-ledger.ts';
import type { DeviceLedger } from './device-ledger.ts';
import type { Tag } from './dispatch.ts';
import type { Incarnations } from './incarnations.ts';
import type { KeyLedger } from './key-ledger.ts';
import type { OutLedger } from './out/subscriber.ts';
import type { Pruned } from './retention/prune.ts';
import type { RetentionRule } from './retention/rules.ts';
import type { RunLedger } from './run-ledger.ts';
import type { BootSample, DeviceClocks } from './device-clock.ts';

/** What the ledger holds of one lane of one epoch of a device. */
export interface LanePosition {
  /** Highest seq such that it and all before are durable here; 0: none. */
  readonly watermark: number;
  /** The chain's hash at the watermark. */
  readonly hash: Uint8Array;
}

/** What the ledger knows of a device, apart from its entries. */
export interface DeviceRecord {
  readonly device: string;
  /** That it is known by: SubjectPublicKeyInfo, DER. Empty: it was revoked. */
  readonly publicKey: Uint8Array;
  /** Name of the key that a person has decided for; empty: none. */
  readonly awaitedKey: string;
  /** The key that it was known by before; empty: none. */
  readonly revokedKey: Uint8Array;
  readonly epoch: number;
  /** When that epoch was first heard of, and what the device told of why; empty: nothing. */
  readonly began: { readonly atMs: number; readonly cause: string };
  readonly firstSeenAtMs: number;
  readonly lanes: PerLane<LanePosition>;
  /** Number of the last command that was issued; 0: none. */
  readonly lastCommand: number;
  /** Highest command number of which the device's receipt has arrived; 0: none. */
  readonly lastReceipt: number;
  /** What a person says of it, by name. */
  readonly tags: readonly Tag[];
  /** Declared holes of the epoch, and what they took the place of. */
  readonly holes: { readonly count: number; readonly entries: number; readonly bytes: number };
}

/** One life of a device's journal. */
export interface LedgerEpoch {
  readonly epoch: number;
  /** When it was first heard of, by the gateway's clock. */
  readonly beganAtMs: number;
  /** That it was on then; empty: not known. */
  readonly machine: Uint8Array;
  /** What the device told of its beginning in `epoch.began`; empty: nothing yet. */
  readonly cause: string;
  /** The life before it, as the device told, or else as it is known here; 0: none. */
  readonly oldEpoch: number;
  readonly why: string;
  readonly lanes: PerLane<LanePosition>;
}

/** Consecutive entries of one lane, as they came in a batch. */
export interface IngestBatch {
  readonly device: string;
  readonly epoch: number;
  readonly lane: Lane;
  /** That it is signed by. Where the device is known by another one, it is not taken. */
  readonly publicKey?: Uint8Array | undefined;
  /** ≥ 1. */
  readonly seqFirst: number;
  /** The chain's hash before the first entry. */
  readonly previousHash: Batch['previousHash'];
  /** The chain's hash at the last entry, by the device's word. */
  readonly hash: Batch['hash'];
  /** At least one; the bytes as they were hashed on the device. */
  readonly entries: readonly Uint8Array[];
  /** What came beside entries, by their places among them. Default: nothing. */
  readonly carried?: ReadonlyMap<number, CarriedEntry> | undefined;
  /** Whether any of the entries may hold a sealed value. Default: each is looked at. */
  readonly mayHoldSealed?: boolean;
  readonly receivedAtMs: number;
}

/** What of a device came under a key that counted no more, kept aside and never applied. */
export interface Quarantine {
  readonly batches: number;
  readonly entries: number;
  readonly bytes: number;
  /** Entries that found no room any more. */
  readonly dropped: number;
}

/** A declaration that entries of one lane will never come. */
export interface IngestHole {
  readonly device: string;
  readonly epoch: number;
  /** As of a batch. */
  readonly publicKey?: Uint8Array | undefined;
  readonly hole: Omit<Hole, 'epoch'>;
  readonly receivedAtMs: number;
}

export type IngestOutcome =
  /** Everything through the watermark is durable. */
  | {
      readonly kind: 'committed';
      readonly position: LanePosition;
      /** How many entries were new. */
      readonly fresh: number;
      /** How many of those requested a call. */
      readonly calls: number;
      /** Commands that were given a new number, since a receipt took theirs for another one. */
      readonly issued: number;
      /** `lastReceipt` of the device, these entries included. */
      readonly lastReceipt: number;
    }
  /** The batch does not join on: entries from `watermark + 1` are missing. */
  | { readonly kind: 'gap'; readonly position: LanePosition }
  /** Its chain contradicts what is held. Nothing was stored. */
  | { readonly kind: 'forked'; readonly position: LanePosition }
  /** The ledger knows no such device, epoch or key: it must greet first. */
  | { readonly kind: 'unknown' };

export interface LedgerEntry {
  readonly lane: Lane;
  readonly epoch: number;
  readonly seq: number;
  readonly receivedAtMs: number;
  readonly bytes: Uint8Array;
  /**
   * With the content of its erasable value, where that is held. `undefined`: of a kind that this
   * version does not know.
   */
  readonly entry: Entry | undefined;
}

/** What became of the content of an erasable value. `absent`: it never came. */
export const contentStates = ['held', 'absent', 'erased'] as const;
export type ContentState = (typeof contentStates)[number];

export interface ErasureRequest {
  /** Whom it is about, as the device was told. */
  readonly subject: string;
  readonly atMs: number;
  /** Who wants it. */
  readonly by: string;
  readonly reason: string;
}

/** The receipt of an erasure. It does not say whom it was about. */
export interface Erasure {
  readonly atMs: number;
  readonly by: string;
  readonly reason: string;
  /** Contents that were deleted, and their bytes. */
  readonly contents: number;
  readonly bytes: number;
  /** Results of calls that were deleted. */
  readonly commands: number;
  /** False: it stopped short; erasing again goes on. */
  readonly isComplete: boolean;
  /** Whose contents they were; the first 1,000 ranges, when there are more. */
  readonly ranges: readonly {
    readonly device: string;
    readonly epoch: number;
    readonly lane: Lane;
    readonly seqFirst: number;
    readonly seqLast: number;
  }[];
}

export interface PruneRequest {
  readonly rules: readonly RetentionRule[];
  /** How long commands stay once they are answered on all devices; `Infinity`: for ever. */
  readonly keepCommandsMs: number;
  readonly nowMs: number;
  /** Names whoever does it among those that share the ledger. */
  readonly owner: string;
  /** Asked before each device: to stop there. */
  readonly isOver?: (() => boolean) | undefined;
}

/** The receipt of a look that took something out of the ledger. */
export interface PruningReceipt extends Pruned {
  readonly atMs: number;
}

/** A page of what is held on a subject. */
export interface HeldPage {
  readonly entries: readonly (LedgerEntry & { readonly device: string })[];
  /** Results of calls, on their way to a device or there. */
  readonly commands: readonly (Command & { readonly device: string })[];
  /** Where to go on; `undefined`: this was the last. */
  readonly next: string | undefined;
}

/** `retention`: what is there no more was kept for as long as it was to be. */
export const ledgerHoleReasons = [...holeReasons, 'retention'] as const;
export type LedgerHoleReason = (typeof ledgerHoleReasons)[number];

/** A hole as the ledger keeps it: what it held already is no part of it. */
export interface LedgerHole extends Omit<Hole, 'epoch' | 'previousHash' | 'hash' | 'reason'> {
  readonly reason: LedgerHoleReason;
  readonly epoch: number;
  readonly receivedAtMs: number;
}

export interface RebuildReport {
  readonly entries: number;
  readonly runs: number;
  /** Calls without a result. */
  readonly calls: number;
}

export interface VerifyReport {
  /** Contents of erasable values: those that match, those that were erased or never came. */
  readonly contents: Readonly<Record<ContentState, number>>;
  readonly entries: number;
  readonly lanes: number;
  /** Declared holes, and how many entries they took the place of. */
  readonly holes: { readonly count: number; readonly entries: number };
  /** Entries that are there no more since they were kept for long enough. */
  readonly pruned: number;
  /** Each damaged, missing or changed entry found, in words. Empty: the chain is whole. */
  readonly faults: readonly {
    readonly device: string;
    readonly epoch: number;
    readonly lane: Lane;
    readonly seq: number;
    readonly why: string;
  }[];
}

/**
 * The gateway's copy of all journals, and what follows from them. One contract suite in
 * `test/contract` runs over every implementation.
 */
export interface Ledger extends CallLedger, CommandLedger, DeviceLedger, KeyLedger, RunLedger {
  /** What is kept of what goes out. */
  readonly out: OutLedger;

  /**
   * Registers a device at its first hello, or a later epoch of a known one. Durable once it
   * resolves. Returns what is held now; an epoch below the known one changes nothing, nor does
   * another key than the one that was seen first.
   */
  greet(device: {
    readonly device: string;
    readonly epoch: number;
    readonly publicKey: Uint8Array;
    readonly atMs: number;
    /** What the device has applied: later commands are numbered above it. Default 0. */
    readonly lastCommand?: number;
    /** That the device says it runs on. Default: not known. */
    readonly machine?: Uint8Array;
  }): Promise<DeviceRecord>;

  /**
   * Keeps a batch aside that came under a key which counts no more: up to 4 MiB and 1,000 batches
   * of a device, without the contents of erasable values. What is beyond is counted. The same
   * batch again changes nothing. Durable once it resolves.
   */
  quarantine(batch: IngestBatch): Promise<void>;
  quarantined(query: {
    readonly device: string;
    readonly limit: number;
  }): Promise<Quarantine & { readonly late: readonly LedgerEntry[] }>;

  /**
   * Takes a batch in one transaction: check the watermark and the chain, write what is new,
   * advance, and record what follows (runs, pending calls). Entries that are held already are
   * compared through the chain and not written again. Durable once it resolves.
   */
  ingest(batch: IngestBatch): Promise<IngestOutcome>;

  /**
   * Takes a hole in one transaction, as a batch: check the watermark and the chain, write the hole,
   * advance over it. Entries of its range that are held already stay. Durable once it resolves.
   */
  declareHole(hole: IngestHole): Promise<IngestOutcome>;

  /** Every life of a device's journal, the newest first; empty: never seen. */
  epochs(device: string): Promise<readonly LedgerEpoch[]>;

  /** What is known of the agents that greeted as a device, by whichever gateway. */
  incarnations(device: string): Promise<Incarnations>;

  /**
   * Keeps what follows from a greeting, unless something else than `seen` is kept by now. Durable
   * once it resolves. @returns Whether it did.
   */
  noteIncarnations(change: {
    readonly device: string;
    readonly seen: Incarnations;
    readonly next: Incarnations;
  }): Promise<boolean>;

  /** The hash of the chain at `seq`; `undefined`: that of no entry that is held. */
  hashAt(place: {
    readonly device: string;
    readonly epoch: number;
    readonly lane: Lane;
    readonly seq: number;
  }): Promise<Uint8Array | undefined>;

  /** At most `limit` entries of one lane of an epoch with seq > after, in order. */
  entries(query: {
    readonly device: string;
    /** Default: the current one. */
    readonly epoch?: number | undefined;
    readonly lane: Lane;
    readonly after: number;
    readonly limit: number;
    /** With the contents of erasable values, where they are held. Default: yes. */
    readonly isPersonal?: boolean | undefined;
    /** Nothing is decoded: all have their bytes, and no `entry`. Default: no. */
    readonly areBytesEnough?: boolean | undefined;
  }): Promise<readonly LedgerEntry[]>;

  /** At most `limit` holes of one lane of an epoch that end behind `after`, in order. */
  holes(query: {
    readonly device: string;
    /** Default: the current one. */
    readonly epoch?: number | undefined;
    readonly lane: Lane;
    readonly after: number;
    readonly limit: number;
  }): Promise<readonly LedgerHole[]>;

  /**
   * Keeps what time it truly was at a moment of a device's monotonic clock, where that tells more
   * than is known. Durable once it resolves.
   */
  noteClock(note: {
    readonly device: string;
    readonly epoch: number;
    readonly sample: BootSample;
  }): Promise<void>;

  /** What is known of the clocks of one epoch of a device. */
  clocks(device: string, epoch: number): Promise<DeviceClocks>;

  /**
   * Reads everything and checks every chain, from its start to the watermark. May run while batches
   * come in; what comes after the start may or may not be counted.
   */
  verify(progress?: OnProgress): Promise<VerifyReport>;

  /**
   * Derives runs and pending calls anew from the entries. Nobody may write meanwhile. Durable once
   * it resolves; what stopped short is begun again.
   */
  rebuild(progress?: OnProgress): Promise<RebuildReport>;

  /**
   * Deletes what is held on a subject, and what comes of it later that was journaled before. The
   * chains stay whole. Durable, and gone from the files, once it resolves.
   */
  erase(request: ErasureRequest): Promise<Erasure>;

  /** Receipts of erasures, newest first. */
  erasures(limit: number): Promise<readonly Erasure[]>;

  /**
   * Takes out what was kept for long enough. The chains stay whole. Durable once it resolves;
   * `undefined`: somebody else is at it.
   */
  prune(request: PruneRequest): Promise<Pruned | undefined>;

  /** Receipts of that, newest first. */
  prunings(limit: number): Promise<readonly PruningReceipt[]>;

  /** What is held on a subject. `after`: the `next` of the page before. */
  held(query: {
    readonly subject: string;
    readonly after?: string | undefined;
    readonly limit: number;
  }): Promise<HeldPage>;

  close(): Promise<void>;
}
