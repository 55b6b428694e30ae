import { keyNameOf, type Clock, type Sha256, type Signer } from '@holdfast/protocol';
import { makeCertificate, makeCrl, pem, type Host } from './certificate.ts';

const DAY_MS = 86_400_000;
const AUTHORITY_MS = 30 * 365 * DAY_MS;
/** Whoever looks for revoked certificates fetches the list far more often. */
const CRL_MS = 30 * DAY_MS;
/** A device that boots without a clock is in 1970, and is to get through nonetheless. */
const ALWAYS_MS = 0;
const SERIAL_BYTES = 16;

/** A name, a key, and the certificate that it has given itself, in PEM. */
export interface Root {
  readonly name: string;
  readonly signer: Signer;
  readonly root: string;
}

export interface AuthorityParts extends Root {
  /** Those before it, whose certificates still count, the last one first. */
  readonly retired: readonly Root[];
  /** It, as certified by those before it: who knows only one of them gets to it by these. */
  readonly crosses: readonly string[];
}

export interface Issued {
  readonly pem: string;
  readonly serial: Uint8Array;
  readonly toMs: number;
}

export interface AuthorityPorts {
  readonly clock: Pick<Clock, 'nowMs'>;
  readonly sha256: Sha256;
  readonly randomBytes: (length: number) => Uint8Array;
}

/** Issues the certificates of a gateway, its devices and their brokers. Keeps nothing. */
export class Authority {
  readonly parts: AuthorityParts;
  readonly #ports: AuthorityPorts;

  constructor(parts: AuthorityParts, ports: AuthorityPorts) {
    this.parts = parts;
    this.#ports = ports;
  }

  /** A new one with this key. */
  static make(signer: Signer, ports: AuthorityPorts): Authority {
    const name = `Holdfast CA ${keyNameOf(ports.sha256, signer.publicKey).slice(0, 16)}`;
    const none = { name, signer, root: '', retired: [], crosses: [] };
    const root = new Authority(none, ports).#certify(name, signer.publicKey);
    return new Authority({ ...none, root }, ports);
  }

  /** PEM: all that are to be trusted, the one that issues first. */
  get roots(): string {
    return this.#all().map(({ root }) => root).join('');
  }

  /**
   * The one with this key that takes its place: who trusts only this one trusts the next by it.
   *
   * @param isTrusted Whether certificates of this one, and of those before it, count on.
   */
  succeededBy(signer: Signer, isTrusted: boolean): Authority {
    const next = Authority.make(signer, this.#ports);
    const cross = this.#certify(next.parts.name, signer.publicKey);
    const kept = {
      retired: isTrusted ? this.#all() : [],
      crosses: [cross, ...this.parts.crosses],
    };
    return new Authority({ ...next.parts, ...kept }, this.#ports);
  }

  issue(order: {
    readonly name: string;
    readonly publicKey: Uint8Array;
    readonly use: 'server' | 'client';
    readonly lifeMs: number;
    readonly hosts?: readonly Host[];
  }): Issued {
    const { lifeMs, ...subject } = order;
    const serial = this.#serial();
    const toMs = this.#ports.clock.nowMs() + lifeMs;
    const der = this.#make({ ...subject, serial, toMs });
    return { pem: pem('CERTIFICATE', der), serial, toMs };
  }

  /** PEM: a list of what is revoked from each that is trusted. Numbers are no other one's. */
  revocations(revoked: readonly { readonly serial: Uint8Array; readonly atMs: number }[]): string {
    const nowMs = this.#ports.clock.nowMs();
    const order = { number: nowMs, fromMs: nowMs, toMs: nowMs + CRL_MS, revoked };
    const lists = this.#all().map((root) => makeCrl(order, root, this.#ports.sha256));
    return lists.map((der) => pem('X509 CRL', der)).join('');
  }

  #all(): readonly Root[] {
    const { name, signer, root, retired } = this.parts;
    return [{ name, signer, root }, ...retired];
  }

  #certify(name: string, publicKey: Uint8Array): string {
    const toMs = this.#ports.clock.nowMs() + AUTHORITY_MS;
    const order = { serial: this.#serial(), name, publicKey, toMs, use: 'authority' } as const;
    return pem('CERTIFICATE', this.#make(order));
  }

  #make(order: Omit<Parameters<typeof makeCertificate>[0], 'fromMs'>): Uint8Array {
    return makeCertificate({ ...order, fromMs: ALWAYS_MS }, this.parts, this.#ports.sha256);
  }

  #serial(): Uint8Array {
    const serial = this.#ports.randomBytes(SERIAL_BYTES);
    // A number without a leading zero, and never one that is negative.
    serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40;
    return serial;
  }
}
