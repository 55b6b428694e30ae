import { X509Certificate, createPublicKey } from 'node:crypto';
import { HoldfastError, equalBytes, renewedStatement, unhex } from '@holdfast/protocol';
import type { HttpProxy } from './core/proxy-address.ts';
import { openGatewayPin, verify } from './io/device-key.ts';
import { readEnrolment, type Enrolment } from './io/enrolment-file.ts';
import { askGateway } from './io/gateway-request.ts';
import { settleKeyChange } from './io/key-change.ts';
import { sha256 } from './io/sha256.ts';

export const NONCE_BYTES = 16;

/** What an enrolled device knows of itself and its gateway. @throws HF_RENEWAL_REFUSED */
export function enrolled(dataDir: string) {
  settleKeyChange(dataDir);
  const enrolment = readEnrolment(dataDir);
  const gatewayKey = openGatewayPin(dataDir).load();
  if (enrolment !== undefined && gatewayKey !== undefined) return { enrolment, gatewayKey };
  throw new HoldfastError('HF_RENEWAL_REFUSED', { why: `${dataDir} was never enrolled` });
}

export interface Asking {
  readonly enrolment: Enrolment;
  readonly gatewayKey: Uint8Array;
  /** That the certificate is to be for. */
  readonly key: Uint8Array;
  readonly nonce: Uint8Array;
  readonly proxy: HttpProxy | undefined;
}

/** The enrolment with what the gateway answers, which has to be signed by it. */
export async function askCertificate(
  { enrolment, gatewayKey, key, nonce, proxy }: Asking,
  { path, body }: { readonly path: string; readonly body: object },
): Promise<Enrolment> {
  const { device, api: url } = enrolment;
  const trust = url.startsWith('https:') ? { seen: {} } : undefined;
  const answer = await askGateway({ url, path, trust, body, proxy });
  const { certificate, ca = null, signature: proof, at } = answer;
  const isTold = typeof certificate === 'string' && (ca === null || typeof ca === 'string');
  if (!isTold || typeof proof !== 'string' || !/^[0-9a-f]{128}$/.test(proof)) {
    throw new HoldfastError('HF_GATEWAY_UNTRUSTED', { why: `${url} is no Holdfast gateway` });
  }
  const statement = renewedStatement(device, { nonce, certificate, ca }, sha256);
  if (!verify(gatewayKey, statement, unhex(proof)) || !isFor(certificate, key)) {
    const why = `what ${url} answers is not signed by the gateway of this device`;
    throw new HoldfastError('HF_GATEWAY_UNTRUSTED', { why });
  }
  return { ...enrolment, certificate, ca, certifiedAt: String(at) };
}

/** Whether a certificate, PEM, is for this key. */
export function isFor(certificate: string, publicKey: Uint8Array): boolean {
  const key = createPublicKey({ key: Buffer.from(publicKey), type: 'spki', format: 'der' });
  const own = key.export({ type: 'spki', format: 'der' });
  const shown = new X509Certificate(certificate).publicKey.export({ type: 'spki', format: 'der' });
  return equalBytes(own, shown);
}
