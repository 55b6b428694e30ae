import {
  HoldfastError,
  equalBytes,
  keyNameOf,
  rotateStatement,
  unhex,
  type Verify,
} from '@holdfast/protocol';
import type { DeviceRecord, Ledger } from '../ledger.ts';
import type { RenewedView } from './access-views.ts';
import { renewedOf, type RenewalPorts } from './renewal.ts';
import { SharedLimit } from './shared-limit.ts';

/** What a device shows. Bytes are hex. */
export interface RotateRequest {
  readonly device: string;
  /** That the gateway knows the device by. */
  readonly publicKey: string;
  /** That it is to know it by. */
  readonly next: string;
  /** Chosen by the device: the answer is for it alone. */
  readonly nonce: string;
  /** Of `rotateStatement`, by the key that is known. */
  readonly signature: string;
  /** Of the same, by the next one. */
  readonly proof: string;
  /** Network address it came from. */
  readonly from: string;
}

export interface RotationPorts extends Omit<RenewalPorts, 'ledger'> {
  readonly ledger: Pick<Ledger, 'device' | 'awaitKey' | 'keys'>;
  readonly verify: Verify;
  /** The device has decided for a key. */
  readonly rekeyed: (record: DeviceRecord) => void;
}

const perAddress = { what: 'rotation from', failuresMax: 60, windowMs: 5 * 60_000 };
/** It has no use for more. */
const perDevice = { what: 'rotation of', failuresMax: 10, windowMs: 60 * 60_000 };

/**
 * Puts another key of a device in the place of the one that it is known by, which vouches for it.
 * Both count until the device has greeted with the next one: nothing that is lost on the way, and
 * no death of either side, leaves it without a key. What came under the old one stays.
 */
export class Rotation {
  readonly #ports: RotationPorts;
  readonly #ofAddress: SharedLimit;
  readonly #ofDevice: SharedLimit;

  constructor(ports: RotationPorts) {
    this.#ports = ports;
    this.#ofAddress = new SharedLimit(ports, perAddress);
    this.#ofDevice = new SharedLimit(ports, perDevice);
  }

  /**
   * May be asked again. Durable once it resolves, with a certificate for the next key.
   *
   * @throws HF_RENEWAL_REFUSED, HF_DEVICE_REVOKED, HF_ACCESS_LIMITED
   */
  async rotate(request: RotateRequest): Promise<RenewedView> {
    const { audit, certifier } = this.#ports;
    const { device, from } = request;
    await this.#ofAddress.begin(from);
    await this.#check(request);
    await this.#ofAddress.succeeded(from);
    // Counted once it is the device: nobody else uses up what it has.
    await this.#ofDevice.begin(device);
    const subject = { who: `device:${device}`, from, action: 'device.rotate', target: device };
    const next = unhex(request.next);
    const certificate = await audit.record(subject, async () => {
      await this.#await(device, next);
      return certifier.certify(device, next);
    });
    return renewedOf(this.#ports, request, certificate);
  }

  async #check(request: RotateRequest): Promise<void> {
    const { verify, signer, ledger } = this.#ports;
    const { device } = request;
    const [key, next] = [unhex(request.publicKey), unhex(request.next)];
    const change = { nonce: unhex(request.nonce), next, gatewayKey: signer.publicKey };
    const statement = rotateStatement(device, change);
    const isProven =
      verify(key, statement, unhex(request.signature)) &&
      verify(next, statement, unhex(request.proof));
    const record = await ledger.device(device);
    if (record === undefined || !isProven) throw refuse('what is signed does not prove the keys');
    const isRevoked = record.publicKey.byteLength === 0 && record.awaitedKey === '';
    if (isRevoked) throw new HoldfastError('HF_DEVICE_REVOKED', { why: device });
    if (await this.#isOver(device, next)) throw refuse('the next key counts no more');
    if (!this.#counts(record, key) && !this.#counts(record, next)) {
      throw refuse(`${device} is known by another key`);
    }
  }

  /** A request of long ago, which somebody repeats, brings no key back. */
  async #isOver(device: string, next: Uint8Array): Promise<boolean> {
    const name = keyNameOf(this.#ports.sha256, next);
    const known = (await this.#ports.ledger.keys(device)).find(({ key }) => key === name);
    return (known?.revokedAtMs ?? 0) > 0;
  }

  #counts(record: DeviceRecord, key: Uint8Array): boolean {
    const isAwaited = keyNameOf(this.#ports.sha256, key) === record.awaitedKey;
    return isAwaited || equalBytes(key, record.publicKey);
  }

  async #await(device: string, next: Uint8Array): Promise<void> {
    const { ledger, clock, sha256, rekeyed } = this.#ports;
    const record = await ledger.device(device);
    if (record === undefined || this.#counts(record, next)) return;
    const key = keyNameOf(sha256, next);
    const changed = await ledger.awaitKey({ device, key, atMs: clock.nowMs() });
    if (changed !== undefined) rekeyed(changed);
  }
}

function refuse(why: string): HoldfastError {
  return new HoldfastError('HF_RENEWAL_REFUSED', { why });
}
