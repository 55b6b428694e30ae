import {
  connectStatement,
  equalBytes,
  keyNameOf,
  readConnectProof,
  type Sha256,
  type Verify,
} from '@holdfast/protocol';
import type { Ledger } from '../ledger.ts';

export interface AdmissionPorts {
  readonly ledger: Pick<Ledger, 'device'>;
  readonly verify: Verify;
  readonly sha256: Sha256;
  /** Public key of this gateway. */
  readonly publicKey: Uint8Array;
}

/**
 * Tells whether who connects is an enrolled device: the password is a signature by the key that the
 * device is known by, or is to be known by. It is good for this gateway alone.
 */
export function createAdmission(
  ports: AdmissionPorts,
): (device: string, password: string) => Promise<boolean> {
  const { ledger, verify, sha256 } = ports;
  return async (device, password) => {
    const proof = readConnectProof(password);
    const record = await ledger.device(device);
    if (proof === undefined || record === undefined) return false;
    const isOwn = equalBytes(proof.publicKey, record.publicKey);
    const isAwaited = keyNameOf(sha256, proof.publicKey) === record.awaitedKey;
    if (!isOwn && !isAwaited) return false;
    return verify(proof.publicKey, connectStatement(device, ports.publicKey), proof.signature);
  };
}
