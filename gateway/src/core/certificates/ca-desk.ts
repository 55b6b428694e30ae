import { HoldfastError, unhex, type Clock } from '@holdfast/protocol';
import { rfc3339 } from '../entry-view.ts';
import type { KeyLedger } from '../key-ledger.ts';
import type { Authority } from './authority.ts';
import type { Host } from './certificate.ts';

/** The authority of a gateway. */
export interface CaView {
  readonly schema: 'holdfast.ca/1';
  readonly at: string;
  readonly name: string;
  /** SHA-256 of its certificate, in hex. */
  readonly fingerprint: string;
  readonly expiresAt: string | null;
  /** PEM: its certificate, then those of the ones before it that are trusted. */
  readonly certificates: string;
}

/** A certificate that was issued for a broker, or for the gateway at one. */
export interface CertificateView {
  readonly schema: 'holdfast.certificate/1';
  readonly at: string;
  readonly name: string;
  readonly expiresAt: string | null;
  /** PEM. */
  readonly certificate: string;
  /** PEM: the authority, as `CaView` has it. */
  readonly ca: string;
}

export interface RevocationsView {
  readonly schema: 'holdfast.revocations/1';
  readonly at: string;
  /** How many certificates are revoked that have not expired. */
  readonly count: number;
  /** PEM: a list of them [RFC 5280] from each authority that is trusted, valid for 30 days. */
  readonly crl: string;
}

export interface CertificateWish {
  /** Common name: for a broker that knows clients by it. Not the id of a device. */
  readonly name: string;
  /** SPKI in hex: the private key stays where it was made. */
  readonly publicKey: string;
  /** DNS names and addresses; empty: of a client. */
  readonly hosts: readonly string[];
  readonly lifeMs: number;
}

/** What is asked of, and decided about, the authority of a gateway. */
export interface CaDesk {
  show(): Promise<CaView>;
  /** @param isTrusted Whether what the one before has issued counts on. */
  rotate(isTrusted: boolean): Promise<CaView>;
  /** @throws HF_REQUEST_INVALID; HF_NAME_INVALID for the name of a device. */
  issue(wish: CertificateWish): Promise<CertificateView>;
  revocations(): Promise<RevocationsView>;
}

export interface CaPorts {
  readonly store: {
    readonly authority: Authority;
    readonly fingerprint: string;
    readonly expiresAtMs: number;
  };
  readonly rotate: (isTrusted: boolean) => Promise<void>;
  /** `undefined` for what is no name and no address. */
  readonly hostOf: (name: string) => Host | undefined;
  /** Whether these bytes are a key that certificates are issued for. */
  readonly isKey: (publicKey: Uint8Array) => boolean;
  readonly ledger: Pick<KeyLedger, 'revokedCertificates'> & {
    device(device: string): Promise<unknown>;
  };
  readonly clock: Pick<Clock, 'nowMs'>;
}

export function createCaDesk(ports: CaPorts): CaDesk {
  const { store, ledger, clock } = ports;
  const now = () => rfc3339(clock.nowMs()) ?? '';
  const show = (): CaView => {
    const { authority, fingerprint, expiresAtMs } = store;
    const { roots: certificates, parts } = authority;
    const known = { name: parts.name, fingerprint, expiresAt: rfc3339(expiresAtMs) };
    return { schema: 'holdfast.ca/1', at: now(), ...known, certificates };
  };
  const hostNamed = (name: string): Host => {
    const host = ports.hostOf(name);
    if (host !== undefined) return host;
    const why = `${JSON.stringify(name)} is no host name and no address`;
    throw new HoldfastError('HF_REQUEST_INVALID', { why });
  };
  return {
    show: () => Promise.resolve(show()),
    async rotate(isTrusted) {
      await ports.rotate(isTrusted);
      return show();
    },
    async issue({ name, publicKey, hosts, lifeMs }) {
      if ((await ledger.device(name)) !== undefined) {
        const why = `${name} is a device, which gets its certificate when it is enrolled`;
        throw new HoldfastError('HF_NAME_INVALID', { why });
      }
      const key = unhex(publicKey);
      if (!ports.isKey(key)) {
        const why = 'publicKey is no key for P-256 or Ed25519';
        throw new HoldfastError('HF_REQUEST_INVALID', { why });
      }
      const use = hosts.length > 0 ? 'server' : 'client';
      const subject = { name, publicKey: key, use, hosts: hosts.map(hostNamed) } as const;
      const { pem: certificate, toMs } = store.authority.issue({ ...subject, lifeMs });
      const made = { name, expiresAt: rfc3339(toMs), certificate };
      return { schema: 'holdfast.certificate/1', at: now(), ...made, ca: store.authority.roots };
    },
    async revocations() {
      const revoked = await ledger.revokedCertificates(clock.nowMs());
      const rows = revoked.map(({ serial, revokedAtMs: atMs }) => ({ serial, atMs }));
      const crl = store.authority.revocations(rows);
      return { schema: 'holdfast.revocations/1', at: now(), count: rows.length, crl };
    },
  };
}
