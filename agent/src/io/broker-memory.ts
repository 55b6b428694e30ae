import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { KnownCap } from '../core/uplink-cap.ts';
import type { BrokerMemory } from '../core/uplink-ports.ts';
import { writeDurably } from './durable-file.ts';

/** A broker may have other limits by then. */
const KEEP_MS = 7 * 24 * 60 * 60_000;

/** In which a value in its entry, or a part of one, is to be on the other side. */
const VALUE_S = 5;

/** A rate that comes and goes must not wear out the disk. */
const RATE_MS_MIN = 60 * 60_000;

export interface KnownBroker extends BrokerMemory {
  /** Bytes of a message that it takes for certain; infinite: nothing is known. */
  messageBytesMax(): number;
  /** Bytes that the link to it carries in 5 s, as far as was measured; infinite: not known. */
  linkBytesMax(): number;
}

/** What the file holds; what is not there is not known. */
interface Known {
  readonly address: string;
  readonly atMs: number;
  readonly fits?: number | undefined;
  readonly fails?: number | undefined;
  readonly bytesPerS?: number | undefined;
}

/**
 * What a broker was found to take, and the link to carry, in `broker.json` of a data directory. It
 * is forgotten after a week, and when the address is another one.
 *
 * @param nowMs Wall time.
 */
export function openBrokerMemory(
  dataDir: string,
  address: string,
  nowMs: () => number = Date.now,
): KnownBroker {
  const path = join(dataDir, 'broker.json');
  let known = read(path, address, nowMs());
  let cap = capIn(known);
  let bytesPerS = known.bytesPerS ?? Number.POSITIVE_INFINITY;
  let ratedAtMs = Number.NEGATIVE_INFINITY;
  const write = (change: Partial<Known>): void => {
    known = { ...known, ...change, address, atMs: nowMs() };
    try {
      writeDurably(path, `${JSON.stringify(known)}\n`, 0o600);
    } catch {
      // It is found out again.
    }
  };
  return {
    load: () => cap,
    messageBytesMax: () => cap?.fits ?? Number.POSITIVE_INFINITY,
    save({ fits, fails }) {
      if (!Number.isFinite(fails)) return;
      cap = { fits, fails };
      write(cap);
    },
    bytesPerS: () => bytesPerS,
    linkBytesMax: () => bytesPerS * VALUE_S,
    measured(rate) {
      bytesPerS = rate;
      const kept = Number.isFinite(rate) ? rate : undefined;
      if (kept === known.bytesPerS || nowMs() - ratedAtMs < RATE_MS_MIN) return;
      ratedAtMs = nowMs();
      write({ bytesPerS: kept });
    },
  };
}

function capIn({ fits, fails }: Known): KnownCap | undefined {
  return fits === undefined || fails === undefined ? undefined : { fits, fails };
}

/** Written by `write` above; all else is not taken. */
function read(path: string, address: string, nowMs: number): Known {
  const nothing = { address, atMs: nowMs };
  try {
    const found = JSON.parse(readFileSync(path, 'utf8')) as Partial<Known>;
    const { atMs = 0, fits, fails, bytesPerS } = found;
    const isRight = [atMs, fits, fails, bytesPerS].every(
      (value) => value === undefined || (Number.isSafeInteger(value) && value >= 0),
    );
    const isOurs = found.address === address && nowMs - atMs < KEEP_MS;
    return isRight && isOurs ? { address, atMs, fits, fails, bytesPerS } : nothing;
  } catch {
    return nothing;
  }
}
