import { hex } from '../base/bytes.ts';
import type { Sha256 } from '../base/ports.ts';

/** Digits enough that nobody makes a key with the name of another one. */
const DIGITS = 32;

/** What people call a public key by, to tell whether two screens mean the same. */
export function keyNameOf(sha256: Sha256, publicKey: Uint8Array): string {
  return hex(sha256(publicKey)).slice(0, DIGITS);
}

export function isKeyName(text: string): boolean {
  return text.length === DIGITS && /^[0-9a-f]+$/.test(text);
}
