import type { BrokerProfile, Channel, HoldfastError, MqttVersion } from '@holdfast/protocol';
import type { Downlink } from '../core/session-ports.ts';

/** The way of a gateway to its broker, whichever that is. */
export interface GatewayLink extends Downlink {
  /** Messages may come from now on. */
  open(): void;
  /**
   * Leaves the broker to the other gateways of the group for as long as nothing that comes could be
   * kept. @param why In words; `undefined`: it can be kept again.
   */
  hold(why: string | undefined): void;
  /** Why no message can come; `undefined`: it can. */
  readonly problem: string | undefined;
  /** Resolves once messages can come, or never will. */
  up(): Promise<void>;
  close(): void;
}

export interface GatewayLinkOptions {
  /**
   * Name of a group of gateways on one ledger: each message of a device goes to one of them, but
   * what devices say of their present goes to all. Default: all goes to this one.
   */
  readonly group?: string | undefined;
  /** The broker is none that a group can use. */
  readonly onUnfit?: ((error: HoldfastError) => void) | undefined;
  /** What the broker takes of one client. Default: what every broker takes. */
  readonly profile?: BrokerProfile | undefined;
  /** Default `3.1.1`. */
  readonly mqttVersion?: MqttVersion | undefined;
  /** A message from a device. Must not throw and not wait. */
  readonly onMessage: (device: string, bytes: Uint8Array, channel: Channel) => void;
}
