import { setMaxListeners } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { formatDuration, HoldfastError, messageOf } from '@holdfast/protocol';
import pRetry, { AbortError } from 'p-retry';
import { isPermanent, retryAfterMsOf } from '../core/handler-failure.ts';
import type { Attempts, RepeatPolicy } from '../core/handler-ports.ts';

/**
 * Carries what an attempt threw through p-retry, which by itself decides over `TypeError` and over
 * what is no error at all.
 */
class Failure extends Error {
  override readonly name = 'Failure';
  readonly thrown: unknown;

  constructor(thrown: unknown) {
    super(messageOf(thrown));
    this.thrown = thrown;
  }
}

/** Attempts over p-retry, real timers and abort signals. */
export function createAttempts(): Attempts {
  const stopping = new AbortController();
  // One listener for each pause: hundreds are no leak.
  setMaxListeners(0, stopping.signal);
  const halts = new Set<() => void>();
  let graceTimer: NodeJS.Timeout | undefined;

  return {
    async repeat(policy, attempt) {
      // After the stop there is nothing to repeat; what is left to record is tried once.
      if (stopping.signal.aborted) return attempt(1);
      return repeatUntil(stopping.signal, policy, attempt);
    },
    within(timeoutMs, body) {
      return limited(timeoutMs, body, (halt) => {
        halts.add(halt);
        return () => {
          halts.delete(halt);
          if (halts.size === 0) clearTimeout(graceTimer);
        };
      });
    },
    stop(graceMs) {
      if (stopping.signal.aborted) return;
      stopping.abort(new HoldfastError('HF_GATEWAY_CLOSED'));
      if (halts.size === 0) return;
      graceTimer = setTimeout(() => {
        for (const halt of halts) halt();
      }, graceMs);
    },
  };
}

async function repeatUntil<T>(
  stopped: AbortSignal,
  policy: RepeatPolicy,
  attempt: (number: number) => Promise<T>,
): Promise<T> {
  // A success during the stop is one, though p-retry then rejects.
  let success: { readonly value: T } | undefined;
  const once = async (number: number) => {
    try {
      success = { value: await attempt(number) };
      return success.value;
    } catch (thrown) {
      const failure = new Failure(thrown);
      throw isPermanent(thrown) ? new AbortError(failure) : failure;
    }
  };
  try {
    return await pRetry(once, {
      retries: policy.attempts - 1,
      factor: 2,
      minTimeout: policy.minDelayMs,
      maxTimeout: policy.maxDelayMs,
      randomize: false,
      signal: stopped,
      async onFailedAttempt({ error, retriesLeft, retriesConsumed }) {
        if (retriesLeft === 0 || !(error instanceof Failure)) return;
        const planned = Math.min(policy.minDelayMs * 2 ** retriesConsumed, policy.maxDelayMs);
        const extra = retryAfterMsOf(error.thrown) - planned;
        if (extra > 0) await pause(extra, undefined, { signal: stopped });
      },
    });
  } catch (error) {
    if (success !== undefined) return success.value;
    if (error instanceof Failure) throw error.thrown;
    throw stopped.aborted ? stopped.reason : error;
  }
}

/** Runs the body until it ends, its time is over, or it is halted. */
function limited<T>(
  timeoutMs: number,
  body: (signal: AbortSignal) => Promise<T>,
  onHalt: (halt: () => void) => () => void,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const controller = new AbortController();
    const cutOff = (error: HoldfastError) => {
      // First of all: how the body takes the abort must not become the outcome.
      reject(error);
      release();
      controller.abort(error);
    };
    const timer = setTimeout(() => {
      const why = `no result after ${formatDuration(timeoutMs)}`;
      cutOff(new HoldfastError('HF_HANDLER_TIMEOUT', { why }));
    }, timeoutMs);
    const forget = onHalt(() => cutOff(new HoldfastError('HF_GATEWAY_CLOSED')));
    const release = () => {
      clearTimeout(timer);
      forget();
    };
    body(controller.signal).then(resolve, reject).finally(release);
  });
}
