import { X509Certificate, createPublicKey, randomBytes } from 'node:crypto';
import {
  HoldfastError,
  equalBytes,
  hex,
  renewStatement,
  renewedStatement,
  unhex,
} from '@holdfast/protocol';
import { openDeviceKey, openGatewayPin, verify } from './io/device-key.ts';
import { readEnrolment, writeEnrolment, type Enrolment } from './io/enrolment-file.ts';
import { askGateway } from './io/gateway-request.ts';
import { sha256 } from './io/sha256.ts';

const NONCE_BYTES = 16;

/**
 * Has the certificate of an enrolled device renewed, by its key alone: it may have expired. What
 * the gateway shows is believed whatever it is, since it signs what it answers. Durable once it
 * resolves.
 *
 * @throws HF_RENEWAL_REFUSED, HF_DEVICE_REVOKED, HF_GATEWAY_UNREACHABLE, HF_GATEWAY_UNTRUSTED,
 *   HF_KEY_UNUSABLE.
 */
export async function renewCertificate(dataDir: string): Promise<Enrolment> {
  const enrolment = readEnrolment(dataDir);
  const gatewayKey = openGatewayPin(dataDir).load();
  if (enrolment === undefined || gatewayKey === undefined) {
    throw new HoldfastError('HF_RENEWAL_REFUSED', { why: `${dataDir} was never enrolled` });
  }
  const { device, api: url } = enrolment;
  const signer = openDeviceKey(dataDir);
  const nonce = randomBytes(NONCE_BYTES);
  const signature = signer.sign(renewStatement(device, nonce, gatewayKey));
  const shown = { publicKey: hex(signer.publicKey), nonce: hex(nonce), signature: hex(signature) };
  const trust = url.startsWith('https:') ? { seen: {} } : undefined;
  const body = { device, ...shown };
  const answer = await askGateway({ url, path: '/api/renew', trust, body });
  const { certificate, ca = null, signature: proof, at } = answer;
  const isTold = typeof certificate === 'string' && (ca === null || typeof ca === 'string');
  if (!isTold || typeof proof !== 'string' || !/^[0-9a-f]{128}$/.test(proof)) {
    throw new HoldfastError('HF_GATEWAY_UNTRUSTED', { why: `${url} is no Holdfast gateway` });
  }
  const statement = renewedStatement(device, { nonce, certificate, ca }, sha256);
  if (!verify(gatewayKey, statement, unhex(proof)) || !isFor(certificate, signer.publicKey)) {
    const why = `what ${url} answers is not signed by the gateway of this device`;
    throw new HoldfastError('HF_GATEWAY_UNTRUSTED', { why });
  }
  const renewed = { ...enrolment, certificate, ca, certifiedAt: String(at) };
  writeEnrolment(dataDir, renewed);
  return renewed;
}

function isFor(certificate: string, publicKey: Uint8Array): boolean {
  const key = createPublicKey({ key: Buffer.from(publicKey), type: 'spki', format: 'der' });
  const own = key.export({ type: 'spki', format: 'der' });
  const shown = new X509Certificate(certificate).publicKey.export({ type: 'spki', format: 'der' });
  return equalBytes(own, shown);
}
