import { HoldfastError, durationMs, formatDuration, type Duration } from '@holdfast/protocol';
import { REPORT_EVERY_MS_DEFAULT, pacedBy, sessionsLimits } from './sessions-limits.ts';
import type { SessionsLimits } from './sessions.ts';

const [REPORT_EVERY_MS_MIN, REPORT_EVERY_MS_MAX] = [1_000, 3_600_000];
const CONNECTS_PER_S_MAX = 10_000;

/** How a person paces a fleet. */
export interface PaceOptions {
  readonly reportEvery?: Duration | undefined;
  readonly connectsPerS?: number | undefined;
}

type Pace = ReturnType<typeof pacedBy> & Pick<SessionsLimits, 'connectsPerS'>;

/** @throws HF_CONFIG_INVALID */
export function readPace(options: PaceOptions): Pace {
  const { reportEvery = REPORT_EVERY_MS_DEFAULT } = options;
  const { connectsPerS = sessionsLimits.connectsPerS } = options;
  const everyMs = durationMs(reportEvery);
  if (everyMs < REPORT_EVERY_MS_MIN || everyMs > REPORT_EVERY_MS_MAX) {
    const told = `devices report each 1 s to 1 h, not each ${formatDuration(everyMs)}`;
    throw new HoldfastError('HF_CONFIG_INVALID', { why: told });
  }
  const isPace = Number.isInteger(connectsPerS) && connectsPerS >= 1;
  if (!isPace || connectsPerS > CONNECTS_PER_S_MAX) {
    const told = `1 to ${CONNECTS_PER_S_MAX} devices connect in a second, not ${connectsPerS}`;
    throw new HoldfastError('HF_CONFIG_INVALID', { why: told });
  }
  return { ...pacedBy(everyMs), connectsPerS };
}
