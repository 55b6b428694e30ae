import type { Clock } from '@holdfast/protocol';

/** `setTimeout` takes no more, and fires at once instead. */
const TIMEOUT_MS_MAX = 2 ** 31 - 1;

/** The clock of the machine. What waits here does not keep the process alive. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monoMs: () => performance.now(),
  wakeIn(delayMs, wake) {
    const dueMs = performance.now() + delayMs;
    let timer: NodeJS.Timeout;
    const arm = (): void => {
      const leftMs = Math.max(0, dueMs - performance.now());
      const isLast = leftMs <= TIMEOUT_MS_MAX;
      timer = setTimeout(isLast ? wake : arm, Math.min(leftMs, TIMEOUT_MS_MAX));
      timer.unref();
    };
    arm();
    return () => clearTimeout(timer);
  },
};
