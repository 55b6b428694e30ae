import type { BrokerProfileName } from '@holdfast/protocol';
import type { Finding } from './core/finding.ts';
import type { HttpProxy } from './core/proxy-address.ts';
import type { RunView, StatusView } from './core/views.ts';
import type { UplinkTarget } from './io/checks/uplink-check.ts';

/** What is known of a device before it is looked at. */
export interface Patient {
  /** What the agent, or its store, says of itself; `undefined`: neither can be asked. */
  readonly status: StatusView | undefined;
  /** Runs that wait for a person, some of them. */
  readonly stuck: readonly RunView[];
  readonly dataDir: string | undefined;
  readonly storeKey: string | undefined;
  /** Where the gateway is, if that is known. */
  readonly uplink: KnownUplink | undefined;
  /** Through which its gateway is reached, wherever that is. */
  readonly proxy?: HttpProxy | undefined;
  /** It is the one that the package of the distribution installs. */
  readonly isInstalled?: boolean;
  readonly nowMs: number;
}

/** Where a gateway is, and what its broker is taken for. */
export interface KnownUplink extends Omit<UplinkTarget, 'device' | 'greeting' | 'onPacketMax'> {
  /** Default `generic`. */
  readonly brokerProfile?: BrokerProfileName;
}

/** What a check has found; empty: it says nothing of such a device. */
export type Findings = readonly Finding[] | Promise<readonly Finding[]>;
