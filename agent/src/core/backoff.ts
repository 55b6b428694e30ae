/** How long to pause between attempts. */
export interface Backoff {
  /** Pause after the first failure, ≥ 0. */
  readonly minDelayMs: number;
  /** Longest pause. */
  readonly maxDelayMs: number;
  /** What each pause is multiplied by for the next, > 0. */
  readonly factor: number;
}

/**
 * Whole milliseconds to pause after attempt number `attempt` (≥ 1) has failed. The same for the
 * same number, before and after a restart.
 */
export function delayAfter(backoff: Backoff, attempt: number): number {
  // 0 times an overflow to infinity would be NaN.
  if (backoff.minDelayMs === 0) return 0;
  const delayMs = backoff.minDelayMs * backoff.factor ** (attempt - 1);
  return Math.round(Math.min(backoff.maxDelayMs, delayMs));
}
