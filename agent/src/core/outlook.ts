import { ROWS_BYTES } from './budget.ts';
import type { LinkState, RatesView } from './views.ts';

/** What is known of a backlog and of how it drains. */
export interface Draining {
  readonly state: LinkState;
  readonly pending: number;
  /** `undefined`: the agent does not run. */
  readonly rates?: RatesView | undefined;
  readonly usualPerS: number | null;
}

/** Below, rates are too short to tell. */
const RATES_MS_MIN = 1_000;

/**
 * How long the link must be there until nothing is pending, ms. While entries are on their way, by
 * the rates of now; before, by the usual one.
 *
 * @returns `null`: nothing is pending, or it is not known.
 */
export function catchUpMs({ state, pending, rates, usualPerS }: Draining): number | null {
  if (pending === 0) return null;
  const isDraining = state === 'syncing';
  if (!isDraining && state !== 'offline' && state !== 'connecting') return null;
  // Just after the connect nothing of it is in the rates yet.
  const isTold = isDraining && rates !== undefined && rates.overMs >= RATES_MS_MIN;
  const perS = isTold && rates.outPerS > 0 ? rates.outPerS - rates.inPerS : usualPerS;
  return perS === null || perS <= 0 ? null : wholeMs((pending / perS) * 1_000);
}

/** However long it is, it is an exact integer. */
function wholeMs(ms: number): number {
  return Math.min(Number.MAX_SAFE_INTEGER, Math.round(ms));
}

/** What is known of the space and of how it is used up. */
export interface Filling {
  readonly state: LinkState;
  readonly nowMs: number;
  /** When the oldest pending entry was journaled; `null`: none is pending, or it is not known. */
  readonly oldestAtMs: number | null;
  readonly pending: number;
  /** Of what is pending. */
  readonly bytes: number;
  /** What may still be journaled until new work is refused; `null`: not known. */
  readonly roomBytes: number | null;
}

/** What was journaled in less says nothing of the days to come. */
const GROWTH_MS_MIN = 10 * 60_000;

/**
 * When the space is used up if as much is journaled as since the oldest pending entry, ms from
 * now. It may take longer: some of what the ledger has can go before.
 *
 * @returns `null`: it does not grow, since what is journaled is acknowledged; or it is not known.
 */
export function fullInMs(space: Filling): number | null {
  const { state, nowMs, oldestAtMs, pending, bytes, roomBytes } = space;
  const isCut = state === 'offline' || state === 'connecting' || state === 'stuck';
  if (!isCut || oldestAtMs === null || roomBytes === null || roomBytes <= 0) return null;
  const overMs = nowMs - oldestAtMs;
  const grownBytes = bytes + pending * ROWS_BYTES;
  if (overMs < GROWTH_MS_MIN || grownBytes <= 0) return null;
  return wholeMs((roomBytes / grownBytes) * overMs);
}
