import { X509Certificate } from 'node:crypto';
import {
  codeOf,
  connectStatement,
  messageOf,
  writeConnectProof,
  type Chance,
  type Clock,
  type Dial,
  type LinkEvent,
  type Link,
  type Log,
} from '@holdfast/protocol';
import { isFor } from './ask-certificate.ts';
import {
  deviceKeyPem,
  openDeviceKey,
  openGatewayPin,
  type DeviceSigner,
} from './io/device-key.ts';
import type { HttpProxy } from './core/proxy-address.ts';
import { isOneHost } from './io/broker-address.ts';
import { readEnrolment, type Enrolment } from './io/enrolment-file.ts';
import type { TlsOptions } from './io/broker-socket.ts';
import type { Credentials } from './io/mqtt-dial.ts';
import { renewCertificate } from './renew-certificate.ts';
import { rotateKey } from './rotate-key.ts';

const LOOK_MS = 6 * 60 * 60_000;
const RETRY_MS_MIN = 60_000;
const RETRY_MS_MAX = 60 * 60_000;
/** A refusal that another certificate may turn. */
const refusals: ReadonlySet<string> = new Set(['HF_BROKER_REFUSED', 'HF_GATEWAY_UNTRUSTED']);

export interface CredentialsPorts {
  readonly dataDir: string;
  /** What signs for the device, and is told when its key was replaced. */
  readonly signer: DeviceSigner;
  /** Of the broker that the agent connects to. */
  readonly gateway: string | undefined;
  readonly proxy: HttpProxy | undefined;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly log: Log;
}

/**
 * What an enrolled device shows to the broker, and trusts of it. Its certificate is renewed when
 * two thirds of its time are over, and when the broker does not take the device, or the device the
 * broker: it may have expired, or another authority may be there. Its key is replaced when somebody
 * asks for it.
 */
export class DeviceCredentials {
  readonly #ports: CredentialsPorts;
  readonly #onRenewed: () => void;
  /** So that a fleet which was enrolled in one go does not renew in one go. */
  readonly #spread: number;
  #enrolment: Enrolment | undefined;
  #nextTryMs = 0;
  #pauseMs = RETRY_MS_MIN;
  #isRenewing = false;
  /** The key is replaced, or the certificate renewed, by one at a time. */
  #turn: Promise<unknown> = Promise.resolve();
  #link: Link | undefined;
  #cancel: () => void = () => {};

  /** @param onRenewed The next connection may be let in. */
  constructor(ports: CredentialsPorts, onRenewed: () => void) {
    this.#ports = ports;
    this.#onRenewed = onRenewed;
    this.#spread = ports.chance.next();
    this.#enrolment = readEnrolment(ports.dataDir);
    if (this.#enrolment !== undefined) this.#look();
  }

  close(): void {
    this.#cancel();
    this.#enrolment = undefined;
  }

  /** Whether there is a gateway that may know the device by another key. */
  get isEnrolled(): boolean {
    return this.#enrolment !== undefined;
  }

  /**
   * Has the gateway know the device by another key, see `rotateKey`, and connects with it.
   *
   * @throws as `rotateKey`.
   */
  rotate(): Promise<Enrolment> {
    return this.#alone(async () => {
      const changed = await rotateKey(this.#ports.dataDir, this.#ports.proxy);
      if (this.#enrolment === undefined) return changed;
      this.#enrolment = changed;
      this.#ports.signer.reload();
      this.#ports.log.info('the key was replaced', { device: changed.device });
      // What is said on this connection would be of either key.
      this.#link?.close();
      this.#onRenewed();
      return changed;
    });
  }

  #alone<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work);
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  /** For one connection. */
  get(): Credentials {
    const { dataDir, gateway } = this.#ports;
    const enrolment = this.#enrolment;
    if (enrolment === undefined) return {};
    const { cert, key, ...trust } = deviceTls(dataDir, enrolment);
    const shown = this.#isForKey() ? { ...trust, cert, key } : trust;
    const isThere = gateway !== undefined && isOneHost(enrolment.gateway, gateway);
    const tls = isThere ? shown : undefined;
    return { password: connectProof(dataDir, enrolment.device), tls };
  }

  /** The same dial, which notes what is refused. */
  watch(dial: Dial): Dial {
    return (listen) => {
      const link = dial((event) => {
        listen(event);
        this.#heard(event);
      });
      this.#link = link;
      return link;
    };
  }

  #heard(event: LinkEvent): void {
    if (event.kind === 'down' && refusals.has(event.reason.code)) this.#renew();
  }

  #look(): void {
    this.#cancel = this.#ports.clock.wakeIn(LOOK_MS, () => this.#look(), 'patient');
    if (this.#isDue()) this.#renew();
  }

  #isDue(): boolean {
    if (this.#enrolment === undefined) return false;
    const { certificate, certifiedAt } = this.#enrolment;
    const [fromMs, toMs] = [Date.parse(certifiedAt), validToMs(certificate)];
    const dueMs = fromMs + (toMs - fromMs) * (2 / 3 + this.#spread / 10);
    return this.#ports.clock.nowMs() >= dueMs || !this.#isForKey();
  }

  /** Whether the certificate is for the key: one that was renewed just then may not be. */
  #isForKey(): boolean {
    try {
      const { certificate = '' } = this.#enrolment ?? {};
      return isFor(certificate, this.#ports.signer.publicKey);
    } catch {
      return false;
    }
  }

  #renew(): void {
    const { clock, dataDir, log, proxy } = this.#ports;
    const nowMs = clock.monoMs();
    if (this.#enrolment === undefined || this.#isRenewing || nowMs < this.#nextTryMs) return;
    this.#isRenewing = true;
    this.#nextTryMs = nowMs + this.#pauseMs;
    this.#pauseMs = Math.min(2 * this.#pauseMs, RETRY_MS_MAX);
    const work = async (): Promise<void> => {
      try {
        const renewed = await this.#alone(() => renewCertificate(dataDir, proxy));
        // It may have been closed meanwhile.
        if (this.#enrolment === undefined) return;
        this.#enrolment = renewed;
        log.info('the certificate was renewed', { device: renewed.device });
        this.#onRenewed();
      } catch (error) {
        log.info('the certificate was not renewed', { code: codeOf(error), why: messageOf(error) });
      } finally {
        this.#isRenewing = false;
      }
    };
    void work();
  }
}

function validToMs(certificate: string): number {
  try {
    return Date.parse(new X509Certificate(certificate).validTo);
  } catch {
    return 0; // Whatever it is, a new one is better.
  }
}

/** What an enrolled device trusts and shows: at the gateway that enrolled it, and nowhere else. */
export function deviceTls(dataDir: string, { ca, certificate }: Enrolment): TlsOptions {
  const trust = ca === null ? {} : { ca };
  return { ...trust, cert: certificate, key: deviceKeyPem(dataDir) };
}

/** What the gateway's broker knows an enrolled device by; `undefined`: no gateway is known yet. */
export function connectProof(dataDir: string, device: string): string | undefined {
  const gatewayKey = openGatewayPin(dataDir).load();
  if (gatewayKey === undefined) return undefined;
  const signer = openDeviceKey(dataDir);
  const signature = signer.sign(connectStatement(device, gatewayKey));
  return writeConnectProof({ publicKey: signer.publicKey, signature });
}
