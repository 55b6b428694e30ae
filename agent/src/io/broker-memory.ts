import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { KnownCap } from '../core/uplink-cap.ts';
import type { BrokerMemory } from '../core/uplink-ports.ts';
import { writeDurably } from './durable-file.ts';

/** A broker may have other limits by then. */
const KEEP_MS = 7 * 24 * 60 * 60_000;

/** In which a value in its entry, or a part of one, is to be on the other side. */
const VALUE_S = 5;

/**
 * What a broker was found to take, in `broker.json` of a data directory. It is forgotten after a
 * week, and when the address is another one.
 */
export function openBrokerMemory(dataDir: string, address: string): KnownBroker {
  const path = join(dataDir, 'broker.json');
  let current = read(path, address);
  let bytesPerS = Number.POSITIVE_INFINITY;
  return {
    measured: (rate) => void (bytesPerS = rate),
    linkBytesMax: () => bytesPerS * VALUE_S,
    load: () => current,
    messageBytesMax: () => (current === undefined ? Number.POSITIVE_INFINITY : current.fits),
    save({ fits, fails }) {
      if (!Number.isFinite(fails)) return;
      current = { fits, fails };
      const known: Known = { address, fits, fails, atMs: Date.now() };
      try {
        writeDurably(path, `${JSON.stringify(known)}\n`, 0o600);
      } catch {
        // It is found out again.
      }
    },
  };
}

function read(path: string, address: string): KnownCap | undefined {
  try {
    // Written by `save`; all else is not taken.
    const known = JSON.parse(readFileSync(path, 'utf8')) as Partial<Known>;
    const { fits, fails, atMs } = known;
    const isNumbers = [fits, fails, atMs].every((value) => Number.isSafeInteger(value));
    const isOurs = known.address === address && Date.now() - (atMs ?? 0) < KEEP_MS;
    if (!isNumbers || !isOurs || fits === undefined || fails === undefined) return undefined;
    return { fits, fails };
  } catch {
    return undefined;
  }
}

export interface KnownBroker extends BrokerMemory {
  /** Bytes of a message that it takes for certain; infinite: nothing is known. */
  messageBytesMax(): number;
  /** Bytes that the link to it carries in 5 s, as measured by this process; infinite: not known. */
  linkBytesMax(): number;
}

interface Known extends KnownCap {
  readonly address: string;
  readonly atMs: number;
}
