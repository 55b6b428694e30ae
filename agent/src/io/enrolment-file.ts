import { X509Certificate } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { HoldfastError, messageOf } from '@holdfast/protocol';
import type { CertificateLife } from '../core/certificate-life.ts';
import { writeDurably } from './durable-file.ts';

/** What a device was told when it was enrolled. */
export interface Enrolment {
  readonly device: string;
  /** Address of the broker. */
  readonly gateway: string;
  /** PEM: what to trust of it; `null`: what the system trusts. */
  readonly ca: string | null;
  /** PEM: what this device shows there, for its key. */
  readonly certificate: string;
  /** When the gateway issued it, by its own clock; RFC 3339. */
  readonly certifiedAt: string;
  /** URL of the gateway's HTTP API. */
  readonly api: string;
  /**
   * Requests by which its last keys were replaced, oldest first: a gateway whose ledger was set
   * back is asked again. Absent: its key is the first one.
   */
  readonly rotations?: readonly KeyRotation[];
}

/** What a device shows to be known by another key. Bytes are hex. */
export interface KeyRotation {
  readonly device: string;
  readonly publicKey: string;
  readonly next: string;
  readonly nonce: string;
  readonly signature: string;
  readonly proof: string;
}

const pathOf = (dataDir: string): string => join(dataDir, 'identity', 'enrolment.json');

/** `undefined`: the device was not enrolled. @throws HF_KEY_UNUSABLE for a file that is none. */
export function readEnrolment(dataDir: string): Enrolment | undefined {
  const path = pathOf(dataDir);
  if (!existsSync(path)) return undefined;
  try {
    const found = JSON.parse(readFileSync(path, 'utf8')) as Partial<Enrolment>;
    const { ca, device, gateway, certificate, certifiedAt, api } = found;
    const texts = [device, gateway, certificate, certifiedAt, api];
    const isTold = texts.every((each) => typeof each === 'string');
    // Each is there, as the line above says.
    if (isTold && ca !== undefined) return found as Enrolment;
  } catch (cause) {
    throw new HoldfastError('HF_KEY_UNUSABLE', { why: `${path}: ${messageOf(cause)}`, cause });
  }
  throw new HoldfastError('HF_KEY_UNUSABLE', { why: `${path} says no device and gateway` });
}

/** From when to when its certificate is valid; `undefined`: none can be read. Never throws. */
export function certificateLife(dataDir: string): CertificateLife | undefined {
  try {
    const enrolment = readEnrolment(dataDir);
    if (enrolment === undefined) return undefined;
    const fromMs = Date.parse(enrolment.certifiedAt);
    return { fromMs, toMs: Date.parse(new X509Certificate(enrolment.certificate).validTo) };
  } catch {
    return undefined; // What is wrong with the files is told where they are needed.
  }
}

/** Durable once it returns. */
export function writeEnrolment(dataDir: string, enrolment: Enrolment): void {
  writeDurably(pathOf(dataDir), `${JSON.stringify(enrolment, undefined, 2)}\n`, 0o600);
}
