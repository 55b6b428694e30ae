import type { UplinkLimits, UplinkPorts } from '@holdfast/agent/internal';
import type { HandlerPolicy, Ledger } from '@holdfast/gateway/internal';
import type { StoreOp, Verify } from '@holdfast/protocol';
import type { ClockBug } from './virtual-time.ts';

/** How a disk deals with a write, where it does not as it should. */
export interface DiskBug {
  /** What is written instead. */
  readonly ops?: (ops: readonly StoreOp[]) => readonly StoreOp[];
  /** It says "durable" before it is. */
  readonly isHasty?: boolean;
  /** A sync that has failed counts as one that has not. */
  readonly isDeaf?: boolean;
  /** A part of an unsynced write may be there after a power cut. */
  readonly isTorn?: boolean;
  /** A write is not synced: a power cut may take the last one away. */
  readonly isUnsynced?: boolean;
  /** A write that takes longer counts as done. */
  readonly patienceMs?: number;
}

/** A fault of ours, made at the edge of the code that ships: at its disk, its link, its ledger. */
export interface PlantedBug {
  readonly deviceDisk?: DiskBug;
  readonly gatewayDisk?: DiskBug;
  /** Changes what the gateway sends. */
  readonly downlink?: (device: string, bytes: Uint8Array) => Uint8Array;
  readonly ledger?: (ledger: Ledger) => Ledger;
  readonly uplink?: (ports: UplinkPorts) => UplinkPorts;
  readonly gatewayVerify?: Verify;
  /** Which other device is sent what is for a device. */
  readonly astray?: (device: string) => string | undefined;
  /** The mark that a value is local, or redacted, has no effect. */
  readonly isSealForgotten?: boolean;
  /** Retention deletes nothing. */
  readonly isRetentionIdle?: boolean;
  /** The idempotency key that a body is given. */
  readonly keyOf?: (key: string, attempt: number) => string;
  /** A device goes on in an epoch that the ledger has another life of. */
  readonly isEpochKept?: boolean;
  /** A disk that comes to another machine is gone on with as though it did not. */
  readonly isMoveUnseen?: boolean;
  /** A salvage leaves the last entry of each lane behind, and does not know. */
  readonly isSalvageHasty?: boolean;
  /** Retention believes that the ledger has everything. */
  readonly isRetentionBlind?: boolean;
  /** What the uplink of devices has patience for. */
  readonly uplinkLimits?: Partial<UplinkLimits>;
  /** An agent that has started so often starts no more. */
  readonly startsMax?: number;
  readonly clock?: ClockBug;
  /** Each gateway executes whatever call it sees. */
  readonly isClaimless?: boolean;
  /** How handlers are treated. */
  readonly handlerPolicy?: Partial<HandlerPolicy>;
}
