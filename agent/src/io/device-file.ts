import { open, readFile, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { HoldfastError, isDeviceId } from '@holdfast/protocol';
import { syncFile } from './level-store.ts';

/** Format of the data directory as a whole. */
export const DATA_FORMAT = 1;

/** What `device.json` says: whose directory this is. */
export interface DeviceFile {
  readonly format: number;
  readonly device: string;
  /** RFC 3339. */
  readonly createdAt: string;
  /** Epoch of the last store that was made and is in its place; 0: none yet. */
  readonly epoch: number;
}

export const devicePath = (dir: string): string => join(dir, 'device.json');

/**
 * @returns `undefined` where there is none.
 * @throws HF_STORE_FORMAT, HF_STORE_DAMAGED, and what the system says of a file it cannot read.
 */
export async function readDeviceFile(dir: string): Promise<DeviceFile | undefined> {
  const path = devicePath(dir);
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  });
  return text === undefined ? undefined : parseDeviceFile(path, text);
}

/** Replaces the file; a power cut leaves the old one or the new one. */
export async function writeDeviceFile(dir: string, content: DeviceFile): Promise<void> {
  const path = devicePath(dir);
  const side = `${path}.new`;
  const file = await open(side, 'w', 0o600);
  try {
    await file.writeFile(`${JSON.stringify(content, undefined, 2)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(side, path);
  await syncFile(dirname(path));
}

function parseDeviceFile(path: string, text: string): DeviceFile {
  const { format, device, createdAt, epoch } = parseObject(path, text);
  if (typeof format !== 'number') throw damaged(path, 'it has no format number');
  if (format > DATA_FORMAT) {
    const why = `${path} has format ${format}, and this version knows ${DATA_FORMAT}`;
    throw new HoldfastError('HF_STORE_FORMAT', { why, details: { path, format } });
  }
  if (typeof device !== 'string' || !isDeviceId(device)) throw damaged(path, 'it names no device');
  if (typeof createdAt !== 'string') throw damaged(path, 'it does not say when it was made');
  if (typeof epoch !== 'number' || !Number.isSafeInteger(epoch) || epoch < 0) {
    throw damaged(path, 'it has no epoch');
  }
  return { format, device, createdAt, epoch };
}

function parseObject(path: string, text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw damaged(path, 'it is not JSON', error);
  }
  if (typeof value !== 'object' || value === null) throw damaged(path, 'it is not an object');
  return { ...value };
}

function damaged(path: string, why: string, cause?: unknown): HoldfastError {
  return new HoldfastError('HF_STORE_DAMAGED', { why: `${path}: ${why}`, cause });
}
