import {
  createCipheriv,
  createDecipheriv,
  hkdfSync,
  randomBytes,
  type KeyObject,
} from 'node:crypto';
import { HoldfastError } from '@holdfast/protocol';

const [KEY_BYTES, NONCE_BYTES, TAG_BYTES] = [32, 12, 16];

/** Seals what the ledger keeps and nobody is to read there. */
export interface SecretBox {
  /** @param about What it belongs to: sealed bytes of one thing are none of another. */
  seal(about: string, secret: Uint8Array): Uint8Array;
  /** @throws HF_STORE_DAMAGED for what was sealed by another key, or changed. */
  open(about: string, sealed: Uint8Array): Uint8Array;
}

/**
 * By a key that is derived from the gateway's own, which lies in a file of its user: all gateways
 * on a ledger have the same, and who has a copy of the ledger alone opens nothing. AES-256-GCM.
 */
export function secretBox(privateKey: KeyObject): SecretBox {
  const own = privateKey.export({ type: 'pkcs8', format: 'der' });
  const key = Buffer.from(hkdfSync('sha256', own, '', 'holdfast gateway secrets', KEY_BYTES));
  return {
    seal(about, secret) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(about));
      return Buffer.concat([nonce, cipher.update(secret), cipher.final(), cipher.getAuthTag()]);
    },
    open(about, sealed) {
      const bytes = Buffer.from(sealed);
      try {
        const nonce = bytes.subarray(0, NONCE_BYTES);
        const decipher = createDecipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(about));
        decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
        const body = decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES));
        return Buffer.concat([body, decipher.final()]);
      } catch (cause) {
        const why = `the secret of ${about} was sealed by another key than identity/gateway.key`;
        throw new HoldfastError('HF_STORE_DAMAGED', { why, cause });
      }
    },
  };
}
