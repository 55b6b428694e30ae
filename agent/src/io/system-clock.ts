import { assert, type Clock } from '@holdfast/protocol';

/** Node fires a longer timeout after 1 ms. */
const TIMEOUT_MS_MAX = 2 ** 31 - 1;

/**
 * The clock of this machine. A wake-up that is awaited keeps the process alive until it came or
 * was cancelled: an agent whose runs all sleep must not end.
 */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monoMs: () => performance.now(),
  wakeIn(delayMs, wake) {
    assert(!Number.isNaN(delayMs), 'a delay is a number');
    const dueMs = performance.now() + delayMs;
    let timeout: NodeJS.Timeout;
    const waitOn = (restMs: number): void => {
      timeout = setTimeout(check, Math.min(Math.max(0, Math.ceil(restMs)), TIMEOUT_MS_MAX));
    };
    const check = (): void => {
      // Also a single timeout may come up to a millisecond early.
      const restMs = dueMs - performance.now();
      if (restMs > 0) waitOn(restMs);
      else wake();
    };
    waitOn(delayMs);
    return () => clearTimeout(timeout);
  },
};
