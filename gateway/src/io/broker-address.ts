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

/** What a server shows has a key. @throws HF_CONFIG_INVALID */
export function checkListening(tls: TlsFiles | undefined): void {
  if (tls === undefined || tls.cert !== undefined || tls.ca === undefined) return;
  throw new HoldfastError('HF_CONFIG_INVALID', {
    why: 'a CA is for the broker of --broker; devices see a certificate and its key',
  });
}

/** Whether nothing but this machine can connect to an address. */
export function isLoopback(host: string): boolean {
  if (host === 'localhost' || host === '::1') return true;
  return isIP(host) === 4 && host.startsWith('127.');
}
