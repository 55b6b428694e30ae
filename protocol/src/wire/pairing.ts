import { NO_BYTES, ascii, concat, unhex } from '../base/bytes.ts';
import type { Sha256 } from '../base/ports.ts';
import { words } from '../base/words.ts';

/**
 * What a device and a gateway that do not know each other compare, by a person who sees both.
 *
 * Each side adds bytes of its own that it chooses without knowing those of the other: the device is
 * bound to its own before it is told any. So who stands between them, and has other keys for each
 * side, has one guess at three words.
 */
export interface Pairing {
  /** SPKI. */
  readonly deviceKey: Uint8Array;
  readonly gatewayKey: Uint8Array;
  /** SHA-256, in hex, of what the device knows the gateway's API by; empty: nothing. */
  readonly certificate: string;
  readonly deviceNonce: Uint8Array;
  readonly gatewayNonce: Uint8Array;
}

export const PAIRING_NONCE_BYTES = 16;
const WORDS = 3;

/** Binds a device to its nonce before it has told it. */
export function pairingCommitment(
  sha256: Sha256,
  { deviceKey, deviceNonce }: Pick<Pairing, 'deviceKey' | 'deviceNonce'>,
): Uint8Array {
  return sha256(ascii('holdfast/1/pair/commit/'), deviceNonce, deviceKey);
}

/** Three words that are the same on both sides, or somebody stands between them. */
export function pairingWords(sha256: Sha256, pairing: Pairing): string {
  const { deviceKey, gatewayKey, certificate, deviceNonce, gatewayNonce } = pairing;
  const known = certificate === '' ? NO_BYTES : unhex(certificate);
  const parts = [sha256(deviceKey), sha256(gatewayKey), sha256(known)];
  const hash = sha256(ascii('holdfast/1/pair/words/'), concat(parts), deviceNonce, gatewayNonce);
  return Array.from(hash.subarray(0, WORDS), (byte) => words[byte]).join(' ');
}
