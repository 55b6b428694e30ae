import { setTimeout as pause } from 'node:timers/promises';

/** A network that hiccups is no outage: so many looks in a row have to fail. */
const LOOKS = 3;
const BETWEEN_LOOKS_MS = 250;
const LOOK_MS_MAX = 5_000;

export interface Outage {
  readonly why: string;
  /** RFC 3339. */
  readonly seenAt: string;
}

/** Looks at an endpoint. `undefined`: it answers. */
export async function outageOf(url: string, signal: AbortSignal): Promise<Outage | undefined> {
  let why: string | undefined;
  for (let look = 1; look <= LOOKS; look += 1) {
    why = await faultOf(url, signal);
    if (why === undefined) return undefined;
    if (look < LOOKS) await pause(BETWEEN_LOOKS_MS, undefined, { signal });
  }
  return { why: why ?? 'unknown', seenAt: new Date().toISOString() };
}

/** When the endpoint answers: since when, RFC 3339. */
export async function recoveryOf(url: string, signal: AbortSignal): Promise<string | undefined> {
  return (await faultOf(url, signal)) === undefined ? new Date().toISOString() : undefined;
}

async function faultOf(url: string, signal: AbortSignal): Promise<string | undefined> {
  try {
    const within = AbortSignal.any([signal, AbortSignal.timeout(LOOK_MS_MAX)]);
    const response = await fetch(url, { signal: within });
    await response.body?.cancel();
    return response.ok ? undefined : `it answered ${response.status}`;
  } catch (error) {
    signal.throwIfAborted(); // The agent closes: that says nothing about the endpoint.
    // What went wrong on the wire is the cause; the error itself says only `fetch failed`.
    const cause = error instanceof Error ? (error.cause ?? error) : error;
    return cause instanceof Error ? cause.message : String(cause);
  }
}
