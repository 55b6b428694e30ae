import {
  HoldfastError,
  enrolStatement,
  isDeviceId,
  keyNameOf,
  unhex,
  type Verify,
} from '@holdfast/protocol';
import { rfc3339 } from '../entry-view.ts';
import type { Certifier } from './certifier.ts';
import { acceptDevice, type AcceptPorts } from './accept-device.ts';
import { SharedLimit, type SharedLimitPorts } from './shared-limit.ts';
import type { AuditLog } from './audit-log.ts';
import type { EnrolRow } from './access-rows.ts';
import type { EnrolledView } from './access-views.ts';
import type { Enrolments } from './enrolments.ts';

/** What a device shows. */
export interface EnrolRequest {
  readonly secret: string;
  /** May be left out where the token says it. */
  readonly device?: string | undefined;
  /** SPKI, in hex. */
  readonly publicKey: string;
  /** Of `enrolStatement`, by that key, in hex. */
  readonly signature: string;
  /** Network address it came from. */
  readonly from: string;
}

export interface EnrollPorts extends AcceptPorts, Pick<SharedLimitPorts, 'book'> {
  readonly enrolments: Enrolments;
  readonly audit: AuditLog;
  readonly verify: Verify;
  /** What the device is told. */
  readonly told: () => Pick<EnrolledView, 'publicKey' | 'mqtt' | 'ca'>;
  readonly certifier: Certifier;
}

const perAddress = { what: 'enrolment from', failuresMax: 20, windowMs: 5 * 60_000 };

/**
 * Enrols devices: from then on the gateway knows a device by the key that it showed, before it has
 * connected once. A device that is known already gets another key only by a token for just it.
 */
export class Enroller {
  readonly #ports: EnrollPorts;
  readonly #limit: SharedLimit;

  constructor(ports: EnrollPorts) {
    this.#ports = ports;
    this.#limit = new SharedLimit(ports, perAddress);
  }

  /** @throws HF_ENROLL_REFUSED, HF_ACCESS_LIMITED */
  async enroll(request: EnrolRequest): Promise<EnrolledView> {
    const { enrolments, audit, clock, told, certifier } = this.#ports;
    const { from } = request;
    await this.#limit.begin(from);
    const token = await enrolments.find(request.secret);
    const device = deviceOf(token, request.device);
    const publicKey = this.#proven(request, device);
    const subject = { who: `enrolment:${token.id}`, from, action: 'device.enroll', target: device };
    await audit.record(subject, () => this.#accept(token, device, publicKey));
    await this.#limit.succeeded(from);
    const certificate = await certifier.certify(device, publicKey);
    const at = rfc3339(clock.nowMs()) ?? '';
    return { schema: 'holdfast.enrolled/1', at, device, ...told(), certificate };
  }

  /** The key that is shown, once it is clear that the device has it. */
  #proven({ secret, publicKey, signature }: EnrolRequest, device: string): Uint8Array {
    const { sha256, verify } = this.#ports;
    const [key, signed] = [unhex(publicKey), unhex(signature)];
    const hash = sha256(unhex(secret.slice(secret.indexOf('_') + 1)));
    if (verify(key, enrolStatement(device, hash), signed)) return key;
    throw refuse('what is signed does not prove the key');
  }

  #accept(token: EnrolRow, device: string, publicKey: Uint8Array): Promise<void> {
    const { sha256, enrolments } = this.#ports;
    const who = `${device}/${keyNameOf(sha256, publicKey)}`;
    const accepted = { device, publicKey, tags: token.tags, replaces: token.device !== '' };
    return acceptDevice(this.#ports, accepted, () => enrolments.take(token.id, who));
  }
}

function deviceOf(token: EnrolRow, asked: string | undefined): string {
  const device = token.device === '' ? (asked ?? '') : token.device;
  if (asked !== undefined && asked !== device) throw refuse(`the token is for ${device}`);
  if (isDeviceId(device)) return device;
  throw refuse('neither the token nor the device says which device it is');
}

function refuse(why: string): HoldfastError {
  return new HoldfastError('HF_ENROLL_REFUSED', { why });
}
