import { randomBytes } from 'node:crypto';
import { hex, rotateStatement } from '@holdfast/protocol';
import { NONCE_BYTES, askCertificate, enrolled } from './ask-certificate.ts';
import type { HttpProxy } from './core/proxy-address.ts';
import { enrollViewOf, type EnrollView } from './enroll-device.ts';
import { newDeviceKey, openDeviceKey } from './io/device-key.ts';
import { lockDir } from './io/dir-lock.ts';
import type { Enrolment, KeyRotation } from './io/enrolment-file.ts';
import { changeKey } from './io/key-change.ts';

/** Keys that are remembered to have vouched for the next one. */
const ROTATIONS_MAX = 4;

/**
 * Makes another key for an enrolled device, for which the one that it has vouches, and puts it in
 * its place once the gateway awaits it. The gateway takes both until it has heard the next one:
 * whatever is lost or dies meanwhile, the device goes on with the one that it has then. Durable
 * once it resolves; connections that are made from then on are the next key's.
 *
 * @throws as `renewCertificate`.
 */
export async function rotateKey(dataDir: string, proxy?: HttpProxy): Promise<Enrolment> {
  const { enrolment, gatewayKey } = enrolled(dataDir);
  const { device, rotations = [] } = enrolment;
  const [signer, next] = [openDeviceKey(dataDir), newDeviceKey()];
  const nonce = randomBytes(NONCE_BYTES);
  const { publicKey: key } = next.signer;
  const statement = rotateStatement(device, { nonce, next: key, gatewayKey });
  const [signature, proof] = [signer.sign(statement), next.signer.sign(statement)].map(hex);
  const keys = { publicKey: hex(signer.publicKey), next: hex(key), nonce: hex(nonce) };
  const rotation = { device, ...keys, signature, proof } as KeyRotation;
  const asked = { path: '/api/rotate', body: rotation };
  const told = await askCertificate({ enrolment, gatewayKey, key, nonce, proxy }, asked);
  const changed = { ...told, rotations: [...rotations, rotation].slice(-ROTATIONS_MAX) };
  changeKey(dataDir, { key: next.pem, enrolment: changed });
  return changed;
}

/**
 * The same for a device whose agent does not run.
 *
 * @throws HF_STORE_LOCKED where it does, and as `renewCertificate`.
 */
export async function rotateStopped(dataDir: string, proxy?: HttpProxy): Promise<EnrollView> {
  const release = await lockDir(dataDir);
  try {
    return enrollViewOf(dataDir, await rotateKey(dataDir, proxy));
  } finally {
    await release();
  }
}
