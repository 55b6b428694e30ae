import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import {
  HoldfastError,
  PAIRING_NONCE_BYTES,
  hex,
  isDeviceId,
  pairStatement,
  pairingCommitment,
  pairingWords,
  unhex,
} from '@holdfast/protocol';
import type { HttpProxy } from './core/proxy-address.ts';
import { keepEnrolment, type EnrollView } from './enroll-device.ts';
import { openDeviceKey } from './io/device-key.ts';
import { PairingRequest } from './io/pair-request.ts';
import { sha256 } from './io/sha256.ts';
import { makeWritableDir } from './io/writable-dir.ts';

const POLL_MS = 1_000;

/** What a person carries to the gateway, or compares there. */
export interface PairingCode {
  readonly code: string;
  readonly words: string;
}

export interface PairingOptions {
  /** URL of the gateway's HTTP API. */
  readonly api: string;
  readonly device: string;
  readonly proxy?: HttpProxy | undefined;
  /** Shows it to a person. */
  readonly show: (shown: PairingCode) => void;
}

/**
 * Enrols a device without a token: somebody at the gateway lets it in, who sees what it shows.
 * Until then it waits. Durable once it resolves.
 *
 * @throws HF_PAIRING_REFUSED, HF_PAIRING_UNKNOWN after 10 minutes, HF_GATEWAY_UNREACHABLE,
 *   HF_GATEWAY_UNTRUSTED, HF_ENROLL_REFUSED, HF_KEY_UNUSABLE, HF_DATA_DIR_UNUSABLE.
 */
export async function pairDevice(
  dataDir: string,
  { api, device, proxy, show }: PairingOptions,
): Promise<EnrollView> {
  if (!isDeviceId(device)) {
    const why = `${JSON.stringify(device)} is no id of a device`;
    throw new HoldfastError('HF_PAIRING_REFUSED', { why });
  }
  await makeWritableDir(dataDir);
  const signer = openDeviceKey(dataDir);
  const { publicKey: deviceKey } = signer;
  const deviceNonce = randomBytes(PAIRING_NONCE_BYTES);
  const commitment = pairingCommitment(sha256, { deviceKey, deviceNonce });
  const signature = signer.sign(pairStatement(device, commitment));
  const asked = {
    ...{ device, publicKey: hex(deviceKey) },
    ...{ commitment: hex(commitment), signature: hex(signature) },
  };
  const request = await PairingRequest.begin(api, asked, proxy);
  const { publicKey, certificate, nonce } = request.begun;
  const code = await request.reveal(hex(deviceNonce));
  const [gatewayKey, gatewayNonce] = [unhex(publicKey), unhex(nonce)];
  const seen = { deviceKey, gatewayKey, certificate, deviceNonce, gatewayNonce };
  show({ code, words: pairingWords(sha256, seen) });
  let enrolled = await request.outcome();
  while (enrolled === undefined) {
    await pause(POLL_MS);
    enrolled = await request.outcome();
  }
  if (enrolled.publicKey !== publicKey || enrolled.device !== device) {
    const why = 'the gateway is another one than the words told of';
    throw new HoldfastError('HF_GATEWAY_UNTRUSTED', { why });
  }
  return keepEnrolment(dataDir, api, enrolled);
}
