import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  sign,
  verify as verifySignature,
  type KeyObject,
} from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { HoldfastError, keyNameOf, type Signer, type Verify } from '@holdfast/protocol';
import type { GatewayPin } from '../core/uplink-inbox.ts';
import { writeDurably } from './durable-file.ts';
import { sha256 } from './sha256.ts';

const CURVE = 'prime256v1';
const ENCODING = 'ieee-p1363';

/**
 * The identity of this device: a key in `identity/device.key` below the data directory, PEM PKCS
 * #8, readable by this user only. A P-256 key is made at the first call, durable once that returns;
 * one for Ed25519 that was put there is as good.
 *
 * @throws HF_KEY_UNUSABLE when the file is there and is no such key: a new one would be refused by
 *   every gateway that knows the old one, so none is made.
 */
export function openDeviceKey(dataDir: string): Signer {
  const path = deviceKeyPath(dataDir);
  if (!existsSync(path)) {
    writeDeviceKey(dataDir, newDeviceKey().pem);
  }
  return signerOf(readKey(path, createPrivateKey));
}

function signerOf(key: KeyObject): Signer {
  return {
    publicKey: createPublicKey(key).export({ type: 'spki', format: 'der' }),
    sign: (bytes) =>
      isEd25519(key)
        ? sign(null, bytes, key)
        : sign('sha256', bytes, { key, dsaEncoding: ENCODING }),
  };
}

/** A key that is not the device's yet: nothing of it is kept. */
export function newDeviceKey(): { readonly pem: string; readonly signer: Signer } {
  const made = generateKeyPairSync('ec', { namedCurve: CURVE }).privateKey;
  return { pem: pemOf(made), signer: signerOf(made) };
}

/** Puts a key, PEM, in the place of the device's. Durable once it returns. */
export function writeDeviceKey(dataDir: string, pem: string): void {
  writeDurably(deviceKeyPath(dataDir), pem, 0o600);
}

/** What signs for a device whose key may be replaced: with the one that was read last. */
export class DeviceSigner implements Signer {
  readonly #dataDir: string;
  #current: Signer;

  /** @throws HF_KEY_UNUSABLE */
  constructor(dataDir: string) {
    this.#dataDir = dataDir;
    this.#current = openDeviceKey(dataDir);
  }

  get publicKey(): Uint8Array {
    return this.#current.publicKey;
  }

  sign(bytes: Uint8Array): Uint8Array {
    return this.#current.sign(bytes);
  }

  /** Reads the key anew: what is signed from now on is signed by that. @throws HF_KEY_UNUSABLE */
  reload(): void {
    this.#current = openDeviceKey(this.#dataDir);
  }
}

/** PEM of the key, for TLS. @throws HF_KEY_UNUSABLE */
export function deviceKeyPem(dataDir: string): string {
  return pemOf(readKey(deviceKeyPath(dataDir), createPrivateKey));
}

function pemOf(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString();
}

function deviceKeyPath(dataDir: string): string {
  return join(dataDir, 'identity', 'device.key');
}

/** What people call this device's key by; `undefined` where there is none that can be used. */
export function deviceKeyName(dataDir: string): string | undefined {
  const path = deviceKeyPath(dataDir);
  try {
    const key = createPublicKey(readKey(path, createPrivateKey));
    return keyNameOf(sha256, key.export({ type: 'spki', format: 'der' }));
  } catch {
    return undefined;
  }
}

/** The gateway's key in `identity/gateway.pub`, PEM. @throws HF_KEY_UNUSABLE from `load`. */
export function openGatewayPin(dataDir: string): GatewayPin {
  const path = join(dataDir, 'identity', 'gateway.pub');
  return {
    load() {
      if (!existsSync(path)) return undefined;
      return readKey(path, createPublicKey).export({ type: 'spki', format: 'der' });
    },
    save(publicKey) {
      const key = createPublicKey({ key: Buffer.from(publicKey), type: 'spki', format: 'der' });
      writeDurably(path, key.export({ type: 'spki', format: 'pem' }).toString(), 0o644);
    },
  };
}

function readKey(path: string, parse: (pem: Buffer) => KeyObject): KeyObject {
  try {
    const key = parse(readFileSync(path));
    if (isP256(key) || isEd25519(key)) return key;
  } catch (cause) {
    throw new HoldfastError('HF_KEY_UNUSABLE', { why: path, cause });
  }
  const why = `${path} holds neither a P-256 nor an Ed25519 key`;
  throw new HoldfastError('HF_KEY_UNUSABLE', { why });
}

function isP256(key: KeyObject): boolean {
  return key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === CURVE;
}

function isEd25519(key: KeyObject): boolean {
  return key.asymmetricKeyType === 'ed25519';
}

/** Parsing a key costs as much as checking a signature; the pinned one is always the same bytes. */
const parsed = new WeakMap<Uint8Array, KeyObject>();

/**
 * ECDSA over P-256 and SHA-256, signatures as r and s (IEEE P1363), or Ed25519, as the key says.
 * False for what is no key.
 */
export const verify: Verify = (publicKey, bytes, signature) => {
  try {
    const key = parsed.get(publicKey) ?? parsePublic(publicKey);
    if (isEd25519(key)) return verifySignature(null, bytes, key, signature);
    return verifySignature('sha256', bytes, { key, dsaEncoding: ENCODING }, signature);
  } catch {
    return false;
  }
};

function parsePublic(publicKey: Uint8Array): KeyObject {
  const key = createPublicKey({ key: Buffer.from(publicKey), type: 'spki', format: 'der' });
  if (!isP256(key) && !isEd25519(key)) {
    throw new HoldfastError('HF_KEY_UNUSABLE', { why: 'neither P-256 nor Ed25519' });
  }
  parsed.set(publicKey, key);
  return key;
}
