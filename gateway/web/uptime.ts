import type { DeviceBacklogView } from '../src/core/backlog/backlog-views.ts';

const WEEK_MS = 7 * 86_400_000;

/** What tells when a device was there. */
export interface Presence extends Pick<DeviceBacklogView, 'at' | 'since' | 'outages'> {
  readonly firstSeenAt: string | null;
}

export interface Uptime {
  readonly fromMs: number;
  readonly nowMs: number;
  readonly outages: readonly { readonly startMs: number; readonly endMs: number }[];
  /** From 0 to 1. */
  readonly upPart: number;
  readonly longestMs: number;
}

/**
 * How a device was there over the last week, or since the gateway started or met it. `undefined`:
 * that is not known.
 */
export function uptimeOf({ at, since, outages, firstSeenAt }: Presence): Uptime | undefined {
  const nowMs = Date.parse(at);
  if (since === null || firstSeenAt === null) return undefined;
  const fromMs = Math.max(nowMs - WEEK_MS, Date.parse(since), Date.parse(firstSeenAt));
  if (!(fromMs < nowMs)) return undefined;
  const within = outages
    .map(({ from, to }) => ({
      startMs: Math.max(fromMs, Date.parse(from)),
      endMs: to === null ? nowMs : Date.parse(to),
    }))
    .filter(({ startMs, endMs }) => endMs > startMs);
  const lengths = within.map(({ startMs, endMs }) => endMs - startMs);
  const downMs = lengths.reduce((sum, ms) => sum + ms, 0);
  const upPart = Math.max(0, 1 - downMs / (nowMs - fromMs));
  return { fromMs, nowMs, outages: within, upPart, longestMs: Math.max(0, ...lengths) };
}
