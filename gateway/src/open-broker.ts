import { brokerProfile, type Log } from '@holdfast/protocol';
import type { BrokerRefusals } from './core/access/broker-refusals.ts';
import type { Door } from './core/access/door.ts';
import type { GatewayTls } from './gateway-tls.ts';
import type { GatewayOptions } from './gateway-options.ts';
import { BrokerLink } from './io/broker-link.ts';
import { shown } from './io/broker-address.ts';
import { startBroker } from './io/broker.ts';
import type { GatewayLink, GatewayLinkOptions } from './io/gateway-link.ts';
import { systemClock } from './io/system-clock.ts';

/** Where devices connect, and the gateway itself. */
export interface BrokerAccess {
  /** Where devices connect. */
  readonly url: string;
  /** The way of this gateway to it. */
  readonly link: (options: GatewayLinkOptions) => GatewayLink;
  /** PEM: what devices are to trust of it; `null`: what their systems trust. */
  readonly ca: () => string | null;
  /** Ends the connection of a device, where this gateway has it. */
  readonly disconnect: (device: string) => void;
  close(): Promise<void>;
}

export interface BrokerPlace {
  /** Another broker than the embedded one. */
  readonly external: URL | undefined;
  readonly host: string;
  /** Of the embedded one; `undefined`: the one that MQTT has by itself. */
  readonly port: number | undefined;
  /** Connections that are let in in a second. */
  readonly connectsPerS: number;
  /** How late this process is with its work. */
  readonly lateMs: () => number;
  readonly door: Door;
  readonly refusals: BrokerRefusals;
  readonly tls: GatewayTls;
  readonly log: Log;
}

/** Of the gateways that share a ledger and a broker. */
const GROUP = 'holdfast';
const [MQTT_PORT, MQTTS_PORT] = [1_883, 8_883];

/** @throws HF_PORT_TAKEN, HF_CONFIG_INVALID for an address that this machine does not have. */
export async function openBroker(place: BrokerPlace): Promise<BrokerAccess> {
  const { external, host, connectsPerS, lateMs, door, refusals, log } = place;
  const { mqtt, ca: store } = place.tls;
  const ca = (): string | null => mqtt?.tls.ca?.toString() ?? null;
  if (external !== undefined) {
    const to = { url: external, tls: mqtt?.tls ?? {} };
    return {
      ...{ url: shown(external), ca },
      link: (own) => new BrokerLink({ ...own, to, clock: systemClock, log }),
      disconnect: () => {},
      close: () => Promise.resolve(),
    };
  }
  const tls = mqtt && { shown: mqtt, trusted: () => store.authority.roots };
  const port = place.port ?? (mqtt === undefined ? MQTT_PORT : MQTTS_PORT);
  const at = { host, port, tls, clock: systemClock, log };
  const broker = await startBroker({ ...at, door, refusals, connectsPerS, lateMs });
  return {
    ...{ url: broker.url, ca },
    link: ({ onMessage }) => broker.link(onMessage),
    disconnect: (device) => broker.disconnect(device),
    close: () => broker.close(),
  };
}

/** The way of a gateway to its broker, as its settings want it. */
export function linkTo(
  broker: BrokerAccess,
  options: Pick<GatewayOptions, 'broker' | 'brokerProfile' | 'ledger' | 'mqttVersion'>,
  told: Pick<GatewayLinkOptions, 'onMessage' | 'onUnfit'>,
): GatewayLink {
  // The embedded broker has one gateway.
  if (options.broker === undefined) return broker.link(told);
  const group = options.ledger === undefined ? undefined : GROUP;
  const profile = brokerProfile(options.brokerProfile ?? 'generic');
  return broker.link({ ...told, group, profile, mqttVersion: options.mqttVersion });
}
