import { createCipheriv, createDecipheriv, randomBytes, scrypt } from 'node:crypto';
import { HoldfastError } from '@holdfast/protocol';

const SCHEMA = 'holdfast.gateway-keys/1';
/** 64 MiB and a quarter of a second: the file is carried about, and may be guessed at for long. */
const cost = { N: 2 ** 16, r: 8, p: 1, maxmem: 96 * 1024 * 1024 };
const [SALT_BYTES, KEY_BYTES, NONCE_BYTES, TAG_BYTES] = [16, 32, 12, 16];

/** Texts of files by their paths in a data directory. */
export type KeyFiles = Readonly<Record<string, string>>;

/** Files as one text that only the passphrase opens: scrypt and AES-256-GCM. */
export async function sealKeys(files: KeyFiles, passphrase: string): Promise<string> {
  const [salt, nonce] = [randomBytes(SALT_BYTES), randomBytes(NONCE_BYTES)];
  const cipher = createCipheriv('aes-256-gcm', await keyOf(passphrase, salt), nonce);
  cipher.setAAD(Buffer.from(SCHEMA));
  const body = [cipher.update(JSON.stringify(files), 'utf8'), cipher.final()];
  const sealed = Buffer.concat([salt, nonce, ...body, cipher.getAuthTag()]);
  return `${JSON.stringify({ schema: SCHEMA, sealed: sealed.toString('base64') })}\n`;
}

/** @throws HF_CONFIG_INVALID for another passphrase, or for what is no such text. */
export async function openKeys(text: string, passphrase: string): Promise<KeyFiles> {
  const sealed = Buffer.from(sealedOf(text), 'base64');
  const [salt, rest] = [sealed.subarray(0, SALT_BYTES), sealed.subarray(SALT_BYTES)];
  const key = await keyOf(passphrase, salt);
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, rest.subarray(0, NONCE_BYTES));
    decipher.setAAD(Buffer.from(SCHEMA)).setAuthTag(rest.subarray(-TAG_BYTES));
    const body = decipher.update(rest.subarray(NONCE_BYTES, -TAG_BYTES));
    const files: unknown = JSON.parse(Buffer.concat([body, decipher.final()]).toString('utf8'));
    // What was authenticated was written by `sealKeys`.
    return files as KeyFiles;
  } catch (cause) {
    const why = 'the passphrase is another one, or the file was changed';
    throw new HoldfastError('HF_CONFIG_INVALID', { why, cause });
  }
}

function sealedOf(text: string): string {
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed === 'object' && parsed !== null && 'schema' in parsed && 'sealed' in parsed) {
      const { schema, sealed } = parsed;
      if (schema === SCHEMA && typeof sealed === 'string') return sealed;
    }
  } catch {
    // Told below.
  }
  throw new HoldfastError('HF_CONFIG_INVALID', { why: 'the file is none of `keys export`' });
}

function keyOf(passphrase: string, salt: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(passphrase, salt, KEY_BYTES, cost, (error, key) => {
      if (error === null) resolve(key);
      else reject(error);
    });
  });
}
