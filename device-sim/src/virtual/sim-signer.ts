import { ascii, equalBytes, type Signer, type Verify } from '@holdfast/protocol';
import { mixed, mixedHash } from './mixed-hash.ts';

const KEY_BYTES = 91;
const SIGNATURE_BYTES = 64;

const signers = new Map<string, Signer>();

/**
 * Signatures that a seed decides and that cost little. Whoever knows the public key could make
 * them: nobody in the virtual world does but by `signerOf`.
 */
export function signerOf(name: string): Signer {
  const known = signers.get(name);
  if (known !== undefined) return known;
  const publicKey = new Uint8Array(KEY_BYTES);
  publicKey.set(mixedHash(ascii(name)));
  const signer: Signer = { publicKey, sign: (bytes) => signature(publicKey, bytes) };
  signers.set(name, signer);
  return signer;
}

export const verifySim: Verify = (publicKey, bytes, given) =>
  equalBytes(signature(publicKey, bytes), given);

/**
 * Running sums over the bytes that begin with the key: enough against chance, which flips bits, and
 * against a forger, who has another key. A real signature costs a hundred times as much, and most
 * of a virtual world's time.
 */
function signature(publicKey: Uint8Array, bytes: Uint8Array): Uint8Array {
  const [a = 0, b = 0, c = 0, d = 0] = publicKey;
  const whole = new Uint8Array(SIGNATURE_BYTES);
  whole.set(mixed(bytes, a | (b << 8) | (c << 16) | (d << 24)));
  return whole;
}
