import { HoldfastError } from '@holdfast/protocol';

export interface AttemptLimits {
  /** Failures in `windowMs` before the next attempt has to wait. */
  readonly failuresMax: number;
  readonly windowMs: number;
}

/** Names that are remembered; beyond it the oldest are forgotten, so that memory stays bounded. */
const NAMES_MAX = 10_000;

interface Failures {
  readonly sinceMs: number;
  readonly count: number;
}

/**
 * Bounds how often something may be tried in vain, by a name, in this process alone: it spares its
 * work. What could be guessed is bounded over all gateways, see `SharedLimit`. Time is given.
 */
export class AttemptLimit {
  readonly #limits: AttemptLimits;
  readonly #failures = new Map<string, Failures>();

  constructor(limits: AttemptLimits) {
    this.#limits = limits;
  }

  /** @throws HF_ACCESS_LIMITED when the next attempt has to wait; `details.retryAfterMs` tells. */
  check(name: string, nowMs: number): void {
    const { windowMs, failuresMax } = this.#limits;
    const known = this.#current(name, nowMs);
    if (known === undefined || known.count < failuresMax) return;
    throw limited(known.count, known.sinceMs + windowMs - nowMs);
  }

  failed(name: string, nowMs: number): void {
    const known = this.#current(name, nowMs) ?? { sinceMs: nowMs, count: 0 };
    this.#failures.delete(name);
    this.#failures.set(name, { ...known, count: known.count + 1 });
    const oldest = this.#failures.keys().next();
    if (this.#failures.size > NAMES_MAX && oldest.done !== true) {
      this.#failures.delete(oldest.value);
    }
  }

  succeeded(name: string): void {
    this.#failures.delete(name);
  }

  #current(name: string, nowMs: number): Failures | undefined {
    const known = this.#failures.get(name);
    const isOver = known !== undefined && nowMs - known.sinceMs >= this.#limits.windowMs;
    return isOver ? undefined : known;
  }
}

export function limited(count: number, retryAfterMs: number): HoldfastError {
  const seconds = Math.ceil(retryAfterMs / 1_000);
  const why = `${count} failed in a row; the next is looked at in ${seconds} s`;
  return new HoldfastError('HF_ACCESS_LIMITED', { why, details: { retryAfterMs } });
}
