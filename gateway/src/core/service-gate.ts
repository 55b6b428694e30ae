/**
 * Decides when an attempt at a service may begin: how many at a time, how many in a time, and
 * whether the service is there at all.
 *
 *              as many failures of the service in a row, of several calls, as are too many
 *   closed ─────────────────────────────────────────────────────────────────────────► open
 *     ▲                                                                 pause over:  │
 *     │  it is answered                                              one attempt     ▼
 *     └──────────────────────────────────────────────────────────────────────── half-open
 *                          the service fails again: open, for twice as long
 *
 * A restart begins closed: what the service is like is found out again in a few attempts.
 */

export interface GateLimits {
  /** Attempts of one service that may be under way at a time. */
  readonly concurrency: number;
  /** Attempts that may begin in a time; a burst may have all of them. `undefined`: any number. */
  readonly rate: { readonly attempts: number; readonly perMs: number } | undefined;
  readonly breaker: {
    /** Failures of the service in a row after which it is left alone. */
    readonly failures: number;
    /** For how long, first; doubled up to the longest each time that it still fails. */
    readonly minPauseMs: number;
    readonly maxPauseMs: number;
  };
}

export type Breaker =
  | { readonly kind: 'closed'; readonly failures: number; readonly failedLast: string }
  | { readonly kind: 'open'; readonly untilMs: number; readonly pauseMs: number }
  | { readonly kind: 'half-open'; readonly probe: string; readonly pauseMs: number };

export interface Gate {
  readonly running: number;
  readonly breaker: Breaker;
  /** The service has asked to be left alone until then. */
  readonly heldUntilMs: number;
  /** Attempts that may begin now, as far as the rate goes, at `tokensAtMs`. */
  readonly tokens: number;
  readonly tokensAtMs: number;
}

const closed: Breaker = { kind: 'closed', failures: 0, failedLast: '' };

export function newGate(limits: GateLimits, nowMs: number): Gate {
  const tokens = limits.rate?.attempts ?? 0;
  return { running: 0, breaker: closed, heldUntilMs: 0, tokens, tokensAtMs: nowMs };
}

export type Turn =
  | { readonly kind: 'begins'; readonly gate: Gate }
  /** `inMs`: nothing changes before that; `undefined`: before another attempt has ended. */
  | { readonly kind: 'waits'; readonly inMs: number | undefined };

/** Whether an attempt at the call named `key` may begin now. */
export function attemptBegins(
  gate: Gate,
  { key, nowMs }: { readonly key: string; readonly nowMs: number },
  limits: GateLimits,
): Turn {
  const { breaker } = gate;
  if (gate.running >= limits.concurrency) return { kind: 'waits', inMs: undefined };
  if (breaker.kind === 'half-open') return { kind: 'waits', inMs: undefined };
  const tokens = tokensOf(gate, nowMs, limits);
  const waitMs = Math.max(
    gate.heldUntilMs - nowMs,
    breaker.kind === 'open' ? breaker.untilMs - nowMs : 0,
    limits.rate === undefined || tokens >= 1
      ? 0
      : ((1 - tokens) * limits.rate.perMs) / limits.rate.attempts,
  );
  if (waitMs > 0) return { kind: 'waits', inMs: Math.ceil(waitMs) };
  const probing: Breaker =
    breaker.kind === 'open'
      ? { kind: 'half-open', probe: key, pauseMs: breaker.pauseMs }
      : breaker;
  return {
    kind: 'begins',
    gate: {
      ...gate,
      running: gate.running + 1,
      breaker: probing,
      tokens: limits.rate === undefined ? 0 : tokens - 1,
      tokensAtMs: nowMs,
    },
  };
}

function tokensOf({ tokens, tokensAtMs }: Gate, nowMs: number, { rate }: GateLimits): number {
  if (rate === undefined) return 0;
  const more = (Math.max(0, nowMs - tokensAtMs) * rate.attempts) / rate.perMs;
  return Math.min(rate.attempts, tokens + more);
}

export interface AttemptEnd {
  readonly key: string;
  readonly nowMs: number;
  /**
   * `answered`: the service is there, whatever it said. `unavailable`: it is not, or not now.
   * `unasked`: it was not reached for another reason.
   */
  readonly outcome: 'answered' | 'unavailable' | 'unasked';
  /** How long it asks to be left alone; 0: it does not. */
  readonly retryAfterMs: number;
}

/** The gate after an attempt that had begun. */
export function attemptEnded(gate: Gate, end: AttemptEnd, limits: GateLimits): Gate {
  const heldUntilMs = Math.max(
    gate.heldUntilMs,
    end.retryAfterMs > 0 ? end.nowMs + end.retryAfterMs : 0,
  );
  const breaker = breakerAfter(gate.breaker, end, limits);
  return { ...gate, running: gate.running - 1, heldUntilMs, breaker };
}

function breakerAfter(
  breaker: Breaker,
  { key, nowMs, outcome }: AttemptEnd,
  { breaker: { failures: most, minPauseMs, maxPauseMs } }: GateLimits,
): Breaker {
  switch (breaker.kind) {
    case 'open':
      // It began before the service failed so often.
      return breaker;
    case 'half-open': {
      const { probe, pauseMs } = breaker;
      if (key !== probe) return breaker;
      if (outcome === 'answered') return closed;
      if (outcome === 'unasked') return { kind: 'open', untilMs: nowMs, pauseMs };
      const longerMs = Math.min(maxPauseMs, 2 * pauseMs);
      return { kind: 'open', untilMs: nowMs + longerMs, pauseMs: longerMs };
    }
    case 'closed': {
      if (outcome === 'unasked') return breaker;
      if (outcome === 'answered') return closed;
      // One call alone that fails again and again says nothing of the service.
      if (breaker.failedLast === key) return breaker;
      const failures = breaker.failures + 1;
      if (failures < most) return { kind: 'closed', failures, failedLast: key };
      return { kind: 'open', untilMs: nowMs + minPauseMs, pauseMs: minPauseMs };
    }
    default:
      return breaker satisfies never;
  }
}
