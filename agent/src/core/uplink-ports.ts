import type {
  BatchItem,
  Chance,
  Clock,
  Command,
  Dial,
  Hole,
  HoleReason,
  Lane,
  Log,
  PerLane,
  Report,
  Signer,
  Verify,
} from '@holdfast/protocol';
import type { LinkMeter } from './link-meter.ts';
import type { KnownCap } from './uplink-cap.ts';
import type { GatewayPin } from './uplink-inbox.ts';
import type { Deflate } from './uplink-pack.ts';
import type { Outlived } from './uplink-verdict.ts';

/** Where a lane of the journal stands. Hashes are those of the chain at that seq. */
export interface LanePosition {
  readonly head: number;
  readonly headHash: Uint8Array;
  readonly acked: number;
  readonly ackedHash: Uint8Array;
}

export interface ReadLimits {
  readonly entriesMax: number;
  /** Bytes of the entries; at least one entry is returned whatever its size. */
  readonly bytesMax: number;
}

/** What stands in a lane at a seq. */
export interface LaneRead {
  /** The chain's hash before the first entry. */
  readonly previousHash: Uint8Array;
  /** Consecutive, with what goes beside them; none where there is a hole. */
  readonly entries: readonly BatchItem[];
  /** The chain's hash at the one at an index, as it was journaled; with a hole, at its end. */
  readonly hashAt: (index: number) => Uint8Array;
  /** The seq lies in this hole, which may begin before it. */
  readonly hole?: Omit<Hole, 'epoch'>;
}

/** What the uplink needs of the journal. */
export interface UplinkJournal {
  readonly epoch: number;
  /** Of its machine; what is journaled now is stamped with it. */
  readonly boot: number;
  /** What is durable now. */
  positions(): PerLane<LanePosition>;
  /** What the lane goes on with at `seqFirst`. */
  read(lane: Lane, seqFirst: number, limits: ReadLimits): Promise<LaneRead>;
  /** The hash of the chain at `seq`; `undefined` where that is not kept. */
  hashAt(lane: Lane, seq: number): Promise<Uint8Array | undefined>;
  /**
   * Records that the ledger holds everything through `watermark`, if the chain of this journal has
   * `hash` there. May become durable later: a lost one costs a resend that the ledger recognises.
   *
   * @returns `false`: it holds another history of the lane; nothing is recorded.
   */
  acknowledge(lane: Lane, watermark: number, hash: Uint8Array): Promise<boolean>;
  /**
   * The ledger says that a lane is not what it holds. Looks for entries that are damaged here, and
   * has holes take their place.
   *
   * @returns How many there were; 0: the difference is not of this journal's making.
   */
  mend(): Promise<number>;
  /**
   * Has a hole take the place of an entry that no peer takes, on its way to the ledger; the entry
   * stays here. Durable once it resolves.
   */
  setAside(lane: Lane, seq: number, reason: HoleReason): Promise<void>;
  /** Calls `listener` after each commit that added entries. @returns Stops. */
  onCommit(listener: () => void): () => void;
}

/** What the uplink needs of the runtime. */
export interface UplinkRuntime {
  /** Number of the last command applied. */
  lastCommand(): number;
  /**
   * Applies commands in order, each in one commit with its effect and its receipt. Skips those
   * with a number ≤ lastCommand; stops at a gap. Resolves once they are durable.
   */
  applyCommands(commands: readonly Command[]): Promise<void>;
  /** The present, as the store and the memory have it. */
  report(): Promise<Report>;
}

export interface UplinkPorts {
  readonly journal: UplinkJournal;
  readonly runtime: UplinkRuntime;
  readonly dial: Dial;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly log: Log;
  readonly signer: Signer;
  readonly verify: Verify;
  readonly deflate: Deflate;
  readonly pin: GatewayPin;
  /** Default: what is learned of the broker is forgotten with the process. */
  readonly broker?: BrokerMemory | undefined;
  /** The ledger has another life of this journal. Nothing more is sent of this one. */
  readonly onOutlived: (outlived: Outlived) => void;
  /** The gateway has said what time it is, so long after it was asked. */
  readonly onTime: (gatewayMs: number, roundTripMs: number) => void;
  /** Says when a link that costs may be used. Default: at any time. */
  readonly meter?: LinkMeter | undefined;
}

/** Where it is kept what a broker was found to take. */
export interface BrokerMemory {
  load(): KnownCap | undefined;
  save(cap: KnownCap): void;
  /** What the link to it carried, in bytes a second; infinite: not known. */
  bytesPerS?(): number;
  /** What it carries now. */
  measured?(bytesPerS: number): void;
}
