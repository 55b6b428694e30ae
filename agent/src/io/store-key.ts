import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { existsSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { HoldfastError, messageOf } from '@holdfast/protocol';
import { syncDirectory, writeDurably } from './durable-file.ts';
import { KEY_BYTES, StoreCipher } from './store-cipher.ts';

/** In the data directory, twice: without it, nobody can read the store any more. */
const FILE_NAMES = ['store.key', 'store.key.copy'] as const;
const FORMAT = 1;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** Enough for a key in any of its forms, and a line end. */
const FILE_BYTES_MAX = 4_096;

/**
 * The key of a data directory, from where it is kept: 32 bytes, or those in hexadecimal or base64
 * in a line of text.
 *
 * @param source Path of a file, or the 32 bytes themselves.
 * @throws HF_STORE_KEY for a file that cannot be read, holds no such key, or is open to everybody.
 */
export function loadUserKey(source: string | Uint8Array): Uint8Array {
  if (typeof source !== 'string') {
    if (source.byteLength === KEY_BYTES) return source;
    throw noKey(`a key has ${KEY_BYTES} bytes, and this one has ${source.byteLength}`);
  }
  const key = parseKey(readKeyFile(source));
  if (key !== undefined) return key;
  throw noKey(`${source} holds neither 32 bytes nor their hexadecimal or base64`);
}

/** The same, where there may be none. */
export function userKeyOf(source: string | Uint8Array | undefined): Uint8Array | undefined {
  return source === undefined ? undefined : loadUserKey(source);
}

function readKeyFile(path: string): Buffer {
  try {
    const { mode, size } = statSync(path);
    if ((mode & 0o007) !== 0) throw noKey(`everybody can read ${path}: chmod o-rwx it`);
    if (size > FILE_BYTES_MAX) throw noKey(`${path} is too large for a key`);
    return readFileSync(path);
  } catch (error) {
    if (error instanceof HoldfastError) throw error;
    throw noKey(messageOf(error), error);
  }
}

function parseKey(bytes: Buffer): Uint8Array | undefined {
  if (bytes.byteLength === KEY_BYTES) return bytes;
  const text = bytes.toString('latin1').trim();
  if (/^[0-9a-f]{64}$/i.test(text)) return Buffer.from(text, 'hex');
  return /^[A-Za-z0-9+/]{43}=?$/.test(text) ? Buffer.from(text, 'base64') : undefined;
}

/** Whether what a data directory holds is encrypted. */
export function hasStoreKey(dir: string): boolean {
  return FILE_NAMES.some((name) => existsSync(join(dir, name)));
}

/** What `store.key` holds; `null`: the store is not encrypted. */
export function readStoreKey(dir: string): string | null {
  const name = FILE_NAMES.find((each) => existsSync(join(dir, each)));
  return name === undefined ? null : readFileSync(join(dir, name), 'utf8');
}

/** Puts what `store.key` held in its place. Durable once it returns. */
export function restoreStoreKey(dir: string, text: string): void {
  for (const name of FILE_NAMES) writeDurably(join(dir, name), text, 0o600);
}

/** Has a data directory be one whose store is not encrypted. Durable once it returns. */
export function removeStoreKey(dir: string): void {
  for (const name of FILE_NAMES) rmSync(join(dir, name), { force: true });
  syncDirectory(dir);
}

/**
 * Opens what encrypts a store, by the text of its `store.key`.
 *
 * @throws HF_STORE_KEY when that is not with this key.
 */
export function cipherOfText(text: string, userKey: Uint8Array | undefined): StoreCipher {
  if (userKey === undefined) throw noKey('the store is encrypted, and no key was given');
  try {
    return new StoreCipher(unwrap(text, userKey));
  } catch (error) {
    throw noKey(messageOf(error));
  }
}

/**
 * Opens what encrypts the store of a data directory. Changes nothing.
 *
 * @throws HF_STORE_KEY when that is not with this key.
 */
export function openCipher(dir: string, userKey: Uint8Array | undefined): StoreCipher {
  if (userKey === undefined) throw noKey(`${dir} is encrypted, and no key was given`);
  return new StoreCipher(openDataKey(dir, userKey));
}

/** Makes the key that encrypts a new store. Durable once it returns. */
export function createCipher(dir: string, userKey: Uint8Array): StoreCipher {
  const { cipher, text } = makeCipher(userKey);
  restoreStoreKey(dir, text);
  return cipher;
}

/** A new key that encrypts a store, and what `store.key` is to hold, so that it can be opened. */
export function makeCipher(userKey: Uint8Array): {
  readonly cipher: StoreCipher;
  readonly text: string;
} {
  const dataKey = randomBytes(KEY_BYTES);
  return { cipher: new StoreCipher(dataKey), text: wrap(dataKey, userKey) };
}

/**
 * From now on another key opens the store of a data directory. Durable once it returns; what was
 * cut off before that opens with either of them, and may be done again.
 *
 * @throws HF_STORE_KEY, and nothing was changed.
 */
export function changeUserKey(dir: string, from: Uint8Array, to: Uint8Array): void {
  writeDataKey(dir, to, openDataKey(dir, from));
}

/** The one that encrypts the rows: it stays the same when the key that opens it changes. */
function openDataKey(dir: string, userKey: Uint8Array): Uint8Array {
  const reasons: string[] = [];
  for (const name of FILE_NAMES) {
    try {
      return unwrap(readFileSync(join(dir, name), 'utf8'), userKey);
    } catch (error) {
      reasons.push(`${name}: ${messageOf(error)}`);
    }
  }
  throw noKey(reasons.join('; '));
}

function writeDataKey(dir: string, userKey: Uint8Array, dataKey: Uint8Array): void {
  restoreStoreKey(dir, wrap(dataKey, userKey));
}

interface WrappedKey {
  readonly format: number;
  readonly nonce: string;
  readonly key: string;
}

function wrap(dataKey: Uint8Array, userKey: Uint8Array): string {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', wrappingKey(userKey), nonce);
  const encrypted = [cipher.update(dataKey), cipher.final(), cipher.getAuthTag()];
  const key = Buffer.concat(encrypted).toString('base64');
  const content: WrappedKey = { format: FORMAT, nonce: nonce.toString('base64'), key };
  return `${JSON.stringify(content)}\n`;
}

function unwrap(text: string, userKey: Uint8Array): Uint8Array {
  // What is not as `wrap` leaves it fails on the way.
  const { format, nonce, key } = JSON.parse(text) as WrappedKey;
  if (format !== FORMAT) throw new RangeError(`it has format ${format}`);
  const [iv, encrypted] = [Buffer.from(nonce, 'base64'), Buffer.from(key, 'base64')];
  const end = encrypted.byteLength - TAG_BYTES;
  const decipher = createDecipheriv('aes-256-gcm', wrappingKey(userKey), iv);
  decipher.setAuthTag(encrypted.subarray(end));
  const dataKey = decipher.update(encrypted.subarray(0, end));
  try {
    decipher.final();
  } catch {
    throw new RangeError('this key does not open it');
  }
  return dataKey;
}

function wrappingKey(userKey: Uint8Array): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', userKey, '', 'holdfast/1/store.key', KEY_BYTES));
}

export function noKey(why: string, cause?: unknown): HoldfastError {
  return new HoldfastError('HF_STORE_KEY', { why, cause });
}
