/**
 * Decides what becomes of an event, and of the subscriber it is for, after an attempt at telling
 * it.
 *
 * An endpoint that cannot be reached says nothing of the event: it is tried again, and all behind
 * it wait, so that nothing is lost in an outage; after three days of that nobody is told any more
 * until a person says so. An endpoint that answers, and does not take the event, has it set aside,
 * so that one event holds up no others; when it takes none of many in a row, it is the endpoint's
 * fault.
 */

export type PostOutcome =
  /** 2xx. */
  | { readonly kind: 'taken' }
  /** It answered that it wants nothing any more: 410. */
  | { readonly kind: 'gone'; readonly status: number; readonly why: string }
  /** It answered something that repeating will hardly change. */
  | { readonly kind: 'refused'; readonly status: number; readonly why: string }
  /** It was not reached, took too long, or asks for a pause. */
  | {
      readonly kind: 'unavailable';
      readonly status: number;
      readonly why: string;
      readonly retryAfterMs: number;
      /** Nothing was sent: it leads where webhooks may not go. */
      readonly isBarred?: boolean;
    };

export interface WebhookHealth {
  /** Of the event at hand. */
  readonly attempts: number;
  readonly failingSinceMs: number;
  readonly refusedInARow: number;
}

export type WebhookNext =
  | { readonly kind: 'taken' }
  | { readonly kind: 'again'; readonly inMs: number }
  /** The event is set aside. */
  | { readonly kind: 'dead' }
  /** The event stays where it is, and nobody is told any more. */
  | { readonly kind: 'disable'; readonly why: string };

const REFUSED_ATTEMPTS = 3;
export const REFUSED_IN_A_ROW_MAX = 20;
export const FAILING_MS_MAX = 3 * 24 * 60 * 60_000;
const PAUSE_MS_MIN = 1_000;
const PAUSE_MS_MAX = 5 * 60_000;
/** Whoever asks for a longer pause is asked again after an hour. */
const RETRY_AFTER_MS_MAX = 3_600_000;

export const healthy: WebhookHealth = { attempts: 0, failingSinceMs: 0, refusedInARow: 0 };

/** @param chance In [0, 1): spreads those who wait for the same endpoint. */
export function afterPost(
  health: WebhookHealth,
  outcome: PostOutcome,
  { nowMs, chance }: { readonly nowMs: number; readonly chance: number },
): { readonly health: WebhookHealth; readonly next: WebhookNext } {
  const attempts = health.attempts + 1;
  const pauseMs = Math.ceil(pauseAfter(attempts) * (0.5 + chance / 2));
  switch (outcome.kind) {
    case 'taken':
      return { health: healthy, next: { kind: 'taken' } };
    case 'gone':
      return { health: { ...health, attempts: 0 }, next: { kind: 'disable', why: outcome.why } };
    case 'refused': {
      const reached = { ...health, failingSinceMs: 0 };
      if (attempts < REFUSED_ATTEMPTS) {
        return { health: { ...reached, attempts }, next: { kind: 'again', inMs: pauseMs } };
      }
      const refusedInARow = health.refusedInARow + 1;
      const after = { ...reached, attempts: 0, refusedInARow };
      if (refusedInARow < REFUSED_IN_A_ROW_MAX) return { health: after, next: { kind: 'dead' } };
      const why = `it took none of ${refusedInARow} events in a row: ${outcome.why}`;
      return { health: { ...after, refusedInARow: 0 }, next: { kind: 'disable', why } };
    }
    case 'unavailable': {
      const failingSinceMs = health.failingSinceMs || nowMs;
      if (nowMs - failingSinceMs >= FAILING_MS_MAX) {
        const why = `it could not be reached for three days: ${outcome.why}`;
        return { health: { ...health, attempts: 0 }, next: { kind: 'disable', why } };
      }
      const inMs = Math.max(pauseMs, Math.min(outcome.retryAfterMs, RETRY_AFTER_MS_MAX));
      return { health: { ...health, attempts, failingSinceMs }, next: { kind: 'again', inMs } };
    }
    default:
      return outcome satisfies never;
  }
}

function pauseAfter(attempts: number): number {
  return Math.min(PAUSE_MS_MAX, PAUSE_MS_MIN * 2 ** Math.min(20, attempts - 1));
}
