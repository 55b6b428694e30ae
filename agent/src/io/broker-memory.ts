import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { KnownCap } from '../core/uplink-cap.ts';
import type { BrokerMemory } from '../core/uplink-ports.ts';
import type { RateMemory } from '../core/usual-rate.ts';
import { writeDurably } from './durable-file.ts';

/** A broker may have other limits by then. */
const KEEP_MS = 7 * 24 * 60 * 60_000;

/** In which a value in its entry, or a part of one, is to be on the other side. */
const VALUE_S = 5;

/** A rate that comes and goes must not wear out the disk. */
const RATE_MS_MIN = 60 * 60_000;
/** What a backlog drains at is never twice the same: what is near is not written. */
const RATE_NEAR = 1.25;

export interface KnownBroker extends BrokerMemory, RateMemory {
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
  readonly entriesPerS?: number | undefined;
}

/**
 * What a broker was found to take, and the link to carry, in `broker.json` of a data directory. It
 * is forgotten when the address is another one, and after a week: all but how fast a backlog was
 * acknowledged, which nothing depends on and which is asked for after a long time without a link.
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
  let { entriesPerS } = known;
  let [ratedAtMs, drainedAtMs] = [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY];
  const write = (change: Partial<Known>): void => {
    known = { ...known, atMs: nowMs(), ...change, address };
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
    entriesPerS: () => entriesPerS,
    drained(rate) {
      entriesPerS = rate;
      const { entriesPerS: kept = 0, atMs } = known;
      const isNear = rate < RATE_NEAR * kept && kept < RATE_NEAR * rate;
      if (isNear || nowMs() - drainedAtMs < RATE_MS_MIN) return;
      drainedAtMs = nowMs();
      // It makes nothing of the rest any younger.
      write({ entriesPerS: rate, atMs });
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
    const { atMs = 0, fits, fails, bytesPerS, entriesPerS } = found;
    const isRight = [atMs, fits, fails, bytesPerS].every(
      (value) => value === undefined || (Number.isSafeInteger(value) && value >= 0),
    );
    const isRate = entriesPerS === undefined || (Number.isFinite(entriesPerS) && entriesPerS > 0);
    if (!isRight || !isRate || found.address !== address) return nothing;
    const isYoung = nowMs - atMs < KEEP_MS;
    return { ...(isYoung ? { address, atMs, fits, fails, bytesPerS } : nothing), entriesPerS };
  } catch {
    return nothing;
  }
}
