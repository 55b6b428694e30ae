import { keyNameOf, type Clock, type Sha256 } from '@holdfast/protocol';
import type { Issued } from '../certificates/authority.ts';
import type { KeyLedger } from '../key-ledger.ts';

export interface CertifierPorts {
  readonly issue: (device: string, publicKey: Uint8Array) => Issued;
  readonly ledger: Pick<KeyLedger, 'noteCertificate'>;
  readonly sha256: Sha256;
  readonly clock: Pick<Clock, 'nowMs'>;
}

/** Issues certificates of devices, none of which the ledger does not know. */
export class Certifier {
  readonly #ports: CertifierPorts;

  constructor(ports: CertifierPorts) {
    this.#ports = ports;
  }

  /** PEM, once the ledger has it. */
  async certify(device: string, publicKey: Uint8Array): Promise<string> {
    const { issue, ledger, sha256, clock } = this.#ports;
    const { pem, serial, toMs } = issue(device, publicKey);
    const key = keyNameOf(sha256, publicKey);
    const certificate = { serial, toMs };
    await ledger.noteCertificate({ device, key, certificate, atMs: clock.nowMs() });
    return pem;
  }
}
