import { HoldfastError } from '@holdfast/protocol';

/** A handler that asks for a longer pause is tried after this one: an hour. */
export const RETRY_AFTER_MS_MAX = 3_600_000;

function property(error: unknown, name: string): unknown {
  return typeof error === 'object' && error !== null
    ? (error as Readonly<Record<string, unknown>>)[name]
    : undefined;
}

/** Whether another attempt cannot help. */
export function isPermanent(error: unknown): boolean {
  if (error instanceof HoldfastError) return error.retry === 'never';
  return property(error, 'retryable') === false;
}

/** How long the failed side asks to be left alone: 0 to an hour. */
export function retryAfterMsOf(error: unknown): number {
  const asked =
    error instanceof HoldfastError
      ? error.details['retryAfterMs']
      : property(error, 'retryAfterMs');
  if (typeof asked !== 'number' || !(asked > 0)) return 0;
  return Math.min(asked, RETRY_AFTER_MS_MAX);
}

/** What an endpoint answers when the service behind it is not there, or has too much to do. */
const UNAVAILABLE: ReadonlySet<unknown> = new Set([429, 502, 503, 504]);

/**
 * Whether the service as a whole failed, and not only this call: it was not reached, took too long,
 * or asks to be left alone.
 */
export function isUnavailable(error: unknown): boolean {
  if (retryAfterMsOf(error) > 0) return true;
  if (!(error instanceof HoldfastError)) return property(error, 'unavailable') === true;
  if (error.code === 'HF_HANDLER_TIMEOUT') return true;
  if (error.code !== 'HF_HANDLER_UNAVAILABLE') return false;
  const { status } = error.details;
  return status === undefined || UNAVAILABLE.has(status);
}
