import type { Ack, Batch, Command, Hello, Hole, Message, PerLane } from '@holdfast/protocol';
import type { BootSample } from './device-clock.ts';
import type { DeviceRecord, IngestOutcome, LanePosition } from './ledger.ts';
import type { CommandRead } from './outbox.ts';
import type { PinnedDevice, Session } from './session-state.ts';
import type { HeldHashes } from './verdict.ts';

/** What happens to a session; what comes of it is what its machine asks for. */
export type SessionEvent =
  | {
      readonly kind: 'message';
      readonly message: Message;
      /** Signed by the pinned key or, where none is pinned, by the one that the hello brings. */
      readonly genuine: boolean;
      /** Name of the key that a hello brings. */
      readonly keyName: string;
      /** Signed by the key before that one. */
      readonly isRevoked: boolean;
      /** Its last bytes. */
      readonly tail: Uint8Array;
    }
  /** Bytes that are no message. */
  | { readonly kind: 'unreadable'; readonly why: string; readonly tail: Uint8Array }
  /** A batch that was to be ingested does not hold what it says. */
  | { readonly kind: 'undecodable'; readonly why: string; readonly tail: Uint8Array }
  /** There was no room for a batch: the device sends it again. */
  | { readonly kind: 'dropped' }
  /** The ledger cannot take anything now; `isBatch`: not even what it was given. */
  | { readonly kind: 'unavailable'; readonly why: string; readonly isBatch: boolean }
  | ({ readonly kind: 'greeted' } & Greeted)
  | {
      readonly kind: 'ingested';
      readonly batch: BatchName;
      readonly outcome: IngestOutcome;
      /** In queues before it was durable, since it came. */
      readonly waitedMs: number;
    }
  /** It came ahead of its turn, and waits. */
  | {
      readonly kind: 'ahead';
      readonly batch: BatchName;
      readonly position: LanePosition;
      readonly kept: Ack['kept'];
    }
  | { readonly kind: 'commandsRead'; readonly after: number; readonly commands: readonly Command[] }
  /** The ledger was asked again what it knows of this device. */
  | { readonly kind: 'looked'; readonly record: DeviceRecord }
  /** A command was issued for this device. */
  | { readonly kind: 'issued' }
  /** A person has decided for a key, or against the one that counted. */
  | { readonly kind: 'rekeyed'; readonly keys: Omit<PinnedDevice, 'epoch'> }
  /** Commands were handed to the link, in a message with these last bytes. */
  | {
      readonly kind: 'handedOver';
      readonly commands: readonly Command[];
      /** In hex. */
      readonly tail: string;
    }
  | { readonly kind: 'tick' };

/** What the ledger has to a hello. */
export interface Greeted {
  readonly hello: Hello;
  readonly record: DeviceRecord;
  readonly held: PerLane<HeldHashes>;
  /** Name of the key of the hello. */
  readonly keyName: string;
}

export type BatchName = Pick<Batch, 'epoch' | 'lane' | 'seqFirst'>;

export type SessionEffect =
  | { readonly kind: 'send'; readonly message: Message }
  | { readonly kind: 'greet'; readonly hello: Hello }
  | { readonly kind: 'ingest'; readonly batch: Batch; readonly tail: Uint8Array }
  | { readonly kind: 'quarantine'; readonly batch: Batch }
  | { readonly kind: 'declare'; readonly hole: Hole }
  | { readonly kind: 'readCommands'; readonly read: CommandRead }
  /** What time it truly was at a moment of the device's monotonic clock. */
  | { readonly kind: 'noteClock'; readonly epoch: number; readonly sample: BootSample }
  /** A message was not taken, on either side. */
  | { readonly kind: 'count'; readonly code: string }
  | { readonly kind: 'log'; readonly code: string; readonly why: string }
  /** So much of it is refused that its connection is to end. */
  | { readonly kind: 'close'; readonly code: string; readonly why: string };

export interface SessionStep {
  readonly state: Session;
  readonly effects: readonly SessionEffect[];
}

export interface SessionLimits {
  /** Name and key of this gateway, for the welcome. */
  readonly gateway: string;
  readonly publicKey: Uint8Array;
  readonly inflightMax: number;
  readonly reportEveryMs: number;
  readonly reconnectSpreadMs: number;
  /** Registers a device that it does not know at its first hello; else it was enrolled before. */
  readonly takesStrangers: boolean;
  /** Devices whose tag `region` is another one are refused; empty: none are. */
  readonly region: string;
  /** Batches of one device on their way into the ledger; beyond it they are dropped. */
  readonly ingestingMax: number;
  /** Commands without any receipt for this long are sent again, and then more and more seldom. */
  readonly commandResendMs: number;
  /** How long two agents with one identity are kept out. */
  readonly conflictMs: number;
  /** A device that was not heard for this long is offline: nothing is sent to it. */
  readonly offlineAfterMs: number;
  /**
   * At most `count` refusals are answered in `windowMs`; after `closeAt` of them, and each as many
   * again, the connection of the device is ended.
   */
  readonly answers: {
    readonly count: number;
    readonly windowMs: number;
    readonly closeAt: number;
  };
}
