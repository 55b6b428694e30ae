import type { Batch, Clock, Lane, Log, Point, Sha256, Signer, Verify } from '@holdfast/protocol';
import type { GatewayMeter } from './gateway-meter.ts';
import type { Ledger } from './ledger.ts';

/** Inflates raw deflate. Throws HF_MESSAGE_INVALID for anything else, or above `bytesMax`. */
export type Inflate = (deflated: Uint8Array, bytesMax: number) => Uint8Array;

/** The way to devices. */
export interface Downlink {
  /**
   * Sends to a device, if it listens; promises nothing. What matters is sent again: the device
   * resends what was not acknowledged, commands wait in the ledger.
   */
  send(device: string, bytes: Uint8Array): void;
}

/** Entries that have just become durable. */
export interface Arrival {
  readonly device: string;
  readonly epoch: number;
  readonly lane: Lane;
  /** Highest seq of them. */
  readonly watermark: number;
  /** How many are new. */
  readonly fresh: number;
}

export interface SessionPorts {
  readonly ledger: Ledger;
  /** Other gateways may write the same ledger. */
  readonly isShared: boolean;
  readonly downlink: Downlink;
  readonly signer: Signer;
  readonly verify: Verify;
  readonly sha256: Sha256;
  readonly inflate: Inflate;
  readonly clock: Clock;
  readonly log: Log;
  /** Reached as `ledger:ingest`, `ledger:committed` and `command:send`. */
  readonly point: Point;
  /** How late this process is with its work. Default: never. */
  readonly lateMs?: () => number;
  /** Counts. Default: nobody does. */
  readonly meter?: Pick<GatewayMeter, 'took' | 'arrived' | 'refused'>;
  /** After entries have become durable and before their ack. */
  readonly onArrival: (arrival: Arrival) => void;
  /** New calls are pending. */
  readonly onCalls: () => void;
  /** So much of what a device sends is refused that its connection is to end. Default: it stays. */
  readonly onFlood?: (device: string) => void;
  /** The ledger has failed: nothing more can be taken. */
  readonly onFailure: (error: unknown) => void;
}

/** What a batch carries, to be read only once it is known to be genuine. */
export type BatchPayload = Pick<Batch, 'encoding' | 'plainBytes' | 'payload' | 'count'>;
