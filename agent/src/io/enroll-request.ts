import { HoldfastError, type EnrolToken } from '@holdfast/protocol';
import type { HttpProxy } from '../core/proxy-address.ts';
import { fingerprintOf, isCertificate, pemBlocks } from './certificate-text.ts';
import { askGateway, unreachable, type Trust } from './gateway-request.ts';

/** What the gateway answers to a device that it has enrolled. */
export interface Enrolled {
  readonly device: string;
  /** The gateway's key: SPKI in hex. */
  readonly publicKey: string;
  readonly mqtt: string;
  readonly ca: string | null;
  /** PEM: for the key of this device. */
  readonly certificate: string;
  /** When it was issued, RFC 3339. */
  readonly at: string;
}

/**
 * Asks the gateway of a token to enrol this device. Nothing is said of the token before it is known
 * that who answers is the one which it names.
 *
 * @throws HF_GATEWAY_UNREACHABLE, HF_GATEWAY_UNTRUSTED, and what the gateway answers.
 */
export async function requestEnrolment(
  token: EnrolToken,
  body: object,
  proxy?: HttpProxy,
): Promise<Enrolled> {
  const { url, certificate } = token;
  const isSecure = new URL(url).protocol === 'https:';
  if (isSecure !== (certificate !== '')) {
    throw new HoldfastError('HF_GATEWAY_UNTRUSTED', { why: 'the token names no certificate' });
  }
  const trust = isSecure ? await pinnedTrust(url, certificate, proxy) : undefined;
  return enrolledOf(url, await askGateway({ url, path: '/api/enroll', trust, body, proxy }));
}

/** What was pinned is the certificate of the API itself, or of an authority that it names. */
export async function pinnedTrust(
  url: string,
  pin: string,
  proxy?: HttpProxy,
): Promise<Trust> {
  const seen: { certificate?: string } = {};
  const answer = await askGateway({ url, path: '/api/ca', trust: { seen }, proxy });
  if (seen.certificate === pin) return { pin };
  const ca = pemBlocks(answer['certificates']).find((each) => fingerprintOf(each) === pin);
  if (ca !== undefined) return { ca };
  const why = `${url} is another gateway than the one that is named`;
  throw new HoldfastError('HF_GATEWAY_UNTRUSTED', { why });
}

export function enrolledOf(url: string, answer: Readonly<Record<string, unknown>>): Enrolled {
  const { device, publicKey, mqtt, ca, certificate, at } = answer;
  const isKey = typeof publicKey === 'string' && /^([0-9a-f]{2}){1,256}$/.test(publicKey);
  const isPlace = typeof mqtt === 'string' && URL.canParse(mqtt);
  const isTrust = ca === null || typeof ca === 'string';
  if (typeof device === 'string' && isKey && isPlace && isTrust && isCertificate(certificate)) {
    return { device, publicKey, mqtt, ca, certificate, at: String(at) };
  }
  throw unreachable(url, 'what answers is not a Holdfast gateway');
}
