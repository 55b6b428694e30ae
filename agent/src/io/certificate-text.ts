import { X509Certificate } from 'node:crypto';

/** Certificates as PEM, from elsewhere: each may be anything. */

/** The blocks of a text; none for what is no text. */
export function pemBlocks(text: unknown): string[] {
  if (typeof text !== 'string') return [];
  return text.match(/-----BEGIN CERTIFICATE-----\n[^-]+-----END CERTIFICATE-----\n/g) ?? [];
}

/** SHA-256 in hex; `undefined` for what is no certificate. */
export function fingerprintOf(pem: string): string | undefined {
  return read(pem)?.fingerprint256.replaceAll(':', '').toLowerCase();
}

export function isCertificate(pem: unknown): pem is string {
  return typeof pem === 'string' && read(pem) !== undefined;
}

function read(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem);
  } catch {
    return undefined;
  }
}
