import { isIP } from 'node:net';
import { HoldfastError } from '@holdfast/protocol';
import type { TlsFiles } from './tls-files.ts';

/** @throws HF_GATEWAY_ADDRESS, HF_CONFIG_INVALID. */
export function readAddress(text: string, tls: TlsFiles | undefined): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^mqtts?:$/.test(url.protocol) || url.hostname === '') {
    throw new HoldfastError('HF_GATEWAY_ADDRESS', { why: `${text} is no URL of an MQTT broker` });
  }
  // The library would take a certificate for a wish to use TLS, whatever the address says.
  if (tls === undefined || url.protocol === 'mqtts:') return url;
  throw new HoldfastError('HF_CONFIG_INVALID', {
    why: `TLS files, but ${shown(url)} is not mqtts://`,
  });
}

/** Without what nobody else must see. */
export function shown(url: URL): string {
  return `${url.protocol}//${url.host}`;
}

const files = {
  devices: '--tls-cert and --tls-key',
  'the HTTP API': '--http-cert and --http-key',
} as const;

/**
 * What devices send is signed, but anybody on the way could read it: other machines need TLS.
 *
 * @throws HF_CONFIG_INVALID
 */
export function checkListening(at: {
  readonly host: string;
  readonly tls?: TlsFiles | undefined;
  readonly insecure?: boolean | undefined;
  /** Who would be heard in clear. */
  readonly what: 'devices' | 'the HTTP API';
}): void {
  const { host, tls, insecure, what } = at;
  if (tls !== undefined && tls.cert === undefined && tls.ca !== undefined) {
    throw new HoldfastError('HF_CONFIG_INVALID', {
      why: 'a CA is for the broker of --broker; devices see a certificate and its key',
    });
  }
  if (tls !== undefined || insecure === true || isLoopback(host)) return;
  throw new HoldfastError('HF_CONFIG_INVALID', {
    why: `at ${host}, ${what} would be heard in clear: give ${files[what]}, or --insecure`,
  });
}

/** Whether nothing but this machine can connect to an address. */
export function isLoopback(host: string): boolean {
  if (host === 'localhost' || host === '::1') return true;
  return isIP(host) === 4 && host.startsWith('127.');
}
