import type { BacklogPoint } from './backlog-series.ts';

export const PEAKS = 24;
const HOUR_MS = 3_600_000;

/**
 * The most that was pending in each of the last 24 hours, the oldest first; `null`: in that hour
 * nothing was heard, or it is not known.
 */
export function peaksOf(
  points: readonly BacklogPoint[],
  nowMs: number,
): readonly (number | null)[] {
  const startMs = nowMs - PEAKS * HOUR_MS;
  const peaks = Array.from<number | null>({ length: PEAKS }).fill(null);
  points.forEach(({ atMs, pending, isHeard }, index) => {
    if (!isHeard) return;
    const untilMs = points[index + 1]?.atMs ?? nowMs;
    const first = Math.max(0, Math.floor((atMs - startMs) / HOUR_MS));
    // A point that ends with an hour is none of the next.
    const last = Math.min(PEAKS - 1, Math.ceil((untilMs - startMs) / HOUR_MS) - 1);
    for (let at = first; at <= Math.max(first, last) && at < PEAKS; at += 1) {
      peaks[at] = Math.max(peaks[at] ?? 0, pending);
    }
  });
  return peaks;
}
