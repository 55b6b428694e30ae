import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { ShownCertificate } from '../core/access/admission.ts';
import type { LiveTls } from './live-tls.ts';

export interface DevicesTls {
  readonly shown: LiveTls;
  /** PEM: whose certificates of devices count. */
  readonly trusted: () => string;
}

/**
 * By TLS, each device is asked for a certificate and may have none: what it proves is for the
 * broker to say, in words that MQTT has.
 */
export function askingRules({ trusted }: DevicesTls): object {
  const asking = { requestCert: true, rejectUnauthorized: false, minVersion: 'TLSv1.2' };
  return { ...asking, ca: trusted() };
}

/** What the other end has shown; `undefined`: nothing. */
export function certificateOf(socket: Socket): ShownCertificate | undefined {
  if (!(socket instanceof TLSSocket)) return undefined;
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) return undefined;
  const [, name = ''] = /^CN=(.*)$/m.exec(certificate.subject) ?? [];
  const publicKey = certificate.publicKey.export({ type: 'spki', format: 'der' });
  const problem = socket.authorized ? undefined : problemOf(socket.authorizationError);
  return { name, publicKey, problem };
}

/** OpenSSL's word for it, in ours. */
function problemOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
  if (code === 'CERT_HAS_EXPIRED') return 'the certificate has expired';
  return `the certificate is none of this gateway (${code})`;
}
