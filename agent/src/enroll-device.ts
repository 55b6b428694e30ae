import { X509Certificate } from 'node:crypto';
import {
  HoldfastError,
  enrolStatement,
  equalBytes,
  hex,
  keyNameOf,
  readEnrolToken,
  unhex,
  type EnrolToken,
} from '@holdfast/protocol';
import type { HttpProxy } from './core/proxy-address.ts';
import { readDeviceFile } from './io/device-file.ts';
import { openDeviceKey, openGatewayPin } from './io/device-key.ts';
import { requestEnrolment, type Enrolled } from './io/enroll-request.ts';
import { writeEnrolment, type Enrolment } from './io/enrolment-file.ts';
import { sha256 } from './io/sha256.ts';
import { makeWritableDir } from './io/writable-dir.ts';
import { renewCertificate } from './renew-certificate.ts';

/** What `holdfast enroll` prints. */
export interface EnrollView {
  readonly schema: 'holdfast.enroll/1';
  readonly device: string;
  /** Name of the key that the gateway knows the device by. */
  readonly key: string;
  /** Where the agent connects to. */
  readonly gateway: string;
  /** When its certificate expires; RFC 3339. */
  readonly certificateUntil: string;
}

/**
 * Enrols a device: makes its key, where it has none, and has the gateway of the token know it. The
 * gateway's key is pinned before the device has connected once. Durable once it resolves; an agent
 * that runs goes on as before, its next start is enrolled. May be done again.
 *
 * @param device Its id; default: what the directory is of, or else what the token says.
 * @param proxy Through which the gateway is asked.
 * @throws HF_ENROLL_REFUSED, HF_GATEWAY_UNREACHABLE, HF_GATEWAY_UNTRUSTED, HF_KEY_UNUSABLE,
 *   HF_DATA_DIR_UNUSABLE.
 */
export async function enrollDevice(
  dataDir: string,
  tokenText: string,
  device?: string,
  proxy?: HttpProxy,
): Promise<EnrollView> {
  const token = readEnrolToken(tokenText);
  if (token === undefined) throw refuse('this is no token of `holdfast-gateway enroll create`');
  const known = await readDeviceFile(dataDir).catch(() => undefined);
  const named = nameOf(token, device ?? known?.device);
  await makeWritableDir(dataDir);
  const signer = openDeviceKey(dataDir);
  const signature = signer.sign(enrolStatement(named, secretHash(token)));
  const asked = {
    ...{ secret: token.secret, device: named },
    ...{ publicKey: hex(signer.publicKey), signature: hex(signature) },
  };
  const enrolled = await requestEnrolment(token, asked, proxy);
  // The token names the key: whoever answered, it is the gateway's or none is taken.
  if (keyNameOf(sha256, unhex(enrolled.publicKey)) !== token.gatewayKey) {
    const why = 'who answers has another key than the token names';
    throw new HoldfastError('HF_GATEWAY_UNTRUSTED', { why });
  }
  return keepEnrolment(dataDir, token.url, enrolled);
}

/** Pins the gateway's key, and keeps what it has told. Durable once it returns. */
export function keepEnrolment(dataDir: string, api: string, enrolled: Enrolled): EnrollView {
  pinGateway(dataDir, unhex(enrolled.publicKey));
  const gateway = reachable(enrolled.mqtt, api);
  const { device, ca, certificate, at: certifiedAt } = enrolled;
  writeEnrolment(dataDir, { device, gateway, ca, api, certificate, certifiedAt });
  return enrollViewOf(dataDir, { device, gateway, certificate });
}

/** Has the certificate of an enrolled device renewed, see `renewCertificate`. */
export async function renewDevice(dataDir: string, proxy?: HttpProxy): Promise<EnrollView> {
  return enrollViewOf(dataDir, await renewCertificate(dataDir, proxy));
}

/** What people are told of an enrolment. */
export function enrollViewOf(
  dataDir: string,
  { device, gateway, certificate }: Pick<Enrolment, 'device' | 'gateway' | 'certificate'>,
): EnrollView {
  const key = keyNameOf(sha256, openDeviceKey(dataDir).publicKey);
  const certificateUntil = new Date(new X509Certificate(certificate).validTo).toISOString();
  return { schema: 'holdfast.enroll/1', device, key, gateway, certificateUntil };
}

function nameOf(token: EnrolToken, device: string | undefined): string {
  const named = device ?? token.device;
  if (named === '') throw refuse('the token does not say which device this is: give --device');
  if (token.device === '' || token.device === named) return named;
  throw refuse(`the token is for ${token.device}, and this is to be ${named}`);
}

function secretHash({ secret }: EnrolToken): Uint8Array {
  return sha256(unhex(secret.slice(secret.indexOf('_') + 1)));
}

function pinGateway(dataDir: string, key: Uint8Array): void {
  const pin = openGatewayPin(dataDir);
  const known = pin.load();
  if (known === undefined) return pin.save(key);
  if (equalBytes(known, key)) return;
  throw refuse('this device knows another gateway: remove identity/gateway.pub to change it');
}

/** A gateway that listens everywhere is where it was reached. */
function reachable(mqtt: string, api: string): string {
  const url = new URL(mqtt);
  if (url.hostname !== '0.0.0.0' && url.hostname !== '[::]') return mqtt;
  return `${url.protocol}//${new URL(api).hostname}:${url.port}`;
}

function refuse(why: string): HoldfastError {
  return new HoldfastError('HF_ENROLL_REFUSED', { why });
}
