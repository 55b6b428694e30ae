import { sha256 } from '@holdfast/agent/internal';
import { ascii, equalBytes, type Signer, type Verify } from '@holdfast/protocol';

const KEY_BYTES = 91;
const SIGNATURE_BYTES = 64;

/**
 * Signatures that a seed decides and that cost little. Whoever knows the public key could make
 * them: nobody in the virtual world does but by `signerOf`.
 */
export function signerOf(name: string): Signer {
  const digest = sha256(ascii(name));
  const publicKey = new Uint8Array(KEY_BYTES);
  publicKey.set(digest);
  return { publicKey, sign: (bytes) => signature(publicKey, bytes) };
}

export const verifySim: Verify = (publicKey, bytes, given) =>
  equalBytes(signature(publicKey, bytes), given);

/**
 * Two running sums over key and bytes, which each byte turns over: enough against chance, which
 * flips bits, and against a forger, who has another key. A real signature costs a hundred times
 * as much, and most of a virtual world's time.
 */
function signature(publicKey: Uint8Array, bytes: Uint8Array): Uint8Array {
  let a = 0x811c9dc5;
  let b = bytes.byteLength;
  for (const part of [publicKey, bytes]) {
    for (const byte of part) {
      a = Math.imul(a ^ byte, 0x01000193);
      b = Math.imul((b ^ a) + byte, 0x85ebca6b);
      b ^= b >>> 13;
    }
  }
  const whole = new Uint8Array(SIGNATURE_BYTES);
  const words = new DataView(whole.buffer);
  words.setUint32(0, a);
  words.setUint32(4, b);
  return whole;
}
