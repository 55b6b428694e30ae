import type { SessionsLimits } from './sessions.ts';

export const REPORT_EVERY_MS_DEFAULT = 5_000;

/** What follows from how often devices report. */
export function pacedBy(
  reportEveryMs: number,
): Pick<SessionsLimits, 'reportEveryMs' | 'offlineAfterMs' | 'conflictMs'> {
  // Four reports: the loss of one or two says nothing.
  const offlineAfterMs = 4 * reportEveryMs;
  // Whoever is still there has been heard by then, and whoever has gone is offline.
  return { reportEveryMs, offlineAfterMs, conflictMs: 3 * offlineAfterMs };
}

/** A spread is even only on the average: this much more keeps its busiest second below the rate. */
const SPREAD_MARGIN = 1.25;
const SPREAD_MS_MAX = 15 * 60_000;

/**
 * How long devices spread their coming again over, so that not more of them connect in a second,
 * all together, than the broker and the ledger are to see.
 */
export function spreadMsOf(devices: number, connectsPerS: number): number {
  return Math.min(SPREAD_MS_MAX, Math.ceil((SPREAD_MARGIN * 1_000 * devices) / connectsPerS));
}

/** What devices are told, and what keeps a gateway's memory bounded. */
export const sessionsLimits: Omit<SessionsLimits, 'gateway' | 'publicKey'> = Object.freeze({
  inflightMax: 8,
  ...pacedBy(REPORT_EVERY_MS_DEFAULT),
  reconnectSpreadMs: 0,
  // Two milliseconds of a core for each: its TLS, its signatures, what it missed.
  connectsPerS: 500,
  takesStrangers: true,
  region: '',
  // Twice what a device may have in flight: a resend can meet its original.
  ingestingMax: 16,
  ingestBytesMax: 64 * 1024 * 1024,
  loadingMax: 32,
  commandResendMs: 10_000,
  stuckAfterMs: 60_000,
  tickMs: 1_000,
  // A device that behaves has sixteen batches refused at once, when the ledger is away.
  answers: { count: 8, windowMs: 10_000, closeAt: 64 },
});
