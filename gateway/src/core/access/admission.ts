import {
  connectStatement,
  equalBytes,
  keyNameOf,
  readConnectProof,
  type Sha256,
  type Verify,
} from '@holdfast/protocol';
import type { DeviceRecord, Ledger } from '../ledger.ts';

/** What a device has shown when TLS was agreed on. It has the key of it: TLS has seen to that. */
export interface ShownCertificate {
  /** Common name. */
  readonly name: string;
  /** SPKI, DER. */
  readonly publicKey: Uint8Array;
  /** Why it is not to be believed, in words; `undefined`: it is. */
  readonly problem: string | undefined;
}

/** Who connects to a broker as a device. */
export interface Presented {
  readonly device: string;
  readonly password: string;
  /** `undefined`: none was shown. */
  readonly certificate?: ShownCertificate | undefined;
}

export const admissionReasons = ['unknown', 'revoked', 'certificate', 'credentials'] as const;

export interface NotAdmitted {
  readonly reason: (typeof admissionReasons)[number];
  readonly why: string;
}

/** `undefined`: who connects is that device. */
export type Admit = (who: Presented) => Promise<NotAdmitted | undefined>;

export interface AdmissionPorts {
  readonly ledger: Pick<Ledger, 'device'>;
  readonly verify: Verify;
  readonly sha256: Sha256;
  /** Public key of this gateway. */
  readonly publicKey: Uint8Array;
  /** A signature as the password does not do. */
  readonly needsCertificate: boolean;
}

/**
 * Tells whether who connects is an enrolled device: by a certificate of the gateway's authority for
 * the key that the device is known by, or is to be known by, or by a signature of that key as the
 * password, which is good for this gateway alone.
 */
export function createAdmission(ports: AdmissionPorts): Admit {
  const { ledger, verify, sha256, needsCertificate } = ports;
  const counts = (record: DeviceRecord, key: Uint8Array): boolean =>
    equalBytes(key, record.publicKey) || keyNameOf(sha256, key) === record.awaitedKey;
  const isProven = (record: DeviceRecord, password: string): boolean => {
    const proof = readConnectProof(password);
    if (proof === undefined || !counts(record, proof.publicKey)) return false;
    const statement = connectStatement(record.device, ports.publicKey);
    return verify(proof.publicKey, statement, proof.signature);
  };
  return async ({ device, password, certificate }) => {
    const record = await ledger.device(device);
    if (record === undefined) return { reason: 'unknown', why: `${device} was not enrolled` };
    const isRevoked = record.publicKey.byteLength === 0 && record.awaitedKey === '';
    if (isRevoked) return { reason: 'revoked', why: `${device} was revoked` };
    const problem = certificateProblem(record, certificate, counts);
    if (problem === undefined) return undefined;
    if (!needsCertificate && isProven(record, password)) return undefined;
    if (certificate !== undefined) return { reason: 'certificate', why: problem };
    const why = needsCertificate ? problem : 'the password is no signature of its key';
    return { reason: 'credentials', why };
  };
}

function certificateProblem(
  record: DeviceRecord,
  certificate: ShownCertificate | undefined,
  counts: (record: DeviceRecord, key: Uint8Array) => boolean,
): string | undefined {
  if (certificate === undefined) return 'it shows no certificate';
  if (certificate.problem !== undefined) return certificate.problem;
  if (certificate.name !== record.device) return `the certificate is for ${certificate.name}`;
  return counts(record, certificate.publicKey) ? undefined : 'the certificate is for another key';
}
