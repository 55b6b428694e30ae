import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  hkdfSync,
  randomBytes,
  type KeyObject,
} from 'node:crypto';
import { HoldfastError, equalBytes } from '@holdfast/protocol';
import { putNumber, tableOfKey } from '../core/keys.ts';

/** Bytes of a key, whoever's it is. */
export const KEY_BYTES = 32;

const SCHEME = 1;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const HEADER_BYTES = 1 + NONCE_BYTES;
const NAME_IV_BYTES = 16;
/** Of a nonce: the rest of it is drawn anew when these have counted to their end. */
const COUNT_BYTES = 4;
const COUNT_MAX = 256 ** COUNT_BYTES - 1;

/**
 * Encrypts the rows of a store with one data key.
 *
 *   value of a row   scheme[1] = 1, nonce[12], AES-256-GCM of the value, tag[16]
 *   key of a row     as it is; where it names something, table[1] iv[16], AES-256-CTR of the name
 *
 * The tag covers the key that the row is stored under too, so that no row can take the place of
 * another. A nonce is 8 random bytes, drawn at the first row of a process, and a count[4]: with the
 * 2^32 rows that NIST allows with random nonces a busy device would be through in a month.
 *
 * The iv of a name is the beginning of its HMAC-SHA-256: a name has one key, so that it can be
 * looked up, and what is stored can be turned back into it.
 */
export class StoreCipher {
  /** Tells this data key from others, and nothing about it. */
  readonly id: string;
  readonly #valueKey: KeyObject;
  readonly #nameKey: KeyObject;
  readonly #nameMacKey: KeyObject;
  readonly #nonce = new Uint8Array(NONCE_BYTES);
  #count = COUNT_MAX;

  /** @param dataKey 32 random bytes. */
  constructor(dataKey: Uint8Array) {
    this.id = Buffer.from(hkdfSync('sha256', dataKey, '', 'holdfast/1/id', 8)).toString('hex');
    this.#valueKey = subkey(dataKey, 'holdfast/1/values');
    this.#nameKey = subkey(dataKey, 'holdfast/1/names');
    this.#nameMacKey = subkey(dataKey, 'holdfast/1/names/mac');
  }

  /** The key that a row is stored under. */
  key(key: Uint8Array): Uint8Array {
    if (!isNamed(key)) return key;
    const iv = this.#nameIv(key);
    const name = createCipheriv('aes-256-ctr', this.#nameKey, iv).update(key.subarray(1));
    const stored = new Uint8Array(1 + NAME_IV_BYTES + name.byteLength);
    stored.set(key.subarray(0, 1));
    stored.set(iv, 1);
    stored.set(name, 1 + NAME_IV_BYTES);
    return stored;
  }

  /** The key of a row that is stored under `stored`; `undefined`: it is none of ours. */
  openKey(stored: Uint8Array): Uint8Array | undefined {
    if (!isNamed(stored)) return stored;
    if (stored.byteLength < 1 + NAME_IV_BYTES) return undefined;
    const iv = stored.subarray(1, 1 + NAME_IV_BYTES);
    const encrypted = stored.subarray(1 + NAME_IV_BYTES);
    const name = createDecipheriv('aes-256-ctr', this.#nameKey, iv).update(encrypted);
    const key = new Uint8Array(1 + name.byteLength);
    key.set(stored.subarray(0, 1));
    key.set(name, 1);
    return equalBytes(this.#nameIv(key), iv) ? key : undefined;
  }

  /** @param stored The key that the row is stored under. */
  value(stored: Uint8Array, value: Uint8Array): Uint8Array {
    const nonce = this.#nextNonce();
    const cipher = createCipheriv('aes-256-gcm', this.#valueKey, nonce).setAAD(stored);
    const body = cipher.update(value);
    cipher.final();
    const encrypted = new Uint8Array(HEADER_BYTES + body.byteLength + TAG_BYTES);
    encrypted[0] = SCHEME;
    encrypted.set(nonce, 1);
    encrypted.set(body, HEADER_BYTES);
    encrypted.set(cipher.getAuthTag(), HEADER_BYTES + body.byteLength);
    return encrypted;
  }

  /** @throws HF_STORE_DAMAGED when it is not what was encrypted for that row with this key. */
  openValue(stored: Uint8Array, encrypted: Uint8Array): Uint8Array {
    const bodyEnd = encrypted.byteLength - TAG_BYTES;
    if (bodyEnd < HEADER_BYTES || encrypted[0] !== SCHEME) throw notEncrypted(stored);
    const nonce = encrypted.subarray(1, HEADER_BYTES);
    const decipher = createDecipheriv('aes-256-gcm', this.#valueKey, nonce)
      .setAAD(stored)
      .setAuthTag(encrypted.subarray(bodyEnd));
    const value = decipher.update(encrypted.subarray(HEADER_BYTES, bodyEnd));
    try {
      decipher.final();
    } catch (cause) {
      throw notEncrypted(stored, cause);
    }
    return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  }

  #nameIv(key: Uint8Array): Uint8Array {
    return createHmac('sha256', this.#nameMacKey).update(key).digest().subarray(0, NAME_IV_BYTES);
  }

  #nextNonce(): Uint8Array {
    if (this.#count === COUNT_MAX) {
      this.#nonce.set(randomBytes(NONCE_BYTES - COUNT_BYTES));
      this.#count = 0;
    } else this.#count += 1;
    putNumber(this.#nonce, NONCE_BYTES - COUNT_BYTES, this.#count, COUNT_BYTES);
    return this.#nonce;
  }
}

/** Whether the key of a row is a name that somebody chose: of a run or of a schedule. */
export function isNamed(key: Uint8Array): boolean {
  const table = tableOfKey(key);
  return table === 'i' || table === 's';
}

function subkey(dataKey: Uint8Array, use: string): KeyObject {
  return createSecretKey(new Uint8Array(hkdfSync('sha256', dataKey, '', use, KEY_BYTES)));
}

function notEncrypted(stored: Uint8Array, cause?: unknown): HoldfastError {
  const row = Buffer.from(stored.subarray(0, 16)).toString('hex');
  const why = `row ${row} is not what was encrypted`;
  return new HoldfastError('HF_STORE_DAMAGED', { why, cause });
}
