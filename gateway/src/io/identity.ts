import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  sign,
  verify as verifySignature,
  type KeyObject,
} from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HoldfastError, hex, messageOf, type Signer, type Verify } from '@holdfast/protocol';
import { writeWhole } from './durable-file.ts';
import { secretBox, type SecretBox } from './secret-box.ts';

const CURVE = 'prime256v1';
/**
 * Keys of the devices that were heard last, 4 KiB each. Reading one takes longer than a
 * verification: with fewer than there are devices that report, each report would pay for both.
 */
const KEYS_MAX = 16_384;

/** What a gateway does with its private key. */
export interface Identity extends Signer {
  readonly secrets: SecretBox;
}

/**
 * The gateway's key, in `<dataDir>/identity/gateway.key`. A P-256 key is made at the first start;
 * one for Ed25519 that was put there is as good.
 *
 * @throws HF_STORE_DAMAGED for a file that holds no such key.
 */
export async function openIdentity(dataDir: string): Promise<Identity> {
  const dir = join(dataDir, 'identity');
  const path = join(dir, 'gateway.key');
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const key = (await readKey(path)) ?? (await makeKey(path));
  return { ...signerOf(key), secrets: secretBox(key) };
}

async function readKey(path: string): Promise<KeyObject | undefined> {
  let pem: string;
  try {
    pem = await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw new HoldfastError('HF_DATA_DIR_UNUSABLE', { why: messageOf(error), cause: error });
  }
  try {
    const key = createPrivateKey(pem);
    if (isSigningKey(key)) return key;
  } catch {
    // Told below, in words for the person who must mend it.
  }
  const why = `${path} holds no private key for P-256 or Ed25519`;
  throw new HoldfastError('HF_STORE_DAMAGED', { why });
}

async function makeKey(path: string): Promise<KeyObject> {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: CURVE });
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' });
  await writeWhole(path, String(pem), 0o600);
  return privateKey;
}

/**
 * Signs with ECDSA over SHA-256, a signature being r and s, 32 bytes each, or with Ed25519, as the
 * key says.
 */
export function signerOf(privateKey: KeyObject): Signer {
  const publicKey = createPublicKey(privateKey).export({ type: 'spki', format: 'der' });
  return {
    publicKey,
    sign: (bytes) =>
      isEd25519(privateKey)
        ? sign(null, bytes, privateKey)
        : sign('sha256', bytes, { key: privateKey, dsaEncoding: 'ieee-p1363' }),
  };
}

/** Verifies what a `Signer` has signed; `false` for anything that is no key or no signature. */
export function createVerify(): Verify {
  const keys = new Map<string, KeyObject>();
  const keyOf = (der: Uint8Array): KeyObject => {
    const id = hex(der);
    const known = keys.get(id);
    if (known !== undefined) {
      // The first ones are those that were not heard for longest.
      keys.delete(id);
      keys.set(id, known);
      return known;
    }
    const key = readPublicKey(Buffer.from(der));
    const oldest = keys.keys().next();
    if (keys.size >= KEYS_MAX && oldest.done !== true) keys.delete(oldest.value);
    keys.set(id, key);
    return key;
  };
  return (publicKey, bytes, signature) => {
    try {
      const key = keyOf(publicKey);
      if (isEd25519(key)) return verifySignature(null, bytes, key, signature);
      return verifySignature('sha256', bytes, { key, dsaEncoding: 'ieee-p1363' }, signature);
    } catch {
      return false;
    }
  };
}

/** How SPKI begins for an uncompressed point of P-256. */
const SPKI_HEAD = Buffer.from('3059301306072a8648ce3d020106082a8648ce3d03010703420004', 'hex');
const COORDINATE_BYTES = 32;

/**
 * Each device that connects has its key read. Where it is written as all write it, its two numbers
 * are taken out of it: that takes half as long as to have it read, and they are checked as well.
 */
function readPublicKey(der: Buffer): KeyObject {
  const point = der.subarray(SPKI_HEAD.byteLength);
  if (!der.subarray(0, SPKI_HEAD.byteLength).equals(SPKI_HEAD)) {
    const key = createPublicKey({ key: der, format: 'der', type: 'spki' });
    if (isSigningKey(key)) return key;
    throw new HoldfastError('HF_SIGNATURE_INVALID', { why: 'no key of these kinds' });
  }
  const [x, y] = [point.subarray(0, COORDINATE_BYTES), point.subarray(COORDINATE_BYTES)];
  const text = { x: x.toString('base64url'), y: y.toString('base64url') };
  return createPublicKey({ key: { kty: 'EC', crv: 'P-256', ...text }, format: 'jwk' });
}

/** Whether this is a key that a device or a gateway may have. */
export function isSigningKey(key: KeyObject): boolean {
  const isP256 = key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === CURVE;
  return isP256 || isEd25519(key);
}

function isEd25519(key: KeyObject): boolean {
  return key.asymmetricKeyType === 'ed25519';
}
