import {
  HoldfastError,
  equalBytes,
  hex,
  keyNameOf,
  renewStatement,
  renewedStatement,
  unhex,
  type Clock,
  type Sha256,
  type Signer,
  type Verify,
} from '@holdfast/protocol';
import { rfc3339 } from '../entry-view.ts';
import type { Ledger } from '../ledger.ts';
import type { RenewedView } from './access-views.ts';
import { SharedLimit, type SharedLimitPorts } from './shared-limit.ts';
import type { AuditLog } from './audit-log.ts';
import type { Certifier } from './certifier.ts';

/** What a device shows. Bytes are hex. */
export interface RenewRequest {
  readonly device: string;
  readonly publicKey: string;
  /** Chosen by the device: the answer is for it alone. */
  readonly nonce: string;
  /** Of `renewStatement`, by that key. */
  readonly signature: string;
  /** Network address it came from. */
  readonly from: string;
}

export interface RenewalPorts extends Pick<SharedLimitPorts, 'book'> {
  readonly certifier: Certifier;
  readonly audit: AuditLog;
  readonly ledger: Pick<Ledger, 'device'>;
  readonly sha256: Sha256;
  readonly verify: Verify;
  readonly signer: Signer;
  readonly clock: Pick<Clock, 'nowMs'>;
  /** PEM: what devices are to trust; `null`: what their systems trust. */
  readonly ca: () => string | null;
}

/** Devices of one site may have one address. */
const perAddress = { what: 'renewal from', failuresMax: 60, windowMs: 5 * 60_000 };
/** It has no use for more. */
const perDevice = { what: 'renewal of', failuresMax: 5, windowMs: 60 * 60_000 };

/**
 * Renews certificates of devices by their keys alone: also of those that have expired, and whatever
 * the device makes of the gateway's own. Both sides sign what they say.
 */
export class Renewal {
  readonly #ports: RenewalPorts;
  readonly #ofAddress: SharedLimit;
  readonly #ofDevice: SharedLimit;

  constructor(ports: RenewalPorts) {
    this.#ports = ports;
    this.#ofAddress = new SharedLimit(ports, perAddress);
    this.#ofDevice = new SharedLimit(ports, perDevice);
  }

  /** @throws HF_RENEWAL_REFUSED, HF_DEVICE_REVOKED, HF_ACCESS_LIMITED */
  async renew(request: RenewRequest): Promise<RenewedView> {
    const { audit, certifier } = this.#ports;
    const { device, from } = request;
    await this.#ofAddress.begin(from);
    const publicKey = await this.#proven(request);
    await this.#ofAddress.succeeded(from);
    // Counted once it is the device: nobody else uses up what it has.
    await this.#ofDevice.begin(device);
    const subject = { who: `device:${device}`, from, action: 'device.renew', target: device };
    const certificate = await audit.record(subject, () => certifier.certify(device, publicKey));
    return renewedOf(this.#ports, request, certificate);
  }

  async #proven({ device, publicKey, nonce, signature }: RenewRequest): Promise<Uint8Array> {
    const { ledger, sha256, verify, signer } = this.#ports;
    const record = await ledger.device(device);
    const key = unhex(publicKey);
    const statement = renewStatement(device, unhex(nonce), signer.publicKey);
    const isProven = verify(key, statement, unhex(signature));
    if (record === undefined || !isProven) throw refuse('what is signed does not prove the key');
    const isOwn = equalBytes(key, record.publicKey);
    if (isOwn || keyNameOf(sha256, key) === record.awaitedKey) return key;
    if (record.publicKey.byteLength > 0) throw refuse(`${device} is known by another key`);
    throw new HoldfastError('HF_DEVICE_REVOKED', { why: device });
  }
}

/** What a device is told that has another certificate, signed by the gateway. */
export function renewedOf(
  { clock, sha256, signer, ca }: Pick<RenewalPorts, 'clock' | 'sha256' | 'signer' | 'ca'>,
  { device, nonce }: Pick<RenewRequest, 'device' | 'nonce'>,
  certificate: string,
): RenewedView {
  const trust = ca();
  const told = { nonce: unhex(nonce), certificate, ca: trust };
  const signature = hex(signer.sign(renewedStatement(device, told, sha256)));
  const at = rfc3339(clock.nowMs()) ?? '';
  return { schema: 'holdfast.renewed/1', at, device, certificate, ca: trust, signature };
}

function refuse(why: string): HoldfastError {
  return new HoldfastError('HF_RENEWAL_REFUSED', { why });
}
