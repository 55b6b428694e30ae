import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf, HoldfastError } from '@holdfast/protocol';
import type { Fleet } from '../core/fleet-views.ts';
import { httpFleet } from './http-fleet.ts';
import { usage } from './options.ts';

/** Where a reading command reads from: exactly one of the two. */
export interface SourceOptions {
  readonly url?: URL;
  readonly dataDir?: string;
}

/**
 * Runs a body with the fleet: asks the gateway that runs; opens the ledger itself only when none
 * runs on that data directory, because the ledger has one owner.
 */
export async function withFleet<T>(
  { url, dataDir }: SourceOptions,
  body: (fleet: Fleet) => Promise<T>,
): Promise<T> {
  if (url !== undefined && dataDir !== undefined) {
    throw usage('--url and --data-dir contradict each other');
  }
  if (url !== undefined) return body(httpFleet(url));
  if (dataDir === undefined) throw usage('--url or --data-dir is missing');
  const running = await runningAt(dataDir);
  if (running === undefined) return withStopped(dataDir, body);
  try {
    return await body(httpFleet(running));
  } catch (error) {
    // A killed gateway leaves its address behind. If one runs all the same, the lock says so.
    if (codeOf(error) !== 'HF_GATEWAY_UNREACHABLE') throw error;
    return withStopped(dataDir, body);
  }
}

async function withStopped<T>(dataDir: string, body: (fleet: Fleet) => Promise<T>): Promise<T> {
  const { openStoppedFleet } = await import('../gateway.ts');
  const { fleet, close } = await openStoppedFleet(dataDir);
  try {
    return await body(fleet);
  } finally {
    await close();
  }
}

/** The address in `gateway.json`; `undefined` when no gateway says that it runs. */
async function runningAt(dataDir: string): Promise<URL | undefined> {
  const text = await readFile(join(dataDir, 'gateway.json'), 'utf8').catch(() => undefined);
  if (text === undefined) {
    await access(join(dataDir, 'ledger')).catch(() => {
      throw new HoldfastError('HF_DATA_DIR_MISSING', { why: `${dataDir} has no ledger` });
    });
    return undefined;
  }
  const { http } = parseState(text);
  return typeof http === 'string' && URL.canParse(http) ? new URL(http) : undefined;
}

function parseState(text: string): { readonly http?: unknown } {
  try {
    const state: unknown = JSON.parse(text);
    return typeof state === 'object' && state !== null ? state : {};
  } catch {
    return {}; // Cut off by a power cut; the gateway that wrote it is gone.
  }
}
