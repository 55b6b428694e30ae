import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import { HoldfastError, messageOf } from '@holdfast/protocol';

/** Paths of PEM files. */
export interface TlsFiles {
  /** What this gateway shows: to devices, or to the broker that it uses. With its key. */
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  /** What to trust of the broker that it uses. Default: what the system trusts. */
  readonly ca?: string | undefined;
}

/** What is in them. */
export interface Tls {
  readonly cert?: Buffer;
  readonly key?: Buffer;
  readonly ca?: Buffer;
}

/** SHA-256 of the certificate, in hex: by it a client on this machine knows the gateway. */
export function fingerprintOf({ cert = Buffer.alloc(0) }: Tls): string {
  return new X509Certificate(cert).fingerprint256.replaceAll(':', '').toLowerCase();
}

/** Until when the certificate is valid, ms since 1970. */
export function expiryOf(cert: Buffer): number {
  return Date.parse(new X509Certificate(cert).validTo);
}

/** Reads and tries them. @throws HF_CONFIG_INVALID, naming the file. */
export async function readTls({ cert, key, ca }: TlsFiles): Promise<Tls> {
  if ((cert === undefined) !== (key === undefined)) {
    throw new HoldfastError('HF_CONFIG_INVALID', { why: 'a certificate and its key go together' });
  }
  const tls = {
    ...(cert === undefined ? {} : { cert: await read(cert) }),
    ...(key === undefined ? {} : { key: await read(key) }),
    ...(ca === undefined ? {} : { ca: await read(ca) }),
  };
  try {
    createSecureContext(tls);
    // A file that holds none would be taken for a list of nobody.
    if (tls.ca !== undefined) void new X509Certificate(tls.ca);
  } catch (cause) {
    const files = [cert, key, ca].filter((path) => path !== undefined).join(', ');
    const why = `not usable for TLS: ${files}: ${messageOf(cause)}`;
    throw new HoldfastError('HF_CONFIG_INVALID', { why, cause });
  }
  return tls;
}

async function read(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new HoldfastError('HF_CONFIG_INVALID', { why: messageOf(cause), cause });
  }
}
