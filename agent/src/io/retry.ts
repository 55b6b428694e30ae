import pRetry from 'p-retry';
import { delayAfter } from '../core/backoff.ts';
import type { Attempts, AttemptsOptions } from '../core/ports.ts';

/** p-retry hands its pauses to `setTimeout`, which fires a longer one after 1 ms. */
const PAUSE_MS_MAX = 2 ** 31 - 1;

/**
 * What p-retry is given to see instead of what a step threw: it takes a TypeError, and anything
 * that is no Error, for a mistake and would not try again.
 */
class FailedAttempt extends Error {
  override readonly name = 'FailedAttempt';
  readonly number: number;

  constructor(number: number, cause: unknown) {
    super('', { cause });
    this.number = number;
  }
}

/** Ends the attempts without a failure: the caller said stop, or its signal aborted. */
class Ended extends Error {
  override readonly name = 'Ended';
}

/**
 * Attempts over p-retry. Pauses as `delayAfter` says. An aborted signal ends a pause and lets no
 * further attempt begin; an attempt that succeeds after the abort has succeeded.
 */
export const attempts: Attempts = async (run, options) => {
  const told = { failure: undefined as { readonly error: unknown } | undefined };
  try {
    await pRetry((count) => attempt(run, options.first + count - 1), {
      retries: Math.max(0, options.last - options.first),
      minTimeout: firstPauseMs(options),
      maxTimeout: Math.min(options.maxDelayMs, PAUSE_MS_MAX),
      factor: options.factor,
      randomize: false,
      signal: options.abort.signal,
      async onFailedAttempt({ error }) {
        // Otherwise it is the reason of an abort: before the attempt, or after its success.
        if (!(error instanceof FailedAttempt)) throw new Ended();
        const answer = await tell(options, error).catch((failure: unknown) => {
          told.failure = { error: failure };
          throw new Ended();
        });
        if (answer === 'stop') throw new Ended();
      },
    });
  } catch (error) {
    if (told.failure) throw told.failure.error;
    const isExpected = error instanceof Ended || error instanceof FailedAttempt;
    if (!isExpected && !options.abort.signal.aborted) throw error;
  }
};

async function attempt(run: (number: number) => Promise<void>, number: number): Promise<void> {
  try {
    await run(number);
  } catch (error) {
    throw new FailedAttempt(number, error);
  }
}

function tell(options: AttemptsOptions, failed: FailedAttempt): Promise<'retry' | 'stop'> {
  const isLast = failed.number >= options.last;
  const nextDelayMs = isLast ? undefined : delayAfter(options, failed.number);
  return options.onFailed(failed.number, failed.cause, nextDelayMs);
}

/** p-retry counts from its own first attempt: its shortest pause is the one we have come to. */
function firstPauseMs(options: AttemptsOptions): number {
  const grown = options.minDelayMs * options.factor ** (options.first - 1);
  return options.minDelayMs === 0 ? 0 : Math.min(options.maxDelayMs, grown, PAUSE_MS_MAX);
}
