import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import {
  Certifier,
  Pairings,
  createVerify,
  openLevelLedger,
  sha256,
  signerOf,
  type PairingsPorts,
} from '@holdfast/gateway/internal';
import {
  hex,
  pairStatement,
  pairingCommitment,
  pairingWords,
  unhex,
  type Signer,
} from '@holdfast/protocol';
import type { ExecutionContext } from 'ava';
import { tempDir } from './temp-dir.ts';

export const newSigner = (): Signer =>
  signerOf(generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey);

type Shared = Pick<PairingsPorts, 'book' | 'clock'>;

/** Two gateways of one key and one ledger at which devices may ask. */
export async function pairingAt(t: ExecutionContext, [here, there]: readonly [Shared, Shared]) {
  const ledger = await openLevelLedger(join(await tempDir(t), 'ledger'), { sha256, isNew: true });
  t.teardown(() => ledger.close());
  const { publicKey } = newSigner();
  const issue = () => ({ pem: 'PEM', serial: Uint8Array.of(1), toMs: 9_000_000 });
  const deskOf = ({ book, clock }: Shared): Pairings =>
    new Pairings({
      ...{ book, clock, ledger, sha256, randomBytes, verify: createVerify() },
      ...{ rekeyed: () => {}, publicKey, certificate: () => 'ab'.repeat(32) },
      certifier: new Certifier({ issue, ledger, sha256, clock }),
      told: () => ({ publicKey: hex(publicKey), mqtt: 'mqtt://gw', ca: null }),
    });
  return { ledger, gatewayKey: publicKey, desks: [deskOf(here), deskOf(there)] as const, ask };
}

/** A device that asks one gateway and shows another its part, as far as what it shows to people. */
export async function ask(
  begins: Pairings,
  reveals: Pairings,
  device = 'pump-1',
  from = '192.0.2.1',
) {
  const [signer, deviceNonce] = [newSigner(), randomBytes(16)];
  const { publicKey: deviceKey } = signer;
  const commitment = pairingCommitment(sha256, { deviceKey, deviceNonce });
  const signature = hex(signer.sign(pairStatement(device, commitment)));
  const keys = { publicKey: hex(deviceKey), commitment: hex(commitment), signature };
  const begun = await begins.begin({ device, from, ...keys });
  const { code } = await reveals.reveal(begun.id, hex(deviceNonce));
  const words = pairingWords(sha256, {
    ...{ deviceKey, deviceNonce, certificate: begun.certificate },
    ...{ gatewayKey: unhex(begun.publicKey), gatewayNonce: unhex(begun.nonce) },
  });
  return { id: begun.id, code, words, deviceKey };
}
