import type { Ledger } from '@holdfast/gateway/internal';
import type { UplinkPorts } from '@holdfast/agent/internal';
import type { StoreOp } from '@holdfast/protocol';

/** How a disk deals with a write, where it does not as it should. */
export interface DiskBug {
  /** What is written instead. */
  readonly ops?: (ops: readonly StoreOp[]) => readonly StoreOp[];
  /** It says "durable" before it is. */
  readonly isHasty?: boolean;
  /** What is there of an unsynced write after a power cut, instead of all or nothing. */
  readonly isTorn?: boolean;
}

/** A fault of ours, made at the edge of the code that ships: at its disk, its link, its ledger. */
export interface PlantedBug {
  readonly deviceDisk?: DiskBug;
  readonly gatewayDisk?: DiskBug;
  /** Changes what the gateway sends. */
  readonly downlink?: (device: string, bytes: Uint8Array) => Uint8Array | undefined;
  readonly ledger?: (ledger: Ledger) => Ledger;
  readonly uplink?: (ports: UplinkPorts) => UplinkPorts;
}
