import { sha256 } from '@holdfast/agent/internal';
import { ascii, equalBytes, type Signer, type Verify } from '@holdfast/protocol';

const KEY_BYTES = 91;

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

function signature(publicKey: Uint8Array, bytes: Uint8Array): Uint8Array {
  const whole = new Uint8Array(64);
  whole.set(sha256(publicKey, bytes));
  return whole;
}
