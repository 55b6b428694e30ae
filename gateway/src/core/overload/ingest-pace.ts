import type { Clock } from '@holdfast/protocol';

/** As long as a batch may wait for the ledger before those who drain are slowed. */
const WAIT_MS_FREE = 500;
/**
 * Whoever drains waits so many times as long as its batch did beyond that. Where all that drainers
 * have on their way at a time is work for 140 s, a batch then waits 2.8 s, and a live one, which
 * stands in the same queue, no longer [HF-9.17].
 */
const FACTOR = 60;
/** Whoever is slowed finds out before long that the queue is gone. */
const SLOW_MS_MAX = 5 * 60_000;

/** How long a device with a backlog is to wait whose batch waited so long for the ledger. */
export function slowMsAfter(waitedMs: number): number {
  return Math.round(Math.min(SLOW_MS_MAX, FACTOR * Math.max(0, waitedMs - WAIT_MS_FREE)));
}

/** How long what comes for the ledger waits until it is durable there. */
export class LedgerWait {
  readonly #clock: Pick<Clock, 'monoMs'>;
  /** Since when each waits that waits now, oldest first. */
  readonly #waiting = new Set<{ readonly sinceMs: number }>();

  constructor(clock: Pick<Clock, 'monoMs'>) {
    this.#clock = clock;
  }

  /** Of what has waited longest; 0: nothing waits. */
  get ms(): number {
    const [oldest] = this.#waiting;
    return oldest === undefined ? 0 : this.#clock.monoMs() - oldest.sinceMs;
  }

  /** @returns What it resolved with, how long that took, and how many waited then. */
  async of<T>(work: () => Promise<T>): Promise<{
    readonly result: T;
    readonly tookMs: number;
    readonly waiting: number;
  }> {
    const waiting = { sinceMs: this.#clock.monoMs() };
    this.#waiting.add(waiting);
    try {
      const result = await work();
      const tookMs = this.#clock.monoMs() - waiting.sinceMs;
      return { result, tookMs, waiting: this.#waiting.size };
    } finally {
      this.#waiting.delete(waiting);
    }
  }
}
