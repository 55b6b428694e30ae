import { existsSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { HoldfastError, messageOf } from '@holdfast/protocol';
import { writeDeviceKey } from './device-key.ts';
import { syncDirectory, writeDurably } from './durable-file.ts';
import { writeEnrolment, type Enrolment } from './enrolment-file.ts';

/** Another key of a device, with what it was told for it. */
export interface KeyChange {
  /** PEM. */
  readonly key: string;
  readonly enrolment: Enrolment;
}

const pathOf = (dataDir: string): string => join(dataDir, 'identity', 'next.json');

/**
 * Puts another key, and what belongs to it, in the place of the device's. It is one file first:
 * once that is durable the change is made, and whatever cuts it off, `settleKeyChange` ends it.
 */
export function changeKey(dataDir: string, change: KeyChange): void {
  writeDurably(pathOf(dataDir), `${JSON.stringify(change)}\n`, 0o600);
  settleKeyChange(dataDir);
}

/** Ends a change of the key that was cut off, if there is one. @throws HF_KEY_UNUSABLE */
export function settleKeyChange(dataDir: string): void {
  const path = pathOf(dataDir);
  if (!existsSync(path)) return;
  const { key, enrolment } = readChange(path);
  writeDeviceKey(dataDir, key);
  writeEnrolment(dataDir, enrolment);
  rmSync(path, { force: true });
  syncDirectory(dirname(path));
}

function readChange(path: string): KeyChange {
  try {
    const found = JSON.parse(readFileSync(path, 'utf8')) as Partial<KeyChange>;
    const { key, enrolment } = found;
    if (typeof key === 'string' && typeof enrolment?.certificate === 'string') {
      return { key, enrolment };
    }
  } catch (cause) {
    throw new HoldfastError('HF_KEY_UNUSABLE', { why: `${path}: ${messageOf(cause)}`, cause });
  }
  throw new HoldfastError('HF_KEY_UNUSABLE', { why: `${path} has no key of a device` });
}
