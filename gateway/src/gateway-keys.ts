import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { HoldfastError, keyNameOf, messageOf } from '@holdfast/protocol';
import { fingerprintOfPem, pemBlocks } from './io/ca-store.ts';
import { openDataDir } from './io/data-dir.ts';
import { writeWhole } from './io/durable-file.ts';
import { openIdentity } from './io/identity.ts';
import { openKeys, sealKeys, type KeyFiles } from './io/key-bundle.ts';
import { sha256 } from './io/sha256.ts';

const IDENTITY = 'identity/gateway.key';
const AUTHORITY = 'ca/ca.pem';
/** What gateways on one database have in common beside it, and who may read it. */
const shared: Readonly<Record<string, number>> = {
  [IDENTITY]: 0o600,
  [AUTHORITY]: 0o600,
  'ca/ca.crt': 0o644,
};

/** Whose keys they are. */
export interface KeysView {
  readonly schema: 'holdfast.gateway-keys-moved/1';
  /** Where they were written. */
  readonly to: string;
  /** Name of the gateway's key. */
  readonly key: string;
  /** SHA-256 of the certificate of its authority, in hex. */
  readonly authority: string;
}

/**
 * Writes the keys of a gateway to a file that only the passphrase opens. It may run meanwhile.
 *
 * @throws HF_DATA_DIR_MISSING, HF_DATA_DIR_UNUSABLE.
 */
export async function exportKeys(
  dataDir: string,
  { out, passphrase }: { readonly out: string; readonly passphrase: string },
): Promise<KeysView> {
  const files: Record<string, string> = {};
  for (const path of Object.keys(shared)) files[path] = await readOwn(dataDir, path);
  const text = await sealKeys(files, passphrase);
  try {
    await writeFile(out, text, { mode: 0o600, flag: 'wx' });
  } catch (cause) {
    throw new HoldfastError('HF_CONFIG_INVALID', { why: messageOf(cause), cause });
  }
  const { publicKey } = await openIdentity(dataDir);
  return viewOf(files, out, keyNameOf(sha256, publicKey));
}

/**
 * Gives a gateway that does not run the keys of another one, whose place in front of devices it
 * takes. Its directory is made where there is none; one with the same key gets what was changed of
 * the authority since.
 *
 * @throws HF_CONFIG_INVALID for another passphrase, and for a directory with another key: devices
 *   know a gateway by it. HF_STORE_LOCKED while it runs.
 */
export async function importKeys(
  dataDir: string,
  { text, passphrase }: { readonly text: string; readonly passphrase: string },
): Promise<KeysView> {
  const files = await openKeys(text, passphrase);
  const dir = await openDataDir(dataDir, { isNew: true });
  try {
    const known = await readFile(join(dir.path, IDENTITY), 'utf8').catch(() => undefined);
    if (known !== undefined && known !== files[IDENTITY]) {
      const why = `${dataDir} has a key of its own, ${IDENTITY}: devices know it by that`;
      throw new HoldfastError('HF_CONFIG_INVALID', { why });
    }
    for (const [path, mode] of Object.entries(shared)) {
      const target = join(dir.path, path);
      await mkdir(dirname(target), { recursive: true, mode: 0o700 });
      await writeWhole(target, files[path] ?? '', mode);
    }
    const { publicKey } = await openIdentity(dir.path);
    return viewOf(files, dataDir, keyNameOf(sha256, publicKey));
  } finally {
    await dir.release();
  }
}

async function readOwn(dataDir: string, path: string): Promise<string> {
  try {
    return await readFile(join(dataDir, path), 'utf8');
  } catch (cause) {
    const isMissing = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';
    const code = isMissing ? 'HF_DATA_DIR_MISSING' : 'HF_DATA_DIR_UNUSABLE';
    throw new HoldfastError(code, { why: messageOf(cause), cause });
  }
}

function viewOf(files: KeyFiles, to: string, key: string): KeysView {
  const [, certificate = ''] = pemBlocks(files[AUTHORITY] ?? '');
  const authority = fingerprintOfPem(certificate);
  return { schema: 'holdfast.gateway-keys-moved/1', to, key, authority };
}
