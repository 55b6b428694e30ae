import type { Clock } from '@holdfast/protocol';
import { delayAfter } from '../core/backoff.ts';
import type { Attempts } from '../core/ports.ts';

/** Attempts in virtual time. */
export function simAttempts(clock: Clock): Attempts {
  return async (run, options) => {
    for (let attempt = options.first; ; attempt += 1) {
      try {
        await run(attempt);
        return;
      } catch (error) {
        const isLast = attempt >= options.last;
        const delayMs = isLast ? undefined : delayAfter(options, attempt);
        const answer = await options.onFailed(attempt, error, delayMs);
        if (answer === 'stop' || delayMs === undefined) return;
        if (options.abort.signal.aborted) return;
        await new Promise<void>((resolve) => clock.wakeIn(delayMs, resolve));
        if (options.abort.signal.aborted) return;
      }
    }
  };
}
