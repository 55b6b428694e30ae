import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import type { Verify } from '@holdfast/protocol';

/** Two P-256 keys and one for Ed25519, PKCS #8. They are published, and protect nothing. */
const pkcs8 = {
  device:
    '308187020100301306072a8648ce3d020106082a8648ce3d030107046d306b02010104200862f04f39304949' +
    'c41bf83a725ad6b03e6f34632458b61b839f43a6e23c6f44a144034200040f0143fed7b96551922e910e34db' +
    '60bf7a09e9c0b043b8a4dc156336dca868eb57bc04fd8606a4627d9e2cb8e2f410e8d4617024787085f52fa5' +
    'f210cb3456c8',
  gateway:
    '308187020100301306072a8648ce3d020106082a8648ce3d030107046d306b0201010420dc8212690f42511a' +
    '8d56a85b19e46e3d0c2f5e8766fd7e85448e12c46e1162dba14403420004ec1dc15fbfef71cc3ecf1a488225' +
    '455ba6dbf98d7a36827b541c8b02c50a0d1b5a0c30c5b209843c414f0728031642a8e40d36833b64b6192c2b' +
    '86bbc908eea6',
  ed25519:
    '302e020100300506032b65700422042003650b3e2b0e6d99b51fce74948721b2f03bd383' +
    'a9c2ea6ed624bcf1843244f7',
} as const;

export type KeyName = keyof typeof pkcs8;

function keyOf(name: KeyName) {
  const key = Buffer.from(pkcs8[name], 'hex');
  const privateKey = createPrivateKey({ key, format: 'der', type: 'pkcs8' });
  const publicKey = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
  return { pkcs8: pkcs8[name], privateKey, publicKey: new Uint8Array(publicKey) };
}

export const keys = {
  device: keyOf('device'),
  gateway: keyOf('gateway'),
  ed25519: keyOf('ed25519'),
} as const;

export function signWith(name: KeyName, bytes: Uint8Array, form: 'ieee-p1363' | 'der'): Uint8Array {
  const { privateKey } = keys[name];
  if (name === 'ed25519') return new Uint8Array(sign(null, bytes, privateKey));
  return new Uint8Array(sign('sha256', bytes, { key: privateKey, dsaEncoding: form }));
}

export const verifyAny: Verify = (publicKey, bytes, signature) => {
  const key = createPublicKey({ key: Buffer.from(publicKey), type: 'spki', format: 'der' });
  if (key.asymmetricKeyType === 'ed25519') return verify(null, bytes, key, signature);
  return verify('sha256', bytes, { key, dsaEncoding: 'ieee-p1363' }, signature);
};
