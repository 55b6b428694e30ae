import { setTimeout as pause } from 'node:timers/promises';
import { HoldfastError } from '@holdfast/protocol';

/**
 * Looks again and again until `look` gives something, or the time is over.
 *
 * @param what What is waited for, for the error. @throws HF_WAIT_TIMEOUT
 */
export async function until<T>(
  what: string,
  look: () => Promise<T | undefined | false>,
  timeoutMs = 60_000,
): Promise<T> {
  const end = performance.now() + timeoutMs;
  for (;;) {
    const seen = await look();
    if (seen !== undefined && seen !== false) return seen;
    if (performance.now() > end) throw new HoldfastError('HF_WAIT_TIMEOUT', { why: what });
    await pause(20);
  }
}

/** GETs JSON. @throws HF_GATEWAY_UNREACHABLE */
export async function getJson<T>(url: string): Promise<T> {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(10_000) });
    if (answer.ok) return (await answer.json()) as T;
    throw new HoldfastError('HF_GATEWAY_UNREACHABLE', { why: `${url} answered ${answer.status}` });
  } catch (cause) {
    if (cause instanceof HoldfastError) throw cause;
    throw new HoldfastError('HF_GATEWAY_UNREACHABLE', { why: url, cause });
  }
}
