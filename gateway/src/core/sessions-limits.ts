import type { SessionsLimits } from './sessions.ts';

/** What devices are told, and what keeps a gateway's memory bounded. */
export const sessionsLimits: Omit<SessionsLimits, 'gateway' | 'publicKey'> = Object.freeze({
  inflightMax: 8,
  reportEveryMs: 5_000,
  reconnectSpreadMs: 0,
  // Twice what a device may have in flight: a resend can meet its original.
  ingestingMax: 16,
  ingestBytesMax: 64 * 1024 * 1024,
  loadingMax: 32,
  commandsMax: 8,
  commandResendMs: 10_000,
  conflictMs: 60_000,
  // Four reports: the loss of one or two says nothing.
  offlineAfterMs: 20_000,
  stuckAfterMs: 60_000,
  tickMs: 1_000,
  answers: { count: 8, windowMs: 10_000 },
});
