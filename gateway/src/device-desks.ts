import { createPublicKey, randomBytes } from 'node:crypto';
import { hex, type Signer, type Verify } from '@holdfast/protocol';
import type { Access } from './core/access/access.ts';
import { Certifier } from './core/access/certifier.ts';
import { Enroller } from './core/access/enroll.ts';
import { Pairings } from './core/access/pairings.ts';
import { Renewal } from './core/access/renewal.ts';
import { Rotation } from './core/access/rotation.ts';
import { createCaDesk, type CaDesk, type CaPorts } from './core/certificates/ca-desk.ts';
import type { DeviceRecord, Ledger } from './core/ledger.ts';
import type { GatewayTls } from './gateway-tls.ts';
import { isSigningKey } from './io/identity.ts';
import { hostOf, isHost } from './io/server-certificate.ts';
import { sha256 } from './io/sha256.ts';
import { systemClock } from './io/system-clock.ts';
import type { BrokerAccess } from './open-broker.ts';

export interface DeskParts {
  readonly access: Access;
  readonly ledger: Ledger;
  readonly signer: Signer;
  readonly verify: Verify;
  readonly tls: GatewayTls;
  readonly broker: Pick<BrokerAccess, 'url' | 'ca'>;
  readonly rekeyed: (record: DeviceRecord) => void;
}

/** What devices ask a gateway for, and what is asked of its authority. */
export interface DeviceDesks {
  readonly enroller: Enroller;
  readonly renewal: Renewal;
  readonly rotation: Rotation;
  readonly pairings: Pairings;
  readonly ca: CaDesk;
}

export function createDesks(parts: DeskParts): DeviceDesks {
  const { access, ledger, signer, verify, tls, broker, rekeyed } = parts;
  const { audit, enrolments } = access;
  const issue = (device: string, publicKey: Uint8Array) => {
    const { deviceLifeMs: lifeMs, ca } = tls;
    return ca.authority.issue({ name: device, publicKey, use: 'client', lifeMs });
  };
  const { book } = access;
  const common = { audit, book, ledger, sha256, verify, clock: systemClock };
  const certifier = new Certifier({ ...common, issue });
  const told = () => {
    return { publicKey: hex(signer.publicKey), mqtt: broker.url, ca: broker.ca() };
  };
  const { publicKey } = signer;
  const answers = { signer, certifier, ca: () => broker.ca() };
  const own = { publicKey, certificate: () => tls.pin() };
  return {
    enroller: new Enroller({ ...common, enrolments, rekeyed, told, certifier }),
    pairings: new Pairings({ ...common, ...own, rekeyed, told, certifier, randomBytes }),
    renewal: new Renewal({ ...common, ...answers }),
    rotation: new Rotation({ ...common, ...answers, rekeyed }),
    ca: caDeskOf({ store: tls.ca, rotate: (isTrusted) => tls.rotate(isTrusted), ledger }),
  };
}

/** What can be asked of the authority of a gateway, whether it runs or not. */
export function caDeskOf(ports: Pick<CaPorts, 'store' | 'rotate' | 'ledger'>): CaDesk {
  return createCaDesk({
    ...{ ...ports, isKey, clock: systemClock },
    hostOf: (name) => (isHost(name) ? hostOf(name) : undefined),
  });
}

function isKey(publicKey: Uint8Array): boolean {
  try {
    const key = createPublicKey({ key: Buffer.from(publicKey), format: 'der', type: 'spki' });
    return isSigningKey(key);
  } catch {
    return false;
  }
}
