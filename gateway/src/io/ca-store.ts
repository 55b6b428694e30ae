import {
  X509Certificate,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  randomBytes,
  type KeyObject,
} from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HoldfastError, messageOf, type Clock } from '@holdfast/protocol';
import {
  Authority,
  type AuthorityParts,
  type AuthorityPorts,
  type Root,
} from '../core/certificates/authority.ts';
import { writeWhole } from './durable-file.ts';
import { signerOf } from './identity.ts';
import { sha256 } from './sha256.ts';

/**
 * The authority of a gateway, in `ca/ca.pem` of its data directory: its private key and its
 * certificate, those of the ones before it that are trusted, and what they say of it. Readable by
 * its user only. `ca/ca.crt` beside it has what others are to trust.
 */
export class CaStore {
  readonly #dir: string;
  #authority: Authority;
  /** PEM of the private keys, in the order of the roots. */
  #keys: readonly string[];

  private constructor(dir: string, authority: Authority, keys: readonly string[]) {
    this.#dir = dir;
    this.#authority = authority;
    this.#keys = keys;
  }

  /** Makes one where there is none. @throws HF_STORE_DAMAGED, HF_DATA_DIR_UNUSABLE. */
  static async open(dataDir: string, clock: Pick<Clock, 'nowMs'>): Promise<CaStore> {
    const dir = join(dataDir, 'ca');
    const ports: AuthorityPorts = { clock, sha256, randomBytes };
    const found = await read(join(dir, 'ca.pem'));
    if (found !== undefined) {
      return new CaStore(dir, new Authority(found.parts, ports), found.keys);
    }
    await mkdir(dir, { recursive: true, mode: 0o700 });
    const { key, pem } = newKey();
    const store = new CaStore(dir, Authority.make(signerOf(key), ports), [pem]);
    await store.#write();
    return store;
  }

  get authority(): Authority {
    return this.#authority;
  }

  /** SHA-256 of its own certificate, in hex: tokens name it. */
  get fingerprint(): string {
    return fingerprintOfPem(this.#authority.parts.root);
  }

  get expiresAtMs(): number {
    return Date.parse(new X509Certificate(this.#authority.parts.root).validTo);
  }

  /**
   * Another key takes the place of the one that issues. Durable once it resolves.
   *
   * @param isTrusted Whether what the ones before it have issued counts on.
   */
  async rotate(isTrusted: boolean): Promise<void> {
    const { key, pem } = newKey();
    const authority = this.#authority.succeededBy(signerOf(key), isTrusted);
    const next = new CaStore(this.#dir, authority, [pem, ...(isTrusted ? this.#keys : [])]);
    await next.#write();
    this.#authority = authority;
    this.#keys = next.#keys;
  }

  async #write(): Promise<void> {
    const { root, retired, crosses } = this.#authority.parts;
    const roots = [root, ...retired.map((each) => each.root)];
    const pairs = roots.flatMap((each, index) => [this.#keys[index] ?? '', each]);
    await writeWhole(join(this.#dir, 'ca.pem'), [...pairs, ...crosses].join(''), 0o600);
    await writeWhole(join(this.#dir, 'ca.crt'), this.#authority.roots, 0o644);
  }
}

export function fingerprintOfPem(pem: string): string {
  return new X509Certificate(pem).fingerprint256.replaceAll(':', '').toLowerCase();
}

/** A P-256 key, and its PEM. */
export function newKey() {
  const { privateKey: key } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  return { key, pem: key.export({ type: 'pkcs8', format: 'pem' }).toString() };
}

/** SPKI, DER. */
export function publicKeyOf(key: KeyObject): Uint8Array {
  return createPublicKey(key).export({ type: 'spki', format: 'der' });
}

/** The blocks of a PEM file, in their order. */
export function pemBlocks(text: string): string[] {
  return text.match(/-----BEGIN ([A-Z0-9 ]+)-----\n[^-]+-----END \1-----\n/g) ?? [];
}

interface Read {
  readonly parts: AuthorityParts;
  readonly keys: readonly string[];
}

async function read(path: string): Promise<Read | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined;
    throw new HoldfastError('HF_DATA_DIR_UNUSABLE', { why: messageOf(cause), cause });
  }
  try {
    const blocks = pemBlocks(text);
    const keys = blocks.filter((block) => block.includes(' PRIVATE KEY-'));
    const certificates = blocks.filter((block) => block.includes(' CERTIFICATE-'));
    const [own, ...retired] = keys.map((key, index) => rootOf(key, certificates[index] ?? ''));
    const crosses = certificates.slice(keys.length);
    if (own !== undefined) return { parts: { ...own, retired, crosses }, keys };
  } catch {
    // Told below, in words for the person who must mend it.
  }
  throw new HoldfastError('HF_STORE_DAMAGED', { why: `${path} holds no key and its certificate` });
}

function rootOf(keyPem: string, root: string): Root {
  const [key, certificate] = [createPrivateKey(keyPem), new X509Certificate(root)];
  if (!certificate.checkPrivateKey(key)) throw new HoldfastError('HF_STORE_DAMAGED');
  return { name: certificate.subject.replace(/^CN=/, ''), signer: signerOf(key), root };
}
