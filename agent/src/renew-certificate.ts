import { randomBytes } from 'node:crypto';
import { codeOf, hex, renewStatement, unhex } from '@holdfast/protocol';
import { NONCE_BYTES, askCertificate, enrolled } from './ask-certificate.ts';
import type { HttpProxy } from './core/proxy-address.ts';
import { openDeviceKey } from './io/device-key.ts';
import { writeEnrolment, type Enrolment } from './io/enrolment-file.ts';

/**
 * Has the certificate of an enrolled device renewed, by its key alone: it may have expired. What
 * the gateway shows is believed whatever it is, since it signs what it answers. Durable once it
 * resolves.
 *
 * A gateway whose ledger was set back knows the device by an earlier key: it is shown again what
 * that has vouched for.
 *
 * @throws HF_RENEWAL_REFUSED, HF_DEVICE_REVOKED, HF_GATEWAY_UNREACHABLE, HF_GATEWAY_UNTRUSTED,
 *   HF_KEY_UNUSABLE.
 */
export async function renewCertificate(
  dataDir: string,
  proxy?: HttpProxy,
): Promise<Enrolment> {
  try {
    return await renew(dataDir, proxy);
  } catch (error) {
    const isRefused = codeOf(error) === 'HF_RENEWAL_REFUSED';
    if (!isRefused || !(await wasVouchedFor(dataDir, proxy))) throw error;
    return renew(dataDir, proxy);
  }
}

async function renew(dataDir: string, proxy: HttpProxy | undefined): Promise<Enrolment> {
  const { enrolment, gatewayKey } = enrolled(dataDir);
  const { device } = enrolment;
  const signer = openDeviceKey(dataDir);
  const nonce = randomBytes(NONCE_BYTES);
  const signature = signer.sign(renewStatement(device, nonce, gatewayKey));
  const { publicKey: key } = signer;
  const shown = { publicKey: hex(key), nonce: hex(nonce), signature: hex(signature) };
  const asked = { path: '/api/renew', body: { device, ...shown } };
  const renewed = await askCertificate({ enrolment, gatewayKey, key, nonce, proxy }, asked);
  writeEnrolment(dataDir, renewed);
  return renewed;
}

/** Shows what earlier keys have vouched for. @returns Whether there was such a thing. */
async function wasVouchedFor(dataDir: string, proxy: HttpProxy | undefined): Promise<boolean> {
  const { enrolment, gatewayKey } = enrolled(dataDir);
  const { rotations = [] } = enrolment;
  let isTaken = false;
  for (const rotation of rotations) {
    const [key, nonce] = [unhex(rotation.next), unhex(rotation.nonce)];
    const asked = { path: '/api/rotate', body: rotation };
    try {
      await askCertificate({ enrolment, gatewayKey, key, nonce, proxy }, asked);
      isTaken = true;
    } catch (error) {
      // It knows a later one: the next may begin there.
      if (codeOf(error) !== 'HF_RENEWAL_REFUSED') throw error;
    }
  }
  return isTaken;
}
