import { HoldfastError } from '@holdfast/protocol';

const DEFAULT_PORTS: Readonly<Record<string, number>> = {
  ...{ 'mqtt:': 1883, 'mqtts:': 8883 },
  ...{ 'ws:': 80, 'wss:': 443 },
};

/** Where a broker is, and how it is spoken to. */
export interface BrokerAddress {
  readonly url: string;
  /** Name or IP address, without brackets. */
  readonly host: string;
  readonly port: number;
  /** `host:port`, as a person reads it. */
  readonly shown: string;
  readonly isTls: boolean;
  readonly isWebSocket: boolean;
}

/** @throws HF_GATEWAY_ADDRESS */
export function readBrokerAddress(url: string): BrokerAddress {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  const usual = parsed && DEFAULT_PORTS[parsed.protocol];
  if (parsed === undefined || usual === undefined || parsed.hostname === '') {
    throw new HoldfastError('HF_GATEWAY_ADDRESS', { why: `got ${url}` });
  }
  // Addresses are shown in status and logs.
  if (parsed.username !== '' || parsed.password !== '') {
    throw new HoldfastError('HF_GATEWAY_ADDRESS', { why: 'it contains a user or a password' });
  }
  const port = Number(parsed.port || usual);
  return {
    ...{ url, host: parsed.hostname.replace(/^\[|\]$/g, ''), port },
    shown: `${parsed.hostname}:${port}`,
    isTls: isTlsAddress(url),
    isWebSocket: /^wss?:/.test(parsed.protocol),
  };
}

/** Whether the broker is reached by TLS. */
export function isTlsAddress(url: string): boolean {
  return /^(?:mqtts|wss):/i.test(url);
}

/** Whether two addresses are of one host: it may be reached by several ports and ways. */
export function isOneHost(one: string, other: string): boolean {
  if (!URL.canParse(one) || !URL.canParse(other)) return false;
  return new URL(one).hostname === new URL(other).hostname;
}
