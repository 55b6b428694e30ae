import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { HoldfastError, messageOf } from '@holdfast/protocol';
import { writeDurably } from './durable-file.ts';

/** What a device was told when it was enrolled. */
export interface Enrolment {
  readonly device: string;
  /** Address of the broker. */
  readonly gateway: string;
  /** PEM: what to trust of it; `null`: what the system trusts. */
  readonly ca: string | null;
}

const pathOf = (dataDir: string): string => join(dataDir, 'identity', 'enrolment.json');

/** `undefined`: the device was not enrolled. @throws HF_KEY_UNUSABLE for a file that is none. */
export function readEnrolment(dataDir: string): Enrolment | undefined {
  const path = pathOf(dataDir);
  if (!existsSync(path)) return undefined;
  try {
    const { device, gateway, ca } = JSON.parse(readFileSync(path, 'utf8')) as Partial<Enrolment>;
    const isWhole = typeof device === 'string' && typeof gateway === 'string' && ca !== undefined;
    if (isWhole) return { device, gateway, ca };
  } catch (cause) {
    throw new HoldfastError('HF_KEY_UNUSABLE', { why: `${path}: ${messageOf(cause)}`, cause });
  }
  throw new HoldfastError('HF_KEY_UNUSABLE', { why: `${path} says no device and gateway` });
}

/** Durable once it returns. */
export function writeEnrolment(dataDir: string, enrolment: Enrolment): void {
  writeDurably(pathOf(dataDir), `${JSON.stringify(enrolment, undefined, 2)}\n`, 0o600);
}
