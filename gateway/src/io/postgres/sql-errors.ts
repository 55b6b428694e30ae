import { HoldfastError, codeOf, messageOf } from '@holdfast/protocol';

/**
 * What an error of PostgreSQL, or on the way to it, asks for. `again`: somebody else was at the
 * same rows, and the same may work now. `later`: it cannot be reached or used at the moment.
 * `never`: it will not work however often it is tried.
 */
export type SqlFailure = 'again' | 'later' | 'never';

/** Another transaction was there first: serialization, deadlock, a device that is new twice. */
const AGAIN = new Set(['40001', '40P01', '23505']);

/**
 * Connections, resources, operators, the system, locks, and 25006: connected to one that only
 * reads, as after a failover. 42501 and 28P01 are mended by a person, and then work as they are.
 */
const LATER = /^(?:08|53|57|58|55|28)|^25006$|^25P0[123]$|^42501$/;

const LINK = /terminat|timeout|timed out|closed|ended|not queryable|ECONN|EPIPE|ENOENT|ENOTFOUND/i;

export function failureOf(error: unknown): SqlFailure {
  if (error instanceof HoldfastError) {
    return codeOf(error) === 'HF_LEDGER_UNAVAILABLE' ? 'later' : 'never';
  }
  if (!(error instanceof Error) || error instanceof TypeError) return 'never';
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  if ('severity' in error) return AGAIN.has(code) ? 'again' : LATER.test(code) ? 'later' : 'never';
  if (error instanceof AggregateError || 'errno' in error) return 'later';
  return LINK.test(`${code} ${error.message}`) ? 'later' : 'never';
}

/** In words, also where there are several addresses that did not answer. */
export function whyOf(error: unknown): string {
  if (error instanceof HoldfastError) return error.why ?? error.message;
  if (!(error instanceof AggregateError) || error.message !== '') return messageOf(error);
  return error.errors.map(messageOf).join('; ');
}

/** @throws what the body throws, as an error that a caller of the ledger can act on. */
export async function withSqlErrors<T>(body: () => Promise<T>): Promise<T> {
  try {
    return await body();
  } catch (cause) {
    if (cause instanceof HoldfastError) throw cause;
    const why = whyOf(cause);
    const isLater = failureOf(cause) !== 'never';
    throw new HoldfastError(isLater ? 'HF_LEDGER_UNAVAILABLE' : 'HF_LEDGER_FAILED', { why, cause });
  }
}
