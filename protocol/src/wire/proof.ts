import { ascii, concat, hex, unhex } from '../base/bytes.ts';
import { isDeviceId } from '../base/names.ts';
import type { Sha256 } from '../base/ports.ts';

/**
 * What a device signs besides messages. Each begins with words of its own, so that a signature made
 * for one purpose is worth nothing for another.
 */
function statement(purpose: string, device: string, what: Uint8Array): Uint8Array {
  const head = Uint8Array.from(`holdfast/1/${purpose}/${device}/`, (char) => char.charCodeAt(0));
  return concat([head, what]);
}

/** That the device has the key which it enrols, with a token whose secret has this SHA-256. */
export function enrolStatement(device: string, secretHash: Uint8Array): Uint8Array {
  return statement('enroll', device, secretHash);
}

/** That the device has the key which it wants to pair, with this commitment. */
export function pairStatement(device: string, commitment: Uint8Array): Uint8Array {
  return statement('pair', device, commitment);
}

/** That who connects to the broker of the gateway with this public key is the device. */
export function connectStatement(device: string, gatewayKey: Uint8Array): Uint8Array {
  return statement('connect', device, gatewayKey);
}

/** That the device which has this key wants a certificate of the gateway with that one. */
export function renewStatement(
  device: string,
  nonce: Uint8Array,
  gatewayKey: Uint8Array,
): Uint8Array {
  return statement('renew', device, concat([nonce, gatewayKey]));
}

/** What both keys of a device sign that is to be known by the next one. */
export interface KeyChange {
  readonly nonce: Uint8Array;
  /** SPKI of the next key. */
  readonly next: Uint8Array;
  readonly gatewayKey: Uint8Array;
}

/** That the device wants to be known by another key, at the gateway with this one. */
export function rotateStatement(device: string, change: KeyChange): Uint8Array {
  return statement('rotate', device, concat([change.nonce, change.gatewayKey, change.next]));
}

/** What a gateway tells a device that has asked with this nonce. PEM. */
export interface Renewed {
  readonly nonce: Uint8Array;
  readonly certificate: string;
  /** `null`: what the device's system trusts. */
  readonly ca: string | null;
}

/** That the gateway tells it. */
export function renewedStatement(device: string, told: Renewed, sha256: Sha256): Uint8Array {
  const texts = [told.certificate, told.ca ?? ''].map((text) => sha256(ascii(text)));
  return statement('renewed', device, concat([told.nonce, ...texts]));
}

/** A public key and what it has signed, as the password of an MQTT connection. */
export interface ConnectProof {
  readonly publicKey: Uint8Array;
  readonly signature: Uint8Array;
}

export function writeConnectProof({ publicKey, signature }: ConnectProof): string {
  return `${hex(publicKey)}.${hex(signature)}`;
}

/** `undefined` for what is none. */
export function readConnectProof(password: string): ConnectProof | undefined {
  const [, publicKey, signature] = /^([0-9a-f]{2,512})\.([0-9a-f]{128})$/.exec(password) ?? [];
  if (publicKey === undefined || signature === undefined || publicKey.length % 2 > 0) {
    return undefined;
  }
  return { publicKey: unhex(publicKey), signature: unhex(signature) };
}

/** What a person carries from the gateway to a device that is to be enrolled. */
export interface EnrolToken {
  /** Names the token, and proves that it was given. */
  readonly secret: string;
  /** Name of the gateway's key. */
  readonly gatewayKey: string;
  /**
   * SHA-256, in hex, of the certificate that its API shows, or of the authority's that has issued
   * it; empty: it shows none.
   */
  readonly certificate: string;
  /** The device that it is for; empty: any that the gateway does not know. */
  readonly device: string;
  /** Of its HTTP API. */
  readonly url: string;
}

/** `hf1.<secret>.<name of the gateway's key>.<certificate, or ->.<device, or *>.<URL>` */
export function writeEnrolToken(given: EnrolToken): string {
  const { secret, gatewayKey, certificate, device, url } = given;
  return ['hf1', secret, gatewayKey, certificate || '-', device || '*', url].join('.');
}

const TOKEN_LENGTH_MAX = 1_024;
const token =
  /^hf1\.([0-9a-f]{16}_[0-9a-f]{40})\.([0-9a-f]{32})\.(-|[0-9a-f]{64})\.([^.]+)\.(https?:\S+)$/;

/** `undefined` for what is none. */
export function readEnrolToken(text: string): EnrolToken | undefined {
  const found = text.length > TOKEN_LENGTH_MAX ? null : token.exec(text.trim());
  const [, secret = '', gatewayKey = '', certificate = '', device = '', url = ''] = found ?? [];
  if (found === null || (device !== '*' && !isDeviceId(device))) return undefined;
  return {
    ...{ secret, gatewayKey, certificate: certificate === '-' ? '' : certificate },
    ...{ device: device === '*' ? '' : device, url },
  };
}
